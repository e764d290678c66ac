"""The videos of a batch in turn: tells what becomes of each, and lets none of them stop the others."""

import logging
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

from napari_i3d.batch.events import BatchEvent, Outcome, VideoFailed, VideoStarted
from napari_i3d.batch.report import Report, Stopwatch
from napari_i3d.errors import ClusterError, Message, NapariI3DError, WeightsError
from napari_i3d.extraction.device import is_out_of_memory
from napari_i3d.features.io.layouts import Layout
from napari_i3d.projects.video_files import shared_names

_log = logging.getLogger(__name__)

T = TypeVar("T")

Extraction = Generator[BatchEvent, None, Outcome]


class VideoQueue:
    """Gives out videos, and takes down how they ended.

    Parameters
    ----------
    paths
        The videos.
    report
        Is told of each that ends.
    layout
        What results are made for.
    """

    def __init__(self, paths: list[Path], report: Report, layout: Layout = Layout.DICT) -> None:
        self._paths = paths
        self._report = report
        self._twins = shared_names(paths, layout)
        self._watches: dict[Path, Stopwatch] = {}
        self._outcomes: list[Outcome] = []

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """How videos ended, in that order."""
        return tuple(self._outcomes)

    @property
    def waiting(self) -> bool:
        """Whether there are videos that were not begun."""
        return len(self._watches) < len(self._paths)

    def next(self) -> VideoStarted:
        """Give out a video."""
        number = len(self._watches)
        path = self._paths[number]
        self._watches[path] = Stopwatch.start()
        return VideoStarted(path, number + 1, len(self._paths))

    def ended(self, outcome: Outcome) -> Outcome:
        """Take down how a video ended, and return that."""
        self._outcomes.append(outcome)
        self._report.add(outcome, self._watches[outcome.video])
        return outcome

    def twin(self, path: Path) -> VideoFailed | None:
        """Return the outcome of a video that shares its name with another; None if it does not."""
        if path not in self._twins:
            return None
        return VideoFailed(path, Message(f"shares its name, and so its result, with {self._twins[path]}"))

    def one_by_one(self, extract: Callable[[Path], Extraction]) -> Generator[BatchEvent, None, None]:
        """Extract all videos, each in its turn; whatever goes wrong with one is its outcome."""
        while self.waiting:
            started = self.next()
            yield started
            outcome = self.twin(started.video) or (yield from isolated(started.video, extract(started.video)))
            yield self.ended(outcome)


def isolated(path: Path, steps: Generator[BatchEvent, None, T]) -> Generator[BatchEvent, None, T | VideoFailed]:
    """Run steps that concern one video; whatever goes wrong in them is its outcome."""
    try:
        return (yield from steps)
    except (ClusterError, WeightsError):
        raise  # of no video, but of the machines that compute them
    except Exception as error:  # noqa: BLE001 - the edge of one video: whatever it is, the others go on
        return _failure(path, error)


def _failure(path: Path, error: Exception) -> VideoFailed:
    """Return the outcome of a video that an error ended."""
    if isinstance(error, NapariI3DError):
        return VideoFailed(path, error.message)
    if is_out_of_memory(error):
        return VideoFailed(path, Message(f"out of memory ({_first_line(error)})", hint="use a smaller {batch_size}"))
    _log.error("%s failed", path, exc_info=error)
    text = f"unexpected {type(error).__name__}: {_first_line(error)}"
    return VideoFailed(path, Message(text, hint="please report the log above"))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200]
