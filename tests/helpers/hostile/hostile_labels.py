"""Files of behavior labels that point elsewhere, expand, or claim far more than they hold.

Each maker writes a file below a folder and returns its path; none may be read as an annotation.
"""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from helpers import label_files
from helpers.label_files import BOUTS, ONE

EXCLUSIVE = {"groom": [(0, 1), (7, 30), (200, 301)], "chase": [(30, 60), (399, 400)]}
FLIES = {1: [(0, 9, "groom"), (20, 30, "None")], 2: [(3, 5, "groom")]}
SEGMENT = ("1", 0.4, 0.8, {"1": "g"})
ATTRIBUTES = {"1": {"aname": "behavior", "anchor_id": "FILE1_Z2_XY0", "type": 4, "options": {"g": "groom"}}}


def honest(folder: Path) -> dict[str, Path]:
    """A file of each format."""
    lines = label_files.line_labels(EXCLUSIVE, "other")
    (folder / "b.txt").write_text("\n".join(lines))
    (folder / "b_predicted").write_text(f"### Frame level recognition: ###\n{' '.join(lines)}")
    probabilities = np.random.default_rng(0).uniform(0, 1, (400, 2))
    entry = {"fps": 25.0, "frame": 400, "duration": 16.0, "annotations": [{"label": "a", "segment": [1.0, 2.0]}]}
    return {
        "elan": label_files.elan(folder / "a.eaf", [("m", None, [(1.0, 2.0, "groom"), (2.0, 2.5, "rest")])]),
        "via3": label_files.via3(folder / "a.json", [SEGMENT], ATTRIBUTES),
        "activitynet": label_files.activitynet(folder / "b.json", {"clip": entry}),
        "jabs": label_files.jabs(folder / "c.json", {"0": {"Walk": [(0, 20, True), (30, 40, False)]}}),
        "calms21": label_files.calms21(folder / "d.json", {"task1/clip": [0, 0, 1, 3, 3]}),
        "caltech": label_files.caltech(folder / "a.txt", [lines], ["groom", "chase"]),
        "bento": label_files.bento(folder / "a.annot", BOUTS, 25.0, True),
        "ms-tcn": folder / "b.txt",
        "ms-tcn predictions": folder / "b_predicted",
        "jaaba": label_files.jaaba(folder / "a.mat", FLIES),
        "jaaba hdf5": label_files.jaaba_hdf5(folder / "b.mat", FLIES),
        "deepethogram": label_files.deepethogram(folder / "a.csv", ONE, [(390, 395)]),
        "deepethogram outputs": label_files.deepethogram_outputs(
            folder / "a.h5", probabilities, [0.5, 0.5], ["background", "groom"]
        ),
        "simba": label_files.simba(folder / "b.csv", ONE, predicted=True),
    }


