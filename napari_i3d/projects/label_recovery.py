"""Recover unsaved labels of a video after a crash, alone or together with the corrections of its boxes."""

import hashlib
import json
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from napari_i3d._utils.text import format_path
from napari_i3d.annotations.annotation import Annotation, VideoFacts
from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.editing.annotation_edit import AnnotationEdit
from napari_i3d.annotations.editing.edit_values import edit_of_values, edit_values
from napari_i3d.annotations.editing.editor import AnnotationEditor
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.errors import AnnotationError, RecoveryError
from napari_i3d.projects import recovery_file
from napari_i3d.projects.recovery import Recovery, replay
from napari_i3d.projects.recovery_file import RecoveredStep, find_files, load, step_of_values
from napari_i3d.tracking.editing.editor import TrackingEditor

_KIND = "labels"


class LabelRecoveryFile(recovery_file.RecoveryFile[Annotation]):
    """The recovery file of an `AnnotationEditor`; see `napari_i3d.projects.recovery_file`.

    It holds the labels that the steps begin with too, and is found by the video alone: whatever happens to the file of
    the labels, and whether it is opened again, nothing is lost.

    Parameters
    ----------
    editor
        Its unsaved steps are kept.
    video, tracking
        The video, or its tracking if it is not open, identify the recovery file.
    labels
        The file of the labels; None: none yet.
    session
        As in `RecoveryFile`.
    """

    KIND = _KIND
    _editor: AnnotationEditor

    def __init__(
        self,
        editor: AnnotationEditor,
        video: Path | None,
        tracking: Path | None,
        labels: Path | None,
        session: str = "",
    ) -> None:
        super().__init__(editor, *_places(video, tracking), keep_base=True, session=session)
        self._labels = labels

    def move_to(self, video: Path | None, tracking: Path | None, labels: Path | None) -> None:
        """Be identified by other files from now on: the labels were saved, or their video opened."""
        self._labels = labels
        self.move(*_places(video, tracking), keep_base=True)

    def _base(self) -> Annotation:
        return self._editor.saved

    def _content(self) -> Annotation:
        return self._editor.annotation

    def _head(self, base: Annotation) -> dict[str, Any]:
        return {**super()._head(base), "labels": None if self._labels is None else str(self._labels)}

    @staticmethod
    def _sha256(content: Annotation) -> str:
        return hashlib.sha256(json.dumps(list(annotation_values(content))).encode()).hexdigest()

    @staticmethod
    def _content_values(content: Annotation) -> Iterator[dict[str, Any]]:
        return annotation_values(content)

    @staticmethod
    def _edit_values(edit: AnnotationEdit) -> dict[str, Any]:
        return edit_values(edit)


@dataclass(frozen=True)
class LabelRecovery:
    """The content of a recovery file of labels.

    Attributes
    ----------
    saved
        When it was written, local time.
    base
        The labels that the steps begin with, as their file has them.
    steps
        The edits, step by step.
    content
        The labels themselves, if the file holds them; then there are no steps.
    labels
        The file of the labels; None: none yet.
    session
        Equal to that of the corrections of the same session.
    """

    saved: datetime
    base: Annotation
    steps: tuple[RecoveredStep[AnnotationEdit], ...] = ()
    content: Annotation | None = None
    labels: Path | None = None
    session: str = ""

    @property
    def is_outdated(self) -> bool:
        """Whether the file of the labels was changed after they were kept."""
        try:
            return self.labels is not None and self.labels.stat().st_mtime > self.saved.timestamp() + 1
        except (OSError, ValueError):
            return False


