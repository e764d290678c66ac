"""Settings of an extraction: a frozen value, validated on creation."""

import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from napari_i3d.backbones.registry import I3D
from napari_i3d.errors import SettingsError

# Larger numbers are typos.
_MOST_FRAMES = 1_000_000
_LARGEST_SIDE_PX = 16_384


class SampleMode(StrEnum):
    """How a bounding box is cropped and resized for the network."""

    EXPAND_BBOXES = "expand_bboxes"
    CENTER_CROP = "center_crop"
    OVERSAMPLE = "oversample"


class Normalization(StrEnum):
    """How pixel values 0 to 255 are scaled for the network."""

    SYMMETRIC = "symmetric"
    KINETICS = "kinetics"


class Precision(StrEnum):
    """The number format in which the network computes; features are always float32."""

    FLOAT32 = "float32"
    TF32 = "tf32"
    """float32 whose products NVIDIA GPUs round to 10 bits."""
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True, kw_only=True)
class ExtractionSettings:
    """The settings that determine the features and how they are computed.

    Parameters
    ----------
    frequency
        Distance between the starts of neighboring chunks, in frames, at least 1.
    batch_size
        Number of chunks in a batch, at least 1. It changes memory, not features.
    sample_mode
        ``"expand_bboxes"``: the bounding box is made square and resized to 224x224. ``"center_crop"``: the box is
        resized to 340x256 and its central 224x224 are used. ``"oversample"``: of the same 340x256 the four corners,
        the center and their mirror images, averaged (ten times the work).
    min_frames
        Tracklets of fewer frames are left out. Values below 8, the length of a chunk, act as 8.
    pad
        One row for every `frequency`-th frame of the tracklet, ends included, instead of one for every chunk.
    video_size
        Width and height, in pixels, to which the video is resized first; bounding boxes are in pixels of the
        resized video. None: as it is.
    normalization
        ``"symmetric"``: ``x * 2 / 255 - 1``, as in existing data sets. ``"kinetics"``: ``(x - 114.75) / 57.375``,
        as in the training of the network.
    subtract_background
        Pixels that look like the median of the video become gray.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.
    precision
        ``"float32"``, ``"bfloat16"``, or ``"tf32"`` on CUDA devices.

    Raises
    ------
    SettingsError
        A value is out of range.
    """

    frequency: int = 1
    batch_size: int = 16
    sample_mode: SampleMode = SampleMode.EXPAND_BBOXES
    min_frames: int = 9
    pad: bool = False
    video_size: tuple[int, int] | None = None
    normalization: Normalization = Normalization.SYMMETRIC
    subtract_background: bool = False
    device: str = "auto"
    precision: Precision = Precision.FLOAT32

    def __post_init__(self) -> None:
        for name in ("frequency", "batch_size", "min_frames"):
            object.__setattr__(self, name, _whole_number(name, getattr(self, name), _MOST_FRAMES))
        for name, kind in (("sample_mode", SampleMode), ("normalization", Normalization), ("precision", Precision)):
            object.__setattr__(self, name, _choice(name, getattr(self, name), kind))
        for name in ("pad", "subtract_background"):
            if not isinstance(getattr(self, name), bool):
                raise SettingsError(f"{name}: expected True or False, found {getattr(self, name)!r}")
        if self.video_size is not None:
            object.__setattr__(self, "video_size", _video_size(self.video_size))
        if not isinstance(self.device, str) or not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", self.device):
            raise SettingsError(f"device: expected auto, cpu, cuda, cuda:N or mps, found {self.device!r}")

    @property
    def shortest_tracklet(self) -> int:
        """Smallest number of frames of a tracklet that is used."""
        return max(self.min_frames, I3D.chunk_frames)

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values, for provenance."""
        values = asdict(self)
        return {name: str(value) if isinstance(value, StrEnum) else value for name, value in values.items()}

    @classmethod
    def with_video_sides(cls, width: int | None, height: int | None, **others: Any) -> Self:
        """Make settings from a width and a height in pixels, both or neither set.

        Raises
        ------
        SettingsError
            Only one of the two is set.
        """
        if (width is None) != (height is None):
            found = "a width" if height is None else "a height"
            raise SettingsError(
                f"expected width and height to resize the video to, found {found} alone",
                hint="set both {video_w} and {video_h}, or neither",
            )
        return cls(video_size=None if width is None or height is None else (width, height), **others)


def _whole_number(name: str, value: Any, at_most: int) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__") or not 1 <= int(value) <= at_most:
        raise SettingsError(f"{name}: expected a whole number from 1 to {at_most}, found {value!r}")
    return int(value)


def _choice(name: str, value: Any, kind: type[StrEnum]) -> StrEnum:
    try:
        return kind(value)
    except ValueError:
        raise SettingsError(f"{name}: expected one of {', '.join(kind)}, found {value!r}") from None


def _video_size(value: Any) -> tuple[int, int]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise SettingsError(f"video_size: expected (width, height) in pixels, found {value!r}")
    return _whole_number("video_w", value[0], _LARGEST_SIDE_PX), _whole_number("video_h", value[1], _LARGEST_SIDE_PX)
