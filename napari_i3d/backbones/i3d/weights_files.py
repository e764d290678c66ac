"""Read the three formats of weights, recognized by their content, and write our own."""

import json
import os
import pickle
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors
import safetensors.numpy
import torch

from napari_i3d._utils.files import atomic_writer
from napari_i3d._utils.text import format_path, printable
from napari_i3d.backbones.i3d.architecture import blob_shapes
from napari_i3d.backbones.i3d.caffe2 import read_caffe2
from napari_i3d.backbones.i3d.weights_checks import Blobs, check_layout, check_values
from napari_i3d.errors import WeightsError
from napari_i3d.safe_loading.pickle_opcodes import ForbiddenError
from napari_i3d.safe_loading.torch_files import check_pytorch

_METADATA_KEY = "napari_i3d"
# The header of the network takes 30 kB; a long one takes minutes to read.
_MOST_HEADER_BYTES = 1 << 20

# torch before 1.6 wrote a row of pickles, the first of them this number.
_TORCH_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."

# What torch.load raises on files that are damaged or hold more than arrays; found by changing and cutting files at
# random. RuntimeError is its own reader's.
_TORCH_DAMAGE = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    RuntimeError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ImportError,
    OverflowError,
    MemoryError,
    OSError,
)


class WeightsFile(NamedTuple):
    """Content of a weights file."""

    blobs: Blobs  # all arrays of `blob_shapes`, float32, checked
    format: str  # "caffe2", "pytorch" or "safetensors"
    metadata: dict[str, str]  # that of our own safetensors files; empty for others


class _Header(NamedTuple):
    shape: tuple[int, ...]
    dtype: str


def read_weights_file(path: str | os.PathLike[str]) -> WeightsFile:
    """Read and check weights in any accepted format, recognized by content; nothing in the file is ever run.

    Formats: the published Caffe2 pickle; the ``.pth`` into which the predecessor converts it, also inside a
    ``{"state_dict": ...}`` and with names that begin with ``module.``; a ``.safetensors`` written by
    `write_safetensors`.

    Raises
    ------
    WeightsError
        The file is missing, damaged, of another format or of another network.
    """
    path = Path(path)
    try:
        if not path.is_file():
            found = "a folder, not a file" if path.is_dir() else "no such file"
            raise WeightsError(f"{format_path(path)}: {found}; expected weights (.pkl, .pth or .safetensors)")
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise WeightsError(f"{format_path(path)}: cannot be read ({error.strerror or error})") from error
    if start.startswith((b"PK\x03\x04", _TORCH_LEGACY)):
        return WeightsFile(_read_pytorch(path), "pytorch", {})
    if start.startswith(b"\x80"):
        return WeightsFile(read_caffe2(path), "caffe2", {})
    if start[8:9] == b"{" and start[:1] != b"{":
        return _read_safetensors(path)
    found = "an empty file" if not start else f"a file that begins with {start[:12]!r}"
    raise WeightsError(
        f"{format_path(path)}: expected weights (a Caffe2 or PyTorch file of today's kinds, or safetensors), "
        f"found {found}"
    )


def write_safetensors(path: str | os.PathLike[str], blobs: Blobs, metadata: dict[str, str]) -> None:
    """Write weights as safetensors, atomically: the arrays under their published names, and metadata.

    The same weights and metadata give the same bytes. Raises `OutputError`.
    """
    # safetensors writes its metadata in random order: one entry keeps the file, and its checksum, the same
    content = safetensors.numpy.save(blobs, metadata={_METADATA_KEY: json.dumps(metadata, sort_keys=True)})
    with atomic_writer(path) as file:
        file.write(content)


