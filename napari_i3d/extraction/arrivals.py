"""Decoding and cropping, which run beside the network: each frame that is needed once, each crop once."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from napari_i3d.extraction.background import background_frames, median_background
from napari_i3d.extraction.crops import Cropper
from napari_i3d.extraction.job import Job
from napari_i3d.extraction.records import Arrival
from napari_i3d.extraction.windows import TrackletWindows, needed_frames
from napari_i3d.video.video import Video

# Fewer frames that nobody is in are decoded through; more are skipped by finding a place anew.
_SKIP_FRAMES = 100
# About 10 MB of crops; a frame is never divided.
_PORTION_CROPS = 16

T = TypeVar("T")


def arriving_crops(video: Video, job: Job) -> Generator[list[Arrival], None, None]:
    """Decode the frames that chunks need, and yield the crops of all tracklets, in the order of frames, in portions.

    Raises
    ------
    VideoError
        The video is damaged within the frames needed.
    """
    background = None
    if job.settings.subtract_background:
        background = median_background(video[int(frame)] for frame in background_frames(len(video)))
    cropper = Cropper(job.settings, background)
    waiting = sorted(job.plan.tracklets, key=lambda windows: windows.first_frame, reverse=True)
    active: list[TrackletWindows] = []
    portion: list[Arrival] = []
    for first, stop in needed_frames(job.plan, _SKIP_FRAMES):
        for number, frame in enumerate(video.frames(first, stop), start=first):
            while waiting and waiting[-1].first_frame <= number:
                active.append(waiting.pop())
            active = [windows for windows in active if windows.last_frame >= number]
            takers = [windows for windows in active if windows.need(number)]
            if not takers:
                continue
            picture = cropper.picture(frame)
            for windows in takers:
                box = job.boxes[windows.id][number - windows.first_frame]
                portion.append(Arrival(windows, number, cropper.crop(picture, box)))
            if len(portion) >= _PORTION_CROPS:
                yield portion
                portion = []
    if portion:
        yield portion


def run_ahead(items: Generator[T, None, None]) -> Generator[T, None, None]:
    """Yield what a generator yields, while a thread already makes the next item, and never more than that one.

    When this generator ends, in whatever way, so has the other, and the thread.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="decoding and cropping") as thread:
        ahead = thread.submit(next, items, None)
        try:
            while (item := ahead.result()) is not None:
                ahead = thread.submit(next, items, None)
                yield item
        finally:
            wait([ahead])
            items.close()
