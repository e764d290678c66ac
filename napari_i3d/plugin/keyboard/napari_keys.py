"""Which keys napari has, and for what."""

from app_model.types import KeyBinding
from napari._app_model import get_app_model
from napari.settings import get_settings
from napari.utils.action_manager import action_manager


def napari_use(binding: KeyBinding) -> str:
    """Return what napari does on a key, in its menus, in the viewer or in a kind of layer; empty: nothing."""
    app = get_app_model()
    for known in app.keybindings:
        if known.keybinding == binding:
            return _quoted(str(app.commands[known.command_id].title))
    for name, bindings in get_settings().shortcuts.shortcuts.items():
        if binding in bindings:
            action = action_manager._actions.get(name)
            return _quoted(name.rpartition(":")[2].replace("_", " ") if action is None else action.description)
    return ""


def _quoted(title: str) -> str:
    return f"napari uses it for '{title.strip().rstrip('.…').splitlines()[0]}'" if title.strip() else "napari uses it"
