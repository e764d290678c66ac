"""Stores of features that lie: about their arrays, their frames, or where their files are."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from helpers.hostile.hostile_features import features
from napari_i3d.features.io.store import FACTS_NAME, facts_digest
from napari_i3d.features.io.store_writing import write_store

FIRST, SECOND = "0_male.npy", "1_7.npy"
RUN = {"first": 0, "step": 1, "count": 12}


def honest_store(folder: Path) -> Path:
    """Write a store of two individuals; return its folder."""
    write_store(folder, features())
    return folder


def change_facts(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the facts of a store, with a checksum that fits."""
    facts = json.loads((folder / FACTS_NAME).read_bytes())
    change(facts)
    facts["sha256"] = facts_digest(facts)
    (folder / FACTS_NAME).write_text(json.dumps(facts))


def _entry(**values: Any) -> Callable[[Path], None]:
    return lambda folder: change_facts(folder, lambda facts: facts["individuals"][0].update(values))


def _fact(**values: Any) -> Callable[[Path], None]:
    return lambda folder: change_facts(folder, lambda facts: facts.update(values))


def _text(content: bytes) -> Callable[[Path], None]:
    return lambda folder: bool((folder / FACTS_NAME).write_bytes(content)) and None


def _header(text: str, version: bytes = b"\x01\x00") -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = (folder / FIRST).read_bytes()
        line = text.encode().ljust(117) + b"\n"
        (folder / FIRST).write_bytes(b"\x93NUMPY" + version + b"\x76\x00" + line + content[128:])

    return change


def _linked(name: str, target: str | None) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        outside = folder.with_name("outside")
        (folder / name).replace(outside)
        (folder / name).symlink_to(outside if target is None else target)

    return change


