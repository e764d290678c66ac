"""Keep unsaved corrections in a file that survives a crash.

The file holds the corrections since the tracking was opened or saved, not the boxes: they are replayed on the same
tracking. It holds boxes only if the user undid steps that had been saved.
"""

import base64
import binascii
import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Generator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from napari_i3d._utils.files import CACHE_VARIABLE, atomic_writer, exclusive, make_folder
from napari_i3d._utils.text import format_path
from napari_i3d.errors import OutputError, RecoveryError, TrackingError
from napari_i3d.tracking.content import content_sha256
from napari_i3d.tracking.editing.box_edits import Clip, DeleteBoxes, Interpolate, SetBox, Turn
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.editing.identity_edits import Assign, Delete, Merge, Rename, Split, Swap
from napari_i3d.tracking.editing.tracking_edit import TrackingEdit
from napari_i3d.tracking.tracklets import Tracking, Tracklet

_FORMAT, _VERSION = "napari_i3d recovery", 1
_MAX_BYTES = 1 << 30
_MAX_WORDS = 300
_EDITS: dict[str, type[TrackingEdit]] = {
    kind.__name__: kind
    for kind in (Assign, Clip, Delete, DeleteBoxes, Interpolate, Merge, Rename, SetBox, Split, Swap, Turn)
}


def data_folder() -> Path:
    """Return the folder for users' own data: `NAPARI_I3D_HOME`, else the user's data folder; it may not exist."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else platformdirs.user_data_path("napari_i3d", appauthor=False)


class RecoveryFile:
    """The recovery file of an editor; call `save` every few seconds.

    Two sessions that correct the same file have a recovery file each. A lock that ends with the process tells the
    files of crashed sessions from those of running ones.

    Parameters
    ----------
    editor
        Its corrections are kept.
    video, tracking
        The files, or None without one; they identify the recovery file.
    """

    def __init__(self, editor: TrackingEditor, video: Path | None, tracking: Path | None) -> None:
        self._editor = editor
        self._lock = contextlib.ExitStack()
        self._lines: dict[int, str] = {}
        self.path: Path | None = None
        # The steps and the state that the file begins with, and the state that was written.
        self._position, self._serial, self._written, self._base_sha256 = 0, 0, 0, ""
        self._start(video, tracking)

    def save(self) -> bool:
        """Write the file if there are new corrections; return whether it was written.

        It is removed if nothing is left to save.

        Raises
        ------
        OutputError
            The file cannot be written.
        """
        history = self._editor.history
        if history.serial == self._written:
            return False
        if history.serial == self._serial:
            self.discard()
            return False
        if self.path is None:
            name = f"{_stem(self._video, self._tracking)}-{secrets.token_hex(8)}"
            folder = make_folder(data_folder() / "recovery")
            self._lock.enter_context(exclusive(folder / f"{name}.lock"))
            self.path = folder / f"{name}.json"
        self._base_sha256 = self._base_sha256 or content_sha256(self._base)
        head = {
            "format": _FORMAT,
            "version": _VERSION,
            "video": None if self._video is None else str(self._video),
            "tracking": None if self._tracking is None else str(self._tracking),
            "base_sha256": self._base_sha256,
            "saved": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        key, items = ("steps", self._step_lines()) if self._follows_base else ("boxes", self._box_lines())
        with atomic_writer(self.path) as file:
            # One line per correction, so that a person can read it.
            lines = ",\n".join(items)
            file.write(f'{json.dumps(head)[:-1]}, "{key}": [\n{lines}\n]}}\n'.encode())
        self._written = history.serial
        return True

    def saved_as(self, video: Path | None, tracking: Path | None) -> None:
        """Note that the current tracking was saved: remove the recovery file and start a new one."""
        self.discard()
        self._start(video, tracking)

    def discard(self) -> None:
        """Remove the file: its corrections were saved or discarded."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()
        self._written = self._editor.history.serial

    def close(self) -> None:
        """End the session without removing the file."""
        self._lock.close()

    def _start(self, video: Path | None, tracking: Path | None) -> None:
        self._lock.close()
        self.path = None
        self._video, self._tracking = video, tracking
        self._base, self._base_sha256 = self._editor.tracking, ""
        self._position, self._serial = self._editor.history.position, self._editor.history.serial
        self._written = self._serial

    @property
    def _follows_base(self) -> bool:
        """Whether the steps that were done when the tracking was saved are still done."""
        history = self._editor.history
        if self._position > history.position:
            return False
        return not self._position or history.steps[self._position - 1].serial == self._serial

    def _step_lines(self) -> list[str]:
        history, lines = self._editor.history, []
        for step in history.steps[self._position : history.position]:
            # Saving happens every few seconds: only new steps are serialized.
            if step.serial not in self._lines:
                edits = [_edit_values(edit) for edit in self._editor.edits_of(step)]
                self._lines[step.serial] = json.dumps({"words": step.words, "edits": edits}) if edits else ""
            if self._lines[step.serial]:
                lines.append(self._lines[step.serial])
        return lines

    def _box_lines(self) -> list[str]:
        return [
            json.dumps(
                {
                    "id": tracklet.id,
                    "start": tracklet.start,
                    "boxes": base64.b64encode(tracklet.boxes.astype("<f8").tobytes()).decode(),
                    "present": base64.b64encode(tracklet.present.astype(np.uint8).tobytes()).decode(),
                }
            )
            for tracklet in self._editor.tracking.values()
        ]


