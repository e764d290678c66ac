"""Every box format: the planted boxes of `box_files` come back, on their frames, and the format is recognized.

The files are written by `box_files` from the formats' rules, not by the package.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import napari_i3d
from helpers import box_files
from helpers.box_files import BOXES, FPS, HEIGHT, N_FRAMES, NAMED, WIDTH, assert_boxes
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.format import VideoFacts
from napari_i3d.tracking.io.recognition import recognize

VIDEO = VideoFacts(WIDTH, HEIGHT, N_FRAMES, FPS, "clip")


def movement(path: Path, boxes: Any, spelling: str = "individuals", fps: float | None = FPS, **how: Any) -> Path:
    centers, sizes = box_files.movement_arrays(boxes)
    dimensions = ("time", "space", spelling)
    attributes = {"ds_type": "bboxes", "source_software": "VIA-tracks", "time_unit": "seconds" if fps else "frames"}
    xr.Dataset(
        {"position": (dimensions, centers), "shape": (dimensions, sizes)},
        coords={
            "time": np.arange(N_FRAMES) / fps if fps else np.arange(N_FRAMES),
            "space": ["x", "y"],
            spelling: list(map(str, boxes)),
        },
        attrs=attributes | ({"fps": fps} if fps else {}),
    ).to_netcdf(path, **how)
    return path


def coco(path: Path, boxes: Any) -> Path:
    path.write_text(json.dumps(box_files.coco_vid(boxes)))
    return path


# Format, its title, file, boxes, writer, precision in pixels.
FILES: dict[str, tuple[str, Any, Callable[[Path], Path], float]] = {
    "mot": ("mot", BOXES, lambda p: box_files.mot(p / "a.txt", BOXES), 1e-9),
    "mot from 0": ("mot", {0: {0: (1.0, 2.0, 3.0, 4.0), 5: (2.0, 3.0, 4.0, 5.0)}},
        lambda p: box_files.mot(p / "a.txt", {0: {0: (1.0, 2.0, 3.0, 4.0), 5: (2.0, 3.0, 4.0, 5.0)}}, base=0), 1e-9),
    "mot folder": ("mot", BOXES, lambda p: box_files.mot(p / "s" / "gt" / "gt.txt", BOXES).parent.parent, 1e-9),
    "cvat": ("cvat", NAMED, lambda p: box_files.cvat(p / "a.xml", box_files.cvat_tracks(NAMED)), 0.005),
    "ultralytics": ("ultralytics", BOXES, lambda p: box_files.ultralytics(p / "labels", BOXES), 0.001),
    "ultralytics run": ("ultralytics", BOXES, lambda p: box_files.ultralytics(p / "t" / "labels", BOXES).parent, 0.001),
    "ultralytics without confidence": ("ultralytics", BOXES,
        lambda p: box_files.ultralytics(p / "labels", BOXES, confidence=False), 0.001),
    "via tracks": ("via-tracks", BOXES, lambda p: box_files.via_tracks(p / "a.csv", BOXES), 1e-9),
    "via tracks by file name": ("via-tracks", BOXES, lambda p: box_files.via_tracks(p / "a.csv", BOXES, False), 1e-9),
    "via3": ("via3", NAMED, lambda p: box_files.via3(p / "a.csv", NAMED), 1e-9),
    "coco": ("coco-vid", BOXES, lambda p: coco(p / "a.json", BOXES), 1e-9),
    "coco names": ("coco-vid", NAMED, lambda p: coco(p / "a.json", NAMED), 1e-9),
    "supervision": ("supervision", BOXES, lambda p: box_files.supervision(p / "a.csv", BOXES), 1e-9),
    "movement": ("movement", NAMED, lambda p: movement(p / "a.nc", NAMED), 1e-9),
    "movement 0.17": ("movement", NAMED, lambda p: movement(p / "a.nc", NAMED, "individual"), 1e-9),
    "movement in frames": ("movement", NAMED, lambda p: movement(p / "a.nc", NAMED, fps=None), 1e-9),
    "movement netCDF 3": ("movement", NAMED, lambda p: movement(p / "a.nc", NAMED, engine="scipy"), 1e-9),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_planted_boxes_come_back_on_their_frames(tmp_path: Path, case: str):
    name, boxes, make, precision = FILES[case]
    path = make(tmp_path)
    tracking = napari_i3d.read_tracking(path, video=VIDEO)
    assert_boxes(tracking, boxes, precision)
    assert tracking.origin is not None
    assert tracking.origin.format == name
    assert_boxes(napari_i3d.read_tracking(path, format=name, video=VIDEO), boxes, precision)


@pytest.mark.parametrize("case", FILES)
def test_first_and_last_row_land_on_stated_frames(tmp_path: Path, case: str):
    _, boxes, make, _ = FILES[case]
    tracking = napari_i3d.read_tracking(make(tmp_path), video=VIDEO)
    frames = [frame for own in boxes.values() for frame in own]
    assert min(t.start for t in tracking.values()) == min(frames)
    assert max(t.stop for t in tracking.values()) - 1 == max(frames)


@pytest.mark.parametrize("case", FILES)
def test_file_of_longer_video_is_refused(tmp_path: Path, case: str):
    _, boxes, make, _ = FILES[case]
    last = max(frame for own in boxes.values() for frame in own)
    path = make(tmp_path)
    short = VideoFacts(WIDTH, HEIGHT, last, FPS)
    with pytest.raises(TrackingError, match=rf"frame {last}, but the video has {last} frames"):
        napari_i3d.read_tracking(path, video=short)
    napari_i3d.read_tracking(path, video=VideoFacts(WIDTH, HEIGHT, last + 1, FPS))


@pytest.mark.parametrize("case", FILES)
def test_only_its_own_format_recognizes_a_file(tmp_path: Path, case: str):
    from napari_i3d.tracking.io.formats import FORMATS
    from napari_i3d.tracking.io.reading import head_of

    name, _, make, _ = FILES[case]
    path = make(tmp_path)
    assert [known.name for known in FORMATS if known.recognize(path, head_of(path))] == [name]
    assert recognize(path).name == name


@pytest.mark.parametrize("case", FILES)
def test_notes_are_lines_for_the_user(tmp_path: Path, case: str):
    tracking = napari_i3d.read_tracking(FILES[case][2](tmp_path), video=VIDEO)
    assert tracking.origin is not None
    assert any("count from" in note or "frames" in note for note in tracking.origin.notes)
    for note in tracking.origin.notes:
        assert note.isprintable()
        assert not note.endswith(".")


def test_recognizing_loads_neither_pandas_nor_torch(tmp_path: Path):
    import subprocess
    import sys

    for number, case in enumerate(FILES):
        (tmp_path / str(number)).mkdir()
        FILES[case][2](tmp_path / str(number))
    code = (
        "import sys, pathlib\nfrom napari_i3d.tracking.io.box_formats import FORMATS\n"
        "for path in pathlib.Path(sys.argv[1]).rglob('*'):\n"
        "    head = path.read_bytes()[:65536] if path.is_file() else b''\n"
        "    [known.recognize(path, head) for known in FORMATS]\n"
        "print([name for name in ('pandas', 'torch', 'xarray', 'scipy') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


TRUNCATED = [case for case in FILES if not case.startswith(("ultralytics", "mot folder"))]


@pytest.mark.parametrize("case", TRUNCATED)
def test_cut_off_file_never_gives_other_boxes(tmp_path: Path, case: str):
    """A file that was not copied completely: an error, or the first boxes."""
    _, boxes, make, precision = FILES[case]
    path = make(tmp_path)
    content = path.read_bytes()
    random = np.random.default_rng(5)
    read = 0
    for length in sorted(random.integers(content.find(b"\n") + 1, len(content), 60).tolist()):
        path.write_bytes(content[:length])
        try:
            tracking = napari_i3d.read_tracking(path, format=FILES[case][0], video=VIDEO)
        except TrackingError:
            continue
        read += 1
        for individual, tracklet in tracking.items():
            for row, frame in enumerate(range(tracklet.start, tracklet.stop)):
                if tracklet.present[row]:
                    wrong = np.abs(tracklet.boxes[row] - boxes[individual][frame]).max()
                    assert wrong <= precision, (individual, frame)
    # Whole lines must be read.
    assert read or case not in ("mot", "mot from 0", "supervision")
