"""The extraction of the Extract dock: the command's resumable job on one video. Knows no napari and no Qt.

Yields records of its progress and returns an outcome, never raises: what went wrong is part of the outcome, so that
whoever started it shows it once. torch is imported when an extraction runs.
"""

import contextlib
import importlib
import os
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from napari_i3d._utils.files import make_folder
from napari_i3d.errors import NapariI3DError
from napari_i3d.extraction.planning.request import ExtractionOptions
from napari_i3d.extraction.settings import SampleMode
from napari_i3d.features.features import Features
from napari_i3d.individuals import Id
from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.job_results import RECORD_EVERY_S, Advance, Record, Stage, Work
from napari_i3d.plugin.jobs.workers import guarded, run_in_thread, wait_for
from napari_i3d.plugin.messages import in_dock_words
from napari_i3d.tracking.io.box_pickle import read_tracking
from napari_i3d.tracking.tracklets import Tracking

if TYPE_CHECKING:
    from napari_i3d.batch.events import BatchEvent, VideoSkipped
    from napari_i3d.batch.video_job import VideoInput

# On a CPU a chunk takes some tenths of a second, so that a batch of 16 would show no progress for seconds. Smaller
# batches are as fast there, and features do not depend on the size of a batch.
# Oversampling does ten times the work for a chunk.
_CPU_BATCH = {SampleMode.EXPAND_BBOXES: 4, SampleMode.CENTER_CROP: 4, SampleMode.OVERSAMPLE: 1}

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class ExtractionRequest:
    """An extraction as it was chosen.

    Attributes
    ----------
    video
        Path; opened anew, so that the viewer may close its own.
    options
        How.
    output
        The features file.
    tracking
        As it is in the viewer; None: the whole image.
    individuals
        Those of the tracking that are extracted, in its order.
    tracking_path
        Where it was read from; None: from nowhere.
    """

    video: Path
    options: ExtractionOptions
    output: Path
    tracking: Tracking | None = None
    individuals: tuple[Id, ...] = ()
    tracking_path: Path | None = None

    @property
    def chosen(self) -> Tracking | None:
        """The tracking of those extracted; None: the whole image.

        Raises
        ------
        TrackingError
            Nobody is chosen.
        """
        return None if self.tracking is None else self.tracking.select(self.individuals)


@dataclass(frozen=True, eq=False)
class Extraction:
    """A finished extraction.

    Attributes
    ----------
    features
        In memory.
    paths
        The files written; none where `unsaved` says why.
    chunk_s
        Seconds that a chunk took; None where all were computed before.
    remarks
        What was not as usual.
    unsaved
        Why they could not be saved; empty if they were. Hours of work are not thrown away for a full disk.
    """

    features: Features
    paths: tuple[Path, ...]
    chunk_s: float | None
    remarks: tuple[str, ...] = ()
    unsaved: str = ""


def run_extraction(request: ExtractionRequest, stop: StopRequest) -> Work:
    """Extract features and save them; the value is an `Extraction`, or a `VideoSkipped` where there is a result."""
    return (yield from guarded(_extraction(request, stop), stop))


