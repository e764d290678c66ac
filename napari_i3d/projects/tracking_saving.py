"""Save corrected tracking to a file of its own, and find out what the format could not hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_i3d._utils.text import counted
from napari_i3d.errors import OutputError, TrackingError
from napari_i3d.tracking.content import content_sha256
from napari_i3d.tracking.io.format import VideoFacts
from napari_i3d.tracking.io.reading import read_tracking
from napari_i3d.tracking.io.writing import write_tracking
from napari_i3d.tracking.origin import Origin
from napari_i3d.tracking.tracklets import Tracking

_CORRECTED = "_corrected"


@dataclass(frozen=True)
class SavedTracking:
    """What became of a tracking in a file.

    Attributes
    ----------
    notes
        Conventions of the file, and marks that it does not hold: one sentence each, without a period.
    losses
        How the boxes differ that are read from it; empty if they do not.
    origin
        The origin of the tracking as it is read from the file.
    """

    notes: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    origin: Origin | None = None


def corrected_path(video: Path | None, tracking: Path | None, ending: str) -> Path:
    """Return the suggested file of corrected tracking: beside the video, named after it."""
    beside = video or tracking
    return Path(f"tracking{_CORRECTED}{ending}") if beside is None else beside.with_name(_stem(beside) + ending)


def is_corrected(path: Path) -> bool:
    """Whether a file has the name of corrected tracking: it may be overwritten with further corrections."""
    return path.stem.endswith(_CORRECTED)


def newest_corrected(paths: Iterable[Path]) -> Path | None:
    """Return the file of corrected tracking that was saved last; None if there is none."""
    corrected = [path for path in paths if is_corrected(path)]
    return max(corrected, key=lambda path: path.stat().st_mtime_ns if path.exists() else 0, default=None)


def save_tracking(
    path: Path, tracking: Tracking, format_name: str, video: VideoFacts | None, key_frames: int = 0
) -> SavedTracking:
    """Write a tracking, and read it again to find out what the file holds of it.

    Parameters
    ----------
    path
        The file; one that exists is replaced.
    tracking
        The boxes.
    format_name
        Name of the format.
    video
        The video that was tracked.
    key_frames
        The number of boxes that were set by hand, which no format marks.

    Raises
    ------
    OutputError
        There is no box, the format cannot hold the tracking, or the file cannot be written.
    """
    if not tracking:
        raise OutputError("expected boxes to save, found none")
    notes = list(write_tracking(path, tracking, format_name, video))
    if key_frames:
        notes.append(f"the marks of {counted(key_frames, 'key frame')} set by hand are not in the file")
    try:
        found = read_tracking(path, format_name, video)
    except TrackingError as error:
        return SavedTracking(tuple(notes), (f"the file cannot be read again: {error.message.text}",))
    return SavedTracking(tuple(notes), _losses(tracking, found), found.origin)


def _stem(path: Path) -> str:
    return path.stem if is_corrected(path) else path.stem + _CORRECTED


def _losses(tracking: Tracking, found: Tracking) -> tuple[str, ...]:
    """Describe what differs in a tracking that was read again; empty if nothing does."""
    if content_sha256(tracking) == content_sha256(found):
        return ()
    if list(tracking) != list(found):
        return ("ids or their order are others when the file is read",)
    pairs = [(tracking[one], found[one]) for one in tracking]
    if any(one.start != other.start or not np.array_equal(one.present, other.present) for one, other in pairs):
        return ("the frames that have a box are others when the file is read",)
    errors = [float(np.nanmax(np.abs(one.boxes - other.boxes), initial=0.0)) for one, other in pairs]
    return (f"boxes are rounded: their sides differ by up to {max(errors):.2g} pixels when the file is read",)
