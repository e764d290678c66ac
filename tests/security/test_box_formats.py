"""A stranger's file of boxes opens no other file, expands to nothing, and takes neither time nor memory."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.hostile.broken_pickles import damaged
from helpers.hostile.hostile_boxes import MAKERS, honest
from helpers.hostile.witness import Witness, many


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return honest(tmp_path_factory.mktemp("honest"))


@pytest.fixture(scope="module")
def witness(start_witness: Callable[[str, Path], Witness], files: dict[str, Path]) -> Witness:
    return start_witness("boxes", files["cvat"].parent)


@pytest.mark.parametrize("name", MAKERS)
def test_hostile_file_is_refused(name: str, witness: Witness, tmp_path: Path):
    make, reason = MAKERS[name]
    assert re.search(reason, witness.refuse(make(tmp_path), name))


def test_line_of_millions_of_columns_takes_no_time(witness: Witness, tmp_path: Path):
    """Columns beyond those of the header are not looked at."""
    header = "x_min,y_min,x_max,y_max,tracker_id,frame\n"
    (tmp_path / "a.csv").write_text(f"{header}1,2,3,4,1,1\n2,3,4,5,1,2,{',' * 3_000_000}\n")
    assert witness.read(tmp_path / "a.csv", "long line")["result"]["1"][:2] == [1, 2]


NAMES = ("netcdf4", "netcdf3", "coco", "cvat", "mot", "via", "via3", "supervision", "nwb")


@pytest.mark.parametrize("name", NAMES)
def test_honest_file_is_read(name: str, witness: Witness, files: dict[str, Path]):
    said = witness.read(files[name], name)
    assert said["result"], said["error"]


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
