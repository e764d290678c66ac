"""The network for chunks of exactly 8 frames: the same numbers as `I3DResNet50`, to rounding, in far less work.

With 8 frames, time has length 4 after the first convolution, 2 in res2 and 1 from res3 on. So, derived here from
`I3DResNet50`:

- **Stem.** Step j of a chunk that starts at frame s is centered on frame ``c = s + 2 j``. Inner steps see all five
  frames from c - 2 to c + 2; the first lacks the two in front and the last lacks c + 2, which are padding. With ::

      past(c)    = taps 0 and 1 on frames c - 2 and c - 1
      present(c) = taps 2 and 3 on frames c and c + 1, and the bias
      future(c)  = tap 4 on frame c + 2

  the first step is present + future, an inner one past + present + future, the last one past + present. They depend on
  the center alone, not on the chunk: at frequency 1 each serves up to four chunks. The spatial part of the max pool
  that follows can be shared too, since maximum and ReLU commute; the temporal part is left to each chunk.
- **res2** has its two time steps side by side in the channels, first all of the earlier one. Its convolutions over
  three time steps see two of them, so they are one 1x1 convolution; all others treat the two as groups.
- **res3 to res5** are two-dimensional: of three taps in time only the middle one sees anything but padding.
"""

from collections.abc import Iterable
from enum import Flag, auto
from typing import cast

import torch
from torch import Tensor, nn

from napari_i3d.backbones.i3d.fused_conv import FoldedConv, Placement, fold
from napari_i3d.backbones.i3d.network import Bottleneck, ConvNorm, I3DResNet50
from napari_i3d.backbones.registry import I3D

# On a CPU, arrays of more than 32 MB are fresh pages from the system each time, which took up to half of the time;
# res2 stays below with 4 chunks, the stages after it with 16.
_CPU_PART, _CPU_LATE_PART = 4, 16


class Steps(Flag):
    """Time steps after the first convolution, by which of the five frames around them they see."""

    FIRST = auto()
    INNER = auto()
    LAST = auto()


CENTERS = ((0, Steps.FIRST), (2, Steps.INNER), (4, Steps.INNER), (6, Steps.LAST))
"""The time steps of a chunk: distance of the center from the first frame, and kind."""


class _Stem(nn.Module):
    """The first convolution and the spatial part of the first max pool, for centers."""

    def __init__(self, network: I3DResNet50, placement: Placement) -> None:
        super().__init__()
        weight, bias = fold(network.stem)  # (64, 3, 5, 7, 7)

        def taps(first: int, stop: int, bias: Tensor | None) -> FoldedConv:
            return FoldedConv(_side_by_side(weight[:, :, first:stop]), bias, placement, stride=2, padding=3)

        self.past, self.present, self.future = taps(0, 2, None), taps(2, 4, bias), taps(4, 5, None)

    def forward(self, steps: Steps, past: Tensor | None, present: Tensor, future: Tensor | None) -> dict[Steps, Tensor]:
        pooled = {}
        late = self.present(present, relu=False)
        early = None if past is None else self.past(past, relu=False)  # (n, 64, 112, 112)
        if Steps.LAST in steps and early is not None:
            pooled[Steps.LAST] = _pool(early + late)
        if future is not None:
            late = self.future(future, relu=False, add=late)
        if Steps.FIRST in steps:
            pooled[Steps.FIRST] = _pool(late)
        if Steps.INNER in steps and early is not None:
            pooled[Steps.INNER] = _pool(early.add_(late))
        return pooled


def _side_by_side(weight: Tensor) -> Tensor:
    """Put time into the input channels: (out, in, T, h, w) to (out, T * in, h, w), all channels of one time first."""
    return weight.transpose(1, 2).flatten(1, 2)


def _pool(images: Tensor) -> Tensor:
    return nn.functional.max_pool2d(images, 3, stride=2)


