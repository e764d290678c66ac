"""Find the tracking files beside a video."""

import contextlib
import pickletools
from pathlib import Path

from napari_i3d.errors import NapariI3DError
from napari_i3d.projects.video_files import VIDEO_SUFFIXES
from napari_i3d.tracking.io.box_pickle import read_tracking
from napari_i3d.tracking.tracklets import Tracking

TRACKING_SUFFIXES = frozenset({".pickle", ".pkl"})
_MOST_FILES = 16
_HEAD_BYTES = 4096
# Opcodes that begin a dictionary, or make an OrderedDict.
_DICTIONARIES = frozenset({"EMPTY_DICT", "DICT", "REDUCE"})


def find_tracking_files(video: Path) -> dict[Path, Tracking]:
    """Return the files beside a video that begin with its name and hold tracking, sorted, with their content.

    A file whose name also fits another video there with a longer name belongs to that video.
    """
    try:
        beside = sorted(path for path in video.parent.iterdir() if path.name.startswith(video.stem))
    except OSError:
        return {}
    videos = [path.stem for path in beside if path.suffix.lower() in VIDEO_SUFFIXES]
    longer = [stem for stem in videos if len(stem) > len(video.stem)]
    found: dict[Path, Tracking] = {}
    for path in beside:
        if path.suffix.lower() not in TRACKING_SUFFIXES or any(path.name.startswith(stem) for stem in longer):
            continue
        if len(found) < _MOST_FILES and may_be_tracking(path):
            # Other pickles are ignored.
            with contextlib.suppress(NapariI3DError):
                found[path] = read_tracking(path)
    return found


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
