"""A virtual screen for each process of tests, so that windows of two do not take the keyboard from each other."""

import atexit
import ctypes
import os
import shutil
import signal
import subprocess
import sys

CAN_START = sys.platform == "linux" and shutil.which("Xvfb") is not None


def _end_with_parent() -> None:
    """Ask the kernel to end this process with its parent, however that ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def start_screen() -> None:
    """Start a screen, and make it the one of this process and of those it starts."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"]
    server = subprocess.Popen(
        command, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=_end_with_parent
    )
    atexit.register(server.wait)
    atexit.register(server.terminate)
    os.close(writing)
    with os.fdopen(reading) as numbers:
        os.environ["DISPLAY"] = f":{numbers.readline().strip()}"
    os.environ.pop("XAUTHORITY", None)