class _FlatBottleneck(nn.Module):
    """A residual block in two dimensions, for one time step or for two side by side in the channels."""

    def __init__(self, block: Bottleneck, placement: Placement, times: int) -> None:
        super().__init__()

        weight, bias = fold(block.branch2a)
        self.reduce = FoldedConv(_over_time(weight, times), bias.repeat(times), placement)
        self.look = _flat(block.branch2b, placement, times, padding=1)
        self.expand = _flat(block.branch2c, placement, times)
        self.project = None if block.branch1 is None else _flat(block.branch1, placement, times)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in, H, W) to (B, out, H / stride, W / stride); x is overwritten unless the block projects it."""
        shortcut = x if self.project is None else self.project(x, relu=False)
        y: Tensor = self.expand(self.look(self.reduce(x)), add=shortcut)
        return y


def _flat(layer: ConvNorm, placement: Placement, times: int, padding: int = 0) -> FoldedConv:
    """Return a layer that reaches over one time step, for `times` of them side by side."""
    weight, bias = fold(layer)
    weight, bias = weight[:, :, 0].repeat(times, 1, 1, 1), bias.repeat(times)
    return FoldedConv(weight, bias, placement, stride=layer.conv.stride[1], padding=padding, groups=times)


def _over_time(weight: Tensor, times: int) -> Tensor:
    """Return the (out, in, height, width) weight that sees what (out, in, taps, height, width) sees of 1 or 2 times."""
    before, now, after = weight.unbind(2) if weight.shape[2] == 3 else (None, weight[:, :, 0], None)
    if times == 1:
        return now
    if before is None or after is None:
        raise ValueError("expected three taps where there are two time steps")
    return torch.cat([torch.cat([now, after], dim=1), torch.cat([before, now], dim=1)])


class ChunkForm(nn.Module):
    """The exact form of a network for chunks of 8 frames; the network is not changed and not kept.

    `placement` is the device and number format; by default the CPU in float32.
    """

    def __init__(self, network: I3DResNet50, placement: Placement | None = None) -> None:
        super().__init__()
        self.placement = placement or Placement(torch.device("cpu"))
        self.stem = _Stem(network, self.placement)

        self.res2 = _flat_stages([network.res2], self.placement, times=2)
        self.late = _flat_stages([network.res3, network.res4, network.res5], self.placement, times=1)
        self.requires_grad_(False).eval()

    def part(self, count: int) -> int:
        """Return how many of `count` centers, or chunks in res2, are best computed at once."""
        return min(count, _CPU_PART) if self.placement.device.type == "cpu" else count

    def pooled_steps(self, steps: Steps, frames: list[list[Tensor | None]]) -> dict[Steps, Tensor]:
        """Compute time steps around n centers, pooled in space, without ReLU: (n, 64, H / 4 - 1, W / 4 - 1) each.

        `frames` holds for each center c the frames c - 2 to c + 2, (3, H, W), normalized, on the device. Only those
        that the steps see are used: `Steps.FIRST` does not see the first two, `Steps.LAST` not the last.
        """
        past = self._stacked(frames, 0, 2) if steps & (Steps.INNER | Steps.LAST) else None
        future = self._stacked(frames, 4, 5) if steps & (Steps.FIRST | Steps.INNER) else None
        pooled: dict[Steps, Tensor] = self.stem(steps, past, self._stacked(frames, 2, 4), future)
        return pooled

    def features(self, pooled: Tensor) -> Tensor:
        """Compute features, (B, 2048) float32, from the output of the first max pool.

        `pooled` is (B, 128, 55, 55), channels-last, after ReLU: the two time steps of each chunk side by side, the
        earlier first.
        """
        rows = []
        for some in torch.split(pooled, _CPU_LATE_PART if self.placement.device.type == "cpu" else len(pooled)):
            parts = [_maximum_over_time(self.res2(few)) for few in torch.split(some, self.part(len(some)))]
            x = torch.cat(parts)  # (B, 256, 55, 55)
            rows.append(self.late(x).float().mean(dim=(2, 3)))
        return torch.cat(rows)

    def forward(self, chunks: Tensor) -> Tensor:
        """Compute the features of chunks, sharing nothing among them: (B, 3, 8, H, W) to (B, 2048) float32."""
        if chunks.shape[2] != I3D.chunk_frames:
            raise ValueError(f"expected chunks of {I3D.chunk_frames} frames, found {chunks.shape[2]}")
        padded: list[list[Tensor | None]]
        found = []
        for offset, step in CENTERS:
            padded = [
                [chunk[:, c] if 0 <= c < I3D.chunk_frames else None for c in range(offset - 2, offset + 3)]
                for chunk in chunks.to(self.placement.device, self.placement.dtype)
            ]
            found.append(self.pooled_steps(step, padded)[step])
        pooled = torch.cat([torch.maximum(*found[:2]), torch.maximum(*found[2:])], dim=1).relu_()
        return self.features(pooled.contiguous(memory_format=torch.channels_last))

    def _stacked(self, frames: list[list[Tensor | None]], first: int, stop: int) -> Tensor:
        """Return frames of each center side by side in the channels: (n, 3 * (stop - first), H, W), channels-last."""
        seen = [torch.cat([frame for frame in some[first:stop] if frame is not None]) for some in frames]
        return torch.stack(seen).contiguous(memory_format=torch.channels_last)


def _flat_stages(stages: Iterable[nn.Sequential], placement: Placement, times: int) -> nn.Sequential:
    blocks = (cast(Bottleneck, block) for stage in stages for block in stage)
    return nn.Sequential(*(_FlatBottleneck(block, placement, times) for block in blocks))


def _maximum_over_time(x: Tensor) -> Tensor:
    earlier, later = x.chunk(2, dim=1)
    return torch.maximum(earlier, later)
