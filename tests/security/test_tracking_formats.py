"""A stranger's file of a pose tracker runs no code, opens no other file, and takes neither time nor memory."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.hostile.broken_pickles import damaged
from helpers.hostile.hostile_pickles import call
from helpers.hostile.hostile_tracking import MAKERS, honest
from helpers.hostile.witness import Witness, many
from napari_i3d import read_tracking
from napari_i3d.errors import TrackingError


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return honest(tmp_path_factory.mktemp("honest"))


@pytest.fixture(scope="module")
def witness(start_witness: Callable[[str, Path], Witness], files: dict[str, Path]) -> Witness:
    return start_witness("formats", files["csv"].parent)


@pytest.mark.parametrize("name", MAKERS)
def test_hostile_file_is_refused(name: str, witness: Witness, tmp_path: Path):
    make, reason = MAKERS[name]
    assert reason in witness.refuse(make(tmp_path), name)


@pytest.mark.parametrize("name", ["external link", "soft link", "circle of links"])
def test_link_elsewhere_is_not_followed_for_a_named_format(name: str, tmp_path: Path):
    with pytest.raises(TrackingError, match="tracks is a link elsewhere"):
        read_tracking(MAKERS[name][0](tmp_path), format="sleap-analysis")


NAMES = (
    *("analysis", "slp", "csv", "json", "fixed", "table", "tracklets", "jabs", "mat", "mat73"),
    *("idtracker npy", "idtracker h5", "idtracker tidy", "trex"),
)


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


@pytest.mark.parametrize("seeds", many("calls", 60, 3000))
def test_call_in_any_pickle_is_refused(seeds: range, witness: Witness, tmp_path: Path):
    for seed in seeds:
        data, case = call(seed, witness.canary)
        (tmp_path / "case.pickle").write_bytes(data)
        witness.refuse(tmp_path / "case.pickle", case)


def test_folder_of_pipes_and_links_does_not_hang(witness: Witness, files: dict[str, Path], tmp_path: Path):
    import os

    os.mkfifo(tmp_path / "day_fish0.npz")
    os.mkfifo(tmp_path / "trajectories.npy")
    (tmp_path / "day_fish1.npz").symlink_to(tmp_path / "day_fish1.npz")
    witness.refuse(tmp_path, "pipes")
    shutil.copy(files["trex"], tmp_path / "day_fish2.npz")
    assert list(witness.read(tmp_path, "pipes and a file")["result"]) == ["'fish2'"]
