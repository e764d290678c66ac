"""Metadata of the plugin's layers: their video or tracking."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_i3d.detection.detection import Detection
from napari_i3d.detection.settings import DetectionSettings
from napari_i3d.tracking.checks import Problem
from napari_i3d.tracking.io.reading import FileContent
from napari_i3d.tracking.keypoints import KeypointBoxes
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
class Detected:
    """A detection, and how it was made.

    Attributes
    ----------
    detection
        The boxes, and where they are uncertain.
    settings
        The settings.
    video
        Facts of the video, from `Video.facts`.
    """

    detection: Detection
    settings: DetectionSettings
    video: dict[str, Any]


@dataclass(frozen=True, eq=False)
class TrackingSource:
    """The tracking of a layer of boxes.

    Attributes
    ----------
    tracking
        The boxes.
    path
        Their file; None: made in memory.
    keypoints
        The key points in the file, if boxes are made of such.
    first_choices
        How boxes were made of them when the file was opened.
    uncertain
        Where a detection is uncertain.
    detected
        How it was detected, to be saved with it; None: not in this session.
    held
        Whether the file holds the boxes before corrections exactly; a format may round them.
    """

    tracking: Tracking
    path: Path | None
    keypoints: FileContent | None = None
    first_choices: KeypointBoxes | None = None
    uncertain: tuple[Problem, ...] = ()
    detected: Detected | None = None
    held: bool = True

    @property
    def in_file(self) -> bool:
        """Whether reading the file gives the boxes before corrections."""
        return self.path is not None and self.keypoints is None and self.held
