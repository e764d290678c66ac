"""A stranger's weights, of any of the three kinds, run nothing, take neither time nor memory, and are refused."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.hostile.broken_pickles import broken as broken_pickle
from helpers.hostile.greedy_pickles import GREEDY
from helpers.hostile.hostile_pickles import call
from helpers.hostile.hostile_weights import HOSTILE_PYTORCH, HOSTILE_SAFETENSORS, STATE, broken, called, pth
from helpers.hostile.witness import Witness, many
from napari_i3d.backbones.i3d.untrained import untrained_blobs
from napari_i3d.backbones.i3d.weights_files import write_safetensors
from napari_i3d.safe_loading.torch_files import check_pytorch


@pytest.fixture(scope="module")
def witness(start_witness: Callable[[str, Path], Witness], tmp_path_factory: pytest.TempPathFactory) -> Witness:
    path = tmp_path_factory.mktemp("honest") / "a.pth"
    path.write_bytes(pth())
    return start_witness("weights", path)


@pytest.mark.parametrize("name", HOSTILE_PYTORCH)
def test_pytorch_file_that_lies_is_refused(name: str, witness: Witness):
    path = witness.folder / "case.pth"
    path.write_bytes(HOSTILE_PYTORCH[name])
    witness.refuse(path, name)
    assert not Path("/tmp/canary").exists()


@pytest.mark.parametrize("name", HOSTILE_SAFETENSORS)
def test_safetensors_that_lie_are_refused(name: str, witness: Witness):
    path = witness.folder / "case.safetensors"
    path.write_bytes(HOSTILE_SAFETENSORS[name])
    witness.refuse(path, name)


@pytest.mark.parametrize("seeds", many("calls", 100, 4000))
def test_pytorch_file_that_makes_a_call_is_refused(seeds: range, witness: Witness):
    path = witness.folder / "case.pth"
    for seed in seeds:
        data, case = called(seed)
        path.write_bytes(data)
        witness.refuse(path, case)


@pytest.mark.parametrize("seeds", many("pickles", 80, 4000))
def test_hostile_pickle_is_refused(seeds: range, witness: Witness):
    path = witness.folder / "case.pkl"
    for seed in seeds:
        data, case = call(seed, witness.canary) if seed % 2 else broken_pickle(seed)
        path.write_bytes(data)
        witness.refuse(path, case)


@pytest.mark.parametrize("name", GREEDY)
@pytest.mark.nightly
def test_greedy_pickle_takes_neither_time_nor_memory(name: str, witness: Witness):
    path = witness.folder / "case.pkl"
    path.write_bytes(GREEDY[name])
    witness.refuse(path, name)


@pytest.mark.parametrize("seeds", many("damage", 120, 6000))
def test_damaged_file_is_refused(seeds: range, witness: Witness):
    path = witness.folder / "case"
    for seed in seeds:
        data, case = broken(seed)
        path.write_bytes(data)
        witness.refuse(path, case)


def test_pipe_is_refused(witness: Witness):
    path = witness.folder / "pipe.pth"
    os.mkfifo(path)
    witness.refuse(path, "pipe")


@pytest.mark.parametrize("new", [True, False])
def test_honest_pytorch_file_passes_the_look_through(new: bool, tmp_path: Path):
    path = tmp_path / "a.pth"
    path.write_bytes(pth(new=new))
    with path.open("rb") as file:
        check_pytorch(file)
        assert file.tell() == 0
    assert STATE


@pytest.mark.nightly
def test_whole_weights_with_damage_are_refused_or_of_the_right_shape(witness: Witness):
    path = witness.folder / "whole.safetensors"
    write_safetensors(path, untrained_blobs(), {"name": "mine"})
    right = witness.read(path, "whole")["result"]["sum"]
    size = path.stat().st_size
    for seed in range(30):
        at = (seed * 7_919_317) % size if seed % 2 else seed * 997 % 20_000
        with path.open("r+b") as file:
            file.seek(at)
            old = file.read(4)
            file.seek(at)
            file.write(b"\xff\xff\xff\x7f" if seed % 3 else bytes(4))
        said = witness.read(path, f"4 bytes at {at}")
        assert said["error"] or len(said["result"]["sum"]) == len(right), f"4 bytes at {at}"
        with path.open("r+b") as file:
            file.seek(at)
            file.write(old)
    assert witness.read(path, "whole again")["result"]["sum"] == right
