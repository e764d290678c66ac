"""The demo, which computes with a whole network, run once for all tests of what it gives."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class DemoRun:
    """The folder that ``napari-i3d demo`` has filled, and what it said."""

    folder: Path
    output: str


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """The demo, run with an empty cache folder, so with untrained weights; no test may change its files."""
    work = tmp_path_factory.mktemp("demo")
    environment = os.environ | {"NAPARI_I3D_HOME": str(work / "home"), "MPLBACKEND": "agg"}
    command = [sys.executable, "-m", "napari_i3d", "demo", "--outputpath", str(work / "demo")]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return DemoRun(work / "demo", done.stdout)
