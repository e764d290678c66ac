"""Hidden paths beside a features file while it is being made."""

import hashlib
import os
from pathlib import Path

from napari_i3d.features.io.output_format import LONGEST_NAME_BYTES


def partial_folder(output: Path) -> Path:
    """Return the folder of the finished shards of a features file."""
    return _hidden(output, ".partial")


def lock_path(output: Path) -> Path:
    """Return the lock file of the process that works on a features file."""
    return _hidden(output, ".lock")


def _hidden(output: Path, ending: str) -> Path:
    """Return a hidden path beside a features file."""
    name = f".{output.name}{ending}"
    if len(os.fsencode(name)) > LONGEST_NAME_BYTES:
        name = f".{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}{ending}"
    return output.with_name(name)
