"""Times in seconds and frames of a video, for even and for variable frame rates.

Times count from the video's first frame. Two rules give the frame of a time:

- `shown_from`: a bout from t0 to t1 seconds has the frames whose presentation time is in [t0, t1). Its start is the
  first frame at or after t0, its stop the first frame at or after t1. Files have few decimals: a time that lies less
  than a rounding step after a frame stands for this frame.
- `nearest`: for programs that write down the time of the frame on display. Halfway between two frames, it is the
  earlier one, which is on display until the next.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_i3d.errors import AnnotationError

MILLISECONDS_S = 0.0005
"""Rounding step of times with three decimals: half of the last digit."""
# Times are computed in floating point: this far beyond a border is on it.
_FUZZ_S = 1e-6
_MOST_FRAMES_OF_ROUNDING = 0.3
# Some containers have times in milliseconds, so that steps differ by one.
_CONTAINER_ROUNDING_S = 0.0011
_UNEVEN = 0.01
# Times beyond it are no times of a video.
_MOST_S = 4e9


class FrameClock:
    """The presentation times of a video's frames.

    Parameters
    ----------
    times_s
        Shape (n_frames,), float64: presentation times in seconds, ascending; None: frame k is shown at k / fps.
    fps
        Frames per second, needed without times; with them, the length of the last frame.
    n_frames
        Number of frames; None: not known.

    Raises
    ------
    AnnotationError
        The times are not ascending, or the rate is not positive.
    """

    def __init__(self, times_s: ArrayLike | None = None, fps: float | None = None, n_frames: int | None = None) -> None:
        if fps is not None and not (np.isfinite(fps) and 1e-3 <= fps <= 1e5):
            raise AnnotationError(f"expected frames per second from 0.001 to 100000, found {fps:g}")
        if times_s is None and fps is None:
            raise AnnotationError("expected times of frames or frames per second, found neither")
        self.n_frames = n_frames
        self._times_s: NDArray[np.float64] | None = None
        self._frame_s = 1 / fps if fps else 0.0
        if times_s is not None:
            times = np.asarray(times_s, np.float64).reshape(-1)
            steps = np.diff(times)
            if not len(times) or not np.isfinite(times).all() or (steps <= 0).any():
                raise AnnotationError("expected ascending times of frames, found others")
            self._times_s = times - times[0]
            if len(steps):
                self._frame_s = float(np.median(steps))
            elif not fps:
                raise AnnotationError("expected times of at least two frames, or frames per second")
            self.n_frames = len(times)

    @property
    def frame_s(self) -> float:
        """Length of a frame in seconds; of a variable rate, the median."""
        return self._frame_s

    @property
    def is_even(self) -> bool:
        """Whether the frame rate is constant, but for the rounding of times to milliseconds."""
        if self._times_s is None:
            return True
        allowed_s = max(_CONTAINER_ROUNDING_S, _UNEVEN * self._frame_s)
        return bool(np.abs(np.diff(self._times_s) - self._frame_s).max(initial=0.0) <= allowed_s)

    def shown_from(self, times_s: ArrayLike, rounding_s: float = MILLISECONDS_S) -> NDArray[np.int64]:
        """Return the first frame at or after each time, shape (n,); the number of frames and more beyond the end.

        `rounding_s` is half of the last digit of the times.
        """
        times = _checked(times_s) - min(rounding_s, _MOST_FRAMES_OF_ROUNDING * self._frame_s) - _FUZZ_S
        return self._first_at_or_after(times)

    def nearest(self, times_s: ArrayLike) -> NDArray[np.int64]:
        """Return the frame nearest to each time, shape (n,); the number of frames and more beyond the end."""
        times = _checked(times_s)
        if self._times_s is None:
            return self._first_at_or_after(times - self._frame_s / 2 - _FUZZ_S)
        borders = (self._times_s[1:] + self._times_s[:-1]) / 2
        borders = np.append(borders, self._times_s[-1] + self._frame_s / 2)
        frames = np.searchsorted(borders, times - _FUZZ_S)
        return self._with_beyond(frames, times - self._frame_s / 2 - _FUZZ_S)

    def start_s(self, frames: ArrayLike, fraction: float = 0.0) -> NDArray[np.float64]:
        """Return the presentation times of frames in seconds, shape (n,), or the times at a fraction of their length.

        The frame after the last begins when that ends.
        """
        numbers = np.asarray(frames, np.int64).reshape(-1)
        if self._times_s is None:
            return np.asarray((numbers + fraction) * self._frame_s, np.float64)
        last = len(self._times_s) - 1
        beyond = np.maximum(numbers - last, 0) * self._frame_s
        starts = self._times_s[np.minimum(numbers, last)] + beyond
        steps = np.append(np.diff(self._times_s), self._frame_s)
        return np.asarray(starts + fraction * steps[np.minimum(numbers, last)], np.float64)

    def _first_at_or_after(self, times: NDArray[np.float64]) -> NDArray[np.int64]:
        if self._times_s is None:
            return np.maximum(np.ceil(times / self._frame_s), 0).astype(np.int64)
        return self._with_beyond(np.searchsorted(self._times_s, times), times)

    def _with_beyond(self, frames: NDArray[np.int64], times: NDArray[np.float64]) -> NDArray[np.int64]:
        """Continue the numbers of frames beyond the last at the usual rate."""
        if self._times_s is None:
            return frames
        count = len(self._times_s)
        beyond = np.ceil((times - self._times_s[-1]) / self._frame_s) - 1
        return np.where(frames >= count, count + np.maximum(beyond, 0), frames).astype(np.int64)


def _checked(times_s: ArrayLike) -> NDArray[np.float64]:
    times = np.asarray(times_s, np.float64).reshape(-1)
    wrong = ~((times >= 0) & (times <= _MOST_S))
    if wrong.any():
        raise AnnotationError(f"expected times of 0 seconds and more, found {times[wrong][0]:g}")
    return times
