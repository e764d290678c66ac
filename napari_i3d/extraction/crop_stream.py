"""Decode and crop in threads beside the network: each needed frame once, each crop once."""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from napari_i3d.backbones.registry import I3D
from napari_i3d.extraction.crops import Cropper
from napari_i3d.extraction.planning.chunks import TrackletChunks, join_ranges, needed_frames
from napari_i3d.extraction.planning.shards import Shard
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.individuals import Id
from napari_i3d.video.background import background_frames, median_background
from napari_i3d.video.video import Video

# Shorter ranges of unneeded frames are decoded through; longer ones are skipped by seeking.
_SKIP_FRAMES = 100
# About 10 MB of crops; a frame is never divided.
_BATCH_CROPS = 16
_AHEAD_BYTES = 32 << 20
"""Size of the items of one thread that wait for the reader, from which on it makes no more."""

T = TypeVar("T")

Background = NDArray[np.uint8] | None
"""(H, W) uint8, the median gray image of the video; None without background subtraction."""


def background_of(video: Video, settings: ExtractionSettings) -> Background:
    """Return the background of a video if the settings subtract it; `VideoError` if a sampled frame is damaged."""
    if not settings.subtract_background:
        return None
    return median_background(video[int(frame)] for frame in background_frames(len(video)))


@dataclass(frozen=True, eq=False)
class FrameCrop:
    """A crop of a tracklet's frame."""

    chunks: TrackletChunks  # of the tracklet; at least one contains the frame
    frame: int
    crop: torch.Tensor  # (3, H, W) float32, from `Cropper.crop`; the same tensor again while its content is the same
    repeats: bool = False  # whether the chunk that ends here has the same crops as the chunk before it in the shard


@dataclass(frozen=True, eq=False)
class CropBatch:
    """Crops of a shard, in frame order; `last` marks the shard's last batch."""

    shard: Shard
    crops: tuple[FrameCrop, ...]
    last: bool

    @property
    def n_bytes(self) -> int:
        """Size of the crops."""
        return sum(crop.crop.nbytes for crop in self.crops)


class _OpenShard:
    """A shard whose frames are being decoded: finds the tracklets in each frame, collects crops into batches.

    Batches depend on the shard alone, so that it is always computed in the same steps.
    """

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self._last_frame = shard.last_frame
        self._waiting = sorted(shard.chunks, key=lambda chunks: chunks.first_frame, reverse=True)
        self._active: list[TrackletChunks] = []
        self._same_since: dict[Id, tuple[torch.Tensor, int]] = {}  # the last crop, and the first frame that has it
        self._crops: list[FrameCrop] = []
        self._batches: list[CropBatch] = []
        self.complete = False

    def tracklets_in(self, number: int) -> list[TrackletChunks]:
        """Return the tracklets that need a frame; called in ascending order of frames."""
        while self._waiting and self._waiting[-1].first_frame <= number:
            self._active.append(self._waiting.pop())
        self._active = [chunks for chunks in self._active if chunks.last_frame >= number]
        return [chunks for chunks in self._active if chunks.need(number)]

    def add(self, chunks: TrackletChunks, number: int, crop: torch.Tensor) -> None:
        """Add the crop of a frame."""
        last, since = self._same_since.get(chunks.id, (None, number))
        if crop is not last:
            since = number
        self._same_since[chunks.id] = crop, since
        start = number - I3D.chunk_frames + 1
        # The chunk before must have begun with this crop too, so that both have no other.
        repeats = since < start and chunks.has_start(start) and chunks.has_start_in(since, start)
        self._crops.append(FrameCrop(chunks, number, crop, repeats))
        if number == chunks.last_needed:
            del self._same_since[chunks.id]

    def end_frame(self, number: int) -> None:
        """Note that all crops of a frame have been added."""
        self.complete = number >= self._last_frame
        if len(self._crops) >= _BATCH_CROPS or self.complete:
            self._batches.append(CropBatch(self.shard, tuple(self._crops), last=self.complete))
            self._crops = []

    def pop_batches(self) -> list[CropBatch]:
        """Remove and return the complete batches."""
        batches, self._batches = self._batches, []
        return batches


def stream_crops(
    video: Video, shards: Sequence[Shard], background: Background = None, threads: int | None = None
) -> Generator[CropBatch, None, None]:
    """Decode the frames of shards of one job, and yield crops of one shard after the other, in frame order.

    Frames that consecutive shards share are decoded and cropped once, and kept for the later shard until the earlier
    is complete. Some shards of the job may be missing. `threads` decode; None: ffmpeg chooses. `VideoError` is raised
    if a needed frame is damaged.
    """
    if not shards:
        return
    cropper = _FrameCropper(Cropper(shards[0].settings, background))
    waiting, opened = iter(shards), deque[_OpenShard]()
    coming = next(waiting, None)
    stretches = (stretch for shard in shards for stretch in needed_frames(shard.chunks, _SKIP_FRAMES))
    for first, stop in join_ranges(stretches, _SKIP_FRAMES):
        for number, frame in enumerate(video.frames(first, stop, threads), start=first):
            while coming is not None and coming.first_frame <= number:
                opened.append(_OpenShard(coming))
                coming = next(waiting, None)
            cropper.crop(frame, number, opened)
            while opened:
                yield from opened[0].pop_batches()
                if not opened[0].complete:
                    break
                opened.popleft()


