"""CSV of supervision: files of the program itself, and those without a frame."""

from pathlib import Path

import numpy as np
import pytest

import napari_i3d
from helpers import box_files
from helpers.box_files import BOXES, assert_boxes, rows
from napari_i3d.errors import TrackingError

supervision = pytest.importorskip("supervision")


def sink(path: Path, boxes, custom=lambda frame: {"frame_number": frame}, tracked: bool = True) -> Path:
    with supervision.CSVSink(str(path)) as file:
        for frame in sorted({frame for frame, *_ in rows(boxes)}):
            own = [(individual, box) for at, individual, box in rows(boxes) if at == frame]
            detections = supervision.Detections(
                xyxy=np.array([box for _, box in own]),
                confidence=np.full(len(own), 0.5),
                tracker_id=np.array([individual for individual, _ in own]) if tracked else None,
            )
            file.append(detections, custom_data=custom(frame))
    return path


@pytest.mark.parametrize("column", ["frame_number", "frame", "Frame Index", "frame_id"])
def test_file_of_the_program_is_read(tmp_path: Path, column: str):
    path = sink(tmp_path / "a.csv", BOXES, lambda frame: {"camera": "left", column: frame})
    assert_boxes(napari_i3d.read_tracking(path), BOXES, 1e-9)


@pytest.mark.parametrize(
    "custom",
    [
        lambda frame: {},
        lambda frame: {"time": frame / 25},
        lambda frame: {"frame": frame, "frame_number": frame},
    ],
)
def test_file_without_one_frame_column_says_what_to_add(tmp_path: Path, custom):
    with pytest.raises(TrackingError, match=r"found (none|frame and frame_number); add it when writing: sink\.append"):
        napari_i3d.read_tracking(sink(tmp_path / "a.csv", BOXES, custom))


def test_untracked_detections_are_left_out(tmp_path: Path):
    path = sink(tmp_path / "a.csv", BOXES)
    text = path.read_text().splitlines()
    path.write_text("\n".join([*text, "1,1,2,2,,0.5,,3", "1,1,2,2,,0.5,-1,3"]) + "\n")
    tracking = napari_i3d.read_tracking(path)
    assert_boxes(tracking, BOXES, 1e-9)
    assert any("2 boxes left out: no tracker_id" in note for note in tracking.origin.notes)
    with pytest.raises(TrackingError, match="track the detections first"):
        napari_i3d.read_tracking(sink(tmp_path / "b.csv", BOXES, tracked=False))


def test_late_first_frame_is_said_and_base_moves_it(tmp_path: Path):
    path = box_files.supervision(tmp_path / "a.csv", BOXES)
    tracking = napari_i3d.read_tracking(path)
    assert tracking[0].start == 3
    assert any("the first is 3: state base 1" in note for note in tracking.origin.notes)
    assert napari_i3d.read_tracking(path, base=1)[0].start == 2


def test_last_line_without_end_is_refused(tmp_path: Path):
    """The frame stands last: cut off, 30 becomes 3."""
    path = box_files.supervision(tmp_path / "a.csv", BOXES)
    path.write_text(path.read_text()[:-2])
    with pytest.raises(TrackingError, match="the last line is cut off"):
        napari_i3d.read_tracking(path)
