"""A stranger's file of labels opens no other file, expands to nothing, and takes neither time nor memory."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.hostile.broken_pickles import damaged
from helpers.hostile.hostile_labels import MAKERS, honest
from helpers.hostile.witness import Witness, many


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return honest(tmp_path_factory.mktemp("honest"))


@pytest.fixture(scope="module")
def witness(start_witness: Callable[[str, Path], Witness], files: dict[str, Path]) -> Witness:
    return start_witness("annotations", files["elan"].parent)


@pytest.mark.parametrize("name", MAKERS)
def test_hostile_file_is_refused(name: str, witness: Witness, tmp_path: Path):
    make, reason = MAKERS[name]
    assert re.search(reason, witness.refuse(make(tmp_path), name))


NAMES = (
    *("elan", "via3", "activitynet", "jabs", "calms21", "caltech", "bento", "ms-tcn", "jaaba", "jaaba hdf5"),
    *("ms-tcn predictions", "deepethogram", "deepethogram outputs", "simba"),
)


@pytest.mark.parametrize("name", NAMES)
def test_honest_file_is_read(name: str, witness: Witness, files: dict[str, Path]):
    said = witness.read(files[name], name)
    assert said["result"]["bouts"], said["error"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seeds", many("damage", 25, 1500))
def test_damaged_file_is_read_or_refused(
    name: str, seeds: range, witness: Witness, files: dict[str, Path], tmp_path: Path
):
    data = files[name].read_bytes()
    path = tmp_path / files[name].name
    for seed in seeds:
        path.write_bytes(damaged(data, random.Random(seed)))
        witness.read(path, f"{name}, seed {seed}")
