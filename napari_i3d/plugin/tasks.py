"""Long work of the plugin, as generators: extraction, download, reading, saving. Knows no napari and no Qt.

Each kind yields records of its progress and returns an outcome, never raises: what went wrong is part of the outcome,
so that whoever started it shows it once. torch is imported when an extraction runs.
"""

import contextlib
import importlib
import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import NapariI3DError
from napari_i3d.extraction.settings import SampleMode
from napari_i3d.features.heat_map import HeatMap, HeatMapOptions, heat_map
from napari_i3d.features.io import read_features
from napari_i3d.features.layouts import Layout
from napari_i3d.features.model import Features, Id
from napari_i3d.files import make_folder
from napari_i3d.i3d.download import download_weights
from napari_i3d.plugin.choices import ExtractChoices, save_features
from napari_i3d.plugin.stop import Stop, StoppedError
from napari_i3d.plugin.wording import in_dock_words
from napari_i3d.tracking.model import Tracking

if TYPE_CHECKING:
    from napari_i3d.extraction.records import Progress

T = TypeVar("T")
R = TypeVar("R")

_log = logging.getLogger(__name__)

# On a CPU a chunk takes some tenths of a second, so that a batch of 16 would show no progress for seconds. Smaller
# batches are as fast there, and features do not depend on the size of a batch.
# Oversampling does ten times the work for a chunk.
_CPU_BATCH = {SampleMode.EXPAND_BBOXES: 4, SampleMode.CENTER_CROP: 4, SampleMode.OVERSAMPLE: 1}
RECORD_EVERY_S = 0.1


@dataclass(frozen=True)
class Stage:
    """What is done now, in words; of unknown length."""

    text: str


@dataclass(frozen=True)
class Advance:
    """How far it is: chunks, or bytes."""

    done: int
    total: int


@dataclass(frozen=True, eq=False)
class Done:
    """All went well.

    Attributes
    ----------
    value
        What was made.
    """

    value: Any


@dataclass(frozen=True)
class Failed:
    """It cannot be done; one line for the user."""

    message: str


@dataclass(frozen=True)
class Cancelled:
    """The work ended because it was asked to; nothing of it is left."""


Record = Stage | Advance
Outcome = Done | Failed | Cancelled
Work = Generator[Record, None, Outcome]


@dataclass(frozen=True, eq=False)
class ExtractionRequest:
    """An extraction as it was chosen.

    Attributes
    ----------
    video
        Path; opened anew, so that the viewer may close its own.
    tracking
        Those to be extracted, prepared; None: the whole picture.
    choices
        How.
    output
        The features file.
    unmended
        The tracking before its gaps were mended, for provenance.
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


def run_download(name: str, stop: Stop) -> Work:
    """Download published weights; the value is the path of the file."""
    return (yield from guarded(_download(name, stop), stop))


def run_reading(path: Path, stop: Stop) -> Work:
    """Read a features file; the value is the `Features`."""
    return (yield from guarded(_reading(path, stop), stop))


def run_saving(features: Features, output: Path, layout: Layout, metadata: bool, stop: Stop) -> Work:
    """Save features; the value is the files written."""
    return (yield from guarded(_saving(features, output, layout, metadata, stop), stop))


def run_heat_map(rows: NDArray[np.float32], options: HeatMapOptions, stop: Stop) -> Work:
    """Choose and scale what a heat map shows; the value is a `HeatMap`."""
    return (yield from guarded(_heat_map(rows, options, stop), stop))


def guarded(work: Generator[R, None, Any], stop: Stop) -> Generator[R, None, Outcome]:
    """Turn what work returns or raises into an outcome."""
    try:
        return Done((yield from work))
    except NapariI3DError as error:
        # Once stopped, an error is the stop itself, or the video that was closed under the reader.
        return Cancelled() if stop.asked else Failed(in_dock_words(error))
    except Exception as error:  # noqa: BLE001 - the edge of the thread: beyond it there is only napari's traceback
        _log.exception("unexpected error")
        return Failed(f"unexpected {type(error).__name__}: {error}; please report this with the log")


def _extraction(request: ExtractionRequest, stop: Stop) -> Generator[Record, None, Extraction]:
    from napari_i3d.video.video import Video, open_video

    yield Stage("opening the video")
    opened = _awaited(_in_thread(lambda: open_video(request.video)), stop, discard=Video.close)
    with opened as video, stop.interrupting(video.close):
        make_folder(request.output.parent)
        yield Stage("loading the network")
        _awaited(_in_thread(_import_engine), stop)
        from napari_i3d.extraction.device import resolve_device
        from napari_i3d.extraction.engine import extract
        from napari_i3d.extraction.job import plan_job, whole_picture
        from napari_i3d.i3d.weights import load_network

        settings = request.choices.settings
        device = resolve_device(settings.device)
        if device.type == "cpu":
            settings = replace(settings, batch_size=min(settings.batch_size, _CPU_BATCH[settings.sample_mode]))
        tracking = whole_picture(video, settings) if request.tracking is None else request.tracking
        job = plan_job(video, tracking.values(), settings)
        network, weights = _awaited(_in_thread(lambda: load_network(request.choices.weights)), stop)
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


class _Bar:
    """What pooch takes for a tqdm bar: turns a request to stop into an error, between two pieces of the download."""

    def __init__(self, stop: Stop) -> None:
        self.total = 0
        self.done = 0
        self._stop = stop

    def update(self, count: int) -> None:
        self._stop.check()
        self.done += count

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        pass


def _download(name: str, stop: Stop) -> Generator[Record, None, Path]:
    yield Stage("connecting")
    bar = _Bar(stop)
    # A daemon: it may wait half a minute for the network when the program ends.
    download = _in_thread(lambda: download_weights(name, bar), daemon=True)
    while not download.done():
        stop.check()
        wait([download], timeout=RECORD_EVERY_S)
        if bar.total:
            yield Advance(bar.done, bar.total) if bar.done < bar.total else Stage("checking the weights")
    return download.result()


def _in_thread(work: Callable[[], T], *, daemon: bool = False) -> Future[T]:
    """Do what nothing can interrupt in a thread of its own, which is left alone when the user cancels."""
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed to who waits for the result
            result.set_exception(error)

    threading.Thread(target=run, daemon=daemon).start()
    return result


def _awaited(result: Future[T], stop: Stop, discard: Callable[[T], None] | None = None) -> T:
    """Wait for a result, or until the work is asked to end; what comes too late is discarded."""
    try:
        while not result.done():
            stop.check()
            wait([result], timeout=RECORD_EVERY_S / 2)
        stop.check()
    except StoppedError:
        if discard is not None:
            result.add_done_callback(lambda late: discard(late.result()) if late.exception() is None else None)
        raise
    return result.result()


def _reading(path: Path, stop: Stop) -> Generator[Record, None, Features]:
    yield Stage(f"reading {path.name}")
    stop.check()
    return read_features(path)


def _saving(
    features: Features, output: Path, layout: Layout, metadata: bool, stop: Stop
) -> Generator[Record, None, tuple[Path, ...]]:
    yield Stage(f"saving {output.name}")
    stop.check()
    return tuple(save_features(features, output, layout, metadata=metadata))


def _heat_map(rows: NDArray[np.float32], options: HeatMapOptions, stop: Stop) -> Generator[Record, None, HeatMap]:
    yield Stage("drawing")
    stop.check()
    return heat_map(rows, options)
