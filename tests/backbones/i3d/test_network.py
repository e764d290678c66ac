"""The plain network: against the published description written out anew, and against the predecessor's features."""

import pickle
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from helpers.published_weights import published_network
from napari_i3d.backbones.i3d.architecture import blob_shapes
from napari_i3d.backbones.i3d.network import I3DResNet50
from napari_i3d.backbones.weights import load_network


@pytest.fixture(scope="module")
def network(blobs: dict[str, np.ndarray]) -> I3DResNet50:
    return I3DResNet50.from_blobs(blobs)


def chunks(count: int, size: int, frames: int = 8) -> torch.Tensor:
    return torch.rand(count, 3, frames, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_names_and_shapes_are_the_published_ones(shapes: dict[str, tuple[int, ...]]) -> None:
    assert blob_shapes() == shapes
    assert len(shapes) == 267
    trained = sum(int(np.prod(shape)) for name, shape in shapes.items() if not name.endswith(("_rm", "_riv")))
    assert 28.0e6 < trained < 28.1e6


@pytest.mark.parametrize(("size", "frames"), [(64, 8), (37, 16)])
def test_features_are_those_of_the_published_description(
    network: I3DResNet50, blobs: dict[str, np.ndarray], size: int, frames: int
) -> None:
    x = chunks(2, size, frames)
    expected = published_network(x, blobs)
    features = network(x)
    assert features.shape == (2, 2048)
    assert features.dtype == torch.float32
    assert expected.abs().max() > 0.1
    assert (features - expected).abs().max() < 1e-5 * expected.abs().max()


def test_statistics_and_shifts_have_part_in_features(network: I3DResNet50, blobs: dict[str, np.ndarray]) -> None:
    x = chunks(1, 32)
    before = network(x)
    for name in ("res_conv1_bn_rm", "res4_5_branch2a_bn_riv", "res5_0_branch1_bn_b"):
        changed = I3DResNet50.from_blobs({**blobs, name: blobs[name] * 1.5})(x)
        assert not torch.allclose(before, changed), name


def test_time_has_length_one_from_res3_on(network: I3DResNet50) -> None:
    seen = {}
    hooks = [
        network.get_submodule(name).register_forward_hook(lambda _m, _i, out, name=name: seen.update({name: out.shape}))
        for name in ("stem", "pool1", "res2", "pool2", "res3", "res4", "res5")
    ]
    network(chunks(1, 224))
    for hook in hooks:
        hook.remove()
    assert {name: tuple(shape) for name, shape in seen.items()} == {
        "stem": (1, 64, 4, 112, 112),
        "pool1": (1, 64, 2, 55, 55),
        "res2": (1, 256, 2, 55, 55),
        "pool2": (1, 256, 1, 55, 55),
        "res3": (1, 512, 1, 28, 28),
        "res4": (1, 1024, 1, 14, 14),
        "res5": (1, 2048, 1, 7, 7),
    }


def test_side_taps_see_padding_from_res3_not_res2(blobs: dict[str, np.ndarray]) -> None:
    def without_side_taps(stages: tuple[str, ...]) -> dict[str, np.ndarray]:
        changed = dict(blobs)
        for name, array in blobs.items():
            if name.startswith(stages) and name.endswith("2a_w") and array.shape[2] == 3:
                changed[name] = array * np.array([0, 1, 0], np.float32)[:, None, None]
        return changed

    x = chunks(1, 32)
    features = I3DResNet50.from_blobs(blobs)(x)
    late = I3DResNet50.from_blobs(without_side_taps(("res3", "res4", "res5")))(x)
    early = I3DResNet50.from_blobs(without_side_taps(("res2",)))(x)
    torch.testing.assert_close(late, features, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(early, features, rtol=1e-3, atol=1e-3)


def test_seven_frames_are_enough_and_six_are_not(network: I3DResNet50) -> None:
    assert network(chunks(1, 32, 7)).shape == (1, 2048)
    with pytest.raises(RuntimeError):
        network(chunks(1, 32, 6))


def test_network_is_ready_for_inference_and_holds_classifier(
    network: I3DResNet50, blobs: dict[str, np.ndarray]
) -> None:
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not any(tensor.is_meta for tensor in network.state_dict().values())
    np.testing.assert_array_equal(network.pred.weight.numpy(), blobs["pred_w"])
    np.testing.assert_array_equal(network.pred.bias.numpy(), blobs["pred_b"])


def test_network_does_not_share_memory_with_the_arrays(blobs: dict[str, np.ndarray]) -> None:
    own = {name: array.copy() for name, array in blobs.items()}
    network = I3DResNet50.from_blobs(own)
    own["conv1_w"][:] = 0
    np.testing.assert_array_equal(network.stem.conv.weight.numpy(), blobs["conv1_w"])


@pytest.mark.slow
def test_features_are_the_predecessors(shared: Path, tmp_path: Path) -> None:
    """Golden features in three copies of the first chunk, then one row a chunk; pixels made here, in its way."""
    tool: dict[str, object] = {"__name__": "tool"}
    exec(compile((shared / "tools/make_reference_weights.py").read_text(), "tool", "exec"), tool)  # noqa: S102
    weights = tmp_path / "weights.pkl"
    with weights.open("wb") as file:
        tool["Python2Pickler"](file, 2).dump({"blobs": tool["blobs"](0)})  # type: ignore[operator]
    network, _ = load_network(weights)

    boxes = pickle.loads((shared / "data/flies_courtship_clip_tracks.pickle").read_bytes())["female"]
    reader = imageio_ffmpeg.read_frames(str(shared / "data/flies_courtship_clip.mp4"), pix_fmt="rgb24")
    width, height = next(reader)["size"]
    crops = []
    for index in range(10):
        frame = np.frombuffer(next(reader), np.uint8).reshape(height, width, 3)
        left, upper, right, lower = (int(value) for value in boxes[index])
        crop = torch.tensor(frame[max(upper, 0) : min(lower, height), max(left, 0) : min(right, width)].copy())
        crop = F.interpolate(crop.permute(2, 0, 1)[None].float(), (256, 340), mode="bilinear", align_corners=False)
        crops.append(crop[0, :, 16:240, 58:282] * 2 / 255 - 1)
    reader.close()
    clip = torch.stack(crops, 1)

    features = network(torch.stack([clip[:, k : k + 8] for k in range(3)])).numpy()
    golden = np.load(shared / "golden/predecessor_flies.npz")["center_crop-f1-pad/female"]
    assert np.abs(features - golden[3:6]).max() < 1e-5 * np.abs(golden).max()
