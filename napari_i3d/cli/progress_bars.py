"""Progress bars of a batch in the terminal, one for each video in work."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from napari_i3d._utils.text import printable
from napari_i3d.cli.common import one_place

if TYPE_CHECKING:
    from napari_i3d.batch.events import BatchEvent, Outcome, VideoProgress

# Reading a small file is over before a bar is drawn.
_LARGE_BYTES = 1 << 28


class ProgressBars:
    """Shows the records of a batch on standard error, and remembers how videos ended.

    Bars are drawn only in a terminal; a log gets one line for each video that ended. A single video has no such line if
    standard output and standard error go to the same place: the summary follows at once.
    """

    def __init__(self) -> None:
        self._bars: dict[Path, tuple[str, tqdm[Any]]] = {}  # with the unit
        self._titles: dict[Path, str] = {}
        self._progress: dict[Path, VideoProgress] = {}
        self._outcomes: list[Outcome] = []
        self._silent = False

    @property
    def outcomes(self) -> "tuple[Outcome, ...]":
        """How videos ended, in that order."""
        return tuple(self._outcomes)

    @property
    def begun(self) -> bool:
        """Whether any video was begun."""
        return bool(self._titles)

    @property
    def unfinished(self) -> list[str]:
        """A line for each video that has not ended."""
        return [
            f"{path.name}: {progress.kept_chunks} of {progress.total_chunks} chunks are kept"
            for path, progress in self._progress.items()
        ]

    def show(self, record: "BatchEvent") -> None:
        """Show a record."""
        from napari_i3d.batch.events import VideoProgress, VideoReading, VideoStarted

        if isinstance(record, VideoStarted):
            self._silent = record.total == 1 and one_place()
            self._titles[record.video] = f"{record.video.name} ({record.number}/{record.total})"
        elif isinstance(record, VideoReading):
            if record.total_bytes > _LARGE_BYTES:
                self._advance(record.video, record.done_bytes, record.total_bytes, "reading", unit="B")
        elif isinstance(record, VideoProgress):
            self._progress[record.video] = record
            self._advance(record.video, record.done_chunks, record.total_chunks, "", unit="chunk")
        else:
            self._end(record.video)
            self._progress.pop(record.video, None)
            self._outcomes.append(record)
            if self._silent:
                return
            tqdm.write(printable(f"{record.word}: {record.summary}"), file=sys.stderr)

    def close(self) -> None:
        """End all bars."""
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
