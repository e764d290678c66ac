"""How good and how fast a first tracking is, against a tracking that exists.

``python tests/benchmarks/detection.py [FOLDER]``: the real videos of that folder (default: ../shared/data), and the
synthetic clip. For each video: the share of frames in which the box of an individual and the detected one overlap with
an IoU over 0.5, for the best one-to-one assignment of ids; the same if ids could be chosen anew in each frame; identity
switches; detected frames a second, on the clock and of processor time without the decoder's, with the start that reads
the background; the uncertain passages listed. Boxes of spiders_tracktor have a constant size, so "center" says more
there: the share of frames in which the center of the detected box lies in the middle half of the box.
"""

import argparse
import contextlib
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from napari_i3d import open_video, read_tracking, write_synthetic_clip
from napari_i3d._utils.progress import finish
from napari_i3d.detection.detect import detect
from napari_i3d.detection.detection import Detection
from napari_i3d.detection.settings import DetectionSettings
from napari_i3d.errors import NapariI3DError
from napari_i3d.tracking.tracklets import Tracking, Tracklet


def boxes_of(tracklet: Tracklet, n_frames: int) -> NDArray[np.float64]:
    """Boxes of all frames, (T, 4); not-a-number without one."""
    boxes = np.full((n_frames, 4), np.nan)
    stop = min(tracklet.stop, n_frames)
    boxes[tracklet.start : stop] = tracklet.boxes[: stop - tracklet.start]
    return boxes


def overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """IoU of boxes (..., 4); 0 if one is missing."""
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    shared = np.prod(np.maximum(sides, 0), axis=-1)
    areas = [np.prod(boxes[..., 2:] - boxes[..., :2], axis=-1) for boxes in (one, other)]
    return np.nan_to_num(shared / (areas[0] + areas[1] - shared))


def compare(true: Tracking, found: Tracking, n_frames: int) -> dict[str, float]:
    """Compare a detected tracking with the true one, over the frames that the true one has."""
    truth = np.stack([boxes_of(one, n_frames) for one in true.values()])
    guess = np.stack([boxes_of(one, n_frames) for one in found.values()])
    iou = overlap(truth[:, None], guess[None])  # (true, found, T)
    known = np.isfinite(truth[..., 0])
    hits = iou > 0.5
    rows, columns = linear_sum_assignment(-hits.sum(axis=2))
    fixed = sum(hits[row, column].sum() for row, column in zip(rows, columns, strict=True))
    free, switches = 0, 0
    last = np.full(len(truth), -1)
    for frame in range(n_frames):
        chosen = linear_sum_assignment(-iou[..., frame])
        for row, column in zip(*chosen, strict=True):
            if hits[row, column, frame]:
                free += 1
                switches += int(last[row] not in (-1, column))
                last[row] = column
    return {
        "IoU>0.5": fixed / known.sum(),
        "any id": free / known.sum(),
        "mean IoU": float(sum(iou[r, c].sum() for r, c in zip(rows, columns, strict=True)) / known.sum()),
        "center": _near_center(truth, guess, rows, columns) / known.sum(),
        "switches": switches,
    }


def _near_center(truth, guess, rows, columns) -> float:
    """Number of boxes whose detected center lies in the middle half of the true box: for boxes of constant size."""
    centers = (guess[columns][..., :2] + guess[columns][..., 2:]) / 2
    box = truth[rows]
    middle, half = (box[..., :2] + box[..., 2:]) / 2, (box[..., 2:] - box[..., :2]) / 2
    return float((np.abs(centers - middle) <= half / 2).all(axis=-1).sum())


def measure(path: Path, tracking: Tracking | None, settings: DetectionSettings) -> tuple[str, Detection | None]:
    """Return a line of the table, and the detection."""
    name = f"{path.stem[:24]:<25}{settings.individuals:>3} {settings.reference:<13}"
    with open_video(path) as video:
        start, cpu = time.perf_counter(), time.process_time()
        try:
            found = finish(detect(video, settings))
        except NapariI3DError as error:
            return f"{name} {error}", None
        rate, cpu_rate = (len(video) / took for took in (time.perf_counter() - start, time.process_time() - cpu))
        line = f"{name}{rate:>6.0f} frames/s {cpu_rate:>6.0f} by processor time {len(found.uncertain):>4} uncertain"
        if tracking is not None:
            values = compare(tracking, found.tracking, len(video))
            line += "".join(
                f"  {key} {value:>4.0f}" if key == "switches" else f"  {key} {value:6.1%}"
                for key, value in values.items()
            )
    return line, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    shared = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser.add_argument("folder", nargs="?", type=Path, default=shared)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        clip = write_synthetic_clip(folder, 500, bouts=5)
        print(measure(clip.video, read_tracking(clip.tracking), DetectionSettings(individuals=2))[0], flush=True)
        for stem, ids, reference in (
            ("flies_courtship_clip", ["male", "female"], "time"),
            ("flies_centered_pair", ["1", "2"], "time"),
            ("flies_centered_pair", ["1", "2"], "surroundings"),
            ("spiders_tracktor", ["A", "B"], "time"),
            ("spiders_tracktor", ["A", "B"], "surroundings"),
        ):
            path = options.folder / f"{stem}.mp4"
            if path.exists():
                tracking = read_tracking(options.folder / f"{stem}_tracks.pickle").select(ids)
                settings = DetectionSettings(individuals=2, reference=reference)
                print(measure(path, tracking, settings)[0], flush=True)


if __name__ == "__main__":
    main()