@dataclass(frozen=True, eq=False)
class _Cropped:
    """A crop, and the pixels that it was made from."""

    image: torch.Tensor
    box: NDArray[np.int64]
    crop: torch.Tensor

    def is_of(self, image: torch.Tensor, box: NDArray[np.int64]) -> bool:
        """Return whether a box of an image, (3, H, W) on the CPU, holds the same pixels."""
        left, upper, right, lower = box.tolist()
        if self.box.tolist() != [left, upper, right, lower]:
            return False
        before, now = self.image.numpy(), image.numpy()
        middle = (upper + lower) // 2
        some = np.s_[:, middle, left:right:8]  # differ in nearly all videos: the rest costs no time there
        if before[some].tobytes() != now[some].tobytes():
            return False
        whole = np.s_[:, upper:lower, left:right]
        return np.array_equal(before[whole], now[whole])


class _FrameCropper:
    """Crops frames for shards, each box once; a crop with the pixels of the frame before is not made again."""

    def __init__(self, cropper: Cropper) -> None:
        self._cropper = cropper
        self._before: dict[Id, _Cropped] = {}  # of the last frame that was cropped, and of no others, which are large

    def crop(self, frame: NDArray[np.uint8], number: int, opened: Iterable[_OpenShard]) -> None:
        """Crop a frame for all tracklets that need it, and add the crops to their shards."""
        image: torch.Tensor | None = None
        cropped: dict[Id, _Cropped] = {}
        for shard in opened:
            for chunks in shard.tracklets_in(number):
                if chunks.id not in cropped:
                    image = self._cropper.image(frame) if image is None else image
                    box = shard.shard.boxes[chunks.id][number - chunks.first_frame]
                    cropped[chunks.id] = self._crop(image, box, self._before.get(chunks.id))
                shard.add(chunks, number, cropped[chunks.id].crop)
            shard.end_frame(number)
        self._before = cropped or self._before

    def _crop(self, image: torch.Tensor, box: NDArray[np.int64], before: _Cropped | None) -> _Cropped:
        crop = before.crop if before and before.is_of(image, box) else self._cropper.crop(image, box)
        return _Cropped(image, box, crop)


class _Ahead(Generic[T]):
    """Items that threads have made, in order of arrival, until the reader takes them."""

    def __init__(self, n_sources: int, limit: int, size_of: Callable[[T], int]) -> None:
        self._limit, self._size_of = limit, size_of
        self._change = threading.Condition()
        self._arrived: deque[tuple[int, T] | Future[None]] = deque()
        self._sizes = [0] * n_sources  # of the items of each source that wait for the reader
        self._ended = False
        self._making = n_sources

    def make(self, number: int, source: Generator[T, None, None]) -> None:
        """Take items from a source until it ends, or the reader does; wait while enough of them are here."""
        with contextlib.closing(source):
            for item in source:
                with self._change:
                    self._arrived.append((number, item))
                    self._sizes[number] += self._size_of(item)
                    self._making -= 1
                    self._change.notify_all()
                    self._change.wait_for(lambda: self._ended or self._sizes[number] < self._limit)
                    self._making += 1
                    if self._ended:
                        return

    def add_end(self, made: "Future[None]") -> None:
        """Note that a thread has ended, after its items."""
        with self._change:
            self._making -= 1
            self._arrived.append(made)
            self._change.notify_all()

    def take(self) -> "tuple[int, T] | Future[None]":
        """Wait for the next item, with the number of its source, or the end of a thread."""
        with self._change:
            self._change.wait_for(lambda: self._arrived)
            return self._arrived.popleft()

    def free(self, number: int, item: T) -> None:
        """Note that the reader is done with an item."""
        with self._change:
            self._sizes[number] -= self._size_of(item)
            self._change.notify_all()

    def end(self) -> bool:
        """End all threads at their next item; return whether any is making one."""
        with self._change:
            self._ended = True
            self._arrived.clear()
            self._change.notify_all()
            return self._making > 0


def run_ahead(
    sources: Sequence[Generator[T, None, None]],
    size_of: Callable[[T], int],
    abandon: Callable[[], object] | None = None,
    limit: int = _AHEAD_BYTES,
) -> Generator[tuple[int, T], None, None]:
    """Yield the items of generators, each with the number of its generator, while a thread for each makes the next.

    Items of one generator come in order. Its next item is made while those that wait have less than `limit` in all, by
    `size_of`. When this generator ends, in whatever way, `sources` and the threads have ended. `abandon` is called if
    it ends first, to interrupt the items in progress by closing their input.
    """
    ahead = _Ahead(len(sources), limit, size_of)
    with contextlib.ExitStack() as threads:
        try:
            for number, source in enumerate(sources):
                thread = threads.enter_context(ThreadPoolExecutor(1, thread_name_prefix="decoding and cropping"))
                _limit_to_one_core(thread)
                thread.submit(ahead.make, number, source).add_done_callback(ahead.add_end)
            running = len(sources)
            while running:
                arrived = ahead.take()
                if isinstance(arrived, Future):
                    arrived.result()
                    running -= 1
                    continue
                ahead.free(*arrived)
                yield arrived
        finally:
            if ahead.end() and abandon is not None:
                abandon()


def _limit_to_one_core(thread: ThreadPoolExecutor) -> None:
    """Keep torch in a thread from using more threads, which would wait for the cores that ffmpeg and network use.

    torch's setting is of the thread that makes it, and of threads that are still to start: the caller's is set again.
    """
    n_threads = torch.get_num_threads()
    thread.submit(torch.get_num_threads).result()  # a thread's first call of torch takes the setting for new threads
    thread.submit(torch.set_num_threads, 1).result()
    torch.set_num_threads(n_threads)
