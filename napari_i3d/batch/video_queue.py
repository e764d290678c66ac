"""Queue of the batch's videos; an error in one does not stop the rest."""

import logging
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

from napari_i3d.batch.events import BatchEvent, VideoFailed, VideoResult, VideoStarted
from napari_i3d.batch.report import Report, Stopwatch
from napari_i3d.errors import ClusterError, Message, NapariI3DError, WeightsError
from napari_i3d.extraction.device import is_out_of_memory
from napari_i3d.features.io.layouts import Layout
from napari_i3d.projects.video_files import shared_names

_log = logging.getLogger(__name__)

T = TypeVar("T")

Extraction = Generator[BatchEvent, None, VideoResult]


class VideoQueue:
    """Hands out videos, and records their results in a report."""

    def __init__(self, paths: list[Path], report: Report, layout: Layout = Layout.DICT) -> None:
        self._paths = paths
        self._report = report
        self._clashes = shared_names(paths, layout)
        self._watches: dict[Path, Stopwatch] = {}
        self._results: list[VideoResult] = []

    @property
    def results(self) -> tuple[VideoResult, ...]:
        """Results of the finished videos, in that order."""
        return tuple(self._results)

    @property
    def waiting(self) -> bool:
        """Whether there are videos that were not started."""
        return len(self._watches) < len(self._paths)

    def next(self) -> VideoStarted:
        """Start the next video."""
        number = len(self._watches)
        path = self._paths[number]
        self._watches[path] = Stopwatch.start()
        return VideoStarted(path, number + 1, len(self._paths))

    def finish(self, result: VideoResult) -> VideoResult:
        """Record the result of a video, and return it."""
        self._results.append(result)
        self._report.add(result, self._watches[result.video])
        return result

    def name_clash(self, path: Path) -> VideoFailed | None:
        """Return the failure of a video that shares its name with another; None if it does not."""
        if path not in self._clashes:
            return None
        return VideoFailed(path, Message(f"shares its name, and so its result, with {self._clashes[path]}"))

    def one_by_one(self, extract: Callable[[Path], Extraction]) -> Generator[BatchEvent, None, None]:
        """Extract all videos one after the other; an error of one is its result."""
        while self.waiting:
            started = self.next()
            yield started
            clash = self.name_clash(started.video)
            yield self.finish(clash or (yield from isolated(started.video, extract(started.video))))


def isolated(path: Path, steps: Generator[BatchEvent, None, T]) -> Generator[BatchEvent, None, T | VideoFailed]:
    """Run the steps of one video; an error in them is its result."""
    try:
        return (yield from steps)
    except (ClusterError, WeightsError):
        raise  # of the machines, not of one video
    except Exception as error:  # noqa: BLE001 - whatever it is, the other videos go on
        return _failure(path, error)


def _failure(path: Path, error: Exception) -> VideoFailed:
    if isinstance(error, NapariI3DError):
        return VideoFailed(path, error.message)
    if is_out_of_memory(error):
        return VideoFailed(path, Message(f"out of memory ({_first_line(error)})", hint="use a smaller {batch_size}"))
    _log.error("%s failed", path, exc_info=error)
    text = f"unexpected {type(error).__name__}: {_first_line(error)}"
    return VideoFailed(path, Message(text, hint="please report the log above"))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200]
