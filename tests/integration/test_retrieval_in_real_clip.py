"""Similar moments in features of a real video, with untrained weights: a moment finds itself in a trimmed copy."""

from pathlib import Path

import imageio_ffmpeg
import numpy as np

import napari_i3d
from napari_i3d import explore
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FIRST, LENGTH, CUT = 1022, 80, 16


def write_copy(path: Path, frames: np.ndarray) -> None:
    height, width = frames.shape[1:3]
    encoding = ["-crf", "12", "-preset", "ultrafast"]
    writer = imageio_ffmpeg.write_frames(str(path), (width, height), fps=25, quality=None, output_params=encoding)
    writer.send(None)
    for frame in frames:
        writer.send(frame)
    writer.close()


def test_moment_finds_itself_in_a_trimmed_copy(shared: Path, tmp_path: Path) -> None:
    boxes = napari_i3d.read_tracking(shared / "data" / "flies_courtship_clip_tracks.pickle")["male"].boxes
    settings = napari_i3d.ExtractionSettings(frequency=8, pad=True)
    original, copy = shared / "data" / "flies_courtship_clip.mp4", tmp_path / "copy.mp4"
    with napari_i3d.open_video(original) as video:
        write_copy(copy, video[FIRST + CUT : FIRST + LENGTH])
    first_of = {"original": (original, FIRST, FIRST), "copy": (copy, FIRST + CUT, 0)}
    features = {}
    for name, (path, start, number) in first_of.items():
        tracking = Tracking([Tracklet("male", number, boxes[start : FIRST + LENGTH])])
        features[name] = napari_i3d.extract_features(
            path, tracking, settings=settings, weights="untrained", progress=False
        )
    table = explore.standardize(features)
    for frame in features["original"].frames["male"][CUT // 8 + 1 : -1].tolist():
        best = explore.similar_moments(table, "male", frame, video="original").hits[0]
        assert (best.video, best.first_frame) == ("copy", frame - FIRST - CUT)
        assert best.similarity > 0.9
