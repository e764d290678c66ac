"""Published weights by name, and the facts recorded about weights in use. Loads no torch."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import cache_folder
from napari_i3d.backbones.registry import I3D
from napari_i3d.errors import WeightsError

DEFAULT_WEIGHTS = I3D.name
UNTRAINED = "untrained"


@dataclass(frozen=True)
class WeightsSource:
    """Published weights of the network."""

    name: str
    url: str
    file_name: str  # in the cache folder
    license: str
    page: str  # where the publisher states the license
    mean: float
    std: float
    training: str  # data, clips and accuracy, as published
    citation: str

    @property
    def path(self) -> Path:
        """Path of the downloaded file, which may not exist."""
        return weights_folder() / self.file_name

    @property
    def record_path(self) -> Path:
        """Path of the record of the download."""
        return weights_folder() / f"{self.file_name}.json"

    def read_record(self) -> dict[str, Any] | None:
        """Return the record of the download, None if there is none; `WeightsError` if it is damaged."""
        try:
            record = json.loads(self.record_path.read_bytes())
            if not isinstance(record["sha256"], str):
                raise TypeError
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            raise WeightsError(
                f"{self.record_path}: the record of the download is damaged",
                hint=f"delete it and {self.file_name} beside it, then {{download}}",
            ) from error
        return dict(record)


SOURCES = {
    DEFAULT_WEIGHTS: WeightsSource(
        name=DEFAULT_WEIGHTS,
        url="https://dl.fbaipublicfiles.com/video-nonlocal/i3d_baseline_32x2_IN_pretrain_400k.pkl",
        file_name="i3d_baseline_32x2_IN_pretrain_400k.pkl",
        license=I3D.license,
        page="https://github.com/facebookresearch/video-nonlocal-net",
        mean=I3D.mean,
        std=I3D.std,
        training="ImageNet, then Kinetics-400; clips of 32 frames, every second one; short side 256; 73.6 % top-1",
        citation="Wang, Girshick, Gupta, He: Non-local Neural Networks, CVPR 2018",
    )
}


@dataclass(frozen=True)
class WeightsFacts:
    """Facts about the weights in use, for the provenance of features."""

    name: str  # in `SOURCES`, "untrained", stated in the file, or its file name
    path: str | None  # None for untrained weights
    sha256: str  # of the file, or of all arrays of untrained weights
    format: str  # "caffe2", "pytorch", "safetensors", or "generated"
    license: str  # as far as it is known
    trained: bool  # False for random weights, whose features are meaningless

    def as_dict(self) -> dict[str, str | bool | None]:
        """Return the facts as JSON values."""
        return asdict(self)


def weights_folder() -> Path:
    """Return the folder for downloaded weights; it may not exist."""
    return cache_folder() / "weights"


def find_source(name: str) -> WeightsSource:
    """Return the published weights of a name, or raise `WeightsError`."""
    if name not in SOURCES:
        raise WeightsError(f"{name}: no weights are known by this name; known are {', '.join(SOURCES)}")
    return SOURCES[name]