def restore(
    boxes: TrackingEditor, corrections: Recovery | None, labels: LabelRecovery | None
) -> Generator[tuple[int, int], None, tuple[TrackingEditor, AnnotationEditor | None]]:
    """Replay corrections and labels, in the order in which they were made if they are of the same session.

    A correction that took labels along becomes one step again, whose labels are those of the labels' own edits.

    Parameters
    ----------
    boxes
        The boxes as they are, without steps.
    corrections, labels
        What was found; None: nothing.

    Returns
    -------
    tuple of TrackingEditor and AnnotationEditor
        New editors that share a history; of the labels, None if there are none. Neither carries the other along.

    Raises
    ------
    RecoveryError
        The boxes are others than those that were corrected, or a step cannot be done again.
    """
    if corrections is not None:
        editor = corrections.begin(boxes.tracking)
    else:
        editor = TrackingEditor(boxes.tracking, edited=boxes.edited, saved=None if boxes.is_saved else boxes.saved)
    annotator = None if labels is None else _begin(labels, editor)
    steps: list[tuple[RecoveredStep[Any], Any]] = []
    steps += [(step, editor.do) for step in (corrections.steps if corrections else ())]
    if labels is not None and annotator is not None:
        same = corrections is not None and corrections.session == labels.session != ""
        steps += [(step if same else step._replace(serial=0), annotator.do) for step in labels.steps]
        if same:
            steps.sort(key=lambda one: one[0].serial)
    yield 0, max(len(steps), 1)
    yield from replay(editor.history, steps)
    return editor, annotator


def _begin(labels: LabelRecovery, boxes: TrackingEditor) -> AnnotationEditor:
    if labels.content is not None:
        return AnnotationEditor(labels.content, boxes.history, saved=labels.base)
    return AnnotationEditor(labels.base, boxes.history)


def find_label_recoveries(video: Path | None, tracking: Path | None) -> list[Path]:
    """Return the recovery files of labels that crashed sessions left for a video or its tracking, newest first."""
    found = [] if video is None else find_files(_KIND, *_places(video, None))
    return found if tracking is None else found + find_files(_KIND, *_places(None, tracking))


def read_label_recovery(path: Path) -> LabelRecovery:
    """Read a recovery file of labels; nothing in it is run or unpickled.

    Raises
    ------
    RecoveryError
        It cannot be read, is of another version, or holds anything but labels.
    """
    try:
        return _parse(load(path, _KIND))
    except RecoveryError as error:
        raise RecoveryError(f"{format_path(path.name)}: {error}") from error.__cause__


def annotation_values(annotation: Annotation) -> Iterator[dict[str, Any]]:
    """Yield an annotation as JSON values: first everything else, then its bouts."""
    video = annotation.video
    yield {
        "behaviors": [_values(behavior) for behavior in annotation.ethogram.values()],
        "assessed": [[one, ranges] for one, ranges in annotation.assessed.items()],
        "individuals": list(annotation.individuals),
        "n_frames": annotation.n_frames,
        "fps": annotation.fps,
        "video": None if video is None else {"name": video.name, "size": video.size},
        "annotator": annotation.annotator,
        "notes": annotation.notes,
    }
    for bout in annotation.bouts:
        yield _values(bout)


def annotation_of_values(values: Iterable[dict[str, Any]]) -> Annotation:
    """Return the annotation that was made to values; KeyError, TypeError, ValueError or AnnotationError if none was."""
    head, *bouts = values
    given, video = dict(head), head["video"]
    given["ethogram"] = Ethogram(tuple(Behavior(**one) for one in given.pop("behaviors")))
    given["assessed"] = {one: tuple(map(tuple, ranges)) for one, ranges in given["assessed"]}
    given["video"] = None if video is None else VideoFacts(**video)
    return Annotation(bouts=tuple(Bout(**one) for one in bouts), **given)


def _values(item: Behavior | Bout) -> dict[str, Any]:
    return {field.name: getattr(item, field.name) for field in fields(item)}


def _parse(values: dict[str, Any]) -> LabelRecovery:
    try:
        saved = datetime.fromisoformat(values["saved"]).astimezone()
        labels = values["labels"]
        return LabelRecovery(
            saved,
            annotation_of_values(values["base"]),
            tuple(step_of_values(step, edit_of_values) for step in values.get("steps", ())),
            annotation_of_values(values["content"]) if "content" in values else None,
            None if labels is None else Path(labels),
            str(values.get("session", "")),
        )
    except AnnotationError as error:
        raise RecoveryError(f"holds invalid labels: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise RecoveryError("expected a recovery file of labels, found one whose content is damaged") from error


def _places(video: Path | None, tracking: Path | None) -> tuple[Path | None, Path | None]:
    return (video, None) if video is not None else (None, tracking)
