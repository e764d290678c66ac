"""Keys for going through tracklets and problems.

All are letters that napari 0.9 uses neither for the viewer nor for any kind of layer; with Shift they go back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from napari.utils.key_bindings import coerce_keybinding

from napari_i3d.plugin import navigation
from napari_i3d.plugin.session.session import Session

if TYPE_CHECKING:
    from napari.viewer import Viewer


@dataclass(frozen=True)
class Key:
    """A key, what it does to a session, and how help calls that."""

    key: str
    does: Callable[[Session], None]
    text: str


KEYS = (
    Key("N", partial(navigation.step_problem, step=1), "next problem; its individual stays in the middle"),
    Key("Shift-N", partial(navigation.step_problem, step=-1), "previous problem"),
    Key("J", partial(navigation.step_individual, step=1), "next individual"),
    Key("Shift-J", partial(navigation.step_individual, step=-1), "previous individual"),
    Key("G", partial(navigation.go_to_end, last=False), "first frame of the individual"),
    Key("Shift-G", partial(navigation.go_to_end, last=True), "last frame of the individual"),
    Key("H", navigation.show_whole, "whole image; no individual is followed"),
)


def bind_keys(session: Session) -> None:
    """Bind the keys in the viewer of a session, but for those that the user or another plugin uses already."""
    viewer = session.viewer
    for key in KEYS:
        binding = coerce_keybinding(key.key)
        if binding not in viewer.keymap and binding not in viewer.class_keymap:
            viewer.bind_key(key.key, _handler(key, session))


def _handler(key: Key, session: Session) -> Callable[["Viewer"], None]:
    def handle(_: "Viewer") -> None:
        key.does(session)

    handle.__doc__ = key.text
    return handle
