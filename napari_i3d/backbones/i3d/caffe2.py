"""Read the published weights: a pickle that Caffe2's training program wrote under Python 2."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from napari_i3d._utils.text import format_path
from napari_i3d.backbones.i3d.architecture import blob_shapes
from napari_i3d.backbones.i3d.weights_checks import Blobs, check_layout, check_values
from napari_i3d.errors import WeightsError
from napari_i3d.safe_loading import unpickler

# State of the optimizer in the file, besides `<blob>_momentum`.
_OPTIMIZER = ("lr", "model_iter")


def read_caffe2(path: str | os.PathLike[str]) -> Blobs:
    """Read and check all arrays of a published file, ``{name: float32 array}``, without running any code from it.

    The file is a dictionary with the blobs, by name, under ``"blobs"``. Those of the optimizer are left out:
    ``lr``, ``model_iter`` and names that end in ``_momentum``.

    Raises
    ------
    WeightsError
        The file is not a complete pickle, holds more than plain data, or its arrays are not those of the network.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = unpickler.load(file, format_path(path), WeightsError, encoding="latin1")
    except OSError as error:
        raise WeightsError(f"{format_path(path)}: cannot be read ({error.strerror or error})") from error
    found = content.get("blobs") if isinstance(content, dict) else None
    if not isinstance(found, dict):
        raise WeightsError(
            f"{format_path(path)}: expected a dictionary of weights under 'blobs', found none",
            hint="is it another pickle?",
        )
    arrays = {name: value for name, value in found.items() if not _is_optimizer_state(name)}
    check_layout(arrays, blob_shapes(), format_path(path))
    blobs = {name: np.ascontiguousarray(arrays[name]) for name in blob_shapes()}
    check_values(blobs, format_path(path))
    return blobs


def _is_optimizer_state(name: Any) -> bool:
    return isinstance(name, str) and (name in _OPTIMIZER or name.endswith("_momentum"))
