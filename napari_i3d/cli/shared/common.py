"""Helpers of all commands: exit status, printing, common options."""

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from napari_i3d._utils.text import printable
from napari_i3d.errors import OutputError

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit status: all done; anything failed; invalid options; interrupted."""


TRACKING_HELP = "the tracking of the video: a file or folder of any program that is known"
_COMMAND_WORDS = {
    "download": "run `napari-i3d weights download`",
    "try_again": "give the same command again",
    "video_size": "--video_w and --video_h",
}


def command_wording(name: str, value: str) -> str:
    """Return a setting as an option: ``--gaps split``, ``--pad``."""
    if name in _COMMAND_WORDS:
        return _COMMAND_WORDS[name]
    return f"--{name} {value}" if value not in ("", "True") else f"--{name}"


def print_error(text: str) -> None:
    """Print a line on standard error, after the name of the program."""
    print(f"napari-i3d: {printable(text)}", file=sys.stderr)


def print_line(text: str) -> None:
    """Print a line."""
    print(printable(text))


def print_notes(notes: Iterable[str]) -> None:
    """Print notes below a line, one a line."""
    for note in notes:
        print_line(f"  {note}")


def require_new(path: Path, *, overwrite: bool) -> None:
    """Raise an OutputError if a file to write exists, unless it may be replaced."""
    if path.is_dir() or (path.exists() and not overwrite):
        raise OutputError(f"{path}: exists", hint="choose another name, or add --overwrite")


def one_place() -> bool:
    """Return whether standard output and standard error go to the same terminal, file or pipe."""
    try:
        output, errors = (os.fstat(stream.fileno()) for stream in (sys.stdout, sys.stderr))
    except (OSError, ValueError):  # closed, or in memory
        return False
    # Windows has no numbers for consoles and pipes.
    return output.st_ino != 0 and os.path.samestat(output, errors)


def add_command(commands: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    """Add a command, or an action of one, that calls `run` with its options and returns the exit status."""
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    if run is not None:
        command.set_defaults(run=run)
    return command


def add_video(parser: argparse.ArgumentParser, *, tracking: bool) -> None:
    """Add the options of a video and its tracking; `tracking`: whether that is required."""
    parser.add_argument("video", type=Path, metavar="VIDEO")
    parser.add_argument("--tracking", type=Path, required=tracking, metavar="FILE", help=TRACKING_HELP)


def add_video_size(parser: argparse.ArgumentParser) -> None:
    """Add the options of the size to which a video is resized."""
    parser.add_argument("--video_w", type=int, metavar="W", help="resize the video first; boxes are in its new pixels")
    parser.add_argument("--video_h", type=int, metavar="H")


@contextlib.contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Handle SIGTERM like Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