def find_recovery_files(video: Path | None, tracking: Path | None) -> list[Path]:
    """Return the recovery files that crashed sessions left for a video and its tracking, newest first."""
    found = []
    for path in (data_folder() / "recovery").glob(f"{_stem(video, tracking)}-*.json"):
        # A folder that cannot be written to, or a file that is gone by now, must not prevent opening a video.
        with contextlib.suppress(OSError, OutputError), exclusive(path.with_suffix(".lock")) as is_free:
            if is_free:
                found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found, reverse=True)]


@dataclass(frozen=True)
class Recovery:
    """The content of a recovery file.

    Attributes
    ----------
    saved
        When it was written, local time.
    base_sha256
        `content_sha256` of the tracking that the corrections are for.
    steps
        The corrections: words and edits of each step.
    boxes
        The tracking itself, if the file holds it; then there are no steps.
    """

    saved: datetime
    base_sha256: str
    steps: tuple[tuple[str, tuple[TrackingEdit, ...]], ...] = ()
    boxes: Tracking | None = None

    def restore(self, tracking: Tracking) -> Generator[tuple[int, int], None, TrackingEditor]:
        """Replay the corrections; yield steps done and their total, return the editor with its history.

        Parameters
        ----------
        tracking
            The tracking that was corrected, as it is in its file.

        Raises
        ------
        RecoveryError
            The tracking is another one, or a correction cannot be applied to it.
        """
        if content_sha256(tracking) != self.base_sha256:
            raise RecoveryError(
                "expected the tracking that was corrected, found other boxes: the file was changed since"
            )
        if self.boxes is not None:
            yield 1, 1
            return TrackingEditor(self.boxes, edited=True)
        editor = TrackingEditor(tracking)
        for number, (words, edits) in enumerate(self.steps, start=1):
            try:
                with editor.group(words if len(edits) > 1 else ""):
                    for edit in edits:
                        editor.do(edit)
            except TrackingError as error:
                raise RecoveryError(f"step {number} of {len(self.steps)} cannot be done again: {error}") from error
            yield number, len(self.steps)
        return editor


def read_recovery(path: Path) -> Recovery:
    """Read a recovery file; nothing in it is run or unpickled.

    Raises
    ------
    RecoveryError
        It cannot be read, is of another version, or holds anything but corrections.
    """
    try:
        return _parse(_load(path))
    except RecoveryError as error:
        raise RecoveryError(f"{format_path(path.name)}: {error}") from error.__cause__


def _load(path: Path) -> Any:
    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            raise RecoveryError(f"expected a file of at most {_MAX_BYTES >> 20} MiB")
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise RecoveryError("expected a recovery file, found something that cannot be read") from error


def _parse(content: Any) -> Recovery:
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise RecoveryError("expected a recovery file of napari_i3d, found something else")
    if content.get("version") != _VERSION:
        raise RecoveryError(f"expected version {_VERSION}, found another: it was written by another release")
    try:
        saved = datetime.fromisoformat(content["saved"]).astimezone()
        base = content["base_sha256"]
        if not isinstance(base, str):
            raise TypeError("base_sha256")
        if "boxes" in content:
            return Recovery(saved, base, boxes=Tracking(_tracklet(values) for values in content["boxes"]))
        return Recovery(saved, base, tuple(_step(values) for values in content["steps"]))
    except TrackingError as error:
        raise RecoveryError(f"holds an invalid correction: {error}") from error
    except (KeyError, TypeError, ValueError, OverflowError, binascii.Error) as error:
        raise RecoveryError("expected a recovery file, found one whose content is damaged") from error


def _step(values: dict[str, Any]) -> tuple[str, tuple[TrackingEdit, ...]]:
    words = values["words"]
    if not isinstance(words, str) or not words.isprintable() or len(words) > _MAX_WORDS:
        words = ""
    return words, tuple(_edit(edit) for edit in values["edits"])


def _edit_values(edit: TrackingEdit) -> dict[str, Any]:
    return {"edit": type(edit).__name__} | {field.name: getattr(edit, field.name) for field in fields(edit)}


def _edit(values: dict[str, Any]) -> TrackingEdit:
    given = dict(values)
    return _EDITS[given.pop("edit")](**given)


def _tracklet(values: dict[str, Any]) -> Tracklet:
    boxes = np.frombuffer(base64.b64decode(values["boxes"], validate=True), "<f8").reshape(-1, 4)
    present = np.frombuffer(base64.b64decode(values["present"], validate=True), np.uint8)
    if len(present) != len(boxes):
        raise ValueError("present")
    return Tracklet(values["id"], values["start"], boxes, present != 0)


def _stem(video: Path | None, tracking: Path | None) -> str:
    names = [None if path is None else str(Path(path).absolute()) for path in (video, tracking)]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:32]
