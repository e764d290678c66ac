"""Labels frame by frame: tables of behaviors over frames, and the runs in them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.frame_ranges import Range, Ranges, clip_ranges, merge_ranges
from napari_i3d._utils.text import counted
from napari_i3d.annotations.bouts import Origin
from napari_i3d.annotations.ethogram import Behavior
from napari_i3d.annotations.io.format import AnnotatedVideo, ReadRequest
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector, known_video
from napari_i3d.annotations.validation import MAX_FRAME
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id

UNKNOWN = -1
"""In a table of frames: not judged."""


def runs(mask: NDArray[np.bool_]) -> list[Range]:
    """Return the half-open ranges of indices at which a mask of shape (n,) is true."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return [(start, stop) for start, stop in edges.reshape(-1, 2).tolist()]


def label_runs(labels: NDArray[Any]) -> list[tuple[int, int, Any]]:
    """Return (start, stop, label) of the runs of equal labels, shape (n,)."""
    if not len(labels):
        return []
    starts = np.flatnonzero(np.concatenate(([True], labels[1:] != labels[:-1])))
    stops = [*starts[1:].tolist(), len(labels)]
    return list(zip(starts.tolist(), stops, labels[starts].tolist(), strict=True))


def check_length(n_frames: int) -> None:
    """Refuse labels of no frame, or of more than any video has."""
    if not 0 < n_frames <= MAX_FRAME:
        raise AnnotationError(f"expected labels of 1 to {MAX_FRAME} frames, found {n_frames}")


def add_table(
    collector: BoutCollector,
    individual: Id | None,
    table: NDArray[np.int8],
    behaviors: Sequence[str],
    *,
    target: Id | None = None,
    origin: Origin = Origin.MANUAL,
    confidence: NDArray[np.floating[Any]] | None = None,
) -> None:
    """Add the bouts of a table to those of a file.

    Parameters
    ----------
    collector
        The bouts of the file.
    individual, target, origin
        Those of all bouts; no individual: the file does not say.
    table
        Shape (frames, behaviors): 1 shown, 0 not shown, `UNKNOWN` not judged.
    behaviors
        Names of the columns.
    confidence
        Shape of the table, 0 to 1: that of a bout is the mean over its frames.
    """
    for column, behavior in enumerate(behaviors):
        for start, stop in runs(table[:, column] == 1):
            more: dict[str, Any] = {"target": target, "origin": origin}
            if confidence is not None:
                more["confidence"] = float(np.mean(confidence[start:stop, column], dtype=np.float64))
            collector.add(f"{behavior}, frame {start}", individual, behavior, start, stop, **more)


def behaviors_of(table: NDArray[np.int8], names: Sequence[str]) -> list[Behavior]:
    """Return the behaviors of a table's columns: those that are shown together with others are not exclusive."""
    shown = table == 1
    together = shown[shown.sum(axis=1) > 1].any(axis=0)
    return [Behavior(name, exclusive=not shared) for name, shared in zip(names, together.tolist(), strict=True)]


def assessed_of_table(table: NDArray[np.int8]) -> tuple[Ranges, int]:
    """Return the frames in which every behavior was judged, and the number of those in which only some were.

    See `napari_i3d.annotations.io.parsing.judged_frames`. Frames with a behavior shown are in neither.
    """
    known = table != UNKNOWN
    ever = known.any(axis=0)
    if not ever.any():
        return (), 0
    every = known[:, ever].all(axis=1)
    partly = known[:, ever].any(axis=1) & ~every & ~(table == 1).any(axis=1)
    return merge_ranges(runs(every)), int(partly.sum())


def video_of_labels(
    request: ReadRequest, n_frames: int, name: str = "", fps: float | None = None
) -> tuple[AnnotatedVideo, list[str]]:
    """Return what is known of the video of a file that has labels for a number of frames, and notes.

    Programs count the frames of a video differently, so that this may be some more or fewer than it has.
    """
    video, notes = known_video(request, name, None if request.video.n_frames else n_frames, fps)
    if video.n_frames is not None and video.n_frames != n_frames:
        notes.append(
            f"the file has labels of {counted(n_frames, 'frame')}, the video has {video.n_frames:,}: frames count from "
            "the first of both"
        )
    return video, notes


def within(assessed: Mapping[Id, Iterable[Range]], video: AnnotatedVideo) -> dict[Id, Ranges]:
    """Return the assessed frames that the video has."""
    end = MAX_FRAME if video.n_frames is None else video.n_frames
    return {individual: clip_ranges(merge_ranges(ranges), 0, end) for individual, ranges in assessed.items()}
