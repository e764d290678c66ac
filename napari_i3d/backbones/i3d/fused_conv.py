"""A convolution with its batch norm folded in, followed by addition and ReLU: the unit of the shared-stem network."""

from typing import Any

import torch
from torch import Tensor, nn

from napari_i3d.backbones.i3d.network import ConvNorm


class Placement:
    """The device (of weights and inputs) and number format (float32 or bfloat16) of convolutions.

    `fused` selects oneDNN's convolutions that add and apply ReLU before they write their result, with weights in the
    order that the processor wants: measured 1.1 times as fast as PyTorch's own, and what TorchInductor would compile
    to. By default they are used if PyTorch has them, which it has on CPUs.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype = torch.float32, fused: bool | None = None) -> None:
        self.device = device
        self.dtype = dtype
        self.fused = device.type == "cpu" and _has_fused() if fused is None else fused


def _has_fused() -> bool:
    # These operations are PyTorch's own, for TorchInductor: a version without them falls back to the public ones.
    names = ("_reorder_convolution_weight", "_convolution_pointwise", "_convolution_pointwise_")
    available: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return available and all(hasattr(torch.ops.mkldnn, name) for name in names)


def fold(layer: ConvNorm) -> tuple[Tensor, Tensor]:
    """Return weight (out, in, time, height, width) and bias (out,) of the one convolution that equals a layer.

    Batch norm at inference is ``(y - mean) * scale / sqrt(variance + eps) + bias`` for each output channel: a factor
    on the weights and a shift. It is computed in float64, so that only the last rounding counts.
    """
    norm = layer.norm
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("a batch norm without statistics cannot be folded")
    factor = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    weight = layer.conv.weight.double() * factor[:, None, None, None, None]
    return weight, norm.bias.double() - norm.running_mean.double() * factor


class FoldedConv(nn.Module):
    """A 2-D convolution with bias on channels-last images.

    Parameters
    ----------
    weight : (out, in / groups, height, width) float64
    bias : (out,) float64, optional
    placement
        Device and number format.
    stride, padding
        Both in height and width.
    groups
        Number of groups of channels that do not mix.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        placement: Placement,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self._fused = placement.fused
        self._stride, self._padding, self._groups = [stride] * 2, [padding] * 2, groups
        weight = weight.to(placement.device, placement.dtype).contiguous(memory_format=torch.channels_last)
        if self._fused:
            weight = torch.ops.mkldnn._reorder_convolution_weight(
                weight.contiguous(), self._padding, self._stride, [1, 1], groups, None
            )
        self.register_buffer("weight", weight)
        self.register_buffer("bias", None if bias is None else bias.to(placement.device, placement.dtype))

    def forward(self, x: Tensor, *, relu: bool = True, add: Tensor | None = None) -> Tensor:
        """Convolve (B, in, H, W), add, apply ReLU: (B, out, H', W'). `add` is **overwritten** with the result."""
        if self._fused:
            return self._forward_fused(x, relu, add)
        y = nn.functional.conv2d(x, self.weight, self.bias, self._stride, self._padding, 1, self._groups)  # type: ignore[arg-type]
        if add is not None:
            y = add.add_(y)
        return y.relu_() if relu else y

    def _forward_fused(self, x: Tensor, relu: bool, add: Tensor | None) -> Tensor:
        place: tuple[Any, ...] = (self.weight, self.bias, self._padding, self._stride, [1, 1], self._groups)
        y: Tensor
        if add is None:
            y = torch.ops.mkldnn._convolution_pointwise(x, *place, "relu" if relu else "none", [], "")
        else:
            after = "relu" if relu else None
            y = torch.ops.mkldnn._convolution_pointwise_.binary(add, x, *place, "add", 1.0, after, [], None)
        return y
