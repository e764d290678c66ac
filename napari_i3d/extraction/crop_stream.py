"""Decode and crop in a thread beside the network: each needed frame once, each crop once."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

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
    crop: torch.Tensor  # (3, H, W) float32, from `Cropper.crop`


@dataclass(frozen=True, eq=False)
class CropBatch:
    """Crops of a shard, in frame order; `last` marks the shard's last batch."""

    shard: Shard
    crops: tuple[FrameCrop, ...]
    last: bool


class _OpenShard:
    """A shard whose frames are being decoded: finds the tracklets in each frame, collects crops into batches.

    Batches depend on the shard alone, so that it is always computed in the same steps.
    """

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self._last_frame = shard.last_frame
        self._waiting = sorted(shard.chunks, key=lambda chunks: chunks.first_frame, reverse=True)
        self._active: list[TrackletChunks] = []
        self._crops: list[FrameCrop] = []
        self._batches: list[CropBatch] = []
        self.complete = False

    def tracklets_in(self, number: int) -> list[TrackletChunks]:
        """Return the tracklets that need a frame; called in ascending order of frames."""
        while self._waiting and self._waiting[-1].first_frame <= number:
            self._active.append(self._waiting.pop())
        self._active = [chunks for chunks in self._active if chunks.last_frame >= number]
        return [chunks for chunks in self._active if chunks.need(number)]

    def add(self, crops: list[FrameCrop], number: int) -> None:
        """Add the crops of a frame."""
        self._crops += crops
        self.complete = number >= self._last_frame
        if len(self._crops) >= _BATCH_CROPS or self.complete:
            self._batches.append(CropBatch(self.shard, tuple(self._crops), last=self.complete))
            self._crops = []

    def pop_batches(self) -> list[CropBatch]:
        """Remove and return the complete batches."""
        batches, self._batches = self._batches, []
        return batches


def stream_crops(
    video: Video, shards: Sequence[Shard], background: Background = None
) -> Generator[CropBatch, None, None]:
    """Decode the frames of shards of one job, and yield crops of one shard after the other, in frame order.

    Frames that consecutive shards share are decoded and cropped once, and kept for the later shard until the earlier
    is complete. Some shards of the job may be missing. `VideoError` is raised if a needed frame is damaged.
    """
    if not shards:
        return
    cropper = Cropper(shards[0].settings, background)
    waiting, opened = iter(shards), deque[_OpenShard]()
    coming = next(waiting, None)
    stretches = (stretch for shard in shards for stretch in needed_frames(shard.chunks, _SKIP_FRAMES))
    for first, stop in join_ranges(stretches, _SKIP_FRAMES):
        for number, frame in enumerate(video.frames(first, stop), start=first):
            while coming is not None and coming.first_frame <= number:
                opened.append(_OpenShard(coming))
                coming = next(waiting, None)
            _crop_frame(frame, number, opened, cropper)
            while opened:
                yield from opened[0].pop_batches()
                if not opened[0].complete:
                    break
                opened.popleft()


def _crop_frame(frame: NDArray[np.uint8], number: int, opened: deque[_OpenShard], cropper: Cropper) -> None:
    """Crop a frame for all tracklets that need it, once each, and add the crops to their shards."""
    image: torch.Tensor | None = None
    crops: dict[Id, torch.Tensor] = {}
    for shard in opened:
        shard_crops = []
        for chunks in shard.tracklets_in(number):
            if chunks.id not in crops:
                image = cropper.image(frame) if image is None else image
                box = shard.shard.boxes[chunks.id][number - chunks.first_frame]
                crops[chunks.id] = cropper.crop(image, box)
            shard_crops.append(FrameCrop(chunks, number, crops[chunks.id]))
        shard.add(shard_crops, number)


def run_ahead(items: Generator[T, None, None], abandon: Callable[[], object] | None = None) -> Generator[T, None, None]:
    """Yield the items of a generator while a thread makes the next item, and no more than that one.

    When this generator ends, in whatever way, `items` and the thread have ended. `abandon` is called if it ends first,
    to interrupt the item in progress by closing its input.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="decoding and cropping") as thread:
        _limit_to_one_core(thread)
        ahead = thread.submit(next, items, None)
        try:
            while (item := ahead.result()) is not None:
                ahead = thread.submit(next, items, None)
                yield item
        finally:
            if abandon is not None and not ahead.done():
                abandon()
            wait([ahead])
            items.close()


def _limit_to_one_core(thread: ThreadPoolExecutor) -> None:
    """Keep torch in a thread from using more threads, which would wait for the cores that ffmpeg and network use.

    torch's setting is of the thread that makes it, and of threads that are still to start: the caller's is set again.
    """
    n_threads = torch.get_num_threads()
    thread.submit(torch.get_num_threads).result()  # a thread's first call of torch takes the setting for new threads
    thread.submit(torch.set_num_threads, 1).result()
    torch.set_num_threads(n_threads)
