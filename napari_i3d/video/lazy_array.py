"""Lazy array over a video for image layers: frames are decoded when they are indexed."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import VideoError
from napari_i3d.video.frame_budget import FrameBudget
from napari_i3d.video.frame_cache import FrameCache

if TYPE_CHECKING:
    from napari_i3d.video.decoder import Frame
    from napari_i3d.video.video import Video

LARGEST_BYTES = 1 << 28
"""Largest amount read at once: a whole video does not fit into memory."""

_GRAY, _DARK_GRAY = 96, 72


class VideoArray:
    """A video as an array, (T, H, W, 3) uint8, for viewers; indexing returns read-only numpy arrays.

    A frame that cannot be read is shown as a gray image with a cross, so that the viewer keeps working, and
    `on_failure` is called once. For computations use `frame` or the `Video` itself, which raise.

    Parameters
    ----------
    video, budget
        The video, and the memory for cached frames; None: a budget of its own.
    on_failure
        Called with one line when a frame cannot be read: the first time, and when the file is missing.
    on_too_much
        Called when a viewer requests more than `LARGEST_BYTES`. It gets a single pixel instead of an error, which
        napari could only show with a traceback.
    """

    def __init__(
        self,
        video: "Video",
        budget: FrameBudget | None = None,
        on_failure: Callable[[str], None] | None = None,
        on_too_much: Callable[[], None] | None = None,
    ) -> None:
        self.video = video
        self.shape = video.shape
        self.dtype = video.dtype
        self.cache = FrameCache(video, budget)
        self._on_failure = on_failure
        self._on_too_much = on_too_much
        self._reported: set[bool] = set()

    @property
    def ndim(self) -> int:
        """Four."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Size of all frames in bytes."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __deepcopy__(self, _: dict[int, Any]) -> "VideoArray":
        """Return the same, immutable array: napari copies the data of a duplicated layer."""
        return self

    def __repr__(self) -> str:
        return f"<VideoArray of {self.video!r}>"

    def __getitem__(self, item: Any) -> NDArray[np.uint8]:
        """Return a part, indexed like a numpy array; raise `VideoError` if it is larger than `LARGEST_BYTES`."""
        item = item if isinstance(item, tuple) else (item,)
        if item and item[0] is Ellipsis:
            item = (slice(None),) * (self.ndim - len(item) + 1) + item[1:]
        first: Any = item[0] if item else slice(None)
        rest = item[1:]
        if isinstance(first, int | np.integer):
            frame: NDArray[np.uint8] = self._shown(self._number(int(first)))[rest]
            return frame
        numbers = np.arange(len(self))[first]
        if len(numbers) * math.prod(self.shape[1:]) > LARGEST_BYTES:
            # Viewers index all axes but the colors.
            if self._on_too_much is None or len(item) != self.ndim - 1:
                raise self._too_much(len(numbers))
            self._on_too_much()
            return np.zeros((*(1 for part in item if isinstance(part, slice)), self.shape[-1]), self.dtype)
        frames = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        for place, number in enumerate(numbers.tolist()):
            frames[place] = self._shown(number)
        return frames[(slice(None), *rest)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all frames; raise `VideoError` if they take more than `LARGEST_BYTES`."""
        return np.asarray(self[:], dtype=dtype)

    def frame(self, number: int) -> "Frame":
        """Return a frame, (H, W, 3) uint8, read-only; raise `VideoError` if it cannot be read."""
        return self.cache.frame(self._number(number))

    def is_kept(self, number: int) -> bool:
        """Return whether a frame is in memory, so that `frame` returns it at once."""
        return number in self.cache

    def release(self) -> None:
        """End ffmpeg and the background thread and drop all frames; reading a frame starts them again."""
        self.cache.release()

    def _number(self, number: int) -> int:
        if not -len(self) <= number < len(self):
            raise IndexError(f"expected a frame from 0 to {len(self) - 1}, found {number}")
        return number % len(self)

    def _too_much(self, frames: int) -> VideoError:
        return VideoError(
            f"{self.video.path.name}: expected a request for at most {LARGEST_BYTES >> 20} MB at once, found one for "
            f"{frames} frames",
            hint="ask for fewer, or take them one by one from Video.frames",
        )

    def _shown(self, number: int) -> "Frame":
        try:
            return self.cache.frame(number)
        except VideoError as error:
            self._report(str(error))
            return no_image(*self.shape[1:3])

    def _report(self, message: str) -> None:
        gone = not self.video.path.exists()
        if self._on_failure is not None and gone not in self._reported:
            self._reported.add(gone)
            self._on_failure(f"{message}. Frames that cannot be read are shown as a gray image with a cross.")


def no_image(height: int, width: int) -> "Frame":
    """Return the image shown for an unreadable frame: gray with a cross, (height, width, 3) uint8."""
    row, column = np.mgrid[:height, :width]
    across = np.abs(row * (width - 1) - column * (height - 1))
    mirrored = np.abs(row * (width - 1) - (width - 1 - column) * (height - 1))
    on_cross = np.minimum(across, mirrored) <= max(height, width) * 3
    image = np.where(on_cross, np.uint8(_DARK_GRAY), np.uint8(_GRAY))
    return np.repeat(image[..., None], 3, axis=2)
