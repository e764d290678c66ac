"""Where the real data lie, and a cache folder of their own for all tests."""

from pathlib import Path

import pytest

from helpers import TESTS

SHARED = TESTS.parents[1] / "shared"


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
