"""A stranger's annotation file runs no code, opens no other file, expands to nothing, takes neither time nor memory."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.annotation_files import BOUTS
from helpers.hostile.broken_pickles import damaged
from helpers.hostile.greedy_pickles import GREEDY
from helpers.hostile.hostile_annotations import HEADER, MAKERS, honest
from helpers.hostile.hostile_pickles import call
from helpers.hostile.witness import Witness, many


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return honest(tmp_path_factory.mktemp("honest"))


@pytest.fixture(scope="module")
def witness(start_witness: Callable[[str, Path], Witness], files: dict[str, Path]) -> Witness:
    return start_witness("annotations", files["csv"].parent)


@pytest.mark.parametrize("name", MAKERS)
def test_hostile_file_is_refused(name: str, witness: Witness, tmp_path: Path):
    make, reason = MAKERS[name]
    assert re.search(reason, witness.refuse(make(tmp_path), name))


NAMES = (
    *("json", "csv", "tuple", "dictionary", "dlc2action csv", "boris", "tabular", "aggregated", "nwb", "excel"),
    "predictions",
)


@pytest.mark.parametrize("name", NAMES)
def test_honest_file_is_read(name: str, witness: Witness, files: dict[str, Path]):
    said = witness.read(files[name], name)
    assert said["result"], said["error"]
    if name not in ("nwb", "excel", "predictions"):
        assert sorted(map(tuple, said["result"]["bouts"])) == sorted(BOUTS)


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


@pytest.mark.parametrize("seeds", many("calls", 60, 3000))
def test_call_in_any_pickle_is_refused(seeds: range, witness: Witness, tmp_path: Path):
    for seed in seeds:
        data, case = call(seed, witness.canary)
        (tmp_path / "case.pickle").write_bytes(data)
        witness.refuse(tmp_path / "case.pickle", case)


@pytest.mark.parametrize("name", GREEDY)
def test_greedy_pickle_is_refused(name: str, witness: Witness):
    witness.refuse(witness.write(GREEDY[name], ".pickle"), name)


def test_many_overlapping_bouts_take_no_time(witness: Witness, tmp_path: Path):
    rows = "".join(f"a,walk,{n},{n + 100_000}\n" for n in range(100_000))
    (tmp_path / "a.csv").write_text(HEADER + rows)
    assert witness.read(tmp_path / "a.csv", "overlaps")["result"]["bouts"] == [["a", "walk", 0, 199_999]]


def test_formulas_stay_text(witness: Witness, tmp_path: Path):
    (tmp_path / "a.csv").write_text(HEADER + "=1+1,@SUM(A1),0,5\n")
    assert witness.read(tmp_path / "a.csv", "formula")["result"]["bouts"] == [["=1+1", "@SUM(A1)", 0, 5]]
