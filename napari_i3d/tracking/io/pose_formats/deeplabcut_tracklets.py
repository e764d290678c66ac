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
from napari_i3d.tracking.io.format import HEAD_BYTES, ReadOptions, ReadResult, TrackingFormat
from napari_i3d.tracking.keypoints import Keypoints, KeypointTracklet, trim_points
from napari_i3d.tracking.validation import MAX_FRAME, check_span

_SINGLE = "single"
_FRAME = re.compile(r"frame(\d{1,9})", re.ASCII)


def _recognize(path: Path, head: bytes) -> bool:
    if head[:1] not in (b"\x80", b"(", b"}"):
        return False
    return _names_header(head) or _names_header(_tail(path))


def _names_header(part: bytes) -> bool:
    """Whether the header's name stands right before pandas' index: at the beginning or, as often, at the end."""
    at = part.find(b"header")
    return at >= 0 and b"pandas.core.indexes" in part[at : at + 64]


def _tail(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(file.seek(0, 2) - HEAD_BYTES, 0))
            return file.read()
    except OSError:
        return b""


def _read(path: Path, _options: ReadOptions) -> ReadResult:
    with unpickler.pause_collection(), path.open("rb") as file:
        content = unpickler.load(file, "not readable", TrackingError, encoding="latin1", more=STAND_INS)
        header = content.pop("header", None) if isinstance(content, dict) else None
        if not isinstance(header, PandasIndex) or not header:
            raise TrackingError("expected a dictionary of tracklets with a header of body parts")
        if any(not isinstance(names, tuple) or len(names) < 3 for names in header):
            raise TrackingError("expected a header of scorer, body part and coordinate")
        names = tuple(dict.fromkeys(str(column[-2]) for column in header))
        n_unique = _count_points(content.get(_SINGLE))
        # Points that belong to no animal are named after those of the animals.
        n_points = _count_points(next((rows for key, rows in content.items() if key != _SINGLE), None))
        if n_points + n_unique > len(names):
            raise TrackingError(f"{n_points} and {n_unique} points, but {counted(len(names), 'name')} in the header")
        tracklets: list[KeypointTracklet] = []
        span = n_rows = 0
        for individual, rows in content.items():
            if not isinstance(rows, dict):
                raise TrackingError(f"{shown(individual)}: expected a tracklet of frames, found {type(rows).__name__}")
            if not rows:
                continue
            frames = _frames(individual, rows)
            span, n_rows = span + int(np.ptp(frames)) + 1, n_rows + len(frames)
            check_span(individual, span, n_rows, together=True, numbers_a_row=3 * len(names))
            columns = range(len(names))[-n_unique:] if individual == _SINGLE else range(n_points)
            made = _tracklet(individual, frames, rows, columns, len(names))
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
    individual: Any, frames: NDArray[np.int64], rows: dict[Any, Any], columns: range, n_names: int
) -> KeypointTracklet | None:
    if not isinstance(individual, str | int | np.integer):
        raise TrackingError(f"expected tracklets with numbers, found {shown(individual)}")
    first = int(frames.min())
    filled = np.full((int(frames.max()) - first + 1, n_names, 3), np.nan)
    for frame, row in zip(frames.tolist(), rows.values(), strict=True):
        # Columns are x, y, likelihood and perhaps the individual; some rows are stored flat.
        is_array = isinstance(row, np.ndarray) and row.dtype.kind in "iuf"
        if not is_array or not columns or row.size not in (3 * len(columns), 4 * len(columns)):
            found = f"shape {row.shape}" if is_array else type(row).__name__
            raise TrackingError(
                f"{shown(individual)}, frame {frame}: expected x, y and likelihood of "
                f"{counted(len(columns), 'point')}, found {found}"
            )
        filled[frame - first, columns.start : columns.stop] = row.reshape(len(columns), -1)[:, :3]
    plain = individual if isinstance(individual, str) else int(individual)
    return trim_points(plain, first, filled[:, :, :2], filled[:, :, 2])


def _count_points(rows: Any) -> int:
    """Return the number of points in the first row of a tracklet; 0 if there is none."""
    row = next(iter(rows.values()), None) if isinstance(rows, dict) else None
    if not isinstance(row, np.ndarray) or not row.size:
        return 0
    # Flat rows have no number of the individual.
    return len(row) if row.ndim == 2 else row.size // 3


FORMAT = TrackingFormat("deeplabcut-tracklets", "DeepLabCut tracklets", (".pickle",), _recognize, _read)
