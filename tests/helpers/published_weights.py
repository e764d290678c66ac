"""A seeded stand-in for the published weights, written here from the published description alone."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

Blobs = dict[str, np.ndarray]


def published_shapes() -> dict[str, tuple[int, ...]]:
    """Every array of the published file, name by name."""
    shapes = {"conv1_w": (64, 3, 5, 7, 7), "pred_w": (400, 2048), "pred_b": (400,)}
    norms = {"res_conv1_bn": 64}
    reaches = {"res2": "333", "res3": "3131", "res4": "313131", "res5": "131"}
    width, enters = 64, 64
    for stage, reach in reaches.items():
        for number, steps in enumerate(reach):
            name = f"{stage}_{number}_branch"
            if number == 0:
                shapes[name + "1_w"] = (width * 4, enters, 1, 1, 1)
                norms[name + "1_bn"] = width * 4
            shapes[name + "2a_w"] = (width, enters, int(steps), 1, 1)
            shapes[name + "2b_w"] = (width, width, 1, 3, 3)
            shapes[name + "2c_w"] = (width * 4, width, 1, 1, 1)
            norms |= {name + "2a_bn": width, name + "2b_bn": width, name + "2c_bn": width * 4}
            enters = width * 4
        width *= 2
    for name, size in norms.items():
        shapes |= dict.fromkeys((name + "_s", name + "_b", name + "_rm", name + "_riv"), (size,))
    return shapes


def python2_pickle(blobs: Blobs) -> bytes:
    """``{"blobs": blobs}`` as cPickle wrote it, opcode by opcode: byte strings, and numpy's old module names."""

    def number(n: int) -> bytes:
        return b"J" + struct.pack("<i", n)

    def text(value: bytes) -> bytes:
        return b"T" + struct.pack("<i", len(value)) + value

    parts = [b"\x80\x02}(", text(b"blobs"), b"}("]
    for name, array in blobs.items():
        kind = b"cnumpy\ndtype\n(" + text(array.dtype.str[1:].encode()) + b"K\x00K\x01tR"
        kind += b"(K\x03" + text(b"<") + b"NNN" + number(-1) + number(-1) + b"K\x00tb"
        parts += [
            text(name.encode()),
            b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t",
            text(b"b"),
            b"tR",
        ]
        parts += [b"(K\x01(", *map(number, array.shape), b"t", kind, b"\x89", text(array.tobytes()), b"tb"]
    return b"".join((*parts, b"uu."))


def published_network(x: torch.Tensor, blobs: dict[str, np.ndarray]) -> torch.Tensor:
    """Return the features (N, 2048) of chunks (N, 3, T, H, W) by the published description, in float64.

    A loop over blob names, with batch norm spelled out; it shares no code with the package.
    """

    def get(name: str) -> torch.Tensor:
        return torch.tensor(blobs[name]).double()

    def conv_norm(x: torch.Tensor, conv: str, norm: str, **options: object) -> torch.Tensor:
        x = F.conv3d(x, get(conv + "_w"), **options)
        scale = get(norm + "_s") / (get(norm + "_riv") + 1e-5) ** 0.5
        return (x - get(norm + "_rm")[:, None, None, None]) * scale[:, None, None, None] + get(norm + "_b")[
            :, None, None, None
        ]

    x = conv_norm(x.double(), "conv1", "res_conv1_bn", stride=2, padding=(2, 3, 3)).clamp(min=0)
    x = F.max_pool3d(x, (2, 3, 3), 2)
    for stage, count in ((2, 3), (3, 4), (4, 6), (5, 3)):
        for block in range(count):
            name = f"res{stage}_{block}_branch"
            stride = (1, 2, 2) if block == 0 and stage > 2 else 1
            reach = blobs[name + "2a_w"].shape[2]
            y = conv_norm(x, name + "2a", name + "2a_bn", padding=(reach // 2, 0, 0)).clamp(min=0)
            y = conv_norm(y, name + "2b", name + "2b_bn", stride=stride, padding=(0, 1, 1)).clamp(min=0)
            y = conv_norm(y, name + "2c", name + "2c_bn")
            x = (y + (conv_norm(x, name + "1", name + "1_bn", stride=stride) if block == 0 else x)).clamp(min=0)
        if stage == 2:
            x = F.max_pool3d(x, (2, 1, 1), (2, 1, 1))
    return x.flatten(2).mean(2)


@pytest.fixture(scope="session")
def shapes() -> dict[str, tuple[int, ...]]:
    return published_shapes()


@pytest.fixture(scope="session")
def blobs(shapes: dict[str, tuple[int, ...]]) -> Blobs:
    """Seeded weights that keep activations alive; never to be changed in place."""
    rng = np.random.default_rng(7)
    made = {}
    for name, shape in shapes.items():
        values = rng.standard_normal(shape, dtype=np.float32)
        if name.endswith("_w"):
            values *= np.float32(np.sqrt(2 / np.prod(shape[1:])))
        elif name.endswith(("_s", "_riv")):
            values = np.exp(values / 5)
        else:
            values /= 10
        values.flags.writeable = False
        made[name] = values
    return made


@pytest.fixture(scope="session")
def write_pickle() -> Callable[[Path, Blobs], Path]:
    def write(path: Path, content: Blobs) -> Path:
        path.write_bytes(python2_pickle(content))
        return path

    return write


@pytest.fixture(scope="session")
def published(
    blobs: Blobs, write_pickle: Callable[[Path, Blobs], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The stand-in as a file, with what the optimizer leaves in it."""
    optimizer = {"lr": np.ones((), np.float32), "model_iter": np.ones(1, np.int64), "conv1_w_momentum": np.ones(3)}
    return write_pickle(tmp_path_factory.mktemp("published") / "weights.pkl", {**blobs, **optimizer})


def name_in_pytorch(blob: str) -> str:
    """The name that a blob has in the predecessor's converted file."""
    ends = {"w": "weight", "s": "weight", "b": "bias", "rm": "running_mean", "riv": "running_var"}
    if blob.startswith("pred"):
        return "fc." + ends[blob[5:]]
    if "res_conv1" in blob or blob == "conv1_w":
        return ("bn1." if "bn" in blob else "conv1.") + ends[blob.split("_")[-1]]
    stage, block, branch, *rest = blob.split("_")
    if branch == "branch1":
        part = "downsample.1" if "bn" in rest else "downsample.0"
    else:
        part = ("bn" if "bn" in rest else "conv") + {"a": "1", "b": "2", "c": "3"}[branch[-1]]
    return f"layer{int(stage[3]) - 1}.{block}.{part}.{ends[rest[-1]]}"


@pytest.fixture(scope="session")
def pytorch_name() -> Callable[[str], str]:
    return name_in_pytorch
