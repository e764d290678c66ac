"""Check that arrays are the weights of the network: names, shapes, dtypes, values."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_i3d._utils.text import printable
from napari_i3d.errors import WeightsError

Blobs = dict[str, "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"]

_SHOWN = 3
# Blocks beyond the 4 and 6 of ResNet-50's middle stages, in the published names and in PyTorch's.
_DEEPER = re.compile(r"(res4_|layer3\.)([6-9]|\d\d)|(res3_|layer2\.)[4-9]")


def check_layout(found: Mapping[Any, Any], expected: Mapping[str, tuple[int, ...]], file: str) -> None:
    """Check names, shapes and dtypes of the arrays in a file, before any content is read.

    `found` maps names to anything with `shape` and `dtype`, `expected` names to shapes; `file` is the name for
    messages. Raises `WeightsError`, which lists all differences on one line.
    """
    missing = [name for name in expected if name not in found]
    surplus = [printable(str(name), 60) for name in found if name not in expected]
    shapes, kinds = [], []
    for name, shape in expected.items():
        if name not in found:
            continue
        array = found[name]
        if not (hasattr(array, "shape") and hasattr(array, "dtype")):
            kinds.append(f"{name} is {type(array).__name__}")
        elif tuple(array.shape) != shape:
            shapes.append(f"{name} is {tuple(array.shape)}, not {shape}")
        elif _kind(array) != "float32":
            kinds.append(f"{name} is {_kind(array)}")
    if missing or surplus or shapes:
        problems = (_listed("missing", missing), _listed("surplus", surplus), _listed("of another shape", shapes))
        raise WeightsError(
            f"{file}: weights {_owner(missing, surplus, shapes)}, expected those of I3D ResNet-50 without non-local "
            f"blocks; {'; '.join(filter(None, problems))}"
        )
    if kinds:
        raise WeightsError(
            f"{file}: expected float32 numbers, found {_listed('of another kind', kinds)}",
            hint="use the published file",
        )


def check_values(blobs: Blobs, file: str) -> None:
    """Raise `WeightsError` if a number is not finite or a running variance is negative."""
    infinite = [name for name, array in blobs.items() if not np.isfinite(array).all()]
    negative = [name for name, array in blobs.items() if name.endswith("_riv") and (array < 0).any()]
    problems = _listed("not finite", infinite), _listed("negative running variances", negative)
    if infinite or negative:
        raise WeightsError(
            f"{file}: damaged weights; {'; '.join(filter(None, problems))}", hint="use the published file"
        )


def _owner(missing: list[str], surplus: list[str], shapes: list[str]) -> str:
    """Describe the network to which these weights seem to belong."""
    if any("nonlocal" in name or ".nl." in name for name in surplus):
        return "of another network, one with non-local blocks"
    if any(_DEEPER.match(name) for name in surplus):
        return "of another network, a deeper one (ResNet-101 or ResNet-152)"
    if surplus or shapes:
        return "of another network"
    return "not complete" if missing else "of another network"


def _listed(title: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)} {title}: {', '.join(names[:_SHOWN])}{more}"


def _kind(array: Any) -> str:
    return str(array.dtype).removeprefix("torch.")
