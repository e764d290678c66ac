"""I3D ResNet-50 in three dimensions, as published: the reference for faster forms.

Source: the "baseline" I3D ResNet-50 of facebookresearch/video-nonlocal-net (Wang et al., Non-local Neural Networks,
CVPR 2018; Carreira and Zisserman, Quo Vadis, Action Recognition?, CVPR 2017), read from its model code.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from napari_i3d.backbones.i3d.architecture import BATCH_NORM_EPSILON, CLASSES, FEATURES, STAGES

Triple = tuple[int, int, int]


class ConvNorm(nn.Module):
    """A convolution without bias and its batch norm; kernel, stride and padding over (time, height, width)."""

    def __init__(
        self, inputs: int, outputs: int, kernel: Triple, stride: Triple = (1, 1, 1), padding: Triple = (0, 0, 0)
    ):
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm3d(outputs, eps=BATCH_NORM_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, T, H, W) to (B, outputs, T', H', W')."""
        normed: Tensor = self.norm(self.conv(x))
        return normed


class Bottleneck(nn.Module):
    """A residual block: reduce (over `temporal` time steps, 1 or 3), 3x3 in space, expand; added to its input.

    `width` channels inside, ``4 * width`` leave; `stride` is that of the 3x3 convolution. `project`: the input passes
    through a 1x1x1 convolution before it is added, as in the first block of a stage.
    """

    def __init__(self, inputs: int, width: int, stride: int, temporal: int, project: bool):
        super().__init__()
        step = (1, stride, stride)
        self.branch1 = ConvNorm(inputs, 4 * width, (1, 1, 1), step) if project else None
        self.branch2a = ConvNorm(inputs, width, (temporal, 1, 1), padding=(temporal // 2, 0, 0))
        self.branch2b = ConvNorm(width, width, (1, 3, 3), step, padding=(0, 1, 1))
        self.branch2c = ConvNorm(width, 4 * width, (1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, T, H, W) to (B, 4 * width, T, H / stride, W / stride), halves rounded up."""
        y = torch.relu(self.branch2a(x))
        y = torch.relu(self.branch2b(y))
        y = self.branch2c(y)
        return torch.relu(y + (x if self.branch1 is None else self.branch1(x)))


class I3DResNet50(nn.Module):
    """I3D ResNet-50: features of short pieces of video.

    The classifier `pred` (400 classes of Kinetics) belongs to the weights and is kept with them; the features are its
    input, so `forward` omits it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 64, (5, 7, 7), stride=(2, 2, 2), padding=(2, 3, 3))
        self.pool1 = nn.MaxPool3d((2, 3, 3), stride=2)
        self.pool2 = nn.MaxPool3d((2, 1, 1), stride=(2, 1, 1))
        self.res2, self.res3, self.res4, self.res5 = _stages()
        self.pred = nn.Linear(FEATURES, CLASSES)

    def forward(self, chunks: Tensor) -> Tensor:
        """Compute the features of chunks: (B, 2048) float32, none negative, res5 averaged over time and space.

        Parameters
        ----------
        chunks
            (B, 3, T, H, W) float32, RGB, normalized (see `ExtractionSettings.normalization`). Features here are made
            from T = 8 and H = W = 224; the network takes any T from 7 and any H and W from 5. With T = 8, time has
            length 4 after the stem, 2 in res2, and 1 from res3 on.
        """
        x = torch.relu(self.stem(chunks))  # (B, 64, 4, 112, 112)
        x = self.pool1(x)  # (B, 64, 2, 55, 55)
        x = self.res2(x)  # (B, 256, 2, 55, 55)
        x = self.pool2(x)  # (B, 256, 1, 55, 55)
        x = self.res3(x)  # (B, 512, 1, 28, 28)
        x = self.res4(x)  # (B, 1024, 1, 14, 14)
        x = self.res5(x)  # (B, 2048, 1, 7, 7)
        features: Tensor = x.mean(dim=(2, 3, 4))
        return features

    @classmethod
    def from_blobs(cls, blobs: Mapping[str, "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"]) -> "I3DResNet50":
        """Build the network for inference (evaluation mode, no gradients) from the checked arrays of `blob_shapes`."""
        with torch.device("meta"):  # nothing is allocated or drawn at random only to be replaced
            network = cls()
        state = {}
        for module, conv, norm in network._conv_norms():
            state[f"{module}.conv.weight"] = torch.tensor(blobs[f"{conv}_w"])
            state[f"{module}.norm.weight"] = torch.tensor(blobs[f"{norm}_s"])
            state[f"{module}.norm.bias"] = torch.tensor(blobs[f"{norm}_b"])
            state[f"{module}.norm.running_mean"] = torch.tensor(blobs[f"{norm}_rm"])
            state[f"{module}.norm.running_var"] = torch.tensor(blobs[f"{norm}_riv"])
            state[f"{module}.norm.num_batches_tracked"] = torch.tensor(0)
        state["pred.weight"] = torch.tensor(blobs["pred_w"])
        state["pred.bias"] = torch.tensor(blobs["pred_b"])
        network.load_state_dict(state, assign=True)
        return network.requires_grad_(False).eval()

    def _conv_norms(self) -> Iterator[tuple[str, str, str]]:
        """Yield the path of every `ConvNorm` and the published names of its convolution and its batch norm."""
        for path, module in self.named_modules():
            if path == "stem":
                yield path, "conv1", "res_conv1_bn"
            elif isinstance(module, ConvNorm):
                published = path.replace(".", "_")
                yield path, published, f"{published}_bn"


def _stages() -> list[nn.Sequential]:
    stages, inputs = [], 64
    for stage in STAGES:
        blocks = []
        for index, temporal in enumerate(stage.temporal):
            first = index == 0
            blocks.append(Bottleneck(inputs, stage.width, stage.stride if first else 1, temporal, project=first))
            inputs = 4 * stage.width
        stages.append(nn.Sequential(*blocks))
    return stages
