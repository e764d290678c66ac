"""Long work of the plugin, as generators: extraction, download, reading, saving. Knows no napari and no Qt.

Each kind yields records of its progress and returns an outcome, never raises: what went wrong is part of the outcome,
so that whoever started it shows it once. torch is imported when an extraction runs.
"""

import contextlib
import importlib
import os
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_i3d._utils.files import make_folder
from napari_i3d.errors import NapariI3DError
from napari_i3d.extraction.planning.request import ExtractChoices
from napari_i3d.extraction.settings import SampleMode
from napari_i3d.features.features import Features
from napari_i3d.features.io.output_format import save_features
from napari_i3d.individuals import Id
from napari_i3d.plugin.jobs.cancellation import StopRequest as Stop
from napari_i3d.plugin.messages import in_dock_words
from napari_i3d.tracking.tracklets import Tracking

if TYPE_CHECKING:
    from napari_i3d.extraction.engine import Progress

from napari_i3d.plugin.jobs.job_results import RECORD_EVERY_S, Advance, Record, Stage, Work
from napari_i3d.plugin.jobs.workers import guarded, run_in_thread, wait_for

# On a CPU a chunk takes some tenths of a second, so that a batch of 16 would show no progress for seconds. Smaller
# batches are as fast there, and features do not depend on the size of a batch.
# Oversampling does ten times the work for a chunk.
_CPU_BATCH = {SampleMode.EXPAND_BBOXES: 4, SampleMode.CENTER_CROP: 4, SampleMode.OVERSAMPLE: 1}


@dataclass(frozen=True, eq=False)
class ExtractionRequest:
    """An extraction as it was chosen.

    Attributes
    ----------
    video
        Path; opened anew, so that the viewer may close its own.
    tracking
        Those to be extracted, prepared; None: the whole image.
    choices
        How.
    output
        The features file.
    unmended
        The tracking before its gaps were resolved, for provenance.
    tracking_path
        Where it was read from; None: from nowhere.
    """

    video: Path
    tracking: Tracking | None
    choices: ExtractChoices
    output: Path
    unmended: Tracking | None = None
    tracking_path: Path | None = None


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
        Seconds that a chunk took.
    left_out
        Individuals that were too short, each with the reason.
    unsaved
        Why they could not be saved; empty if they were. Hours of work are not thrown away for a full disk.
    """

    features: Features
    paths: tuple[Path, ...]
    chunk_s: float
    left_out: dict[Id, str]
    unsaved: str = ""


def run_extraction(request: ExtractionRequest, stop: Stop) -> Work:
    """Extract features and save them; the value is an `Extraction`."""
    return (yield from guarded(_extraction(request, stop), stop))


def _extraction(request: ExtractionRequest, stop: Stop) -> Generator[Record, None, Extraction]:
    from napari_i3d.video.video import Video, open_video

    yield Stage("opening the video")
    opened = wait_for(run_in_thread(lambda: open_video(request.video)), stop, discard=Video.close)
    with opened as video, stop.interrupting(video.close):
        make_folder(request.output.parent)
        yield Stage("loading the network")
        wait_for(run_in_thread(_import_engine), stop)
        from napari_i3d.backbones.weights import load_network
        from napari_i3d.extraction.device import resolve_device
        from napari_i3d.extraction.extract import extract
        from napari_i3d.extraction.planning.plan import plan_job, whole_image

        settings = request.choices.settings
        device = resolve_device(settings.device)
        if device.type == "cpu":
            settings = replace(settings, batch_size=min(settings.batch_size, _CPU_BATCH[settings.sample_mode]))
        tracking = whole_image(video, settings) if request.tracking is None else request.tracking
        job = plan_job(video, tracking.values(), settings)
        network, weights = wait_for(run_in_thread(lambda: load_network(request.choices.weights)), stop)
        yield Stage("reading the first frames")
        with _one_core_left():
            began = time.monotonic()
            features = yield from _advancing(extract(video, job, network, weights, _source(request)), stop)
            chunk_s = (time.monotonic() - began) / job.plan.total_chunks
    yield Stage("saving")
    stop.check()
    choices = request.choices
    try:
        paths = save_features(features, request.output, choices.layout, metadata=choices.save_metadata)
    except NapariI3DError as error:
        return Extraction(features, (), chunk_s, job.plan.left_out, in_dock_words(error))
    return Extraction(features, tuple(paths), chunk_s, job.plan.left_out)


def _source(request: ExtractionRequest) -> dict[str, Any]:
    """Return what provenance tells of the tracking."""
    from napari_i3d.extraction.provenance import describe_tracking

    if request.unmended is None:
        return {}
    path = request.tracking_path
    there = path if path is not None and path.is_file() else None
    return describe_tracking(there, request.unmended, request.choices.gaps)


def _import_engine() -> None:
    """Load torch, which takes seconds the first time."""
    importlib.import_module("napari_i3d.extraction.engine")


def _advancing(steps: "Generator[Progress, None, Features]", stop: Stop) -> Generator[Record, None, Features]:
    """Pass on the progress of an extraction, not more often than a person can see."""
    told = time.monotonic()
    while True:
        stop.check()
        try:
            step = next(steps)
        except StopIteration as finished:
            features: Features = finished.value
            return features
        if step.done_chunks and (step.done_chunks == step.total_chunks or time.monotonic() - told > RECORD_EVERY_S):
            told = time.monotonic()
            yield Advance(step.done_chunks, step.total_chunks)


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
