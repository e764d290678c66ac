"""Random weights for testing: the same on every machine and under every numpy."""

import hashlib

import numpy as np

from napari_i3d.backbones.i3d.architecture import blob_shapes
from napari_i3d.backbones.i3d.weights_checks import Blobs

_SEED = 20180606
_BRANCH_GAIN = 0.4


def untrained_blobs() -> Blobs:
    """Draw all arrays of `blob_shapes`, float32, such that activations keep an even size through all layers.

    Convolutions are uniform with the variance 2 / fan-in (He et al., Delving Deep into Rectifiers, 2015); batch norms
    shift and scale a little, and weaken the branch that a bottleneck adds to its input. Numbers are uniform and from
    numpy's frozen `RandomState`, because the logarithm behind normal ones may be rounded differently elsewhere.
    """
    random = np.random.RandomState(_SEED)
    blobs: Blobs = {}
    for name, shape in blob_shapes().items():
        drawn = random.random_sample(shape) * 2 - 1  # [-1, 1)
        if name.endswith("_w"):
            drawn *= np.sqrt(6 / np.prod(shape[1:]))
        elif name.endswith(("_s", "_riv")):
            drawn = (1 + 0.3 * drawn) * (_BRANCH_GAIN if name.endswith("branch2c_bn_s") else 1)
        else:
            drawn *= 0.2
        blobs[name] = drawn.astype(np.float32)
    return blobs


def blobs_sha256(blobs: Blobs) -> str:
    """Return the SHA-256 of names and little-endian content, in the order given; 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, array in blobs.items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array, "<f4").tobytes())
    return digest.hexdigest()
