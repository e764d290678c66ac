"""The keys of the actions of a viewer, which the user can change."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from weakref import WeakSet

from app_model.backends.qt import QKeyBindingSequence
from app_model.types import KeyBinding
from napari.utils.notifications import show_warning
from psygnal import Signal
from qtpy.QtGui import QKeySequence

from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin.keyboard.actions import Action
from napari_i3d.plugin.keyboard.key_file import keys_path, parse_key, read_keys, write_keys
from napari_i3d.plugin.keyboard.napari_keys import napari_use
from napari_i3d.plugin.session.session import Session

if TYPE_CHECKING:
    from napari.viewer import Viewer


class KeyBindings:
    """The keys of the actions in one viewer: the defaults, or what the user chose.

    Parameters
    ----------
    session
        The viewer's session.
    actions
        All actions that can have a key.

    Attributes
    ----------
    actions
        The actions.
    defaults
        The key of each action unless the user chose another.
    changed
        Signal, without arguments: the keys are others.
    """

    changed = Signal()

    def __init__(self, session: Session, actions: Sequence[Action]) -> None:
        self._session, self.actions = session, tuple(actions)
        self.defaults = {action.name: _as_written(action.key) for action in actions}
        self._keys: dict[str, str] = {}
        self._bound: list[KeyBinding] = []
        _everywhere.add(self)
        self.load()

    def key(self, name: str) -> str:
        """Return the key of an action as napari writes it; empty: none."""
        return self._keys.get(name, "")

    def shown_key(self, name: str) -> str:
        """Return the key of an action as this computer writes it; empty: none."""
        return shown_key(self.key(name))

    def shown_keys(self, name: str) -> str:
        """Return the key of an action, and the second one that cannot be changed, as this computer writes them."""
        also = next((action.also for action in self.actions if action.name == name), "")
        return ", ".join(key for key in (self.shown_key(name), shown_key(also)) if key)

    def called(self, name: str) -> str:
        """Return the key of an action for a sentence, or what the action does if it has none, in quotation marks."""
        text = next((action.text for action in self.actions if action.name == name), name)
        return self.shown_key(name) or f"'{text}'"

    def tooltip(self, action: Action) -> str:
        """Return what an action does, with its keys."""
        text, keys = action.text[:1].upper() + action.text[1:], self.shown_keys(action.name)
        return f"{text} ({keys})" if keys else text

    def load(self) -> None:
        """Read the user's file, and bind the keys; say what is wrong in it."""
        keys, problems = read_keys(self.defaults)
        keys, refused = self._without_collisions(keys)
        if problems or refused:
            where = f"Keys in {keys_path()} that are not used:"
            show_warning("\n".join([where, *problems, *refused]))
        self._bind(keys)

    def taken(self, key: str, keys: Mapping[str, str], name: str) -> str:
        """Return what uses a key that an action is to have, besides the other keys of ours; empty: nothing."""
        return self._taken(key, keys, name) or self._user_of(key)

    def _user_of(self, key: str) -> str:
        binding = parse_key(key)
        used = binding in self._session.viewer.keymap and binding not in self._bound
        return "another plugin or a script uses it" if used else ""

    def _taken(self, key: str, keys: Mapping[str, str], name: str) -> str:
        """Return which action of napari, or of ours, uses a key; empty: none."""
        binding = parse_key(key)
        if binding is None:
            return ""
        others = (
            action
            for action in self.actions
            if action.name != name and binding in (parse_key(keys[action.name]), parse_key(action.also))
        )
        other = next(others, None)
        if other is not None:
            return f"it is the key of '{other.text}'"
        # Defaults are known to be free where they are used, although another kind of layer may have them.
        return "" if binding == parse_key(self.defaults[name]) else napari_use(binding)

    def _without_collisions(self, keys: dict[str, str]) -> tuple[dict[str, str], list[str]]:
        """Return keys without those that are taken, which are the default again or none, and a line about each."""
        used, refused = dict.fromkeys(keys, ""), []
        # Defaults first: a line of the file is refused, rather than an action left without its key.
        for name in sorted(keys, key=lambda name: keys[name] != self.defaults[name]):
            who = self._taken(keys[name], used, name)
            if not who:
                used[name] = keys[name]
            elif keys[name] != self.defaults[name]:
                refused.append(f"{name}: {keys[name]} is taken, {who}")
                if not self._taken(self.defaults[name], used, name):
                    used[name] = self.defaults[name]
        return used, refused

    def _bind(self, keys: dict[str, str]) -> None:
        viewer = self._session.viewer
        for binding in self._bound:
            viewer.bind_key(binding, None)
        self._keys, self._bound = keys, []
        for action in self.actions:
            chosen = parse_key(keys[action.name])
            # What the user or another plugin uses already stays as it is.
            for own in (chosen, parse_key(action.also)):
                if own is not None and own not in viewer.keymap and own not in viewer.class_keymap:
                    viewer.bind_key(own, _handler(action, self._session))
                    self._bound.append(own)
        self.changed.emit()


def change_keys(keys: Mapping[str, str]) -> None:
    """Write the user's keys, and use them in all viewers; raise `OutputError` if they cannot be written."""
    write_keys(keys)
    for bindings in tuple(_everywhere):
        with contextlib.suppress(NapariI3DError):  # its viewer was closed
            bindings.load()


def shown_key(key: str) -> str:
    """Return a key as this computer writes it; empty: none."""
    binding = parse_key(key)
    return "" if binding is None else str(QKeyBindingSequence(binding).toString(QKeySequence.SequenceFormat.NativeText))


def _as_written(key: str) -> str:
    """Return a key as the file has it."""
    binding = parse_key(key)
    return "" if binding is None else str(binding)


def _handler(action: Action, session: Session) -> Callable[["Viewer"], None]:
    def handle(_: "Viewer") -> None:
        action.run(session)

    handle.__doc__ = action.text
    return handle


_everywhere: "WeakSet[KeyBindings]" = WeakSet()
