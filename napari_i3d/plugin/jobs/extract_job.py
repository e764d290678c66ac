"""The extraction of the Extract dock: the command's resumable job on one video. Knows no napari and no Qt.

torch is imported when an extraction runs.
"""

import contextlib
import importlib
import os
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_i3d._utils.files import make_folder
from napari_i3d.errors import NapariI3DError
from napari_i3d.extraction.planning.request import ExtractionOptions
from napari_i3d.extraction.settings import SampleMode
from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.reading import read_features
from napari_i3d.individuals import Id
from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.job_results import Progress, as_progress
from napari_i3d.plugin.jobs.workers import run_in_thread, wait_for
from napari_i3d.plugin.messages import dock_text
from napari_i3d.tracking.io.format import VideoFacts
from napari_i3d.tracking.io.reading import read_tracking
from napari_i3d.tracking.tracklets import Tracking

if TYPE_CHECKING:
    from napari_i3d.batch.events import BatchEvent, VideoSkipped
    from napari_i3d.batch.video_job import VideoInput

# On a CPU a chunk takes some tenths of a second, so that a batch of 16 would show no progress for seconds. Smaller
# batches are as fast there, and features do not depend on the size of a batch.
# Oversampling does ten times the work for a chunk.
_CPU_BATCH = {SampleMode.EXPAND_BBOXES: 4, SampleMode.CENTER_CROP: 4, SampleMode.OVERSAMPLE: 1}


@dataclass(frozen=True, eq=False)
class ExtractionRequest:
    """A video to extract, with settings and individuals.

    Attributes
    ----------
    video
        Path; the job opens the video itself, so that the viewer may close its own.
    options
        Settings and format of the output.
    output
        The features file.
    tracking
        As it is in the viewer; None: the whole image.
    individuals
        Those of the tracking that are extracted, in its order.
    tracking_path
        The file that it was read from; None: it is in memory only.
    video_facts
        The size that boxes refer to, the length and the rate of the video, which some files leave to it.
    edited
        Whether the tracking was corrected by hand.
    n_corrections
        The number of corrections in this session.
    """

    video: Path
    options: ExtractionOptions
    output: Path
    tracking: Tracking | None = None
    individuals: tuple[Id, ...] = ()
    tracking_path: Path | None = None
    video_facts: VideoFacts | None = None
    edited: bool = False
    n_corrections: int = 0

    @property
    def chosen(self) -> Tracking | None:
        """The tracking of those extracted; None: the whole image.

        Raises
        ------
        TrackingError
            No individual is chosen.
        """
        return None if self.tracking is None else self.tracking.select(self.individuals)


@dataclass(frozen=True, eq=False)
class Extraction:
    """A finished extraction.

    Attributes
    ----------
    features
        In memory, or of a store that was opened.
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


def run_extraction(
    request: ExtractionRequest, stop: StopRequest
) -> "Generator[Progress, None, Extraction | VideoSkipped]":
    """Extract features and save them; a result that exists already is skipped."""
    make_folder(request.output.parent)
    yield Progress("loading the network")
    wait_for(run_in_thread(lambda: importlib.import_module("napari_i3d.batch.video_job")), stop)
    from napari_i3d.backbones.weights import load_network
    from napari_i3d.batch.events import VideoSkipped
    from napari_i3d.batch.video_jobs import VideoJobs
    from napari_i3d.extraction.device import resolve_device
    from napari_i3d.video.video import Video, open_video

    settings = request.options.settings
    batch = settings.batch_size
    if resolve_device(settings.device, settings.precision).type == "cpu":
        batch = min(batch, _CPU_BATCH[settings.sample_mode])
    network, weights = wait_for(run_in_thread(lambda: load_network(request.options.weights)), stop)
    yield Progress("opening the video")
    video_input = wait_for(run_in_thread(lambda: _input(request)), stop)
    # What is kept of a cancelled job must not be removed, as it is for a damaged video.
    with ExitStack() as stack, stop.as_cause():

        def open_stoppable(path: Path) -> Video:
            video = wait_for(run_in_thread(lambda: open_video(path)), stop, discard=Video.close)
            stack.callback(video.close)
            stack.enter_context(stop.interrupting(video.close))
            return video

        jobs = VideoJobs(request.options, weights, open_stoppable)
        work = yield from as_progress(jobs.begin(video_input, stack), _progress_of)
        if isinstance(work, VideoSkipped):
            return work
        yield Progress("reading the first frames")
        total, before = work.job.plan.total_chunks, work.kept_chunks
        remarks = [dock_text(remark) for remark in work.remarks]
        if before:
            remarks.insert(0, f"{before:,} of {total:,} chunks were computed before")
            yield Progress(f"{before:,} of {total:,} chunks were computed before: computing the others")
        with _one_core_left():
            began = time.monotonic()
            yield from as_progress(work.compute(network, batch), _progress_of)
            chunk_s = (time.monotonic() - began) / (total - before) if before < total else None
        yield Progress("saving")
        stop.check()
        if work.options.layout is Layout.STORE:  # its rows are on the disk already, and are not read into memory
            paths = jobs.finish(work).outputs
            return Extraction(read_features(paths[0]), paths, chunk_s, tuple(remarks))
        features = jobs.features(work)
        try:
            paths = jobs.save(work, features).outputs
        except NapariI3DError as error:
            return Extraction(features, (), chunk_s, tuple(remarks), dock_text(error))
        return Extraction(features, paths, chunk_s, tuple(remarks))


def _input(request: ExtractionRequest) -> "VideoInput":
    """Return the input of the job; the tracking file is named only if it holds what is in memory."""
    from napari_i3d.batch.video_job import VideoInput
    from napari_i3d.extraction.provenance import Corrections

    if request.tracking is None:
        return VideoInput(request.video, request.output)
    all_chosen = len(request.individuals) == len(request.tracking)
    in_file = _is_unchanged(request)
    base = None if in_file or request.tracking_path is None else request.tracking_path.name
    return VideoInput(
        video=request.video,
        output=request.output,
        tracking_path=request.tracking_path if in_file else None,
        individuals=None if all_chosen else tuple(map(str, request.individuals)),
        tracking=request.chosen,
        corrections=Corrections(request.n_corrections, base) if request.edited else None,
    )


def _is_unchanged(request: ExtractionRequest) -> bool:
    """Return whether the tracking file still holds the tracking that was once read from it."""
    path, tracking = request.tracking_path, request.tracking
    if path is None or tracking is None or not path.exists():
        return False
    origin = tracking.origin
    try:
        found = read_tracking(
            path, origin.format if origin else None, request.video_facts, origin.boxes if origin else None
        )
    except NapariI3DError:
        return False
    return list(found) == list(tracking) and all(
        one.start == tracking[one.id].start
        and np.array_equal(one.present, tracking[one.id].present)
        and np.array_equal(one.boxes, tracking[one.id].boxes, equal_nan=True)
        for one in found.values()
    )


def _progress_of(event: "BatchEvent") -> Progress | None:
    from napari_i3d.batch.events import VideoProgress, VideoReading

    if isinstance(event, VideoReading):
        return Progress("reading the file of the video", event.done_bytes, event.total_bytes, "byte")
    return Progress("", event.done_chunks, event.total_chunks, "chunk") if isinstance(event, VideoProgress) else None


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