def _extraction(request: ExtractionRequest, stop: StopRequest) -> Generator[Record, None, "Extraction | VideoSkipped"]:
    make_folder(request.output.parent)
    yield Stage("loading the network")
    wait_for(run_in_thread(lambda: importlib.import_module("napari_i3d.batch.video_jobs")), stop)
    from napari_i3d.backbones.weights import load_network
    from napari_i3d.batch.events import VideoSkipped
    from napari_i3d.batch.video_jobs import VideoJobs
    from napari_i3d.extraction.device import resolve_device
    from napari_i3d.video.video import Video, open_video

    settings = request.options.settings
    batch = settings.batch_size
    if resolve_device(settings.device).type == "cpu":
        batch = min(batch, _CPU_BATCH[settings.sample_mode])
    network, weights = wait_for(run_in_thread(lambda: load_network(request.options.weights)), stop)
    yield Stage("opening the video")
    wanted = wait_for(run_in_thread(lambda: _input(request)), stop)
    with ExitStack() as stack:

        def open_stoppable(path: Path) -> Video:
            video = wait_for(run_in_thread(lambda: open_video(path)), stop, discard=Video.close)
            stack.callback(video.close)
            stack.enter_context(stop.interrupting(video.close))
            return video

        jobs = VideoJobs(request.options, weights, open_stoppable)
        work = yield from _shown(jobs.begin(wanted, stack), stop)
        if isinstance(work, VideoSkipped):
            return work
        yield Stage("reading the first frames")
        total, before = work.job.plan.total_chunks, work.kept_chunks
        remarks = list(work.remarks)
        if before:
            remarks.insert(0, f"{before:,} of {total:,} chunks were computed before")
            yield Stage(f"{before:,} of {total:,} chunks were computed before: going on")
        with _one_core_left():
            began = time.monotonic()
            yield from _shown(work.compute(network, batch), stop)
            chunk_s = (time.monotonic() - began) / (total - before) if before < total else None
        yield Stage("saving")
        stop.check()
        features = jobs.features(work)
        try:
            paths = jobs.save(work, features).outputs
        except NapariI3DError as error:
            return Extraction(features, (), chunk_s, tuple(remarks), in_dock_words(error))
        return Extraction(features, paths, chunk_s, tuple(remarks))


def _input(request: ExtractionRequest) -> "VideoInput":
    """Return the input of the job; the tracking file is named only if it holds what is in memory."""
    from napari_i3d.batch.video_job import VideoInput

    if request.tracking is None:
        return VideoInput(request.video, request.output)
    all_chosen = len(request.individuals) == len(request.tracking)
    return VideoInput(
        video=request.video,
        output=request.output,
        tracking_path=request.tracking_path if _holds(request.tracking_path, request.tracking) else None,
        individuals=None if all_chosen else tuple(map(str, request.individuals)),
        tracking=request.chosen,
    )


def _holds(path: Path | None, tracking: Tracking) -> bool:
    """Return whether a file still holds the tracking that was once read from it."""
    if path is None or not path.is_file():
        return False
    try:
        found = read_tracking(path)
    except NapariI3DError:
        return False
    return list(found) == list(tracking) and all(
        one.start == tracking[one.id].start
        and np.array_equal(one.present, tracking[one.id].present)
        and np.array_equal(one.boxes, tracking[one.id].boxes, equal_nan=True)
        for one in found.values()
    )


def _shown(events: "Generator[BatchEvent, None, T]", stop: StopRequest) -> Generator[Record, None, T]:
    """Pass on the progress of a job, not more often than a person can see; end it where it was asked to."""
    from napari_i3d.batch.events import VideoProgress, VideoReading

    told, first = time.monotonic(), -1
    with contextlib.closing(events):
        while True:
            stop.check()
            try:
                event = next(events)
            except StopIteration as finished:
                result: T = finished.value
                return result
            except NapariI3DError:
                stop.check()  # the video was closed under the reader, which says nothing about the video
                raise
            late = time.monotonic() - told > RECORD_EVERY_S
            if isinstance(event, VideoReading) and late:
                told = time.monotonic()
                yield Stage(f"reading the file of the video: {event.done_bytes / max(event.total_bytes, 1):.0%}")
            elif isinstance(event, VideoProgress):
                first = event.done_chunks if first < 0 else first
                if event.done_chunks > first and (late or event.done_chunks == event.total_chunks):
                    told = time.monotonic()
                    yield Advance(event.done_chunks, event.total_chunks)


@contextlib.contextmanager
def _one_core_left() -> Iterator[None]:
    """Let torch use all cores but one, which the window needs to answer."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, (os.cpu_count() or 2) - 1)))
    try:
        yield
    finally:
        torch.set_num_threads(before)
