"""Settings kept between sessions: plain values in one JSON file."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import platformdirs

from napari_i3d._utils.files import CACHE_VARIABLE, atomic_writer, make_folder
from napari_i3d.errors import NapariI3DError

_log = logging.getLogger(__name__)


def preferences_path() -> Path:
    """Return the file: in `NAPARI_I3D_HOME` if that is set, otherwise in the user's configuration folder."""
    chosen = os.environ.get(CACHE_VARIABLE)
    folder = Path(chosen).expanduser() if chosen else platformdirs.user_config_path("napari_i3d", appauthor=False)
    return folder / "plugin.json"


def recall(section: str) -> dict[str, Any]:
    """Return the values stored under a name; empty if there are none or the file cannot be read."""
    values = _read().get(section)
    return dict(values) if isinstance(values, dict) else {}


def remember(section: str, values: dict[str, Any]) -> None:
    """Store plain values under a name, replacing the previous ones.

    A file that cannot be written is only logged: it must not stop the user's work.
    """
    content = _read() | {section: values}
    path = preferences_path()
    try:
        make_folder(path.parent)
        with atomic_writer(path) as file:
            file.write(json.dumps(content, indent=1).encode())
    except NapariI3DError as error:
        _log.warning("settings are not remembered: %s", error)


def _read() -> dict[str, Any]:
    try:
        content = json.loads(preferences_path().read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