def _pipe(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return change


def _objects(folder: Path) -> None:
    np.save(folder / FIRST, np.array([[{"a": 1}] * 16] * 12, object), allow_pickle=True)


def _resized(change: int) -> Callable[[Path], None]:
    def resize(folder: Path) -> None:
        path = folder / FIRST
        os.truncate(path, path.stat().st_size + change)

    return resize


def _sparse(folder: Path) -> None:
    """A header, facts and a file of no content that agree on a terabyte of rows, of which none has a frame."""
    _entry(rows=10**11)(folder)


STORES: dict[str, Callable[[Path], Any]] = {
    "header of another shape": _header("{'descr': '<f4', 'fortran_order': False, 'shape': (13, 16), }"),
    "header of huge shape": _header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 16), }"),
    "header that overflows": _header("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }"),
    "header of columns first": _header("{'descr': '<f4', 'fortran_order': True, 'shape': (12, 16), }"),
    "header of other bytes": _header("{'descr': '>f4', 'fortran_order': False, 'shape': (12, 16), }"),
    "header of whole numbers": _header("{'descr': '<i4', 'fortran_order': False, 'shape': (12, 16), }"),
    "header of objects": _header("{'descr': '|O', 'fortran_order': False, 'shape': (12, 16), }"),
    "header of half the bytes": _header("{'descr': '<f2', 'fortran_order': False, 'shape': (24, 16), }"),
    "float16 that is float32": _fact(dtype="float16"),
    "float16 of twice the rows": lambda folder: (
        _header("{'descr': '<f2', 'fortran_order': False, 'shape': (12, 16), }")(folder),
        _fact(dtype="float16")(folder),
    ),
    "numbers of no kind": _fact(dtype="object"),
    "numbers of nothing": _fact(dtype=None),
    "numbers of a list": _fact(dtype=["float16"]),
    "header that calls": _header("__import__('os').system('touch canary')"),
    "header of version nine": _header("{'descr': '<f4', 'fortran_order': False, 'shape': (12, 16), }", b"\x09\x00"),
    "objects": _objects,
    "a pickle": lambda folder: (folder / FIRST).write_bytes(pickle.dumps([1])),
    "no content": lambda folder: (folder / FIRST).write_bytes(b""),
    "cut off": _resized(-1),
    "too long": _resized(1),
    "huge and empty": _resized(1 << 40),
    "rows of a terabyte": _sparse,
    "missing array": lambda folder: (folder / SECOND).unlink(),
    "extra array": lambda folder: (folder / "2.npy").write_bytes((folder / FIRST).read_bytes()),
    "swapped arrays": lambda folder: (folder / FIRST).write_bytes((folder / SECOND).read_bytes()),
    "array that is a folder": lambda folder: ((folder / FIRST).unlink(), (folder / FIRST).mkdir()),
    "array outside": _linked(FIRST, None),
    "array of the system": _linked(FIRST, "/dev/zero"),
    "array that is a pipe": _pipe(FIRST),
    "facts outside": _linked(FACTS_NAME, None),
    "facts without end": _linked(FACTS_NAME, "/dev/zero"),
    "facts that are a pipe": _pipe(FACTS_NAME),
    "no facts": lambda folder: (folder / FACTS_NAME).unlink(),
    "empty facts": _text(b""),
    "facts of bytes": _text(bytes(range(256))),
    "facts of a list": _text(b"[]"),
    "nested facts": _text(b"[" * 100_000),
    "nested objects": _text(b'{"a":' * 100_000),
    "huge facts": lambda folder: os.truncate(folder / FACTS_NAME, 1 << 40),
    "large facts": _text(b"[" + b"0," * (40 << 20) + b"0]"),
    "huge number": _text(b'{"format": "napari_i3d feature store", "version": ' + b"9" * 5000 + b"}"),
    "checksum of others": lambda folder: _text((folder / FACTS_NAME).read_bytes().replace(b"25.0", b"26.0"))(folder),
    "other format": _fact(format="somebody's store"),
    "later version": _fact(version=2),
    "version of text": _fact(version="1"),
    "individuals of nothing": _fact(individuals=None),
    "individuals of numbers": _fact(individuals=[1, 2]),
    "individuals of text": _fact(individuals="ab"),
    "no individuals": _fact(individuals=[]),
    "fps of text": _fact(fps="25"),
    "fps without end": _fact(fps=float("inf")),
    "provenance of text": _fact(provenance="abc"),
    "id of a list": _entry(id=["male"]),
    "id that is true": _entry(id=True),
    "id of many digits": _entry(id=10**30),
    "id of a path": _entry(id="../../outside"),
    "id of another": _entry(id=7),
    "rows of text": _entry(rows="12"),
    "rows below zero": _entry(rows=-12),
    "rows too few": _entry(rows=11),
    "values of nothing": _entry(values=0),
    "values without end": _entry(values=10**18),
    "other values": _entry(values=24, rows=8),
    "frames too few": _entry(frames=[RUN | {"count": 11}]),
    "frames without end": _entry(frames=[RUN | {"count": 10**15}]),
    "frames that overlap": _entry(frames=[RUN | {"count": 6}, RUN | {"first": 5, "count": 6}]),
    "frames that descend": _entry(frames=[RUN | {"first": 100, "step": -1}]),
    "frames that stand still": _entry(frames=[RUN | {"step": 0}]),
    "frames that add up": _entry(frames=[RUN | {"count": 13}, RUN | {"first": 20, "count": -1}]),
    "frames of nothing": _entry(frames=[RUN | {"first": None}]),
    "frames of nan": _entry(frames=[RUN | {"first": float("nan")}]),
    "frames beyond numbers": _entry(frames=[RUN | {"first": 10**400}]),
    "frames nested": _entry(frames=[[RUN]] * 12),
    "frames of text": _entry(frames="abcdefghijkl"),
    "chunks that descend": _entry(chunk_starts=[RUN | {"first": 50, "step": -1}]),
    "chunks between frames": _entry(chunk_starts=[RUN | {"first": 0.5}]),
    "first frame behind the last": _entry(first_frame=50),
    "last frame of text": _entry(last_frame="11"),
    "last frame below zero": _entry(last_frame=-1),
}  # fmt: skip
"""What is done to an honest store."""
