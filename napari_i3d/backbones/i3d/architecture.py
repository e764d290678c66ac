"""The architecture of the network as data: its stages, and the name and shape of every array of its weights.

Source: the models and the published "baseline" configuration of facebookresearch/video-nonlocal-net (I3D ResNet-50).
"""

from dataclasses import dataclass

from napari_i3d.backbones.registry import I3D

FEATURES = I3D.width
CLASSES = 400
BATCH_NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class Stage:
    """Bottlenecks of the same width."""

    name: str  # "res2" to "res5", as in the published names
    width: int  # channels inside each bottleneck; four times as many leave it
    stride: int  # of the first bottleneck, in space
    temporal: tuple[int, ...]  # time steps that the first convolution (branch 2a) of each bottleneck spans


STAGES = (
    Stage("res2", 64, 1, (3, 3, 3)),
    Stage("res3", 128, 2, (3, 1, 3, 1)),
    Stage("res4", 256, 2, (3, 1, 3, 1, 3, 1)),
    Stage("res5", 512, 2, (1, 3, 1)),
)


def blob_shapes() -> dict[str, tuple[int, ...]]:
    """Return the published name and the shape of every array of the weights, in the order of the network.

    Convolutions ``..._w`` are (out, in, time, height, width). Each is followed by a batch norm of four vectors over
    the output channels: scale ``_s``, bias ``_b``, running mean ``_rm``, running variance ``_riv``.
    """
    shapes: dict[str, tuple[int, ...]] = {}

    def add(conv: str, norm: str, shape: tuple[int, ...]) -> None:
        shapes[f"{conv}_w"] = shape
        shapes.update({f"{norm}_{part}": shape[:1] for part in ("s", "b", "rm", "riv")})

    add("conv1", "res_conv1_bn", (64, 3, 5, 7, 7))
    channels = 64
    for stage in STAGES:
        for block, temporal in enumerate(stage.temporal):
            prefix = f"{stage.name}_{block}_branch"
            branches = {
                "1": (4 * stage.width, channels, 1, 1, 1),
                "2a": (stage.width, channels, temporal, 1, 1),
                "2b": (stage.width, stage.width, 1, 3, 3),
                "2c": (4 * stage.width, stage.width, 1, 1, 1),
            }
            for branch, shape in branches.items():
                if branch != "1" or block == 0:
                    add(f"{prefix}{branch}", f"{prefix}{branch}_bn", shape)
            channels = 4 * stage.width
    shapes["pred_w"] = (CLASSES, FEATURES)
    shapes["pred_b"] = (CLASSES,)
    return shapes
