"""The report of a batch, ``report.json``: what became of each video, for programs to read."""

import json
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import atomic_writer, exclusive
from napari_i3d.batch.events import Outcome, VideoDone, VideoFailed, VideoSkipped
from napari_i3d.errors import OutputError
from napari_i3d.extraction.provenance import versions

REPORT = "report.json"
_FORMAT = "napari_i3d report 1"
_LOCK_WAIT_S = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stopwatch:
    """When something began: on the calendar, and on a clock that never goes back."""

    calendar: datetime
    steady_s: float

    @classmethod
    def start(cls) -> "Stopwatch":
        """Begin now."""
        return cls(datetime.now(UTC), time.monotonic())

    @property
    def seconds(self) -> float:
        """How long ago that was."""
        return time.monotonic() - self.steady_s


class Report:
    """The report in an output folder; what other runs told of other videos there stays.

    Parameters
    ----------
    folder
        The output folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / REPORT
        self._lock = folder / f".{REPORT}.lock"
        self._told: dict[str, dict[str, Any]] = {}
        self._troubled = False

    def add(self, outcome: Outcome, watch: Stopwatch) -> None:
        """Write what became of a video; that the report cannot be written stops nothing, and is logged once."""
        self._told[str(outcome.video.absolute())] = _entry(outcome, watch)
        try:
            with exclusive(self._lock, _LOCK_WAIT_S):
                self._write()
        except OutputError as error:
            if not self._troubled:
                _log.warning("%s", error)
            self._troubled = True

    def _write(self) -> None:
        # Another process may have told of its videos meanwhile.
        entries = {entry["video"]: entry for entry in _read(self._path)}
        for video, entry in self._told.items():
            if not entry.get("busy") or video not in entries:
                entries[video] = entry
        ordered = [entries[video] for video in sorted(entries)]
        content = {
            "format": _FORMAT,
            "updated": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": versions(),
            "counts": {word: sum(entry["status"] == word for entry in ordered) for word in _WORDS},
            "complete": all(entry["complete"] for entry in ordered),
            "videos": ordered,
        }
        # Under one name, which a run that was killed meanwhile leaves to the next.
        with atomic_writer(self._path, part=self._path.with_name(f".{REPORT}.part")) as file:
            file.write(json.dumps(content, indent=1).encode())


_WORDS = ("done", "skipped", "failed")


def _entry(outcome: Outcome, watch: Stopwatch) -> dict[str, Any]:
    seconds = watch.seconds
    entry: dict[str, Any] = {
        "video": str(outcome.video.absolute()),
        "status": outcome.word,
        "complete": outcome.complete,
        "started": watch.calendar.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
    }
    if isinstance(outcome, VideoDone):
        rate = outcome.computed_chunks / seconds if seconds > 0 else 0.0
        return entry | {
            "outputs": [str(path.absolute()) for path in outcome.outputs],
            "remarks": [str(remark) for remark in outcome.remarks],
            "chunks": outcome.chunks,
            "chunks_computed": outcome.computed_chunks,
            "chunks_per_second": round(rate, 3),
        }
    if isinstance(outcome, VideoSkipped):
        return entry | {"reason": str(outcome.reason), "busy": outcome.busy}
    return entry | {"reason": str(outcome.reason) if isinstance(outcome, VideoFailed) else ""}


def _read(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a report; none of one that is not there, damaged, or not ours."""
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != _FORMAT:
            return []
        return [entry for entry in content["videos"] if {"video", "status", "complete"} <= entry.keys()]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return []
