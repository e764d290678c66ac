"""The exact form of the network against the plain one."""

import numpy as np
import pytest
import torch

from napari_i3d.backbones.i3d.fused_conv import FoldedConv, Placement, fold
from napari_i3d.backbones.i3d.network import I3DResNet50
from napari_i3d.backbones.i3d.shared_stem import ChunkForm, Steps

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def network(blobs: dict[str, np.ndarray]) -> I3DResNet50:
    return I3DResNet50.from_blobs(blobs)


@pytest.fixture(scope="module")
def chunks() -> torch.Tensor:
    return torch.rand(3, 3, 8, 40, 56, generator=torch.Generator().manual_seed(3)) * 2 - 1


def error(found: torch.Tensor, expected: torch.Tensor) -> float:
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("fused", [None, False])
def test_float32_agrees_with_the_plain_network(network: I3DResNet50, chunks: torch.Tensor, fused: bool | None) -> None:
    with torch.inference_mode():
        rows = ChunkForm(network, Placement(CPU, fused=fused))(chunks)
        expected = network(chunks)
    assert rows.dtype == torch.float32
    assert error(rows, expected) < 3e-6
    # Were it not for the order of frames, or for one chunk or the other, the comparison would prove nothing.
    assert error(network(chunks.flip(2)), expected) > 1e-2
    assert error(expected.roll(1, 0), expected) > 1e-2


def test_images_of_full_size_agree(network: I3DResNet50) -> None:
    chunk = torch.rand(1, 3, 8, 224, 224, generator=torch.Generator().manual_seed(4)) * 2 - 1
    with torch.inference_mode():
        assert error(ChunkForm(network)(chunk), network(chunk)) < 3e-6


def test_bfloat16_is_near(network: I3DResNet50, chunks: torch.Tensor) -> None:
    with torch.inference_mode():
        rows = ChunkForm(network, Placement(CPU, torch.bfloat16))(chunks)
        assert rows.dtype == torch.float32
        assert 1e-5 < error(rows, network(chunks)) < 3e-2


def test_number_of_chunks_does_not_matter(network: I3DResNet50, chunks: torch.Tensor) -> None:
    """Twenty are more than any of the parts in which a CPU computes."""
    form = ChunkForm(network)
    many = chunks[:, :, :, :33, :33].repeat(7, 1, 1, 1, 1)[:20]
    with torch.inference_mode():
        together = form(many)
        alone = torch.cat([form(chunk[None]) for chunk in many[:3]])
    assert error(together[:3], alone) < 3e-6
    assert error(together[3:6], alone) < 3e-6


def test_network_is_left_as_it_was(blobs: dict[str, np.ndarray], chunks: torch.Tensor) -> None:
    network = I3DResNet50.from_blobs(blobs)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with torch.inference_mode():
        ChunkForm(network)(chunks)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_chunks_of_another_length_are_refused(network: I3DResNet50) -> None:
    with pytest.raises(ValueError, match="expected chunks of 8 frames, found 7"):
        ChunkForm(network)(torch.zeros(1, 3, 7, 32, 32))


@pytest.mark.parametrize(
    ("steps", "seen"), [(Steps.FIRST, {2, 3, 4}), (Steps.INNER, {0, 1, 2, 3, 4}), (Steps.LAST, {0, 1, 2, 3})]
)
def test_steps_see_their_frames_and_no_others(network: I3DResNet50, steps: Steps, seen: set[int]) -> None:
    form = ChunkForm(network)
    frames = list(torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(5)))

    def with_changed(place: int | None) -> torch.Tensor:
        shown: list[torch.Tensor | None] = [f + 1 if n == place else f for n, f in enumerate(frames)]
        return form.pooled_steps(steps, [shown])[steps]

    unchanged = with_changed(None)
    assert {place for place in range(5) if not torch.equal(with_changed(place), unchanged)} == seen


def test_steps_asked_together_equal_steps_asked_alone(network: I3DResNet50) -> None:
    form = ChunkForm(network)
    frames: list[list[torch.Tensor | None]] = [list(torch.rand(5, 3, 16, 16)) for _ in range(2)]
    together = form.pooled_steps(Steps.FIRST | Steps.INNER | Steps.LAST, frames)
    assert set(together) == set(Steps)
    for step in Steps:
        assert error(together[step], form.pooled_steps(step, frames)[step]) < 1e-6


@pytest.mark.parametrize("fused", [None, False])
def test_folded_convolution_adds_in_place_then_applies_relu(network: I3DResNet50, fused: bool | None) -> None:
    layer = network.res3[1].branch2c
    weight, bias = fold(layer)
    assert weight.dtype == bias.dtype == torch.float64
    conv = FoldedConv(weight[:, :, 0], bias, Placement(CPU, fused=fused))
    x, other = torch.randn(2, 128, 7, 9), torch.randn(2, 512, 7, 9)
    x, other = (t.contiguous(memory_format=torch.channels_last) for t in (x, other))
    expected = layer(x[:, :, None])[:, :, 0]
    assert error(conv(x, relu=False), expected) < 1e-6
    assert error(conv(x), expected.relu()) < 1e-6
    summed = (expected + other).relu()
    found = conv(x, add=other)
    assert error(found, summed) < 1e-6
    assert found.data_ptr() == other.data_ptr()
