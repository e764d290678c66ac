"""Our reader of Matlab's files agrees with scipy's on files that scipy writes, and survives what scipy's does not."""

import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from helpers.hostile.broken_pickles import damaged
from napari_i3d.errors import NapariI3DError
from napari_i3d.safe_loading.matlab_files import read_matlab


def same(ours: Any, theirs: Any) -> bool:
    if theirs.dtype.names:
        return ours.dtype.names == theirs.dtype.names and all(
            same(one[name], other[name])
            for one, other in zip(ours.ravel(), theirs.ravel(), strict=True)
            for name in theirs.dtype.names
        )
    if theirs.dtype == object:
        return ours.shape == theirs.shape and all(map(same, ours.ravel(), theirs.ravel()))
    if theirs.dtype.kind == "U":
        return ours.tolist() == theirs.tolist()
    return ours.dtype == theirs.dtype and ours.shape == theirs.shape and np.array_equal(ours, theirs)


def cell(*values: Any) -> np.ndarray:
    made = np.empty((1, len(values)), object)
    for place, value in enumerate(values):
        made[0, place] = value
    return made


CONTENT = {
    "doubles": np.arange(6.0).reshape(2, 3),
    "whole": np.array([[1, 2, 300]], np.int32),
    "bytes": np.array([[1, 2, 255]], np.uint8),
    "deep": np.arange(24.0).reshape(2, 3, 4),
    "text": "groom Ä",
    "rows": np.array(["abc", "def"]),
    "cells": cell(np.array([[1.0, 2.0]]), "name", cell("inner", np.empty((0, 0)))),
    "struct": {"a": np.array([[5.0]]), "bc": "text", "d": cell("x")},
}


@pytest.mark.parametrize("packed", [False, True])
def test_content_is_that_of_scipy(packed: bool, tmp_path: Path):
    scipy.io.savemat(tmp_path / "a.mat", CONTENT, do_compression=packed)
    ours, theirs = (
        read_matlab(tmp_path / "a.mat", [*CONTENT, "x"], NapariI3DError),
        scipy.io.loadmat(tmp_path / "a.mat"),
    )
    assert set(ours) == set(CONTENT)
    for name in CONTENT:
        assert same(ours[name], theirs[name]), name


def test_files_of_the_other_byte_order(tmp_path: Path):
    """As Matlab wrote them on PowerPC."""
    array = struct.pack(">IIII", 6, 8, 6, 0) + struct.pack(">IIii", 5, 8, 1, 2) + struct.pack(">HH4s", 1, 1, b"x")
    array += struct.pack(">II2d", 9, 16, 1.5, -2.0)
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    (tmp_path / "a.mat").write_bytes(head + struct.pack(">II", 14, len(array)) + array)
    assert read_matlab(tmp_path / "a.mat", ["x"], NapariI3DError)["x"].tolist() == [[1.5, -2.0]]


@pytest.mark.parametrize("packed", [False, True])
def test_damage_is_refused_or_read(packed: bool, tmp_path: Path):
    """In this process: scipy's reader ends it."""
    scipy.io.savemat(tmp_path / "a.mat", CONTENT, do_compression=packed)
    data = (tmp_path / "a.mat").read_bytes()
    refused = 0
    for seed in range(300):
        (tmp_path / "b.mat").write_bytes(damaged(data, random.Random(seed)))
        try:
            read_matlab(tmp_path / "b.mat", list(CONTENT), NapariI3DError)
        except NapariI3DError:
            refused += 1
    assert refused > 0
