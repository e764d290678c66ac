"""Weights by name, untrained and from files: what is loaded, and what is recorded of it."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_i3d._utils.files import sha256_of
from napari_i3d.backbones import pretrained
from napari_i3d.backbones.pretrained import WeightsFacts, find_source
from napari_i3d.backbones.weights import convert_weights, describe_weights, load_network
from napari_i3d.errors import OutputError, WeightsError

NAME = "i3d_r50_kinetics"
Blobs = dict[str, np.ndarray]


@pytest.fixture
def in_cache(home: Path, published: Path) -> Path:
    """The stand-in where the download would be, put there by hand."""
    path = home / "weights" / "i3d_baseline_32x2_IN_pretrain_400k.pkl"
    path.parent.mkdir()
    path.symlink_to(published)
    return path


def record(path: Path, sha256: str) -> None:
    path.with_name(path.name + ".json").write_text(json.dumps({"sha256": sha256, "downloaded": "2026-01-02"}))


def test_registry_states_source_license_and_normalization() -> None:
    source = find_source(NAME)
    assert source.url.endswith("/video-nonlocal/i3d_baseline_32x2_IN_pretrain_400k.pkl")
    assert source.license == "CC-BY-NC 4.0"
    assert (source.mean, source.std) == (114.75, 57.375)
    assert pretrained.SOURCES[NAME] is source


def test_registry_refuses_unknown_names() -> None:
    with pytest.raises(WeightsError, match=r"resnet18: .*known are i3d_r50_kinetics"):
        find_source("resnet18")


def test_missing_weights_error_says_what_to_do() -> None:
    with pytest.raises(WeightsError, match=r"run `napari-i3d weights download`.*untrained") as caught:
        load_network()
    assert "\n" not in str(caught.value)


def test_weights_by_name_without_record_are_loaded(in_cache: Path, blobs: Blobs) -> None:
    network, facts = load_network(NAME)
    np.testing.assert_array_equal(network.pred.weight.numpy(), blobs["pred_w"])
    assert facts == WeightsFacts(NAME, str(in_cache), sha256_of(in_cache), "caffe2", "CC-BY-NC 4.0", trained=True)
    assert json.loads(json.dumps(facts.as_dict())) == facts.as_dict()


def test_weights_matching_their_record_are_loaded_and_described(in_cache: Path) -> None:
    record(in_cache, sha256_of(in_cache))
    described = describe_weights(NAME)
    assert described["present"] is True
    assert described["downloaded"] == "2026-01-02"
    assert described["parameters"] == 28_043_472
    assert described["sha256"] == sha256_of(in_cache)
    json.dumps(described)


def test_weights_that_differ_from_their_record_are_refused(in_cache: Path) -> None:
    record(in_cache, "0" * 64)
    with pytest.raises(WeightsError, match=r"damaged or changed.*weights download") as caught:
        load_network(NAME)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"sha256": 5}', "[" * 100_000, "\xff"])
def test_damaged_record_is_error_of_one_line(in_cache: Path, content: str) -> None:
    in_cache.with_name(in_cache.name + ".json").write_text(content, encoding="latin1")
    with pytest.raises(WeightsError, match="record of the download is damaged") as caught:
        load_network(NAME)
    assert "\n" not in str(caught.value)


def test_path_to_published_file_claims_no_license(published: Path) -> None:
    _, facts = load_network(published)
    assert facts.name == "weights.pkl"
    assert facts.license.startswith("not stated in the file")
    assert facts.trained
    assert facts == load_network(str(published))[1]


@pytest.mark.parametrize("weights", ["i3d_r50_kinetic", "untrained.pkl", "no/such/folder", ""])
def test_neither_name_nor_file_is_one_line_error(weights: str) -> None:
    with pytest.raises(WeightsError) as caught:
        load_network(weights)
    assert "\n" not in str(caught.value)


def test_mistyped_name_is_answered_with_known_ones() -> None:
    with pytest.raises(WeightsError, match="known are i3d_r50_kinetics, untrained"):
        load_network("i3d_r50_kinetic")


def test_untrained_weights_are_the_same_everywhere() -> None:
    """The checksum is recorded in provenance: it changes only if the weights are meant to change."""
    network, facts = load_network("untrained")
    assert facts.name == "untrained"
    assert facts.path is None
    assert facts.trained is False
    assert facts.sha256 == "849f20a33e15e2da0f0582bd8d926959e88255d63873c9781522657e21d935a8"
    assert (
        hashlib.sha256(network.res5[2].branch2b.conv.weight.numpy().tobytes())
        .hexdigest()
        .startswith("2cce7404f28557b5")
    )


def test_untrained_features_stay_alive_and_differ() -> None:
    network, _ = load_network("untrained")
    noise = torch.rand(3, 3, 8, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    noise[1] = noise[0].flip(-1) * 0.5
    noise[2] = 0.3
    features = network(noise)
    assert torch.isfinite(features).all()
    assert 0.1 < features.std() < 10
    assert (features == 0).float().mean() < 0.5
    distances = torch.pdist(features) / features.norm(dim=1).mean()
    assert distances.min() > 0.05


def test_conversion_keeps_weights_and_their_origin(in_cache: Path, tmp_path: Path) -> None:
    target = tmp_path / "converted.safetensors"
    written = convert_weights(NAME, target)
    network, facts = load_network(target)
    original, original_facts = load_network(NAME)
    for name, tensor in original.state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor), name
    assert facts == written
    assert facts == WeightsFacts(NAME, str(target), sha256_of(target), "safetensors", "CC-BY-NC 4.0", trained=True)
    header = target.read_bytes()[:40_000].decode("latin1")
    assert original_facts.sha256 in header


def test_conversion_of_untrained_weights_stays_untrained(tmp_path: Path) -> None:
    convert_weights("untrained", tmp_path / "w.safetensors")
    _, facts = load_network(tmp_path / "w.safetensors")
    assert facts.name == "untrained"
    assert facts.trained is False


def test_conversion_of_something_else_leaves_the_target_alone(tmp_path: Path) -> None:
    target = tmp_path / "w.safetensors"
    target.write_text("old")
    (tmp_path / "w.pkl").write_text("no weights")
    with pytest.raises(WeightsError):
        convert_weights(tmp_path / "w.pkl", target)
    assert target.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.pkl", "w.safetensors"]


def test_conversion_into_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        convert_weights("untrained", tmp_path / "none" / "w.safetensors")


def test_missing_weights_are_described_by_the_published_facts() -> None:
    described = describe_weights()
    assert described["present"] is False
    assert described["license"] == "CC-BY-NC 4.0"
    assert "sha256" not in described


@pytest.mark.parametrize("module", ["pretrained", "download", "i3d.caffe2", "i3d.architecture"])
def test_modules_of_the_command_line_load_no_torch(module: str) -> None:
    code = f"import sys, napari_i3d.backbones.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
