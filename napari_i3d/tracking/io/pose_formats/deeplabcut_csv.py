"""DeepLabCut's tables of poses as text, single- and multi-animal, and Lightning Pose's, which have the same layout."""

from pathlib import Path

import numpy as np

from napari_i3d.errors import TrackingError
from napari_i3d.individuals import format_id
from napari_i3d.tracking.io.format import HEAD_BYTES, ReadOptions, ReadResult, TrackingFormat
from napari_i3d.tracking.io.parsing.text_table import header_rows, read_header, read_numbers
from napari_i3d.tracking.io.pose_formats.point_columns import LABELED_DATA, points_of_table

_LEVELS = (["scorer", "bodyparts", "coords"], ["scorer", "individuals", "bodyparts", "coords"])


def _is_table(head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").startswith(b"scorer,")


def _is_lightning_pose(head: bytes) -> bool:
    # Its scorers are kinds of networks, such as heatmap_tracker.
    line = head[:HEAD_BYTES].split(b"\n", 1)[0].rstrip(b"\r")
    return _is_table(head) and line.split(b",", 2)[1].endswith(b"_tracker")


def _read(path: Path, options: ReadOptions) -> ReadResult:
    rows = read_header(path, 5)
    levels = next((names for names in _LEVELS if [row[0] for row in rows[: len(names)] if row] == names), None)
    if levels is None:
        raise TrackingError(
            f"expected lines of scorer, bodyparts and coords, found {format_id(','.join(rows[1])[:40])}"
        )
    header, body = rows[: len(levels)], rows[len(levels) :]
    if len({len(row) for row in header}) != 1:
        raise TrackingError("the lines of names have different lengths")
    if not body or not body[0][0].strip().isdigit():
        raise TrackingError(LABELED_DATA)
    numbers = read_numbers(path, len(levels), len(header[0]))
    index = numbers[:, 0]
    if not (np.isfinite(index) & (index == np.trunc(index)) & (np.abs(index) < 2**53)).all():
        raise TrackingError("expected rows numbered by the frames of the video in the first column")
    columns = tuple(zip(*(row[1:] for row in header), strict=True))
    return points_of_table(columns, numbers[:, 1:], index.astype(np.int64), options.video)


def _recognize_deeplabcut(_path: Path, head: bytes) -> bool:
    return _is_table(head) and not _is_lightning_pose(head)


def _recognize_lightning_pose(_path: Path, head: bytes) -> bool:
    return bool(header_rows(head, 1)) and _is_lightning_pose(head)


FORMATS = (
    TrackingFormat("deeplabcut-csv", "DeepLabCut csv", (".csv",), _recognize_deeplabcut, _read),
    TrackingFormat("lightning-pose", "Lightning Pose csv", (".csv",), _recognize_lightning_pose, _read),
)
