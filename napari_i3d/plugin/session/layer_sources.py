"""Metadata of the plugin's layers: their video or tracking."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_i3d.tracking.tracklets import Tracking

if TYPE_CHECKING:
    from napari_i3d.video.video import Video


METADATA_KEY = "napari_i3d"
"""Key of a layer's metadata for its `VideoSource` or `TrackingSource`."""


@dataclass(frozen=True, eq=False)
class VideoSource:
    """The video of an image layer."""

    video: "Video"


@dataclass(frozen=True, eq=False)
class TrackingSource:
    """The tracking of a layer of boxes."""

    tracking: Tracking
    path: Path | None
