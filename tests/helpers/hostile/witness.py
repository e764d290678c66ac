"""Hands files to `reading.py`, and fails with the seed of the case where one ends in anything but what it may."""

import json
import select
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

MOST_SECONDS = 10.0
MOST_MB = 1000.0
_READER = Path(__file__).with_name("reading.py")


class Witness:
    """One reader of one kind of file; started anew after it was brought down.

    Parameters
    ----------
    kind
        A route of `reading.py`.
    honest
        A file that can be read.
    folder
        Where cases are written, and where code from them would leave its mark.
    """

    def __init__(self, kind: str, honest: Path, folder: Path) -> None:
        self.kind, self.folder, self.honest = kind, folder, honest
        self.canary = folder / "canary"
        self._reader: subprocess.Popen[str] | None = None
        self._children_mb = 0.0

    def refuse(self, path: Path, case: str) -> str:
        """Read a file that must be refused; return the message."""
        said = self.read(path, case)
        assert said["error"], f"{case}: read as {said['result']}"
        return str(said["error"])

    def read(self, path: Path, case: str) -> dict[str, Any]:
        """Read a file, and see that it ends in a result or in our own error of one line, in time and memory."""
        said = self._ask(path, case)
        assert not said["code"], f"{case}: did {said['code']}"
        assert not said["other"], f"{case}: {said['other']}"
        assert not self.canary.exists(), f"{case}: ran code"
        for text in (said["error"], (said["result"] or {}).get("error", "") if self.kind == "video" else ""):
            assert text.isprintable(), f"{case}: {text!r} is not one printable line"
            assert len(text) < len(str(path)) * 2 + 700, f"{case}: a message of {len(text)} characters"
        assert said["seconds"] < MOST_SECONDS, f"{case}: took {said['seconds']:.1f} s"
        assert said["mb"] < MOST_MB, f"{case}: took {said['mb']:.0f} MB"
        grown = said["children_mb"] > self._children_mb
        self._children_mb = said["children_mb"]
        assert not grown or said["children_mb"] < MOST_MB, f"{case}: ffmpeg took {said['children_mb']:.0f} MB"
        return said

    def refuse_all(self, ending: str, cases: Iterable[tuple[bytes, str]]) -> None:
        """Write one case after another into a file of an ending, and see that each is refused."""
        for data, case in cases:
            self.refuse(self.write(data, ending), case)

    def read_all(self, ending: str, cases: Iterable[tuple[bytes, str]]) -> int:
        """Write and read one case after another; return how many gave a result."""
        return sum(self.read(self.write(data, ending), case)["result"] is not None for data, case in cases)

    def write(self, data: bytes, ending: str) -> Path:
        """Write a case into the reader's folder."""
        path = self.folder / f"case{ending}"
        path.write_bytes(data)
        return path

    def close(self) -> None:
        """End the reader."""
        if self._reader is not None:
            self._reader.kill()
            self._reader.communicate()
            self._reader = None

    def _ask(self, path: Path, case: str) -> dict[str, Any]:
        if self._reader is None:
            self._start()
        assert self._reader is not None
        assert self._reader.stdin is not None
        print(json.dumps(str(path)), file=self._reader.stdin, flush=True)
        line = self._line(MOST_SECONDS * 2)
        if line is None:
            self.close()
            raise AssertionError(f"{case}: hangs")
        if not line:
            code = self._reader.wait()
            self.close()
            raise AssertionError(f"{case}: brought the reader down, exit status {code}")
        said: dict[str, Any] = json.loads(line)
        return said

    def _start(self) -> None:
        self._children_mb = 0.0
        command = [sys.executable, str(_READER), self.kind, str(self.honest)]
        pipe = subprocess.PIPE
        self._reader = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=self.folder)
        assert self._line(60) == "ready\n"

    def _line(self, timeout_s: float) -> str | None:
        assert self._reader is not None
        assert self._reader.stdout is not None
        if not select.select([self._reader.stdout], [], [], timeout_s)[0]:
            return None
        return self._reader.stdout.readline()


def many(title: str, normal: int, nightly: int) -> list[Any]:
    """Return blocks of seeds as parameters: the first few for the normal run, thousands for the night."""
    first = pytest.param(range(normal), id=f"{title}-{normal}")
    return [first, pytest.param(range(normal, nightly), id=f"{title}-{nightly}", marks=pytest.mark.nightly)]


def at_night(*values: Any) -> list[Any]:
    """Return parameters, tuples for several names, that are left out of the normal run."""
    rows = (value if isinstance(value, tuple) else (value,) for value in values)
    return [pytest.param(*row, marks=pytest.mark.nightly) for row in rows]
