"""Settings of a detection: a frozen value, checked when it is made."""

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from napari_i3d.errors import SettingsError

MAX_INDIVIDUALS = 100


class Contrast(StrEnum):
    """How the individuals differ from the background."""

    AUTO = "auto"
    """Found out from the video: dark or light."""
    DARK = "dark"
    """Darker than the background."""
    LIGHT = "light"
    """Lighter than the background."""
    BOTH = "both"
    """Darker or lighter, as striped individuals on a gray ground."""


class Reference(StrEnum):
    """What a pixel is compared with."""

    TIME = "time"
    """The same pixel at other times: finds what moves. Requires a camera that stands still."""
    SURROUNDINGS = "surroundings"
    """The pixels around it: finds also what never moves, and works with a moving camera, on an even ground."""


@dataclass(frozen=True, kw_only=True)
class DetectionSettings:
    """The settings that determine which boxes are detected.

    Parameters
    ----------
    individuals
        The number of individuals in the video, from 1 to 100.
    contrast
        ``"auto"``, ``"dark"``, ``"light"`` or ``"both"``: how they differ from the background.
    reference
        ``"time"``: compare each pixel with itself at other times. ``"surroundings"``: with the pixels around it.
    threshold
        Smallest difference, in gray levels from 1 to 254, of a pixel of an individual. None: found out from the noise
        of the video and the contrast of the individuals.
    min_area
        Smallest area of an individual, in pixels of the video. None: found out from the video.
    margin
        Added to each side of a box, as a fraction of its longer side, from 0 to 1.
    max_gap_frames
        Frames for which an individual is out of sight and its boxes are interpolated; longer gaps are left open.

    Raises
    ------
    SettingsError
        A value is out of range.
    """

    individuals: int
    contrast: Contrast = Contrast.AUTO
    reference: Reference = Reference.TIME
    threshold: float | None = None
    min_area: float | None = None
    margin: float = 0.1
    max_gap_frames: int = 25

    def __post_init__(self) -> None:
        for name, least, most in (("individuals", 1, MAX_INDIVIDUALS), ("max_gap_frames", 0, 1_000_000)):
            value = getattr(self, name)
            if isinstance(value, bool) or not hasattr(value, "__index__") or not least <= int(value) <= most:
                raise SettingsError(f"{name}: expected a whole number from {least} to {most}, found {value!r}")
            object.__setattr__(self, name, int(value))
        for name, kind in (("contrast", Contrast), ("reference", Reference)):
            try:
                object.__setattr__(self, name, kind(getattr(self, name)))
            except ValueError:
                raise SettingsError(
                    f"{name}: expected one of {', '.join(kind)}, found {getattr(self, name)!r}"
                ) from None
        for name, low, high in (("threshold", 1.0, 254.0), ("min_area", 1.0, 1e9), ("margin", 0.0, 1.0)):
            number = getattr(self, name)
            if number is None and name != "margin":
                continue
            if isinstance(number, bool) or not isinstance(number, int | float) or not low <= number <= high:
                raise SettingsError(f"{name}: expected a number from {low:g} to {high:g}, found {number!r}")
            if not math.isfinite(number):
                raise SettingsError(f"{name}: expected a finite number, found {number!r}")
            object.__setattr__(self, name, float(number))

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for provenance."""
        values = asdict(self)
        return {name: str(value) if isinstance(value, StrEnum) else value for name, value in values.items()}
