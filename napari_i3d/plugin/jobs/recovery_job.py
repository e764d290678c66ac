"""Jobs that read recovery files, and replay the corrections in them. Know no napari and no Qt."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from napari_i3d._utils.text import counted
from napari_i3d.errors import RecoveryError
from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.job_results import Progress
from napari_i3d.plugin.messages import dock_text
from napari_i3d.projects.recovery import Recovery, read_recovery
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.tracklets import Tracking


@dataclass(frozen=True, eq=False)
class RecoveryOffer:
    """Corrections that a crashed session left.

    Attributes
    ----------
    path
        The recovery file.
    recovery
        Its content; None: it cannot be read.
    base
        The tracking that the corrections are for; None: it is not there.
    problem
        Why the corrections cannot be restored; empty if they can.
    """

    path: Path
    recovery: Recovery | None = None
    base: Tracking | None = None
    problem: str = ""

    def describe(self, name: str) -> str:
        """Return a line about the corrections of a video."""
        if self.recovery is None:
            written = datetime.fromtimestamp(self.path.stat().st_mtime) if self.path.exists() else None
            when = f" of {_format_time(written)}" if written else ""
            return f"{name}: corrections{when} were not saved, and cannot be restored: {self.problem}."
        steps = f" ({counted(len(self.recovery.steps), 'step')})" if self.recovery.content is None else ""
        text = f"{name}: corrections of {_format_time(self.recovery.saved)}{steps} were not saved"
        return f"{text}, and cannot be restored: {self.problem}." if self.problem else f"{text}."


def run_reading_recovery(
    editor: TrackingEditor, paths: Sequence[Path], tracking: Tracking, stop: StopRequest
) -> Generator[Progress, None, tuple[TrackingEditor, tuple[RecoveryOffer, ...]]]:
    """Read recovery files for a tracking; a bad one costs only itself. Returns the editor of the tracking too."""
    offers = []
    for path in paths:
        yield Progress("reading corrections")
        stop.check()
        recovery = None
        try:
            recovery = read_recovery(path)
            offers.append(RecoveryOffer(path, recovery, recovery.base_for(tracking)))
        except RecoveryError as error:
            offers.append(RecoveryOffer(path, recovery, None, dock_text(error)))
    return editor, tuple(offers)


def run_restoring(offer: RecoveryOffer, _: StopRequest) -> Generator[Progress, None, TrackingEditor]:
    """Replay corrections; return the editor that holds them."""
    if offer.recovery is None or offer.base is None:
        raise RecoveryError(offer.problem)
    steps = offer.recovery.restore(offer.base)
    while True:
        try:
            done, total = next(steps)
        except StopIteration as finished:
            editor: TrackingEditor = finished.value
            return editor
        yield Progress("restoring", done, total)


def _format_time(time: datetime) -> str:
    return f"{time.day} {time:%b %H:%M}"
