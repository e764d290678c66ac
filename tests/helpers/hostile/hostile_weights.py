"""Weights files that are broken or lie: PyTorch archives and rows of pickles, and safetensors."""

import io
import json
import random
import struct
import zipfile
from typing import Any

import torch

from helpers.hostile.broken_pickles import damaged
from helpers.hostile.greedy_pickles import MB
from helpers.hostile.hostile_pickles import calls, functions

STATE = {"conv1.weight": torch.ones(2, 3), "fc.bias": torch.zeros(4)}


def pth(*, new: bool = True) -> bytes:
    """A small file as PyTorch writes it, today or before 2020."""
    file = io.BytesIO()
    torch.save(STATE, file, _use_new_zipfile_serialization=new)
    return file.getvalue()


def archive(description: bytes, method: int = zipfile.ZIP_STORED, **more: bytes) -> bytes:
    """A PyTorch archive with any description and any further entries; `_` in their names stands for a slash."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        made.writestr("archive/data.pkl", description)
        for name, content in {"byteorder": b"little", "version": b"3\n", "data_0": bytes(64), **more}.items():
            made.writestr(f"archive/{name.replace('_', '/')}", content)
    return file.getvalue()


def legacy(description: bytes) -> bytes:
    """A row of pickles with any description."""
    system = b"\x80\x02}q\x00(X\x10\x00\x00\x00protocol_versionq\x01M\xe9\x03X\x0d\x00\x00\x00little_endianq\x02\x88u."
    return b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03." + system + description + b"\x80\x02]q\x00."


def text(value: str) -> bytes:
    """Text as PyTorch's reader takes it."""
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def whole(value: int) -> bytes:
    """A whole number of 64 bits."""
    return b"\x8a\x08" + struct.pack("<q", value)


def tensor(
    size: list[int], stride: list[int], count: int, offset: int = 0, storage: str = "torch\nFloatStorage"
) -> bytes:
    """The description of one tensor with any numbers."""
    place = b"(" + text("storage") + f"c{storage}\n".encode() + text("0") + text("cpu") + whole(count) + b"tQ"
    shape, steps = (b"(" + b"".join(map(whole, numbers)) + b"t" for numbers in (size, stride))
    made = b"ctorch._utils\n_rebuild_tensor_v2\n(" + place + whole(offset) + shape + steps + b"\x89}tR"
    return b"\x80\x02}" + text("conv1.weight") + made + b"s."


def called(seed: int) -> tuple[bytes, str]:
    """A file whose description makes a call, by a seed."""
    rng = random.Random(seed)
    names = functions("canary")
    names += [
        ("torch", name, ["canary"]) for name in ("load", "save", "_C._from_dlpack", "hub.load", "ops.load_library")
    ]
    names += [
        ("torch._utils", name, ["canary"])
        for name in ("_rebuild_qtensor", "_import_dotted_name", "_rebuild_wrapper_subclass")
    ]
    names += [("builtins", "bytearray", []), ("torch", "ones", []), ("torch.storage", "_load_from_bytes", ["canary"])]
    module, name, values = rng.choice(names)
    forms = calls(f"c{module}\n{name}\n".encode(), b"".join(map(text, values)), (module, name), rng)
    form = rng.choice(list(forms))
    description = b"\x80\x02}" + text("conv1.weight") + forms[form] + b"s."
    new = rng.random() < 0.5
    return (archive if new else legacy)(
        description
    ), f"seed {seed}: {module}.{name} by {form}, {'new' if new else 'old'}"


def _renamed(data: bytes, name: bytes) -> bytes:
    return data.replace(b"archive/data/0", name.ljust(14, b"x")[:14])


def _twice(data: bytes) -> bytes:
    """An archive whose directory names the same bytes a thousand times."""
    end = data.rfind(b"PK\x05\x06")
    start = struct.unpack("<I", data[end + 16 : end + 20])[0]
    entries = data[start:end] * 1000
    count = struct.unpack("<H", data[end + 10 : end + 12])[0] * 1000
    tail = data[end : end + 8] + struct.pack("<HHII", count, count, len(entries), start) + b"\0\0"
    return data[:start] + entries + tail


def _bytes_of(count: int) -> bytes:
    return b"\x80\x02}" + text("a") + b"cbuiltins\nbytearray\n(" + whole(count) + b"tRs."


