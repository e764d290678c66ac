"""Recover unsaved corrections of a tracking after a crash."""

import base64
import binascii
import itertools
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from napari_i3d._utils.history import History
from napari_i3d._utils.text import format_path
from napari_i3d.errors import AnnotationError, RecoveryError, TrackingError
from napari_i3d.projects import recovery_file
from napari_i3d.projects.recovery_file import RecoveredStep, data_folder, find_files, load, step_of_values
from napari_i3d.tracking.content import content_sha256
from napari_i3d.tracking.editing.box_edits import Clip, DeleteBoxes, Interpolate, SetBox, Turn
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.editing.identity_edits import Assign, Delete, Merge, Rename, Split, Swap
from napari_i3d.tracking.editing.tracking_edit import TrackingEdit
from napari_i3d.tracking.tracklets import Tracking, Tracklet

__all__ = ["Recovery", "RecoveryFile", "data_folder", "find_recovery_files", "read_recovery", "replay"]

_KIND = "tracking"
_EDITS: dict[str, type[TrackingEdit]] = {
    kind.__name__: kind
    for kind in (Assign, Clip, Delete, DeleteBoxes, Interpolate, Merge, Rename, SetBox, Split, Swap, Turn)
}


class RecoveryFile(recovery_file.RecoveryFile[Tracking]):
    """The recovery file of a `TrackingEditor`; see `napari_i3d.projects.recovery_file`."""

    KIND = _KIND
    _editor: TrackingEditor

    def _base(self) -> Tracking:
        return self._editor.saved

    def _content(self) -> Tracking:
        return self._editor.tracking

    @staticmethod
    def _sha256(content: Tracking) -> str:
        return content_sha256(content)

    @staticmethod
    def _content_values(content: Tracking) -> Iterator[dict[str, Any]]:
        for tracklet in content.values():
            yield {
                "id": tracklet.id,
                "start": tracklet.start,
                "boxes": base64.b64encode(tracklet.boxes.astype("<f8").tobytes()).decode(),
                "present": base64.b64encode(tracklet.present.astype(np.uint8).tobytes()).decode(),
            }

    @staticmethod
    def _edit_values(edit: TrackingEdit) -> dict[str, Any]:
        return {"edit": type(edit).__name__} | {field.name: getattr(edit, field.name) for field in fields(edit)}


def find_recovery_files(video: Path | None, tracking: Path | None) -> list[Path]:
    """Return the recovery files that crashed sessions left for a video and its tracking, newest first."""
    return find_files(_KIND, video, tracking)


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
        The corrections, step by step.
    content
        The corrected tracking itself, if the file holds it; then there are no steps.
    base
        The tracking that was corrected, if no other file holds it.
    session
        Equal to that of the labels of the same session.
    """

    saved: datetime
    base_sha256: str
    steps: tuple[RecoveredStep[TrackingEdit], ...] = ()
    content: Tracking | None = None
    base: Tracking | None = None
    session: str = ""

    def base_for(self, tracking: Tracking) -> Tracking:
        """Return the tracking that was corrected: the one in the recovery file, otherwise the one given.

        Raises
        ------
        RecoveryError
            Neither is that tracking.
        """
        base = tracking if self.base is None else self.base
        if content_sha256(base) != self.base_sha256:
            raise RecoveryError(
                "expected the tracking that was corrected, found other boxes: the file was changed since"
            )
        return base

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
        editor = self.begin(tracking)
        if self.content is not None:
            yield 1, 1
        yield from replay(editor.history, [(step, editor.do) for step in self.steps])
        return editor

    def begin(self, tracking: Tracking) -> TrackingEditor:
        """Return the editor in which the steps are replayed; errors as in `restore`."""
        base = self.base_for(tracking)
        if self.content is not None:
            return TrackingEditor(self.content, edited=True, saved=base)
        return TrackingEditor(base)


def replay(
    history: History, steps: Sequence[tuple[RecoveredStep[Any], Callable[[Any], object]]]
) -> Generator[tuple[int, int], None, None]:
    """Do steps again, each with the `do` of its editor; neighbors of the same serial, except 0, become one step.

    Yields steps done and their total.

    Raises
    ------
    RecoveryError
        A step cannot be done.
    """
    together = [
        list(group) for _, group in itertools.groupby(enumerate(steps), key=lambda one: one[1][0].serial or -1 - one[0])
    ]
    for number, group in enumerate(together, start=1):
        edits = [(edit, do) for _, (step, do) in group for edit in step.edits]
        try:
            with history.group(group[0][1][0].words if len(edits) > 1 else ""):
                for edit, do in edits:
                    do(edit)
        except (TrackingError, AnnotationError) as error:
            raise RecoveryError(f"step {number} of {len(together)} cannot be done again: {error}") from error
        yield number, len(together)


def read_recovery(path: Path) -> Recovery:
    """Read a recovery file; nothing in it is run or unpickled.

    Raises
    ------
    RecoveryError
        It cannot be read, is of another version, or holds anything but corrections.
    """
    try:
        return _parse(load(path, _KIND))
    except RecoveryError as error:
        raise RecoveryError(f"{format_path(path.name)}: {error}") from error.__cause__


def _parse(values: dict[str, Any]) -> Recovery:
    try:
        saved = datetime.fromisoformat(values["saved"]).astimezone()
        sha256 = values["base_sha256"]
        if not isinstance(sha256, str):
            raise TypeError("base_sha256")
        base, session = _tracking(values["base"]) if "base" in values else None, str(values.get("session", ""))
        if "content" in values:
            return Recovery(saved, sha256, content=_tracking(values["content"]), base=base, session=session)
        steps = tuple(step_of_values(step, _edit) for step in values["steps"])
        return Recovery(saved, sha256, steps, base=base, session=session)
    except TrackingError as error:
        raise RecoveryError(f"holds an invalid correction: {error}") from error
    except (KeyError, TypeError, ValueError, OverflowError, binascii.Error) as error:
        raise RecoveryError("expected a recovery file, found one whose content is damaged") from error


def _edit(values: dict[str, Any]) -> TrackingEdit:
    given = dict(values)
    return _EDITS[given.pop("edit")](**given)


def _tracking(values: Iterable[dict[str, Any]]) -> Tracking:
    return Tracking(_tracklet(one) for one in values)


def _tracklet(values: dict[str, Any]) -> Tracklet:
    boxes = np.frombuffer(base64.b64decode(values["boxes"], validate=True), "<f8").reshape(-1, 4)
    present = np.frombuffer(base64.b64decode(values["present"], validate=True), np.uint8)
    if len(present) != len(boxes):
        raise ValueError("present")
    return Tracklet(values["id"], values["start"], boxes, present != 0)
