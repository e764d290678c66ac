"""The actions of proposals that can have a key."""

from functools import partial

from napari_i3d.plugin.keyboard.actions import Action
from napari_i3d.plugin.proposals import proposal_actions

_GROUP = "Proposals"
ACTIONS = (
    Action(
        "accept_bout",
        "accept the proposal here, or the bout that a program made",
        proposal_actions.accept,
        "Alt-Y",
        _GROUP,
    ),
    Action(
        "accept_and_stay",
        "accept the proposal here, and stay",
        partial(proposal_actions.accept, stay=True),
        "Alt-Shift-Y",
        _GROUP,
    ),
    Action("reject_proposal", "reject the proposal here", proposal_actions.reject, "Alt-X", _GROUP),
    Action(
        "reject_all_behaviors",
        "reject the proposal here: none of the behaviors is shown",
        partial(proposal_actions.reject, assess=True),
        "Alt-Shift-X",
        _GROUP,
    ),
    Action("next_proposal", "next proposal", partial(proposal_actions.step, step=1), "Alt-.", _GROUP),
    Action("previous_proposal", "previous proposal", partial(proposal_actions.step, step=-1), "Alt-,", _GROUP),
)
"""Actions of proposals."""
