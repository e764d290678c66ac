"""Features in pieces of some frames of the video, for programs that hold a whole file in memory.

A piece holds the rows of all individuals in its frames, under the numbers of these frames in the video.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import format_path
from napari_i3d.errors import FeaturesError
from napari_i3d.features.features import Features


@dataclass(frozen=True, eq=False)
class Piece:
    """Some frames of features.

    Attributes
    ----------
    path
        Its file.
    features
        The rows in these frames, which are views.
    """

    path: Path
    features: Features


def cut_pieces(features: Features, path: Path, piece_frames: int) -> Iterator[Piece]:
    """Yield pieces of at most `piece_frames` frames; of ``day1.npy``, ``day1_000000-053999.npy`` and so on.

    Raises
    ------
    FeaturesError
        The length is not positive, or the frames of rows are unknown.
    """
    if piece_frames < 1:
        raise FeaturesError(f"piece_frames: expected at least 1 frame, found {piece_frames}")
    lacking = [individual for individual in features if individual not in features.frames]
    if lacking:
        raise FeaturesError(f"{lacking[0]}: the video frames of its rows are not known", hint="extract it again")
    ends = [float(frames[-1]) for frames in features.frames.values() if len(frames)]
    digits = len(str(int(max(ends, default=0))))
    first = int(min((frames[0] for frames in features.frames.values() if len(frames)), default=0))
    for start in range(first // piece_frames * piece_frames, int(max(ends, default=-1)) + 1, piece_frames):
        own = _between(features, start, start + piece_frames)
        if len(own):
            name = f"{path.stem}_{start:0{digits}d}-{start + piece_frames - 1:0{digits}d}{path.suffix}"
            yield Piece(path.with_name(name), own)


def _between(features: Features, start: int, stop: int) -> Features:
    """Return the rows that stand for frames from `start` up to `stop`, of the individuals that have some."""
    spans = {i: tuple(np.searchsorted(frames, (start, stop)).tolist()) for i, frames in features.frames.items()}
    chosen = {i: slice(*span) for i, span in spans.items() if span[0] < span[1]}
    return replace(
        features,
        rows={i: features[i][rows] for i, rows in chosen.items()},
        frames={i: features.frames[i][rows] for i, rows in chosen.items()},
        chunk_starts={i: features.chunk_starts[i][rows] for i, rows in chosen.items() if i in features.chunk_starts},
        # The first frame may be ahead of the first row's, as of a chunk, and in no piece; joined, it is known again.
        first_frame={
            i: features.first_frame[i] if rows.start == 0 else max(features.first_frame[i], start)
            for i, rows in chosen.items()
            if i in features.first_frame
        },
        last_frame={
            i: features.last_frame[i] if rows.stop == len(features[i]) else min(features.last_frame[i], stop - 1)
            for i, rows in chosen.items()
            if i in features.last_frame
        },
    )


def join_pieces(pieces: Sequence[tuple[Path, Features]]) -> Features:
    """Return what features of one video state together; their rows take no memory and hold nothing.

    Raises
    ------
    FeaturesError
        They are not of one video, overlap, or the frames of rows are unknown.
    """
    (first_path, first), *others = pieces
    for path, other in others:
        if (_made(other), other.fps) != (_made(first), first.fps):
            raise FeaturesError(
                f"{format_path(path.name)}: expected features of the same video, weights and settings as "
                f"{format_path(first_path.name)}, found others",
                hint="convert them one by one",
            )
    owners = {i: [one for _, one in pieces if i in one] for i in dict.fromkeys(i for _, one in pieces for i in one)}
    rows, frames, starts = {}, {}, {}
    for individual, owned in owners.items():
        if len(owned) > 1:
            if any(individual not in one.frames for one in owned):
                raise FeaturesError(
                    f"{individual}: the video frames of its rows are not known", hint="extract it again"
                )
            owned.sort(key=lambda one: float(one.frames[individual][0]) if len(one.frames[individual]) else -1.0)
        n_rows, widths = sum(len(one[individual]) for one in owned), {one[individual].shape[1] for one in owned}
        if len(widths) > 1:
            raise FeaturesError(f"{individual}: expected rows of one width, found {' and '.join(map(str, widths))}")
        rows[individual] = np.broadcast_to(np.zeros((), np.float32), (n_rows, widths.pop()))
        if all(individual in one.frames for one in owned):
            frames[individual] = np.concatenate([one.frames[individual] for one in owned])
            bad = np.flatnonzero(np.diff(frames[individual]) <= 0)
            if bad.size:
                at = frames[individual][bad[0] + 1]
                raise FeaturesError(f"{individual}: frame {at:g} is in several of the files", hint="leave out one")
        if all(individual in one.chunk_starts for one in owned):
            starts[individual] = np.concatenate([one.chunk_starts[individual] for one in owned])
    return Features(
        rows,
        frames,
        starts,
        {
            i: min(one.first_frame[i] for one in of)
            for i, of in owners.items()
            if all(i in one.first_frame for one in of)
        },
        {i: max(one.last_frame[i] for one in of) for i, of in owners.items() if all(i in one.last_frame for one in of)},
        first.fps,
        first.provenance,
    )


def place_of(whole: NDArray[np.float64] | None, own: NDArray[np.float64] | None) -> int:
    """Return the row of the whole at which a piece begins, from the frames of both; None: the piece is the whole."""
    return 0 if whole is None or own is None or not len(own) else int(np.searchsorted(whole, own[0]))


def _made(features: Features) -> dict[str, Any]:
    """Return how features were made, as far as it is the same for all individuals of a video."""
    video = features.provenance.get("video", {})
    weights = features.provenance.get("weights", {})
    return {"video": video, "weights": weights, "settings": features.provenance.get("settings")}
