"""Jobs that read recovery files, and replay the corrections and labels in them. Know no napari and no Qt."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from napari_i3d._utils.text import counted
from napari_i3d.annotations.editing.editor import AnnotationEditor
from napari_i3d.errors import RecoveryError
from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.job_results import Progress
from napari_i3d.plugin.messages import dock_text
from napari_i3d.projects.label_recovery import LabelRecovery, read_label_recovery, restore
from napari_i3d.projects.recovery import Recovery, read_recovery
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.tracklets import Tracking

Kind = TypeVar("Kind", Recovery, LabelRecovery)


@dataclass(frozen=True, eq=False)
class Kept(Generic[Kind]):
    """What a recovery file keeps.

    Attributes
    ----------
    path
        The recovery file.
    recovery
        Its content; None: it cannot be read.
    problem
        Why it cannot be restored; empty if it can.
    """

    path: Path
    recovery: Kind | None = None
    problem: str = ""

    def describe(self, what: str) -> str:
        """Return a sentence without its period; `what` is kept."""
        if self.recovery is None:
            written = datetime.fromtimestamp(self.path.stat().st_mtime) if self.path.exists() else None
            when = f" of {_format_time(written)}" if written else ""
            return f"{what}{when} were not saved, and cannot be restored: {self.problem}"
        steps = f" ({counted(len(self.recovery.steps), 'step')})" if self.recovery.content is None else ""
        text = f"{what} of {_format_time(self.recovery.saved)}{steps} were not saved"
        return f"{text}, and cannot be restored: {self.problem}" if self.problem else text


@dataclass(frozen=True, eq=False)
class RecoveryOffer:
    """What a crashed session left of a video.

    Attributes
    ----------
    corrections, labels
        What it left of the boxes and of the labels; None: nothing.
    base
        The tracking that the corrections are for; None: it is not there.
    """

    corrections: Kept[Recovery] | None = None
    labels: Kept[LabelRecovery] | None = None
    base: Tracking | None = None

    @property
    def problem(self) -> str:
        """Why it cannot be restored; empty if it can."""
        return next((kept.problem for kept in (self.corrections, self.labels) if kept is not None), "")

    @property
    def paths(self) -> list[Path]:
        """The recovery files."""
        return [kept.path for kept in (self.corrections, self.labels) if kept is not None]

    @property
    def what(self) -> str:
        """What is offered, in words."""
        parts = (("corrections", self.corrections), ("labels", self.labels))
        return " and ".join(word for word, kept in parts if kept is not None)

    def describe(self, name: str) -> str:
        """Return a line about what is offered of a video."""
        parts = (("corrections", self.corrections), ("labels", self.labels))
        text = " and ".join(kept.describe(word) for word, kept in parts if kept is not None)
        text = text.replace(" were not saved and ", " and ")  # said once
        labels = None if self.labels is None else self.labels.recovery
        if labels is not None and labels.labels is not None and labels.is_outdated:
            text += f"; {labels.labels.name} was changed since"
        return f"{name}: {text}."

    def parts(self) -> "list[RecoveryOffer]":
        """Return an offer for the corrections and one for the labels."""
        return [replace(self, labels=None), RecoveryOffer(labels=self.labels)]

    def failed(self, problem: str) -> "RecoveryOffer":
        """Return the offer as it is after it could not be restored."""
        return RecoveryOffer(
            None if self.corrections is None else replace(self.corrections, problem=problem),
            None if self.labels is None else replace(self.labels, problem=problem),
        )


def run_reading_recovery(
    editor: TrackingEditor, paths: Sequence[Path], label_paths: Sequence[Path], tracking: Tracking, stop: StopRequest
) -> Generator[Progress, None, tuple[TrackingEditor, tuple[RecoveryOffer, ...]]]:
    """Read recovery files for a tracking; a bad one costs only itself. Returns the editor of the tracking too.

    Corrections and labels are offered together, unless one of them cannot be restored.
    """
    labels, corrections = [], []
    for path in label_paths:
        yield Progress("reading labels")
        stop.check()
        labels.append(_read(path, read_label_recovery))
    for path in paths:
        yield Progress("reading corrections")
        stop.check()
        corrections.append(_read(path, read_recovery))
    return editor, tuple(_paired(corrections, labels, tracking))


def _paired(
    corrections: list[Kept[Recovery]], labels: list[Kept[LabelRecovery]], tracking: Tracking
) -> Iterator[RecoveryOffer]:
    """Yield offers of corrections with the labels of the same session, else with labels that no other session has."""
    sessions = {_session(one) for one in corrections}
    left = list(labels)
    for kept in corrections:
        base, along = None, None
        if kept.recovery is not None:
            try:
                base = kept.recovery.base_for(tracking)
            except RecoveryError as error:
                kept = replace(kept, problem=dock_text(error))
        if base is not None:
            whole = [one for one in left if not one.problem]
            same = [one for one in whole if _session(one) == _session(kept)]
            free = [one for one in whole if _session(one) not in sessions]
            along = next(iter([*same, *free]), None)
        if along is not None:
            left.remove(along)
        yield RecoveryOffer(kept, along, base)
    for one in left:
        yield RecoveryOffer(labels=one)


def _session(kept: Kept[Any]) -> str:
    return "" if kept.recovery is None else str(kept.recovery.session)


def run_restoring(
    offer: RecoveryOffer, boxes: TrackingEditor, _: StopRequest
) -> Generator[Progress, None, tuple[TrackingEditor, AnnotationEditor | None]]:
    """Replay corrections and labels; return the editors that hold them. `boxes` are those that are shown."""
    if offer.problem:
        raise RecoveryError(offer.problem)
    start = boxes if offer.base is None else TrackingEditor(offer.base)
    steps = restore(
        start,
        None if offer.corrections is None else offer.corrections.recovery,
        None if offer.labels is None else offer.labels.recovery,
    )
    while True:
        try:
            done, total = next(steps)
        except StopIteration as finished:
            editors: tuple[TrackingEditor, AnnotationEditor | None] = finished.value
            return editors
        yield Progress("restoring", done, total)


def _read(path: Path, read: Callable[[Path], Kind]) -> Kept[Kind]:
    try:
        return Kept(path, read(path))
    except RecoveryError as error:
        return Kept(path, None, dock_text(error))


def _format_time(time: datetime) -> str:
    return f"{time.day} {time:%b %H:%M}"