HOSTILE_PYTORCH = {
    "bytes of any size": archive(_bytes_of(3 << 30)),
    "bytes of any size, old": legacy(_bytes_of(3 << 30)),
    "storage of any size": archive(tensor([1], [1], 10**12)),
    "storage of any size, old": legacy(tensor([1], [1], 10**12)),
    "storage below nothing": archive(tensor([1], [1], -5)),
    "storage of no kind": archive(tensor([1], [1], 4, storage="torch\nsave")),
    "storage by its own name": archive(tensor([1], [1], 4, storage="torch.storage\nUntypedStorage")),
    "tensor beyond its storage": archive(tensor([10**6], [1], 16)),
    "tensor that repeats": archive(tensor([10**6, 10**6], [0, 0], 16)),
    "tensor that overflows": archive(tensor([2**62, 2**62], [0, 0], 16)),
    "tensor below nothing": archive(tensor([-1], [1], 16)),
    "tensor of backward steps": archive(tensor([4], [-1], 16)),
    "tensor from before": archive(tensor([4], [1], 16, -8)),
    "tensor from far away": archive(tensor([4], [1], 16, 2**62)),
    "compressed": archive(tensor([4], [1], 16), zipfile.ZIP_DEFLATED),
    "bomb": archive(tensor([100 * MB], [1], 100 * MB), zipfile.ZIP_DEFLATED, data_0=bytes(400 * MB)),
    "bomb of a description": archive(b"\x80\x02" + b"}0" * 100 * MB + b"}.", zipfile.ZIP_DEFLATED),
    "long description": archive(b"\x80\x02" + b"]" * 9 * MB + b"."),
    "long description, old": legacy(b"\x80\x02" + b"]" * 9 * MB + b"."),
    "nested description": archive(b"\x80\x02" + b"]" * 10_000 + b"a" * 9_999 + b"."),
    "tuples of tuples": archive(b"\x80\x02)" + b"q\x00h\x00\x86" * 60 + b"q\x01}h\x01Ns."),
    "one entry many times": _twice(pth()),
    "path upwards": _renamed(archive(tensor([4], [1], 16)), b"../../canary"),
    "path from the root": _renamed(archive(tensor([4], [1], 16)), b"/tmp/canary"),
    "second description": archive(tensor([4], [1], 16), extra_data=b"", **{"data.pkl": _bytes_of(3 << 30)}),
    "no end": pth()[:-22],
    "two ends": pth() + pth()[-22:],
    "something in front": b"PK\x03\x04" + pth(),
    "script": archive(tensor([4], [1], 16), constants_pkl=b"", **{"constants.pkl": b"\x80\x02)."}),
    "hidden name": archive(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."),
    "extension": archive(b"\x80\x02\x82\x01)R."),
    "no pickle": archive(b"text"),
    "empty": archive(b""),
}  # fmt: skip


def tensors(header: Any, content: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file with any header."""
    data = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(data) if length is None else length) + data + content


def entry(shape: Any = (4,), offsets: Any = (0, 16), dtype: Any = "F32") -> dict[str, Any]:
    """One entry of such a header."""
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


HOSTILE_SAFETENSORS = {
    "longer header than the file": tensors({"a": entry()}, bytes(16), 2**20),
    "header without end": tensors({"a": entry()}, bytes(16), 2**64 - 1),
    "header of half the numbers": tensors({"a": entry()}, bytes(16), 2**63),
    "header of nothing": tensors(b"", b"{}", 0),
    "header too short": tensors({"a": entry()}, bytes(16), 10),
    "long header": tensors(b"{" + b" " * 90 * MB + b"}"),
    "header of many names": tensors(b"{" + b",".join(b'"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}' % i for i in range(10**6)) + b"}"),
    "header of much said": tensors(b'{"__metadata__":{' + b",".join(b'"%d":""' % i for i in range(3 * 10**6)) + b"}}"),
    "nested header": tensors(b'{"a":' * 10**6),
    "header of bytes": tensors(b"{" + bytes(range(128, 256))),
    "header of numbers": tensors(b"{" + b"9" * 10**6),
    "overlapping": tensors({"a": entry(), "b": entry()}, bytes(16)),
    "overlapping in part": tensors({"a": entry(), "b": entry(offsets=(8, 24))}, bytes(24)),
    "hole": tensors({"a": entry(), "b": entry(offsets=(32, 48))}, bytes(48)),
    "backwards": tensors({"a": entry(offsets=(16, 0))}, bytes(16)),
    "below nothing": tensors({"a": entry(offsets=(-16, 0))}, bytes(16)),
    "beyond the end": tensors({"a": entry(offsets=(0, 2**40), shape=(2**38,))}, bytes(16)),
    "beyond all numbers": tensors({"a": entry(offsets=(0, 2**64), shape=(2**62,))}, bytes(16)),
    "more behind": tensors({"a": entry()}, bytes(999)),
    "huge shape": tensors({"a": entry(shape=(2**40, 2**40))}, bytes(16)),
    "shape that overflows": tensors({"a": entry(shape=(2**32, 2**32, 4))}, bytes(16)),
    "empty shape of any size": tensors({"a": entry(shape=(0, 2**63), offsets=(0, 0))}),
    "shape of many": tensors({"a": entry(shape=[1] * 10**6 + [4])}, bytes(16)),
    "shape of text": tensors({"a": entry(shape="abc")}, bytes(16)),
    "shape of fractions": tensors({"a": entry(shape=[4.5])}, bytes(16)),
    "wrong kind": tensors({"conv1_w": entry(dtype="F64", shape=(2,))}, bytes(16)),
    "unknown kind": tensors({"a": entry(dtype="X9")}, bytes(16)),
    "kind of four bits": tensors({"conv1_w": entry(dtype="F4", shape=(32,))}, bytes(16)),
    "the same name twice": tensors(b'{"a":%b,"a":%b}' % ((json.dumps(entry()).encode(),) * 2), bytes(16)),
    "what it says is a number": tensors({"__metadata__": 5}),
    "what it says of lines": tensors({"__metadata__": {"napari_i3d": '{"name": "a\\nb"}'}, "a\nb\x1b[1m": entry()}, bytes(16)),
    "list": struct.pack("<Q", 2) + b"{]",
    "names like functions": tensors({"__class__": entry(), "os.system": entry(offsets=(16, 32))}, bytes(32)),
}  # fmt: skip


def broken(seed: int) -> tuple[bytes, str]:
    """A damaged file of one of the kinds, by a seed."""
    rng = random.Random(seed)
    kind = rng.choice(["new", "old", "safetensors"])
    if kind == "safetensors":
        data = tensors(
            {"__metadata__": {"napari_i3d": "{}"}, "conv1_w": entry(), "pred_b": entry(offsets=(16, 32))}, bytes(32)
        )
    else:
        data = pth(new=kind == "new")
    return damaged(data, rng), f"seed {seed}: {kind}"
