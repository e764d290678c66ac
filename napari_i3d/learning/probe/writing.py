"""Write a probe: an ``.npz`` of arrays, and one JSON text among them; nothing is pickled."""

import io
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.files import atomic_writer
from napari_i3d._utils.text import format_path
from napari_i3d.errors import OutputError
from napari_i3d.learning.probe.logistic import LinearHead

if TYPE_CHECKING:
    from napari_i3d.learning.probe.probe import Probe

FORMAT = "napari_i3d probe 1"


def write_probe(path: str | os.PathLike[str], probe: "Probe") -> None:
    """Write a probe atomically.

    Raises
    ------
    OutputError
        The path does not end in ``.npz``, or cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise OutputError(f"{format_path(path)}: expected a name that ends in .npz")
    facts = {
        "format": FORMAT,
        "ethogram": [asdict(behavior) for behavior in probe.ethogram.behaviors],
        "classes": [list(head.classes) for head in probe.heads],
        "settings": asdict(probe.settings),
        "provenance": dict(probe.provenance),
    }
    arrays: dict[str, NDArray[Any]] = {
        "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8),
        "mean": probe.space.mean,
        "matrix": probe.space.matrix,
    }
    for number, head in enumerate(probe.heads):
        names = ("weights",) if isinstance(head, LinearHead) else ("features", "thresholds", "values", "tree_classes")
        arrays |= {f"{name}_{number}": getattr(head, name) for name in (*names, "bias")}
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    with atomic_writer(path) as file:
        file.write(content.getbuffer())
