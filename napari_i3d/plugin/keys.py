"""Keys for going through tracklets and problems.

All are letters that napari 0.9 uses neither for the viewer nor for any kind of layer; with Shift they go back.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from napari.utils.key_bindings import coerce_keybinding

from napari_i3d.plugin import navigation
from napari_i3d.plugin.actions import Action
from napari_i3d.plugin.corrections import identity_actions, key_frame_actions, problem_actions
from napari_i3d.plugin.corrections.saving import SAVE_ACTIONS
from napari_i3d.plugin.session.session import Session

if TYPE_CHECKING:
    from napari.viewer import Viewer

_LOOK = (
    Action(
        "next_problem",
        "next problem; its individual stays in the middle",
        partial(navigation.step_problem, step=1),
        "N",
    ),
    Action("previous_problem", "previous problem", partial(navigation.step_problem, step=-1), "Shift-N"),
    Action("next_individual", "next individual", partial(navigation.step_individual, step=1), "J"),
    Action("previous_individual", "previous individual", partial(navigation.step_individual, step=-1), "Shift-J"),
    Action("first_frame", "first frame of the individual", partial(navigation.go_to_end, last=False), "G"),
    Action("last_frame", "last frame of the individual", partial(navigation.go_to_end, last=True), "Shift-G"),
    Action("whole_image", "whole image; no individual is followed", navigation.show_whole, "H"),
)
ACTIONS = (
    *_LOOK,
    *problem_actions.ACTIONS,
    *identity_actions.ACTIONS,
    *key_frame_actions.ACTIONS,
    *SAVE_ACTIONS,
)
"""All actions that can have a key."""


def bind_keys(session: Session) -> None:
    """Bind the keys in the viewer of a session, but for those that the user or another plugin uses already."""
    viewer = session.viewer
    for action in ACTIONS:
        for key in action.keys:
            binding = coerce_keybinding(key)
            if binding not in viewer.keymap and binding not in viewer.class_keymap:
                viewer.bind_key(key, _handler(action, session))


def _handler(action: Action, session: Session) -> Callable[["Viewer"], None]:
    def handle(_: "Viewer") -> None:
        action.run(session)

    handle.__doc__ = action.text
    return handle
