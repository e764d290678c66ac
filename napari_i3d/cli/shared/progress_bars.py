"""Progress bars in the terminal: of one long work, and of a batch, one for each video in progress."""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tqdm import tqdm

from napari_i3d._utils.progress import Step, Steps, finish
from napari_i3d._utils.text import printable
from napari_i3d.cli.shared.common import command_wording, one_place

if TYPE_CHECKING:
    from napari_i3d.batch.events import BatchEvent, VideoProgress, VideoResult

# Smaller files are read before a bar is drawn.
_LARGE_BYTES = 1 << 28

T = TypeVar("T")


def run_with_bar(steps: Steps[T], unit: str = "frame") -> T:
    """Run long work to its end with a bar on standard error, and return its result."""
    with contextlib.closing(steps), tqdm(unit=unit, disable=None, file=sys.stderr) as bar:

        def show(step: Step) -> None:
            bar.total = step.total
            bar.set_description(step.what, refresh=False)
            bar.update(step.done - bar.n)

        return finish(steps, show)


class ProgressBars:
    """Shows the events of a batch on standard error, and collects the results.

    Bars are drawn only in a terminal; a log gets one line for each finished video. A single video has no such line if
    standard output and standard error go to the same place, since the summary follows at once.
    """

    def __init__(self) -> None:
        self._bars: dict[Path, tuple[str, tqdm[Any]]] = {}  # with the unit
        self._titles: dict[Path, str] = {}
        self._progress: dict[Path, VideoProgress] = {}
        self._results: list[VideoResult] = []
        self._silent = False

    @property
    def results(self) -> "tuple[VideoResult, ...]":
        """Results of the finished videos, in that order."""
        return tuple(self._results)

    @property
    def started(self) -> bool:
        """Whether any video was started."""
        return bool(self._titles)

    @property
    def unfinished(self) -> list[str]:
        """A line for each unfinished video."""
        return [
            f"{path.name}: {progress.kept_chunks} of {progress.total_chunks} chunks are kept"
            for path, progress in self._progress.items()
        ]

    def show(self, event: "BatchEvent") -> None:
        """Show an event."""
        from napari_i3d.batch.events import VideoProgress, VideoReading, VideoStarted

        if isinstance(event, VideoStarted):
            self._silent = event.total == 1 and one_place()
            self._titles[event.video] = f"{event.video.name} ({event.number}/{event.total})"
        elif isinstance(event, VideoReading):
            if event.total_bytes > _LARGE_BYTES:
                self._advance(event.video, event.done_bytes, event.total_bytes, "reading", unit="B")
        elif isinstance(event, VideoProgress):
            self._progress[event.video] = event
            self._advance(event.video, event.done_chunks, event.total_chunks, "", unit="chunk")
        else:
            self._end(event.video)
            self._progress.pop(event.video, None)
            self._results.append(event)
            if not self._silent:
                tqdm.write(printable(f"{event.status}: {event.summary(command_wording)}"), file=sys.stderr)

    def close(self) -> None:
        """Close all bars."""
        for path in list(self._bars):
            self._end(path)

    def _advance(self, path: Path, done: int, total: int, what: str, unit: str) -> None:
        shown, bar = self._bars.get(path, ("", None))
        if bar is None or shown != unit:
            self._end(path)
            title = printable(" ".join(filter(None, (what, self._titles.get(path, path.name)))))
            bar = tqdm(
                desc=title, total=total, initial=done, unit=unit, unit_scale=unit == "B", disable=None, file=sys.stderr
            )
            self._bars[path] = unit, bar
        bar.update(done - bar.n)

    def _end(self, path: Path) -> None:
        _, bar = self._bars.pop(path, ("", None))
        if bar is not None:
            bar.close()