def _text(name: str, text: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_text(text)
        return folder / name

    return make


def _laughs() -> str:
    entities = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    return f"<!DOCTYPE ANNOTATION_DOCUMENT [{entities}]>{DOCUMENT}<TIER TIER_ID='&i;'/></ANNOTATION_DOCUMENT>"


DOCUMENT = "<ANNOTATION_DOCUMENT>"
EXTERNAL = (
    '<!DOCTYPE ANNOTATION_DOCUMENT [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    f"{DOCUMENT}<TIER TIER_ID='&x;'/></ANNOTATION_DOCUMENT>"
)
PARAMETER = (
    '<!DOCTYPE ANNOTATION_DOCUMENT [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]>'
    f"{DOCUMENT}<TIER TIER_ID='a'/></ANNOTATION_DOCUMENT>"
)
JABS = '{"version":1,"file":"clip.avi","num_frames":400,"unfragmented_labels":'
VIA = '{"project":{"data_format_version":"3.1.1","vid_list":[]},"metadata":'
NET = '{"database":{"clip":{"subset":"training","annotations":'
CALMS = '{"annotator-id_0":{"a":{"annotations":'
CALTECH = "Caltech Behavior Annotator - Annotation File\n\nS1: start end type\n----\n"


def _matlab(element: bytes) -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + element


def _matrix(kind: int, name: bytes, shape: tuple[int, int], content: bytes) -> bytes:
    """An array of Matlab's version 5: class, name, shape and what is in it."""
    body = struct.pack("<IIII", 6, 8, kind, 0) + struct.pack("<IIii", 5, 8, *shape)
    body += struct.pack("<II", 1, len(name)) + name.ljust(-(-len(name) // 8) * 8, b"\x00") + content
    return struct.pack("<II", 14, len(body)) + body


def _nested_cells(depth: int, *, packed: bool) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        size, parts = 0, []
        for level in range(depth):  # from the innermost
            name = b"t0s" if level == depth - 1 else b""
            head = struct.pack("<IIII", 6, 8, 1, 0) + struct.pack("<IIii", 5, 8, 1, 1 if level else 0)
            head += struct.pack("<II", 1, len(name)) + name.ljust(-(-len(name) // 8) * 8, b"\x00")
            parts.append(struct.pack("<II", 14, len(head) + size) + head)
            size += len(head) + 8
        element = b"".join(reversed(parts))
        if packed:
            squeezed = zlib.compress(element)
            element = struct.pack("<II", 15, len(squeezed)) + squeezed
        (folder / "a.mat").write_bytes(_matlab(element))
        return folder / "a.mat"

    return make


def _giant_shape(folder: Path) -> Path:
    """Frames of a fly that are said to be a trillion."""
    number = struct.pack("<II", 9, 8) + struct.pack("<d", 1.0)
    (folder / "a.mat").write_bytes(_matlab(_matrix(6, b"t0s", (2**31 - 1, 2**31 - 1), number)))
    return folder / "a.mat"


def _bomb(folder: Path) -> Path:
    """A packed array that unpacks to a gigabyte."""
    squeezed = zlib.compress(_matrix(6, b"t0s", (1, 2**27), struct.pack("<II", 9, 2**30) + bytes(2**30)), 9)
    (folder / "a.mat").write_bytes(_matlab(struct.pack("<II", 15, len(squeezed)) + squeezed))
    return folder / "a.mat"


def _circle(folder: Path) -> Path:
    """Names that refer to themselves."""
    path = label_files.jaaba_hdf5(folder / "a.mat", FLIES)
    with h5py.File(path, "r+") as file:
        file["names"][0, 0] = file["names"].ref
    return path


def _fan(folder: Path) -> Path:
    """Two levels of a thousand references each to the same text."""
    path = label_files.jaaba_hdf5(folder / "a.mat", FLIES)
    with h5py.File(path, "r+") as file:
        text = file.create_dataset("text", data=np.full((1000, 1), 97, np.uint16))
        inner = file.create_dataset("inner", (2000, 1), h5py.ref_dtype)
        inner[:] = np.full((2000, 1), text.ref, object)
        del file["names"]
        outer = file.create_dataset("names", (2000, 1), h5py.ref_dtype)
        outer[:] = np.full((2000, 1), inner.ref, object)
    return path


def _unwritten(folder: Path) -> Path:
    """Probabilities of a billion frames, none of which is in the file."""
    path = honest(folder)["deepethogram outputs"]
    for other in folder.iterdir():
        if other != path:
            other.unlink()
    with h5py.File(path, "r+") as file:
        del file["tgmj/P"]
        file.create_dataset("tgmj/P", (10**9, 2), np.float32, chunks=(10**6, 2))
    return path


MAKERS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "billion laughs": (_text("a.eaf", _laughs()), "without a document type"),
    "external entity": (_text("a.eaf", EXTERNAL), "without a document type"),
    "parameter entity": (_text("a.eaf", PARAMETER), "without a document type"),
    "unclosed tiers": (_text("a.eaf", DOCUMENT + "<TIER TIER_ID='a'>" * 1_000_000), "at most 100000 tiers"),
    "unclosed elements": (_text("a.eaf", DOCUMENT + "<X>" * 3_000_000), "expected XML of ELAN"),
    "one attribute of 100 MB": (_text("a.eaf", DOCUMENT + "<TIER TIER_ID='" + "a" * 10**8), "expected XML of ELAN"),
    "deep jabs": (_text("a.json", JABS + "[" * 10**6), "not whole JSON|out of proportion"),
    "deep jabs objects": (_text("a.json", JABS + '{"a":' * 10**6), "not whole JSON|out of proportion"),
    "deep via": (_text("a.json", VIA + "[" * 10**6), "not whole JSON|out of proportion"),
    "deep activitynet": (_text("a.json", NET + "[" * 10**6), "not whole JSON|out of proportion"),
    "deep calms21": (_text("a.json", CALMS + "[" * 10**6), "not whole JSON|out of proportion"),
    "long digits": (_text("a.json", '{"unfragmented_labels":{},"num_frames":' + "9" * 10**6 + "}"), "not whole JSON"),
    "infinite frames": (_text("a.json", '{"num_frames":1e999,"unfragmented_labels":{}}'), "expected num_frames"),
    "jabs of a trillion frames": (_text("a.json", '{"num_frames":1000000000000,"labels":{}}'), "of 1 to 100000000"),
    "many mice": (
        _text("a.json", JABS + "{" + ",".join(f'"{n}":{{}}' for n in range(200_000)) + "}}"),
        "at most 1000 individuals",
    ),
    "many behaviors": (
        _text(
            "a.json",
            JABS + '{"0":{' + ",".join(f'"b{n}":[{{"start":1,"end":2,"present":true}}]' for n in range(50_000)) + "}}}",
        ),
        "at most 1000 behaviors",
    ),
    "frame of a trillion": (_text("a.txt", f"{CALTECH}1 1000000000000 bite\n"), "expected frames from 1"),
    "many channels": (
        _text("a.annot", "Bento annotation file\n" + "".join(f"C{n}-----\n>a\n1 2\n" for n in range(100_000))),
        "at most 1000 individuals",
    ),
    "time of a googol": (
        _text("a.annot", "Bento annotation file\nC-----\n>a\n1.5 1e100\n"),
        "line 4: expected a frame",
    ),
    "many labels": (_text("a.txt", "".join(f"label_a{n % 50_000}\n" * 2 for n in range(100_000))), "at most 1000"),
    "millions of columns": (_text("a.csv", ",background" + ",a" * 3_000_000), "1 to 100000 columns"),
    "row of millions of columns": (
        _text("a.csv", ",background,a\n" + "0,0,1\n" * 3 + "1," * 3_000_000),
        "row 3: expected frame 1",
    ),
    "number of a million digits": (
        _text("a.csv", f",background,a\n0,0,{'9' * 10**6}\n"),
        "expected 1, 0 or -1|numbers",
    ),
    "nested cells": (_nested_cells(100_000, packed=False), "nested"),
    "packed nested cells": (_nested_cells(1_000_000, packed=True), "nested|unpacks"),
    "shape of a trillion": (_giant_shape, "not a whole Matlab file"),
    "packed bomb": (_bomb, "unpacks to more"),
    "references in a circle": (_circle, "expected numbers"),
    "references that multiply": (_fan, "out of proportion"),
    "frames that were never written": (_unwritten, "out of proportion"),
}
