"""What all tests share: where the real data lie, and a cache folder of their own."""

import os
import tempfile
from pathlib import Path

import pytest

# Notebooks run in processes of their own, to which no fixture applies.
_home = tempfile.TemporaryDirectory(prefix="napari_i3d_home_")
os.environ["NAPARI_I3D_HOME"] = _home.name
# Two bindings are installed; PySide6 is for the process of one test.
os.environ["QT_API"] = "pyqt6"

SHARED = Path(__file__).resolve().parents[2] / "shared"

WINDOWS = ("tests/plugin/", "notebooks/4_")
"""How the ids of tests begin that open windows."""


@pytest.hookimpl(optionalhook=True)  # xdist may be missing
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Keep all windows in one process: two that share a screen would take the keyboard from each other.

    Marks do not do it: what xdist 3.8 makes of ``xdist_group`` is not seen by pytest 9.2.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadGroupScheduling

    class Scheduling(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "chunks" if nodeid.startswith(WINDOWS) else super()._split_scope(nodeid)

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real videos, tracking and golden features that lies beside a developer's checkout."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs the real videos and golden features, which are not part of the package")
    return SHARED


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, so that no test reads or writes the user's."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("NAPARI_I3D_HOME", str(folder))
    return folder
