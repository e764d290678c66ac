"""Features files that are broken or lie: damaged bytes, wrong parts, bombs, and facts that do not fit."""

import io
import json
import pickle
import random
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from napari_i3d.features.features import Features
from napari_i3d.features.io.numpy1_pickle import write_npy

MB = 1 << 20


def npy(content: object) -> bytes:
    """A ``.npy`` with any object in it, as `numpy.save` writes it."""
    file = io.BytesIO()
    array = np.empty((), object)
    array[()] = content
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def header(text: str, version: int = 1, rest: bytes = b"") -> bytes:
    """A ``.npy`` whose header is any text."""
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text.encode("latin1") + rest


def npz(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of any entries."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def array(value: Any) -> bytes:
    """A plain ``.npy``."""
    file = io.BytesIO()
    np.save(file, value, allow_pickle=False)
    return file.getvalue()


def _with_flag(data: bytes, value: int) -> bytes:
    """An archive with the flags of its entries set (1: encrypted), or the method if it is 12 or more."""
    changed = bytearray(data)
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.find(mark)
        while at >= 0:
            place = at + flags + (2 if value >= 12 else 0)
            changed[place : place + 2] = struct.pack("<H", value)
            at = changed.find(mark, at + 4)
    return bytes(changed)


F4 = np.ones((3, 4), np.float32)
OBJECT = "{'descr': '|O', 'fortran_order': False, 'shape': (), }"
NO_FEATURES: dict[str, tuple[str, bytes]] = {
    "object that is no array": (".npy", header(OBJECT, rest=pickle.dumps({"a": F4}))),
    "object that is a number": (".npy", header(OBJECT, rest=pickle.dumps(7))),
    "object of another shape": (".npy", header(OBJECT, rest=pickle.dumps(np.array([{}, {}], object)))),
    "header of calls": (".npy", header("__import__('os').system('touch canary')")),
    "header of a comprehension": (".npy", header("{'descr': [x for x in open('canary', 'w')]}")),
    "header of brackets": (".npy", header("(" * 9000)),
    "header of signs": (".npy", header("-" * 9000 + "1")),
    "header of powers": (".npy", header("{'descr': '|O', 'fortran_order': False, 'shape': (9**9**9**9,)}")),
    "header longer than the file": (".npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{"),
    "header of another version": (".npy", header(OBJECT, version=9)),
    "header of an endless dtype": (".npy", header("{'descr': '" + "(9,)" * 2000 + "f4', 'fortran_order': False, 'shape': ()}")),
    "header of a huge shape": (".npy", header("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 3000 + ",)}")),
    "huge text id": (".pickle", pickle.dumps({"x" * MB: 5})),
    "id of two lines": (".pickle", pickle.dumps({"a\nb\x1b[1m": 5})),
    "id of many digits": (".pickle", pickle.dumps({10**9000: F4})),
    "id that is a tuple": (".pickle", pickle.dumps({(1, 2): F4})),
    "id that is nothing": (".pickle", pickle.dumps({None: F4})),
    "rows of nothing": (".pickle", pickle.dumps({"a": np.zeros((2 * 10**8, 0), "f4"), "min_frames": {"a": 0}, "max_frames": {"a": 2 * 10**8 - 1}})),
    "rows of text": (".pickle", pickle.dumps({"a": np.full((2, 2), "x")})),
    "rows of objects": (".pickle", pickle.dumps({"a": np.full((2, 2), None)})),
    "rows in three dimensions": (".pickle", pickle.dumps({"a": np.zeros((2, 2, 2), "f4")})),
    "first frame that is a list": (".npy", npy({"a": F4, "min_frames": {"a": [0]}, "max_frames": {"a": 2}})),
    "first frame that is no number": (".npy", npy({"a": F4, "min_frames": {"a": float("nan")}, "max_frames": {"a": 2}})),
    "last frame without end": (".npy", npy({"a": F4, "min_frames": {"a": 0}, "max_frames": {"a": float("inf")}})),
    "last frame of text": (".npy", npy({"a": F4, "min_frames": {"a": 0}, "max_frames": {"a": "2"}})),
    "bomb": (".npz", npz({"a.npy": array(np.zeros((1000, 75_000), "f4"))}, zipfile.ZIP_DEFLATED)),
    "bomb of text": (".npz", npz({"a": bytes(200 * MB)}, zipfile.ZIP_DEFLATED)),
    "bomb of lzma": (".npz", npz({"a.npy": array(np.zeros((1000, 75_000), "f4"))}, zipfile.ZIP_LZMA)),
    "shape beyond the content": (".npz", npz({"a.npy": header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 4)}")})),
    "shape that overflows": (".npz", npz({"a.npy": header("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}")})),
    "objects in an archive": (".npz", npz({"a.npy": npy({"a": F4})})),
    "no array in an archive": (".npz", npz({"a": b"text"})),
    "encrypted": (".npz", _with_flag(npz({"a.npy": array(F4)}), 1)),
    "unknown compression": (".npz", _with_flag(npz({"a.npy": array(F4)}), 77)),
    "two frames for one": (".npz", npz({"a.npy": array(F4), "min_frames/a.npy": array(np.zeros(2, int))})),
    "frame that is text": (".npz", npz({"a.npy": array(F4), "min_frames/a.npy": array(np.array("x"))})),
    "frame without end": (".npz", npz({"a.npy": array(F4), "min_frames/a.npy": array(np.array(np.inf))})),
    "array under the name": (".npz", array(F4)),
}  # fmt: skip


Facts = dict[str, Any]


def _set(*path: Any, value: Any) -> Callable[[Facts], None]:
    def change(facts: Facts) -> None:
        place: Any = facts
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


FACTS: dict[str, Callable[[Facts], None] | bytes] = {
    "no object": b"[]",
    "a number": b"7",
    "nothing": b"",
    "nested": b"[" * 100_000,
    "nested objects": b'{"a":' * 100_000,
    "huge number": b'{"sha256": ' + b"9" * 5000 + b"}",
    "bytes": bytes(range(256)),
    "no checksum": b"{}",
    "individuals of nothing": _set("individuals", value=None),
    "individuals of text": _set("individuals", value="abc"),
    "individual of a number": _set("individuals", 0, value=5),
    "id of a list": _set("individuals", 0, "id", value=[1]),
    "another id": _set("individuals", 0, "id", value="somebody"),
    "name of a list": _set("individuals", 0, "id_in_file", value=[1]),
    "name of another": _set("individuals", 0, "id_in_file", value=7),
    "first row of text": _set("individuals", 0, "first_row", value="0"),
    "first row below zero": _set("individuals", 0, "first_row", value=-1),
    "first row behind the last": _set("individuals", 0, "first_row", value=10**18),
    "first row too late": _set("individuals", 0, "first_row", value=1),
    "frames of text": _set("individuals", 0, "frames", value="abc"),
    "frames too few": _set("individuals", 0, "frames", value=[1.0]),
    "frames nested": _set("individuals", 0, "frames", value=[[1.0]] * 12),
    "frames uneven": _set("individuals", 0, "frames", value=[[1.0], 2]),
    "frames of one number": _set("individuals", 0, "frames", value=5),
    "chunks of huge numbers": _set("individuals", 0, "chunk_starts", value=[10**400] * 12),
    "chunks of text": _set("individuals", 0, "chunk_starts", value=["x"] * 12),
    "first frame without end": _set("individuals", 0, "first_frame", value=float("inf")),
    "first frame of text": _set("individuals", 0, "first_frame", value="0"),
    "last frame of many digits": _set("individuals", 0, "last_frame", value=10**400),
    "last frame below zero": _set("individuals", 0, "last_frame", value=-5),
    "fps of text": _set("fps", value="fast"),
    "fps that are no number": _set("fps", value=float("nan")),
    "fps without end": _set("fps", value=float("inf")),
    "fps below zero": _set("fps", value=-25),
    "fps of a list": _set("fps", value=[25]),
    "provenance of text": _set("provenance", value="abc"),
    "provenance of a number": _set("provenance", value=3),
    "provenance of nothing": _set("provenance", value=None),
    "provenance of lines": _set("provenance", value=["a\nb"]),
}  # fmt: skip


def told(facts: bytes, name: str) -> bytes:
    """The facts of a file, changed as `FACTS` says."""
    change = FACTS[name]
    if isinstance(change, bytes):
        return change
    content = json.loads(facts)
    change(content)
    return json.dumps(content).encode()


def features() -> Features:
    """Features of two individuals, of honest shape but few values."""
    rng = np.random.default_rng(3)
    rows = {"male": rng.random((12, 16), np.float32), 7: rng.random((9, 16), np.float32)}
    return Features(
        rows=rows,
        frames={key: np.arange(len(array), dtype=np.float64) for key, array in rows.items()},
        chunk_starts={key: np.arange(len(array)) for key, array in rows.items()},
        first_frame=dict.fromkeys(rows, 0),
        last_frame={key: len(array) - 1 for key, array in rows.items()},
        fps=25.0,
        provenance={"video": {"file": "a.mp4"}},
    )


def honest(rng: random.Random) -> tuple[str, bytes]:
    """A features file of one of the formats."""
    content = {key: np.full((4, 3), rng.random(), np.float32) for key in ("male", "female")}
    ending = rng.choice([".npy", ".pickle", ".npz"])
    if ending == ".npz":
        return ending, npz({f"{key}.npy": array(value) for key, value in content.items()}, rng.choice([0, 8]))
    whole: dict[Any, Any] = content | {"min_frames": dict.fromkeys(content, 0), "max_frames": dict.fromkeys(content, 3)}
    if ending == ".pickle":
        return ending, pickle.dumps(whole, rng.randrange(6))
    file = io.BytesIO()
    write_npy(file, whole)
    return ending, file.getvalue() if rng.random() < 0.5 else npy(whole)
