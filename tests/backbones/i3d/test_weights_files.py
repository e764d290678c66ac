"""Weights files of all kinds: told apart by content, checked, refused in one line."""

import io
import json
import os
import pickle
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from napari_i3d.backbones.i3d.weights_files import read_weights_file, write_safetensors
from napari_i3d.errors import WeightsError

Blobs = dict[str, np.ndarray]


def refusal(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        read_weights_file(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    assert len(text) < len(str(path)) + 450
    return text


def assert_same(read: Blobs, blobs: Blobs) -> None:
    assert read.keys() == blobs.keys()
    for name, array in read.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, blobs[name])


@pytest.fixture(scope="module")
def state(blobs: Blobs, pytorch_name: Callable[[str], str]) -> dict[str, torch.Tensor]:
    return {pytorch_name(name): torch.tensor(array) for name, array in blobs.items()}


@pytest.fixture(scope="module")
def converted(state: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("converted") / "i3d_r50_kinetics.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def ours(blobs: Blobs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ours") / "weights.safetensors"
    write_safetensors(path, blobs, {"name": "mine", "trained": "yes"})
    return path


def test_names_of_converted_file_are_predecessors(state: dict[str, torch.Tensor]) -> None:
    assert state["layer1.0.downsample.1.running_var"].shape == (256,)
    assert state["layer4.1.conv1.weight"].shape == (512, 2048, 3, 1, 1)
    assert {"conv1.weight", "bn1.running_mean", "layer3.5.bn3.bias", "fc.weight", "fc.bias"} <= state.keys()


def test_published_pickle_is_recognized_under_any_name(published: Path, blobs: Blobs, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.symlink_to(published)
    file = read_weights_file(path)
    assert file.format == "caffe2"
    assert file.metadata == {}
    assert_same(file.blobs, blobs)


def test_predecessors_converted_file_is_read(converted: Path, blobs: Blobs) -> None:
    file = read_weights_file(converted)
    assert file.format == "pytorch"
    assert_same(file.blobs, blobs)


def test_wrapped_and_old_style_converted_file_is_read(
    state: dict[str, torch.Tensor], blobs: Blobs, tmp_path: Path
) -> None:
    wrapped = OrderedDict((f"module.{name}", torch.nn.Parameter(tensor)) for name, tensor in state.items())
    wrapped["module.layer1.0.bn1.num_batches_tracked"] = torch.tensor(5)
    path = tmp_path / "weights.safetensors"
    torch.save({"state_dict": wrapped, "epoch": 3}, path, _use_new_zipfile_serialization=False)
    file = read_weights_file(path)
    assert file.format == "pytorch"
    assert_same(file.blobs, blobs)


def test_own_file_is_read_with_its_facts(ours: Path, blobs: Blobs) -> None:
    file = read_weights_file(ours)
    assert file.format == "safetensors"
    assert file.metadata == {"name": "mine", "trained": "yes"}
    assert_same(file.blobs, blobs)


def test_own_file_uses_the_published_names(ours: Path, blobs: Blobs) -> None:
    assert_same(safetensors.numpy.load_file(ours), blobs)


@pytest.mark.parametrize("text", ["", "{", "[1]", "7", '{"name": 5}', "[" * 100_000])
def test_metadata_of_others_count_for_nothing(blobs: Blobs, tmp_path: Path, text: str) -> None:
    path = tmp_path / "w.safetensors"
    small = {"conv1_w": blobs["conv1_w"]}
    safetensors.numpy.save_file(small, path, metadata={"napari_i3d": text})
    assert "266 missing" in refusal(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><html></html>", "begins with b'<!DOCTYPE ht'"),
        (b"{}\n" * 100, "begins with"),
        (b'{"a":1,  {', "begins with"),
        (b"cos\nsystem\n(S'true'\ntR.", "begins with"),
        (b"\x80", "not a whole pickle"),
        (b"\x80\x02}.", "under 'blobs'"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{", "not a whole safetensors file"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff{}", "a header of at most"),
        (b"PK\x03\x04", "damaged or not copied completely"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "weights.pkl"
    path.write_bytes(content)
    assert found in refusal(path)


def test_folders_and_missing_files_are_called_so(tmp_path: Path) -> None:
    assert "a folder, not a file" in refusal(tmp_path)
    assert "no such file" in refusal(tmp_path / "none.pkl")


def test_archives_of_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "expected a PyTorch file" in refusal(path)
    path = tmp_path / "w.tar"
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("pickle"), io.BytesIO())
    assert "expected weights" in refusal(path)


@pytest.mark.parametrize("kept", [1, 8, 100, 4000, 50_000_000, -1000, -1])
@pytest.mark.parametrize("kind", ["converted", "ours"])
def test_files_that_are_cut_off_are_refused(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, kept: int
) -> None:
    content = request.getfixturevalue(kind).read_bytes()
    path = tmp_path / "w"
    path.write_bytes(content[:kept])
    assert refusal(path)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_files_changed_at_random_are_read_or_refused(tmp_path: Path) -> None:
    """The exceptions of torch and safetensors are theirs to change: none may come through."""
    rng = np.random.default_rng(3)
    small = {f"layer1.0.conv{i}.weight": torch.ones(2, 2) for i in range(3)}
    files = []
    for new in (True, False):
        buffer = io.BytesIO()
        torch.save(small, buffer, _use_new_zipfile_serialization=new)
        files.append(buffer.getvalue())
    files.append(safetensors.numpy.save({name: tensor.numpy() for name, tensor in small.items()}, {"napari_i3d": "{}"}))
    path = tmp_path / "w"
    reasons = set()
    for content in files:
        for _ in range(120):
            changed = np.frombuffer(content, np.uint8).copy()
            where = rng.integers(0, len(changed), rng.integers(1, 8))
            changed[where] = rng.integers(0, 256, len(where))
            path.write_bytes(changed.tobytes()[: None if rng.random() < 0.7 else rng.integers(len(changed))])
            reasons.add(refusal(path).removeprefix(f"{path}: ")[:40])
    assert len(reasons) > 5


@pytest.mark.parametrize("new", [True, False])
def test_hostile_pytorch_file_runs_nothing(tmp_path: Path, new: bool) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "ran"),)

    path = tmp_path / "w.pth"
    torch.save({"conv1.weight": Hostile()}, path, _use_new_zipfile_serialization=new)
    text = refusal(path)
    assert "nothing of it was run" in text
    assert "weights_only" not in text
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ([torch.zeros(3)], "found list"),
        (torch.zeros(3), "found Tensor"),
        ({}, "267 missing: conv1.weight, "),
        ({"layer2.1.nl.theta.weight": torch.zeros(3)}, "with non-local blocks"),
        ({"layer3.22.conv1.weight": torch.zeros(3)}, "deeper one"),
        ({"conv1_w": "res_conv1", 5: 6}, "2 surplus"),
        ({"state_dict": [1]}, "1 surplus: state_dict"),
    ],
)
def test_pytorch_files_of_something_else_are_refused(tmp_path: Path, content: object, found: str) -> None:
    path = tmp_path / "w.pth"
    torch.save(content, path)
    assert found in refusal(path)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda tensor: tensor.half(), "fc.bias is float16"),
        (lambda tensor: tensor.double(), "fc.bias is float64"),
        (lambda tensor: tensor.bfloat16(), "fc.bias is bfloat16"),
        (lambda tensor: tensor.to_sparse(), "of another kind"),
        (lambda tensor: tensor[:1].expand(10**12), "fc.bias is (1000000000000,), not (400,)"),
        (lambda tensor: tensor + torch.nan, "1 not finite: pred_b"),
    ],
)
def test_pytorch_arrays_of_another_kind_are_refused(
    state: dict[str, torch.Tensor], tmp_path: Path, change: Callable[[torch.Tensor], torch.Tensor], found: str
) -> None:
    path = tmp_path / "w.pth"
    torch.save({**state, "fc.bias": change(state["fc.bias"])}, path)
    assert found in refusal(path)


def test_safetensors_of_half_precision_are_refused(blobs: Blobs, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    safetensors.numpy.save_file({name: array.astype(np.float16) for name, array in blobs.items()}, path)
    assert "267 of another kind: conv1_w is F16" in refusal(path)


def test_same_weights_give_the_same_file(ours: Path, blobs: Blobs, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    write_safetensors(again, dict(reversed(blobs.items())), {"trained": "yes", "name": "mine"})
    assert again.read_bytes() == ours.read_bytes()


def test_unopenable_file_is_a_one_line_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "w.pkl"
    path.write_bytes(pickle.dumps({}))

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert "cannot be read (Permission denied)" in refusal(path)


def test_header_of_own_file_has_one_metadata_entry(ours: Path) -> None:
    with ours.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    assert list(header["__metadata__"]) == ["napari_i3d"]
