"""What the metadata of our layers hold: where a layer comes from."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_i3d.tracking.tracklets import Tracking

if TYPE_CHECKING:
    from napari_i3d.video.video import Video


METADATA_KEY = "napari_i3d"
"""Under this key of its metadata a layer says what it stands for: a `VideoSource` or a `TrackingSource`."""


@dataclass(frozen=True, eq=False)
class VideoSource:
    """What an image layer shows."""

    video: "Video"


@dataclass(frozen=True, eq=False)
class TrackingSource:
    """Tracking that a layer brings along."""

    tracking: Tracking
    path: Path | None
