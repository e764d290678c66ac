"""The file of the user's keys: one JSON object of names of actions and keys, such as ``"next_problem": "N"``.

Keys are written as napari writes them: ``N``, ``Shift+N``, ``Ctrl+Alt+S``; an empty text is no key.
"""

import functools
import json
from collections.abc import Mapping
from pathlib import Path

from app_model.types import KeyBinding
from napari.utils.key_bindings import coerce_keybinding

from napari_i3d._utils.files import atomic_writer, make_folder
from napari_i3d._utils.text import printable
from napari_i3d.plugin.preferences import preferences_path

_MAX_BYTES = 1 << 20
_SHOWN = 40


def keys_path() -> Path:
    """Return the file: beside the other settings of the plugin."""
    return preferences_path().with_name("keys.json")


def read_keys(defaults: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the key of each action, and what is wrong in the file; wrong lines count as not there.

    Parameters
    ----------
    defaults
        The keys that actions have without the file.
    """
    path, keys = keys_path(), dict(defaults)
    try:
        if not path.exists():
            return keys, []
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("too large")
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return keys, ["the file cannot be read as JSON"]
    if not isinstance(content, dict):
        return keys, ["expected names of actions and keys"]
    problems = []
    for name, key in content.items():
        shown = printable(name, _SHOWN)
        binding = parse_key(key) if isinstance(key, str) else None
        if name not in defaults:
            problems.append(f"{shown}: no action has this name")
        elif binding is None and key != "":
            found = printable(key, _SHOWN) if isinstance(key, str) else type(key).__name__
            problems.append(f"{shown}: expected a key such as N, Shift+N or Ctrl+Alt+S, found {found!r}")
        else:
            keys[name] = "" if binding is None else str(binding)
    return keys, problems


def write_keys(keys: Mapping[str, str]) -> None:
    """Write the keys of all actions, one a line; raise `OutputError` if the file cannot be written."""
    path = keys_path()
    make_folder(path.parent)
    with atomic_writer(path) as file:
        file.write((json.dumps(dict(keys), indent=1) + "\n").encode())


@functools.lru_cache(maxsize=512)  # a viewer that opens compares each key with all others
def parse_key(text: str) -> KeyBinding | None:
    """Return the binding of a key, None if there is no such key: one key, perhaps with Ctrl, Shift, Alt or Meta."""
    try:
        binding: KeyBinding = coerce_keybinding(text)
    except (ValueError, TypeError, KeyError):
        return None
    if len(binding.parts) != 1 or binding.parts[0].is_modifier_key() or not str(binding.parts[0].key):
        return None
    return binding
