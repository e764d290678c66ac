"""A stranger's weights, of any of the three kinds, run nothing, take neither time nor memory, and are refused."""

import os
import zlib
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
    witness.refuse_all(".pth", [(HOSTILE_PYTORCH[name], name)])
    assert not Path("/tmp/canary").exists()


@pytest.mark.parametrize("name", HOSTILE_SAFETENSORS)
def test_safetensors_that_lie_are_refused(name: str, witness: Witness):
    witness.refuse_all(".safetensors", [(HOSTILE_SAFETENSORS[name], name)])


@pytest.mark.parametrize("seeds", many("calls", 100, 4000))
def test_pytorch_file_that_makes_a_call_is_refused(seeds: range, witness: Witness):
    witness.refuse_all(".pth", map(called, seeds))


@pytest.mark.parametrize("seeds", many("pickles", 80, 4000))
def test_hostile_pickle_is_refused(seeds: range, witness: Witness):
    witness.refuse_all(".pkl", (call(seed, witness.canary) if seed % 2 else broken_pickle(seed) for seed in seeds))


@pytest.mark.parametrize("name", GREEDY)
@pytest.mark.nightly
def test_greedy_pickle_takes_neither_time_nor_memory(name: str, witness: Witness):
    witness.refuse_all(".pkl", [(GREEDY[name], name)])


@pytest.mark.parametrize("seeds", many("damage", 120, 6000))
def test_damaged_file_is_refused(seeds: range, witness: Witness):
    witness.refuse_all("", map(broken, seeds))


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


@pytest.fixture(scope="module")
def whole_weights(witness: Witness) -> Path:
    """A file of our own kind that is as it must be."""
    path = witness.folder / "whole.safetensors"
    write_safetensors(path, untrained_blobs(), {"name": "mine"})
    return path


def test_whole_weights_are_read(whole_weights: Path, witness: Witness):
    """The reader that refuses all that comes before does read."""
    blobs = untrained_blobs()
    said = witness.read(whole_weights, "whole")["result"]
    assert sorted(said["sum"]) == sorted(zlib.crc32(array.tobytes()) for array in blobs.values())


@pytest.mark.nightly
def test_damaged_whole_weights_are_refused_or_fit(whole_weights: Path, witness: Witness):
    path = whole_weights
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
