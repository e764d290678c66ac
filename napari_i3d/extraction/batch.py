"""Many videos, one after the other: finds them and their tracking, extracts, saves, and goes on after a failure."""

import contextlib
import logging
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

from napari_i3d.errors import NapariI3DError, TrackingError
from napari_i3d.extraction.arrivals import background_of
from napari_i3d.extraction.dataset import find_videos, shared_names
from napari_i3d.extraction.device import is_out_of_memory, resolve_device
from napari_i3d.extraction.engine import compute_segments, computer_for
from napari_i3d.extraction.options import BatchOptions
from napari_i3d.extraction.outcomes import Outcome, Record, VideoFailed, VideoProgress, VideoSkipped, VideoStarted
from napari_i3d.extraction.report import Report, Stopwatch
from napari_i3d.extraction.segments import SegmentRows
from napari_i3d.extraction.work import VideoWork, Workshop
from napari_i3d.files import make_folder
from napari_i3d.i3d.network import I3DResNet50
from napari_i3d.i3d.weights import load_network

__all__ = ["BatchOptions", "run_batch"]

_log = logging.getLogger(__name__)


def run_batch(options: BatchOptions) -> Generator[Record, None, tuple[Outcome, ...]]:
    """Extract features of videos one by one; yields records and returns the outcome of each video.

    What concerns one video costs that video alone. What is computed is kept every minute or so: after an interruption
    of any kind the same options go on where it was. ``report.json`` in the output folder tells the same for programs.

    Parameters
    ----------
    options
        What to extract, from where, to where.

    Raises
    ------
    VideoError, TrackingError, OutputError, WeightsError, SettingsError
        Nothing can be done at all: no video, no folder of tracking, no place for the results, no weights, no such
        device.
    """
    videos = find_videos(options.dataset_path)
    if options.tracking_folder is not None and not options.tracking_folder.is_dir():
        raise TrackingError(
            f"{options.tracking_folder}: expected the folder of tracking files; there is no such folder"
        )
    resolve_device(options.settings.device)
    network, weights = load_network(options.weights)
    make_folder(options.output_path)
    report = Report(options.output_path)
    batch = _Batch(network, Workshop(options, weights))
    twins = shared_names(videos)
    outcomes: list[Outcome] = []
    for number, path in enumerate(videos, start=1):
        watch = Stopwatch.start()
        yield VideoStarted(path, number, len(videos))
        if path in twins:
            outcome: Outcome = VideoFailed(path, f"shares its name, and so its result, with {twins[path]}")
        else:
            outcome = yield from batch.isolated(path)
        outcomes.append(outcome)
        report.add(outcome, watch)
        yield outcome
    return tuple(outcomes)


class _Batch:
    """Computes the videos of a batch in this process."""

    def __init__(self, network: I3DResNet50, workshop: Workshop) -> None:
        self._network = network
        self._workshop = workshop

    def isolated(self, path: Path) -> Generator[Record, None, Outcome]:
        """Extract a video; whatever goes wrong is its outcome."""
        try:
            return (yield from self._extract(path))
        except Exception as error:  # noqa: BLE001 - the edge of one video: whatever it is, the others go on
            return failure(path, error)

    def _extract(self, path: Path) -> Generator[Record, None, Outcome]:
        with ExitStack() as stack:
            work = yield from self._workshop.begin(path, stack)
            if isinstance(work, VideoSkipped):
                return work
            with work.unfinished():
                yield from self._compute(work)
                return self._workshop.finish(work)

    def _compute(self, work: VideoWork) -> Generator[Record, None, None]:
        done = kept = work.kept_chunks
        total = work.job.plan.total_chunks
        yield VideoProgress(work.path, done, total, kept)
        if not work.todo:
            return
        settings = work.job.settings
        computer = computer_for(self._network, settings)
        background = background_of(work.video, settings)
        steps = compute_segments(work.video, work.todo, computer, background, abandon=work.video.close)
        with contextlib.closing(steps):
            for step in steps:
                if isinstance(step, SegmentRows):
                    work.partial.keep(step)
                    kept += step.segment.n_chunks
                else:
                    done += len(step.chunks)
                yield VideoProgress(work.path, done, total, kept)


def failure(path: Path, error: Exception) -> VideoFailed:
    """Return the outcome of a video that an error ended."""
    if isinstance(error, NapariI3DError):
        return VideoFailed(path, str(error))
    if is_out_of_memory(error):
        return VideoFailed(path, f"out of memory ({_first_line(error)}); use a smaller --batch_size")
    _log.error("%s failed", path, exc_info=error)
    return VideoFailed(path, f"unexpected {type(error).__name__}: {_first_line(error)}; please report the log above")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200]