def _read_safetensors(path: Path) -> WeightsFile:
    try:
        with path.open("rb") as opened:
            header_bytes = int.from_bytes(opened.read(8), "little")
        if header_bytes > _MOST_HEADER_BYTES:
            raise WeightsError(
                f"{format_path(path)}: expected safetensors with a header of at most {_MOST_HEADER_BYTES} bytes, found "
                f"{header_bytes}; is it the file of another network?"
            )
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = _parse_metadata((file.metadata() or {}).get(_METADATA_KEY, "{}"))
            headers = {}
            for name in file.keys():  # noqa: SIM118 - the file is no mapping
                entry = file.get_slice(name)
                kind = entry.get_dtype()
                headers[name] = _Header(tuple(entry.get_shape()), "float32" if kind == "F32" else kind)
            check_layout(headers, blob_shapes(), format_path(path))
            blobs = {name: file.get_tensor(name) for name in blob_shapes()}
    except (safetensors.SafetensorError, OSError) as error:
        raise WeightsError(
            f"{format_path(path)}: not a whole safetensors file ({printable(str(error), 120)})",
            hint="was it copied completely?",
        ) from error
    check_values(blobs, format_path(path))
    return WeightsFile(blobs, "safetensors", metadata)


def _parse_metadata(text: str) -> dict[str, str]:
    """Return the metadata that `write_safetensors` wrote; that of other programs is ignored."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    items = content.items() if isinstance(content, dict) else ()
    return {key: value for key, value in items if isinstance(value, str)}


def _read_pytorch(path: Path) -> Blobs:
    try:
        with path.open("rb") as file:  # of a path, torch would look at the ending
            check_pytorch(file)
            content = torch.load(file, map_location="cpu", weights_only=True)
    except ForbiddenError as error:
        raise WeightsError(
            f"{format_path(path)}: expected a PyTorch file with arrays only; the file asks for {error}; "
            "nothing of it was run"
        ) from error
    except _TORCH_DAMAGE as error:
        # torch's own text is long, and advises to switch its protection off.
        forbidden = re.search(r"GLOBAL ([\w.]{1,80}) was not an allowed global", str(error))
        found = f"the file asks for {forbidden[1]}" if forbidden else "the file is damaged or not copied completely"
        raise WeightsError(
            f"{format_path(path)}: expected a PyTorch file with arrays only; {found}; nothing of it was run"
        ) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping):
        raise WeightsError(f"{format_path(path)}: expected a PyTorch state dict, found {type(content).__name__}")
    tensors = {_without_module(name): value for name, value in content.items() if not _is_count(name)}
    names = _pytorch_names()
    shapes = blob_shapes()
    check_layout(tensors, {name: shapes[blob] for name, blob in names.items()}, format_path(path))
    blobs: Blobs = {}
    for name, blob in names.items():
        tensor = tensors[name]
        if not isinstance(tensor, torch.Tensor) or tensor.layout is not torch.strided or tensor.device.type != "cpu":
            raise WeightsError(
                f"{format_path(path)}: expected plain arrays, found {name} as {type(tensor).__name__} of another kind"
            )
        blobs[blob] = np.ascontiguousarray(tensor.detach().resolve_neg().numpy())
    check_values(blobs, format_path(path))
    return blobs


def _pytorch_names() -> dict[str, str]:
    """Map the names in the predecessor's converted file, those of torchvision's ResNets, to the published ones.

    ``res3_0_branch2a_w`` is ``layer2.0.conv1.weight`` there, its batch norm ``layer2.0.bn1``; the projection
    ``branch1`` is ``downsample.0``, its batch norm ``downsample.1``.
    """
    parts = {"w": "weight", "s": "weight", "b": "bias", "rm": "running_mean", "riv": "running_var"}
    names = {}
    for blob in blob_shapes():
        stem, _, part = blob.rpartition("_")
        is_norm = stem.endswith("_bn")
        match = re.fullmatch(r"res(\d)_(\d)_branch(1|2[abc])(_bn)?", stem)
        if stem == "pred":
            module = "fc"
        elif match is None:
            module = "bn1" if is_norm else "conv1"
        elif match[3] == "1":
            module = f"layer{int(match[1]) - 1}.{match[2]}.downsample.{int(is_norm)}"
        else:
            module = f"layer{int(match[1]) - 1}.{match[2]}.{'bn' if is_norm else 'conv'}{'abc'.index(match[3][1]) + 1}"
        names[f"{module}.{parts[part]}"] = blob
    return names


def _without_module(name: Any) -> Any:
    return name.removeprefix("module.") if isinstance(name, str) else name


def _is_count(name: Any) -> bool:
    return isinstance(name, str) and name.endswith(".num_batches_tracked")
