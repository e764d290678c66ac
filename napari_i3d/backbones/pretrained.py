"""The weights that are known by name, as data, and what is recorded of weights in use. Loads no torch."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import cache_folder
from napari_i3d.errors import WeightsError

__all__ = ["DEFAULT_WEIGHTS", "SOURCES", "UNTRAINED", "WeightsFacts", "WeightsSource", "find_source", "weights_folder"]

DEFAULT_WEIGHTS = "i3d_r50_kinetics"
UNTRAINED = "untrained"


@dataclass(frozen=True)
class WeightsSource:
    """Published weights of the network: where they are, under which license, and how they were made.

    Attributes
    ----------
    name
        What `weights=` calls them.
    url
        The file.
    file_name
        Its name in the folder of downloads.
    license, page
        Of the weights, and where the publisher states it.
    mean, std
        The normalization in training: ``(x - mean) / std`` of RGB values from 0 to 255, the same for each channel.
    training
        Data, clips and accuracy, as published.
    citation
        What to cite.
    """

    name: str
    url: str
    file_name: str
    license: str
    page: str
    mean: float
    std: float
    training: str
    citation: str

    @property
    def path(self) -> Path:
        """Where the downloaded file lies, if it was downloaded."""
        return weights_folder() / self.file_name

    @property
    def record_path(self) -> Path:
        """Where the record of the download lies, beside the file."""
        return weights_folder() / f"{self.file_name}.json"

    def read_record(self) -> dict[str, Any] | None:
        """Return what was recorded at the download, None without a record: the file was put there by hand.

        Raises
        ------
        WeightsError
            The record cannot be read.
        """
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
        license="CC-BY-NC 4.0",
        page="https://github.com/facebookresearch/video-nonlocal-net",
        mean=114.75,
        std=57.375,
        training="ImageNet, then Kinetics-400; clips of 32 frames, every second one; short side 256; 73.6 % top-1",
        citation="Wang, Girshick, Gupta, He: Non-local Neural Networks, CVPR 2018",
    )
}


@dataclass(frozen=True)
class WeightsFacts:
    """What is recorded of the weights in use, for the provenance of features.

    Attributes
    ----------
    name
        In the registry, ``"untrained"``, or what the file calls itself, else its file name.
    path
        The file, None for untrained weights.
    sha256
        Of the file; of untrained weights, of all their arrays.
    format
        ``"caffe2"``, ``"pytorch"``, ``"safetensors"``, or ``"generated"``.
    license
        Of the weights, as far as it is known.
    trained
        False for random weights: features made with them mean nothing.
    """

    name: str
    path: str | None
    sha256: str
    format: str
    license: str
    trained: bool

    def as_dict(self) -> dict[str, str | bool | None]:
        """Return the facts as plain values, fit for JSON."""
        return asdict(self)


def weights_folder() -> Path:
    """Return the folder where downloaded weights are kept; it may not exist."""
    return cache_folder() / "weights"


def find_source(name: str) -> WeightsSource:
    """Return the registry's entry of that name.

    Raises
    ------
    WeightsError
        There is none.
    """
    if name not in SOURCES:
        raise WeightsError(f"{name}: no weights are known by this name; known are {', '.join(SOURCES)}")
    return SOURCES[name]
