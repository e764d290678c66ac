"""Entries about proposals in the menu of the time line."""

from functools import partial

from qtpy.QtWidgets import QMenu

from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.proposals import shown_ethogram
from napari_i3d.individuals import Id
from napari_i3d.plugin.proposals import proposal_actions
from napari_i3d.plugin.proposals.accept_dialog import open_accept_dialog
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo


def add_proposal_entries(menu: QMenu, session: Session, tracked: TrackedVideo, bout: Bout) -> None:
    """Offer to accept a proposal, as what it is or as another behavior, or to reject it."""
    menu.addAction(f"Accept as {bout.behavior}", partial(_accept, session, tracked, bout, bout.behavior))
    others = menu.addMenu("Accept as")
    ethogram = shown_ethogram(tracked.labels.editor.ethogram, tracked.predictions.editor.ethogram)
    for name in ethogram:
        if name != bout.behavior and others is not None:
            others.addAction(name, partial(_accept, session, tracked, bout, name))
    menu.addAction("Reject", partial(proposal_actions.reject_bout, session, tracked, bout))
    nothing = partial(proposal_actions.reject_bout, session, tracked, bout, assess=True)
    menu.addAction("Reject: none of the behaviors is shown", nothing)


def add_accept_all(menu: QMenu, session: Session, tracked: TrackedVideo, individual: Id) -> None:
    """Offer to accept many proposals at once, if there are any."""
    if tracked.predictions.annotation is not None and tracked.predictions.shown:
        menu.addAction("Accept proposals above a confidence…", partial(open_accept_dialog, session, individual))


def _accept(session: Session, tracked: TrackedVideo, bout: Bout, behavior: str) -> None:
    proposal_actions.accept_bout(session, tracked, bout, behavior)
