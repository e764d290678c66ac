"""A reader for each kind of file, honest files to start from, and a folder that shows whether anything was written."""

import pickle
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.hostile.broken_pickles import plain
from helpers.hostile.hostile_features import features
from helpers.hostile.witness import Witness
from napari_i3d.features.io.writing import write_features


@pytest.fixture(scope="module")
def start_witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, Path], Witness]]:
    """Makes witnesses, and ends them."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("measures memory through /proc")
    made: list[Witness] = []

    def make(kind: str, honest: Path) -> Witness:
        made.append(Witness(kind, honest, tmp_path_factory.mktemp(kind)))
        return made[-1]

    yield make
    for witness in made:
        witness.close()


@pytest.fixture(scope="module")
def tracking_witness(
    start_witness: Callable[[str, Path], Witness], tmp_path_factory: pytest.TempPathFactory
) -> Witness:
    path = tmp_path_factory.mktemp("honest") / "a.pickle"
    path.write_bytes(pickle.dumps(plain(random.Random(0))))
    return start_witness("tracking", path)


@pytest.fixture(scope="module")
def features_witness(
    start_witness: Callable[[str, Path], Witness], tmp_path_factory: pytest.TempPathFactory
) -> Witness:
    path = tmp_path_factory.mktemp("honest") / "a.npy"
    write_features(path, features())
    return start_witness("features", path)
