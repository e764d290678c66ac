"""Counters of what a test may leave running: ffmpeg processes, and threads of ours."""

import os
import subprocess
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest


def ffmpegs_of(parent: int) -> set[int]:
    """Return the ids of the ffmpeg processes that a process has started and not yet ended and waited for."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = stat.read_text().rsplit(")", 1)
        except OSError:  # it ended meanwhile
            continue
        if "(ffmpeg" in name and int(rest.split()[1]) == parent:
            found.add(int(stat.parent.name))
    return found


def threads_called(prefix: str, others: Collection[threading.Thread] = ()) -> list[str]:
    """Return the names of the running threads that begin in a certain way, but those of others."""
    running = [thread for thread in threading.enumerate() if thread not in others]
    return [thread.name for thread in running if thread.name.startswith(prefix)]


def command_lines() -> list[str]:
    """Return the command lines of all processes that run."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return lines


@pytest.fixture
def ffmpegs() -> Callable[[], int]:
    """Return a counter of the ffmpegs that this process started since; skip where there is no ``/proc``."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("counts processes through /proc")
    before = ffmpegs_of(os.getpid())  # of caches that earlier tests left to their idle time
    return lambda: len(ffmpegs_of(os.getpid()) - before)


@pytest.fixture
def start_program() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return `subprocess.Popen` with pipes of text for output and errors; what still runs after the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(command: list[str], **options) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, **options))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()
        for stream in (process.stdout, process.stderr):
            stream.close()
