"""DeepLabCut's tracklets, as they are before they are stitched: pickles named ``_el``, ``_bx`` or ``_sk``."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted
from napari_i3d.errors import TrackingError
from napari_i3d.individuals import shown
from napari_i3d.safe_loading import unpickler
from napari_i3d.safe_loading.pandas_index import STAND_INS, PandasIndex
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat
from napari_i3d.tracking.keypoints import Keypoints, KeypointTracklet, trim_points
from napari_i3d.tracking.validation import MAX_FRAME, check_span

_FRAME = re.compile(r"frame(\d{1,9})", re.ASCII)


def _recognize(_path: Path, head: bytes) -> bool:
    return head[:1] in (b"\x80", b"(", b"}") and b"header" in head[:256] and b"pandas" in head[:1024]


def _read(path: Path, _options: ReadOptions) -> ReadResult:
    with unpickler.pause_collection(), path.open("rb") as file:
        content = unpickler.load(file, "not readable", TrackingError, encoding="latin1", more=STAND_INS)
        header = content.pop("header", None) if isinstance(content, dict) else None
        if not isinstance(header, PandasIndex) or not header:
            raise TrackingError("expected a dictionary of tracklets with a header of body parts")
        if any(not isinstance(names, tuple) or len(names) < 3 for names in header):
            raise TrackingError("expected a header of scorer, body part and coordinate")
        names = tuple(dict.fromkeys(str(column[-2]) for column in header))
        tracklets: list[KeypointTracklet] = []
        span = n_rows = 0
        for individual, rows in content.items():
            if not isinstance(rows, dict):
                raise TrackingError(f"{shown(individual)}: expected a tracklet of frames, found {type(rows).__name__}")
            if not rows or (individual == "single" and not _fit(rows, len(names))):
                continue  # points of their own names, which the header lacks
            frames = _frames(individual, rows)
            span, n_rows = span + int(np.ptp(frames)) + 1, n_rows + len(frames)
            check_span(individual, span * len(names), n_rows * len(names), together=True)
            made = _tracklet(individual, frames, rows, len(names))
            tracklets += [made] if made is not None else []
    if not tracklets:
        raise TrackingError("there is no point in the whole file")
    note = (
        f"these are {counted(len(tracklets), 'tracklet')} before stitching, not individuals: an animal may have several"
    )
    return ReadResult(Keypoints(names, tuple(tracklets)), (note,))


def _frames(individual: Any, rows: dict[Any, Any]) -> NDArray[np.int64]:
    numbers = []
    for key in rows:
        match = _FRAME.fullmatch(key) if isinstance(key, str) else None
        number = int(match[1]) if match else key
        if not isinstance(number, int | np.integer) or not 0 <= number <= MAX_FRAME:
            raise TrackingError(f"{shown(individual)}: expected frames such as frame0012, found {shown(key)}")
        numbers.append(int(number))
    frames = np.array(numbers, np.int64)
    if len(np.unique(frames)) < len(frames):
        raise TrackingError(f"{shown(individual)}: a frame is there twice")
    return frames


def _tracklet(
    individual: Any, frames: NDArray[np.int64], rows: dict[Any, Any], n_points: int
) -> KeypointTracklet | None:
    if not isinstance(individual, str | int | np.integer):
        raise TrackingError(f"expected tracklets with numbers, found {shown(individual)}")
    first = int(frames.min())
    filled = np.full((int(frames.max()) - first + 1, n_points, 3), np.nan)
    for frame, row in zip(frames.tolist(), rows.values(), strict=True):
        points = _point_rows(row, n_points)
        if points is None:
            raise TrackingError(
                f"{shown(individual)}, frame {frame}: expected x, y and likelihood of {counted(n_points, 'point')}, "
                f"found {type(row).__name__} of shape {getattr(row, 'shape', ())}"
            )
        filled[frame - first] = points[:, :3]
    plain = individual if isinstance(individual, str) else int(individual)
    return trim_points(plain, first, filled[:, :, :2], filled[:, :, 2])


def _point_rows(row: Any, n_points: int) -> NDArray[Any] | None:
    """Return an array of (points, 3 or 4): x, y, likelihood and perhaps the individual; some are stored flat."""
    if not isinstance(row, np.ndarray) or row.dtype.kind not in "iuf" or row.size not in (3 * n_points, 4 * n_points):
        return None
    return np.asarray(row).reshape(n_points, -1)


def _fit(rows: dict[Any, Any], n_points: int) -> bool:
    return all(_point_rows(row, n_points) is not None for row in rows.values())


FORMAT = TrackingFormat("deeplabcut-tracklets", "DeepLabCut tracklets", (".pickle",), _recognize, _read)
