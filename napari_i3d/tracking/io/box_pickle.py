"""Read and write tracking files: a pickled `{id: {frame: [left, upper, right, lower]}}`."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from napari_i3d._utils.files import atomic_writer, nearest_file
from napari_i3d._utils.text import format_path
from napari_i3d.errors import TrackingError
from napari_i3d.safe_loading import unpickler
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat, VideoFacts
from napari_i3d.tracking.tracklets import Tracking
from napari_i3d.tracking.validation import EXACT, describe

_EXPECTED = "expected a pickle of {id: {frame: [left, upper, right, lower]}}"
_KEY_POINTS = "key points must be turned into boxes first"
_SAVE = "save the dictionary with Python's pickle"
ENDINGS = (".pickle", ".pkl")
"""Usual endings of tracking files; any name is read."""

# First bytes of files that are often mistaken for tracking; what they are, and what to do.
_BEGINNINGS = {
    b"\x89HDF": ("an HDF5 file (DeepLabCut, SLEAP)", _KEY_POINTS),
    b"\x93NUMPY": ("a numpy file (.npy)", _SAVE),
    b"PK\x03\x04": ("a zip archive (.npz, .zip)", ""),
    b"{": ("text, perhaps JSON", f"load it and {_SAVE}"),
    b"[": ("text, perhaps JSON", f"load it and {_SAVE}"),
}
# First bytes of a pickled dictionary or OrderedDict, in protocols 2 and later, 1 and 0.
_PICKLE = (b"\x80", b"}", b"(", b"c")
# Top-level keys of DeepLabCut's and SLEAP's pickles, where ours has ids.
_FOREIGN = frozenset({"header", "metadata", "data", "single", "skeletons", "videos", "tracks", "instances"})


def read_tracking(path: str | os.PathLike[str]) -> Tracking:
    """Read a tracking file without running any code in it.

    Ids are text or whole numbers; frames are whole numbers in any order; boxes are lists, tuples or arrays of four
    numbers, in pixels of the (resized) video. Gaps, and boxes that are inverted, empty or not finite, can be read;
    `check_tracking` lists them.

    Raises
    ------
    TrackingError
        The file does not exist or holds something else; the message says what was found and where.
    """
    path = Path(path)
    try:
        # Pause garbage collection while the many plain lists of the file exist.
        with unpickler.pause_collection():
            return Tracking.from_boxes(_load(path))
    except TrackingError as error:
        raise TrackingError(f"{format_path(path.name)}: {error.message.text}", error.message.hint) from error.__cause__


def _load(path: Path) -> Any:
    try:
        if path.is_dir():
            raise TrackingError(f"this is a folder; {_EXPECTED}")
        if path.exists() and not path.is_file():  # reading a pipe might never end
            raise TrackingError(f"this is a device or pipe; {_EXPECTED}")
        with path.open("rb") as file:
            head = file.read(8)
            file.seek(0)
            if not head:
                raise TrackingError(f"the file is empty; {_EXPECTED}")
            if not head.startswith(_PICKLE):
                known = (what for start, what in _BEGINNINGS.items() if head.startswith(start))
                found, hint = next(known, ("no pickle", ""))
                raise TrackingError(f"{_EXPECTED}, found {found}", hint)
            # latin1: needed for numpy arrays pickled by Python 2
            content = unpickler.load(file, "not readable", TrackingError, encoding="latin1")
    except TrackingError as error:
        if "asks for pandas." in str(error):
            raise TrackingError(f"{_EXPECTED}, found a table of pandas (DeepLabCut)", _KEY_POINTS) from error
        raise
    except FileNotFoundError:
        raise TrackingError(f"no such file in {format_path(path.parent)}; {_way_out(path)}") from None
    except (OSError, ValueError) as error:  # ValueError: an invalid file name
        raise TrackingError(f"cannot be read ({getattr(error, 'strerror', None) or error})") from error
    return _checked_top(content)


def _holds_something(value: Any) -> bool:
    return not isinstance(value, dict) or bool(value)


def _way_out(path: Path) -> str:
    near = nearest_file(path, ENDINGS)
    return f"is it {format_path(near.name)}?" if near is not None else _EXPECTED


def _looks_like_box(value: Any) -> bool:
    return value.shape == (4,) if isinstance(value, np.ndarray) else isinstance(value, list | tuple) and len(value) == 4


def _checked_top(content: Any) -> Any:
    if isinstance(content, np.ndarray | list | tuple) or not isinstance(content, dict):
        raise TrackingError(f"{_EXPECTED}, found {describe(content)}")
    if not content:
        raise TrackingError(f"{_EXPECTED}, found no individual at all")
    if isinstance(content.get("metadata"), dict) and any(str(key).startswith("frame") for key in content):
        raise TrackingError(
            f"{_EXPECTED}, found DeepLabCut's detections (_full.pickle)",
            hint="give the tracklets or the h5 file made of them",
        )
    foreign = [key for key in content if isinstance(key, str) and key in _FOREIGN]
    if foreign and not all(isinstance(value, dict) and value for value in content.values()):
        raise TrackingError(f"{_EXPECTED}, found the key {foreign[0]!r} of DeepLabCut or SLEAP", _KEY_POINTS)
    outer, first = next(((key, value) for key, value in content.items() if _holds_something(value)), (None, None))
    inner = [key for key, value in first.items() if _looks_like_box(value)] if isinstance(first, dict) else []
    if isinstance(outer, int) and any(isinstance(key, str) for key in inner):
        raise TrackingError(
            f"{_EXPECTED}, found {{frame: {{id: box}}}} of {len(content)} frames", hint="swap its two levels"
        )
    if isinstance(first, np.ndarray) and first.ndim == 2:
        raise TrackingError(f"{_EXPECTED}, found {describe(first)} for each id", hint="is this a file of features?")
    return content


def write_tracking(path: str | os.PathLike[str], tracking: Tracking) -> None:
    """Write a tracking file atomically; reading it gives the same boxes.

    The file holds plain Python values: frames and whole coordinates are int, others float; gaps are left out.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    plain = {}
    for individual, tracklet in tracking.items():
        present = tracklet.present
        boxes = tracklet.boxes[present]
        whole = (boxes == np.trunc(boxes)) & (np.abs(boxes) <= EXACT)
        if whole.all():
            rows = boxes.astype(np.int64).tolist()
        else:
            rows = [
                [int(side) if is_whole else side for side, is_whole in zip(row, wholes, strict=True)]
                for row, wholes in zip(boxes.tolist(), whole.tolist(), strict=True)
            ]
        frames = (np.flatnonzero(present) + tracklet.start).tolist()
        plain[individual] = dict(zip(frames, rows, strict=True))
    with atomic_writer(path) as file:
        pickle.dump(plain, file, protocol=4)


def _recognize(_path: Path, head: bytes) -> bool:
    return head.startswith(_PICKLE)


def _read(path: Path, _options: ReadOptions) -> ReadResult:
    return ReadResult(read_tracking(path))


def _write(path: Path, tracking: Tracking, _video: VideoFacts | None) -> tuple[str, ...]:
    write_tracking(path, tracking)
    return ()


FORMAT = TrackingFormat("pickle", "pickle of {id: {frame: box}}", ENDINGS, _recognize, _read, _write)
