"""The watch itself: a reader that runs code, hangs, crashes or eats the memory does not pass."""

import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers.hostile import witness
from helpers.hostile.witness import Witness


class Calls:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.fixture(scope="module")
def unsafe(start_witness: Callable[[str, Path], Witness], tmp_path_factory: pytest.TempPathFactory) -> Witness:
    path = tmp_path_factory.mktemp("honest") / "a.pickle"
    path.write_bytes(pickle.dumps([]))
    return start_witness("unsafe", path)


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (Calls(os.system, "true"), "did .*os.system"),
        (Calls(open, "canary2", "w"), "did .*open 'canary2' to write"),
        (Calls(os.getcwd), "did .*pickle.find_class"),
        (5, "TypeError"),
        (Calls(os._exit, 3), "brought the reader down, exit status 3"),
        (Calls(os.abort), "brought the reader down, exit status -6"),
    ],
)
def test_harm_is_seen(unsafe: Witness, content: object, seen: str):
    path = unsafe.folder / "case.pickle"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(AssertionError, match=f"^case: {seen}"):
        unsafe.read(path, "case")


def test_memory_is_measured_for_each_file(unsafe: Witness, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(witness, "MOST_MB", 400)
    path = unsafe.folder / "case.pickle"
    path.write_bytes(pickle.dumps(bytes(300 << 20)))
    with pytest.raises(AssertionError, match=r"large: took 6\d\d MB"):  # the file and the object
        unsafe.read(path, "large")
    path.write_bytes(pickle.dumps(b""))
    unsafe.read(path, "small")


def test_file_that_hangs_is_seen(unsafe: Witness, monkeypatch: pytest.MonkeyPatch):
    path = unsafe.folder / "case.pickle"
    unsafe.read(unsafe.honest, "started")
    monkeypatch.setattr(witness, "MOST_SECONDS", 0.2)
    path.write_bytes(pickle.dumps(Calls(time.sleep, 2)))
    with pytest.raises(AssertionError, match="case: hangs"):
        unsafe.read(path, "case")


def test_canary_is_seen(unsafe: Witness):
    unsafe.canary.touch()
    with pytest.raises(AssertionError, match="case: ran code"):
        unsafe.read(unsafe.honest, "case")
    unsafe.canary.unlink()
