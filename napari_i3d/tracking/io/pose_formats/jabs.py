"""JABS' pose files: HDF5 with the points of one mouse (version 2) or of several (from version 3 on)."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted
from napari_i3d.errors import TrackingError
from napari_i3d.safe_loading.hdf5 import Hdf5File, matches_hdf5, open_hdf5
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat
from napari_i3d.tracking.keypoints import Keypoints, KeypointTracklet, trim_points
from napari_i3d.tracking.validation import check_span

_NAMES = (
    *("nose", "left_ear", "right_ear", "base_neck", "left_front_paw", "right_front_paw", "center_spine"),
    *("left_rear_paw", "right_rear_paw", "base_tail", "mid_tail", "tip_tail"),
)
_MOST_IDS = 100_000


def _recognize(path: Path, head: bytes) -> bool:
    return matches_hdf5(path, head, lambda file: "poseest/points" in file and "poseest/confidence" in file)


def _read(path: Path, options: ReadOptions) -> ReadResult:
    with open_hdf5(path, TrackingError) as file:
        shape = file.shape("poseest/points") or ()
        if len(shape) not in (3, 4) or shape[-2:] != (len(_NAMES), 2):
            raise TrackingError(f"expected points of (frames, [mice,] {len(_NAMES)}, 2), found shape {shape}")
        if file.shape("poseest/confidence") != shape[:-1]:
            raise TrackingError("points and confidence have different shapes")
        # As float32 or more in the end, however small the numbers of the file are.
        file.require(6 * int(np.prod(shape, dtype=object)), "poseest/points")
        points, confidence = file.read("poseest/points"), file.read("poseest/confidence")
        if points.dtype.kind not in "iuf" or confidence.dtype.kind not in "iuf":
            raise TrackingError(f"expected points that are numbers, found {points.dtype}, {confidence.dtype}")
        if len(shape) == 3:
            points, confidence = points[:, None], confidence[:, None]
            ids, note = np.zeros(points.shape[:2], np.int64), ""
        else:
            ids, note = _identities(file, shape[:2])
    tracklets = _by_identity(points, confidence, ids)
    if not tracklets:
        raise TrackingError("there is no mouse with points in the whole file")
    notes = [note] if note else []
    if options.video is not None and shape[0] < options.video.n_frames:
        notes.append(f"the file has {counted(shape[0], 'frame')}, the video {options.video.n_frames}")
    return ReadResult(Keypoints(_NAMES, tuple(tracklets)), tuple(notes))


def _identities(file: Hdf5File, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], str]:
    """Return the identity in each place of shape (frames, mice), -1 where there is none, and a note."""
    if "poseest/instance_embed_id" in file and "poseest/id_mask" in file:
        ids, masked = file.read("poseest/instance_embed_id"), file.read("poseest/id_mask").astype(np.bool_)
        # In the file they count from 1, in JABS from 0.
        ids = np.where(masked | (ids == 0), -1, ids.astype(np.int64) - 1)
        note = ""
    elif "poseest/instance_track_id" in file and "poseest/instance_count" in file:
        ids, count = file.read("poseest/instance_track_id").astype(np.int64), file.read("poseest/instance_count")
        ids = np.where(np.arange(shape[1]) < count[:, None], ids, -1)
        note = "a file of version 3 has tracks, not identities: a mouse may have several"
    else:
        raise TrackingError("several mice without their identities (instance_embed_id or instance_track_id)")
    if ids.shape != shape or (ids > _MOST_IDS).any():
        raise TrackingError(f"expected identities of shape {shape}, at most {_MOST_IDS}")
    return ids, note


def _by_identity(points: NDArray[Any], confidence: NDArray[Any], ids: NDArray[np.int64]) -> list[KeypointTracklet]:
    tracklets = []
    span = n_rows = 0
    frames, places = np.nonzero(ids >= 0)
    numbers = ids[frames, places]
    order = np.lexsort((frames, numbers))
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    for first, stop in zip(starts, [*starts[1:], len(order)], strict=True):
        rows = order[first:stop]
        at, place, number = frames[rows], places[rows], int(numbers[rows[0]])
        if (np.diff(at) == 0).any():
            raise TrackingError(f"{number}: frame {at[:-1][np.diff(at) == 0][0]} has this identity twice")
        start, length = int(at[0]), int(at[-1] - at[0]) + 1
        span, n_rows = span + length, n_rows + len(rows)
        check_span(number, span, n_rows, together=True, numbers_a_row=3 * len(_NAMES))
        # Whole numbers of 16 bits, as nearly always, are exact in float32.
        xy = np.full((length, len(_NAMES), 2), np.nan, np.result_type(points.dtype, np.float16))
        score = np.zeros((length, len(_NAMES)), np.result_type(confidence.dtype, np.float16))
        score[at - start] = confidence[at, place]
        # Stored are row and column, and zeros for points that were not found.
        xy[at - start] = points[at, place][:, :, ::-1]
        xy[score <= 0] = np.nan
        tracklet = trim_points(number, start, xy, score)
        if tracklet is not None:
            tracklets.append(tracklet)
    return tracklets


FORMAT = TrackingFormat("jabs", "JABS pose h5", (".h5",), _recognize, _read)
