"""The report of a batch, ``report.json``: the result of each video, for programs."""

import json
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import atomic_writer, exclusive
from napari_i3d.batch.events import VideoDone, VideoResult, VideoSkipped
from napari_i3d.errors import OutputError
from napari_i3d.extraction.provenance import versions

REPORT = "report.json"
_FORMAT = "napari_i3d report 1"
_LOCK_WAIT_S = 10.0
_STATUSES = ("done", "skipped", "failed")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stopwatch:
    """A start time: on the calendar, and on a monotonic clock."""

    calendar: datetime
    steady_s: float

    @classmethod
    def start(cls) -> "Stopwatch":
        """Start now."""
        return cls(datetime.now(UTC), time.monotonic())

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.steady_s


class Report:
    """The report in an output folder; entries of other runs about other videos are kept."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / REPORT
        self._lock = folder / f".{REPORT}.lock"
        self._entries: dict[str, dict[str, Any]] = {}
        self._warned = False

    def add(self, result: VideoResult, watch: Stopwatch) -> None:
        """Write the result of a video; if the report cannot be written, that is logged once."""
        self._entries[str(result.video.absolute())] = _entry(result, watch)
        try:
            with exclusive(self._lock, _LOCK_WAIT_S):
                self._write()
        except OutputError as error:
            if not self._warned:
                _log.warning("%s", error)
            self._warned = True

    def _write(self) -> None:
        # Another process may have added its videos.
        entries = {entry["video"]: entry for entry in _read(self._path)}
        for video, entry in self._entries.items():
            if not entry.get("busy") or video not in entries:
                entries[video] = entry
        ordered = [entries[video] for video in sorted(entries)]
        content = {
            "format": _FORMAT,
            "updated": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": versions(),
            "counts": {status: sum(entry["status"] == status for entry in ordered) for status in _STATUSES},
            "complete": all(entry["complete"] for entry in ordered),
            "videos": ordered,
        }
        # The name of the hidden file is fixed, so that the next run replaces one that a killed run left.
        with atomic_writer(self._path, part=self._path.with_name(f".{REPORT}.part")) as file:
            file.write(json.dumps(content, indent=1).encode())


def _entry(result: VideoResult, watch: Stopwatch) -> dict[str, Any]:
    seconds = watch.seconds
    entry: dict[str, Any] = {
        "video": str(result.video.absolute()),
        "status": result.status,
        "complete": result.complete,
        "started": watch.calendar.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
    }
    if isinstance(result, VideoDone):
        rate = result.computed_chunks / seconds if seconds > 0 else 0.0
        return entry | {
            "outputs": [str(path.absolute()) for path in result.outputs],
            "remarks": [str(remark) for remark in result.remarks],
            "chunks": result.chunks,
            "chunks_computed": result.computed_chunks,
            "chunks_per_second": round(rate, 3),
        }
    entry["reason"] = str(result.reason)
    return entry | {"busy": result.busy} if isinstance(result, VideoSkipped) else entry


def _read(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a report; none if it is missing, damaged, or not ours."""
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != _FORMAT:
            return []
        return [entry for entry in content["videos"] if {"video", "status", "complete"} <= entry.keys()]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return []
