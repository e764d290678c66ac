"""Find the tracking files beside a video."""

import contextlib
import pickletools
from pathlib import Path

import numpy as np

from napari_i3d.errors import NapariI3DError
from napari_i3d.projects.video_files import VIDEO_SUFFIXES
from napari_i3d.tracking.io import box_pickle
from napari_i3d.tracking.io.format import TrackingFormat, VideoFacts
from napari_i3d.tracking.io.formats import FORMATS
from napari_i3d.tracking.io.reading import TrackingReading, VideoLike
from napari_i3d.tracking.io.recognition import recognize
from napari_i3d.tracking.tracklets import Tracking

TRACKING_SUFFIXES = frozenset(ending for known in FORMATS for ending in known.endings)
_MOST_FILES = 16
_HEAD_BYTES = 4096
# Opcodes that begin a dictionary, or make an OrderedDict.
_DICTIONARIES = frozenset({"EMPTY_DICT", "DICT", "REDUCE"})


def find_tracking_files(
    video: Path, facts: VideoFacts | VideoLike | None = None, reading: TrackingReading | None = None
) -> dict[Path, Tracking]:
    """Return the tracking beside a video by path, sorted: of files and folders that begin with its name.

    Parameters
    ----------
    video
        Its path.
    facts
        The opened video: some formats leave its size, length or rate to it, and are left out without.
    reading
        How tracking is read; None: the defaults.
    """
    found: dict[Path, Tracking] = {}
    for path in tracking_candidates(video):
        # Other files are ignored.
        with contextlib.suppress(NapariI3DError):
            tracking = (reading or TrackingReading()).read(path, facts)
            if _has_areas(tracking):
                found[path] = tracking
    return found


def tracking_candidates(video: Path) -> list[Path]:
    """Return the files and folders beside a video that begin with its name and may be tracking, sorted.

    Only their beginnings are read. A file whose name also fits another video there with a longer name belongs to that
    video. Of files that are read together, the first is returned.
    """
    try:
        beside = sorted(path for path in video.parent.iterdir() if path.name.startswith(video.stem))
    except OSError:
        return []
    videos = [path.stem for path in beside if path.suffix.lower() in VIDEO_SUFFIXES]
    longer = tuple(stem for stem in videos if len(stem) > len(video.stem))
    found: list[Path] = []
    taken: set[Path] = set()
    for path in beside:
        if len(found) == _MOST_FILES:
            break
        if path.name.startswith(longer) or path in taken or (known := _format_of(path)) is None:
            continue
        if known.files is not None:
            taken.update(known.files(path))
        found.append(path)
    return found


def _format_of(path: Path) -> TrackingFormat | None:
    """Return the format of a file or folder with one of its usual endings."""
    is_folder = path.is_dir()
    if not is_folder and path.suffix.lower() not in TRACKING_SUFFIXES:
        return None
    with contextlib.suppress(NapariI3DError):
        known = recognize(path)
        if known is box_pickle.FORMAT and not may_be_tracking(path):
            return None
        return known if is_folder or path.suffix.lower() in known.endings else None
    return None


def _has_areas(tracking: Tracking) -> bool:
    """Return whether any box is larger than a pixel: a table of zeros and ones, of behaviors, is no tracking."""
    with np.errstate(invalid="ignore"):
        sides = (tracklet.boxes[:, 2:] - tracklet.boxes[:, :2] for tracklet in tracking.values())
        return any(bool((side > 1).all(axis=1).any()) for side in sides)


def may_be_tracking(path: Path) -> bool:
    """Return whether the first bytes of a pickle may be a dictionary in a dictionary; features files may be huge."""
    try:
        if not path.is_file():  # reading a pipe might never end
            return False
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    dictionaries = 0
    try:
        for operation, argument, _ in pickletools.genops(head):
            dictionaries += operation.name in _DICTIONARIES
            if dictionaries == 2:
                return True
            if isinstance(argument, str) and argument.startswith("numpy"):
                return False  # tracking has frames here
    except ValueError:  # it continues after these bytes, or is not a pickle
        return True
    return False
