"""The page on tracking: its tables list exactly the registry's formats, and its commands do what they say.

Each command runs on files under the names of the page, which `helpers` write from the formats' rules with planted
frames; the frames and individuals that come out must be the planted ones.
"""

import json
import re
import runpy
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import napari_i3d
from helpers import box_files, pose_files
from helpers.box_files import BOXES, NAMED
from helpers.videos import run_ffmpeg
from napari_i3d.cli.main import _parser, main
from napari_i3d.synthetic import write_synthetic_clip
from napari_i3d.tracking.io.formats import FORMATS
from napari_i3d.tracking.io.writing import WRITTEN

PAGES = Path(__file__).resolve().parents[2] / "docs"
PAGE = (PAGES / "tracking.md").read_text(encoding="utf-8")
POSES = pose_files.planted()
MICE = pose_files.planted(("resident", "intruder"), pose_files.MOUSE_NAMES)
NUMBERED = pose_files.planted(("0", "1", "2"), tuple(f"point {number}" for number in range(pose_files.JABS_NAMES)))
Frames = dict[Any, list[int]]


def table(heading: str) -> dict[str, list[str]]:
    """Return the cells of each line of the table below a heading, by the format's name in its second column."""
    body = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in body.splitlines() if line.startswith("| ")]
    cells = [[cell.strip("`") for cell in line] for line in lines[2:]]
    found = {line[1]: line for line in cells}
    assert len(found) == len(cells)
    return found


READ, WRITES = table("Formats that are read"), table("Formats that are written")


def test_tables_list_exactly_the_formats_of_the_registry() -> None:
    assert set(READ) == {known.name for known in FORMATS}
    assert set(WRITES) == {known.name for known in WRITTEN}
    # Each line has a program, a command, a base and an explanation.
    assert all(len(line) == 5 and all(line) for line in [*READ.values(), *WRITES.values()])


def frames_of(boxes: Any) -> Frames:
    return {individual: sorted(frames) for individual, frames in boxes.items()}


def renamed(frames: Frames, ids: list[Any]) -> Frames:
    return dict(zip(ids, frames.values(), strict=True))


def centroid_frames(one: pose_files.Planted, ids: list[Any]) -> Frames:
    return {
        individual: np.flatnonzero(~np.isnan(places[:, 0, 0])).tolist()
        for individual, places in zip(ids, one.points, strict=True)
    }


def write_dlc_h5(path: Path) -> Frames:
    pose_files.dlc_table(POSES).to_hdf(path, key="df_with_missing", mode="w")
    return frames_of(POSES.boxes())


def write_dlc_csv(path: Path) -> Frames:
    pose_files.write_dlc_csv(path, POSES)
    return frames_of(POSES.boxes())


def write_lightning_pose(path: Path) -> Frames:
    pose_files.write_dlc_csv(path, POSES, multi=False, scorer="heatmap_tracker")
    return {"ind0": frames_of(POSES.boxes())[POSES.ids[0]]}


def write_tracklets(path: Path) -> Frames:
    pose_files.write_tracklets(path, POSES)
    return renamed(frames_of(POSES.boxes()), [0, 1, 2])


def write_slp(path: Path) -> Frames:
    pose_files.write_slp(path, POSES)
    return frames_of(POSES.boxes())


def write_analysis(path: Path) -> Frames:
    pose_files.write_sleap_analysis(path, POSES)
    return frames_of(POSES.boxes())


def write_idtracker(path: Path) -> Frames:
    assert pose_files.write_idtracker(path.parent, POSES, "npy") == path
    return centroid_frames(POSES, POSES.ids)


def write_trex(path: Path) -> Frames:
    assert pose_files.write_trex(path.parent, POSES, "day1")[0] == path
    return centroid_frames(POSES, ["fish0", "fish1", "fish2"])


def write_mice(path: Path) -> Frames:
    path.write_text(json.dumps(pose_files.calms21(MICE)))
    return frames_of(MICE.boxes())


def write_jabs(path: Path) -> Frames:
    pose_files.write_jabs(path, NUMBERED)
    return renamed(frames_of(NUMBERED.boxes()), [0, 1, 2])


def write_jaaba(path: Path) -> Frames:
    pose_files.write_jaaba(path, POSES)
    return centroid_frames(POSES, [1, 2, 3])


def write_coco_vid(path: Path) -> Frames:
    content = box_files.coco_vid(BOXES)
    path.write_text(json.dumps({**content, "images": content["images"][1:]}))  # frame 0 would show the base
    return frames_of(BOXES)


def write_movement(path: Path) -> Frames:
    centers, sizes = box_files.movement_arrays(NAMED)
    dimensions = ("time", "space", "individuals")
    coordinates = {"time": np.arange(box_files.N_FRAMES), "space": ["x", "y"], "individuals": list(NAMED)}
    content = {"position": (dimensions, centers), "shape": (dimensions, sizes)}
    xr.Dataset(content, coordinates, {"ds_type": "bboxes", "time_unit": "frames"}).to_netcdf(path)
    return frames_of(NAMED)


def write_nwb(path: Path) -> Frames:
    nose = np.column_stack([100.0 + np.arange(10), np.full(10, 90.0), np.full(10, 0.9)])
    box_files.nwb_poses(
        path, {"fly": {"nose": nose, "tail": nose + np.array([20, 40, 0])}}, np.arange(3, 13) / box_files.FPS
    )
    return {"fly": list(range(3, 13))}


def write_pickle(path: Path) -> Frames:
    napari_i3d.write_tracking(path, napari_i3d.Tracking.from_boxes(NAMED))
    return frames_of(NAMED)


def of_boxes(write: Callable[[Path], Any], boxes: Any, ids: list[Any] | None = None) -> Callable[[Path], Frames]:
    def write_and_tell(path: Path) -> Frames:
        write(path)
        return renamed(frames_of(boxes), ids or list(boxes))

    return write_and_tell


MAKERS: dict[str, Callable[[Path], Frames]] = {
    "pickle": write_pickle,
    "deeplabcut": write_dlc_h5,
    "deeplabcut-csv": write_dlc_csv,
    "deeplabcut-tracklets": write_tracklets,
    "lightning-pose": write_lightning_pose,
    "sleap": write_slp,
    "sleap-analysis": write_analysis,
    "idtracker": write_idtracker,
    "trex": write_trex,
    "calms21": write_mice,
    "jabs": write_jabs,
    "jaaba": write_jaaba,
    "mot": of_boxes(lambda path: box_files.mot(path, BOXES), BOXES),
    "cvat": of_boxes(lambda path: box_files.cvat(path, box_files.cvat_tracks(NAMED)), NAMED),
    "ultralytics": of_boxes(lambda path: box_files.ultralytics(path, BOXES, "day1"), BOXES),
    "via-tracks": of_boxes(lambda path: box_files.via_tracks(path, BOXES), BOXES),
    "via3": of_boxes(lambda path: box_files.via3(path, NAMED), NAMED),
    "coco-vid": write_coco_vid,
    "supervision": of_boxes(lambda path: box_files.supervision(path, BOXES), BOXES),
    "movement": write_movement,
    "nwb-pose": write_nwb,
}


def convert(line: str, *more: str) -> int:
    return main(["convert", "tracking", *shlex.split(line), *more])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with the page's video."""
    size = f"{box_files.WIDTH}x{box_files.HEIGHT}:r={box_files.FPS:g}"
    run_ffmpeg("-f", "lavfi", "-i", f"color=s={size}", "-frames:v", str(box_files.N_FRAMES), tmp_path / "day1.mp4")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read_frames(path: Path) -> Frames:
    tracking = napari_i3d.read_tracking(path)
    return {i: (t.start + np.flatnonzero(t.present)).tolist() for i, t in tracking.items()}


@pytest.mark.parametrize("name", MAKERS)
def test_command_of_each_format_reads_its_file(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = READ[name][2]
    planted = MAKERS[name](folder / shlex.split(line)[0])
    source, *options = shlex.split(line)
    assert convert(shlex.join([source, "day1_tracks.pickle", *options])) == 0, capsys.readouterr().err
    assert read_frames(folder / "day1_tracks.pickle") == planted
    assert convert(shlex.join([source, "named.pickle", *options]), "--from", name) == 0


@pytest.mark.parametrize("name", [name for name, line in READ.items() if "--video" in line[2] or "--size" in line[2]])
def test_needs_are_said_for_what_needs_them(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A format whose explanation calls an option needed is refused without it, the others are read."""
    source, *_ = shlex.split(READ[name][2])
    MAKERS[name](folder / source)
    needed = re.findall(r"`--(\w+)` is needed", READ[name][4])
    assert convert(f"{source} day1_tracks.pickle") == (1 if needed else 0)
    if needed:
        assert {"video": "give the video", "size_px": "size_px"}[needed[0]] in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name, line in READ.items() if "--base" in line[3]])
def test_other_base_moves_all_frames_by_one(folder: Path, name: str) -> None:
    source, *options = shlex.split(READ[name][2])
    planted = MAKERS[name](folder / source)
    usual = re.search(r"from (\d)", READ[name][3])
    assert usual
    other = 1 - int(usual[1])
    assert convert(shlex.join([source, "moved.pickle", *options]), "--base", str(other)) == 0
    step = int(usual[1]) - other
    assert read_frames(folder / "moved.pickle") == {i: [n + step for n in frames] for i, frames in planted.items()}


@pytest.mark.parametrize("name", WRITES)
def test_target_of_each_format_is_written(folder: Path, name: str) -> None:
    planted = MAKERS["mot"](folder / "in.txt")
    target = WRITES[name][2]
    assert convert(f"in.txt {target}") == 0
    found = read_frames(folder / target)
    assert list(found.values()) == list(planted.values())
    assert napari_i3d.read_tracking(folder / target, format=name)


EXTRA_OPTIONS = {"detect": ["--overwrite"], "extract": ["--gaps", "split", "--weights", "untrained"]}


def test_other_commands_and_python_of_the_page_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the order of the page; `view` is only parsed, since it opens a window."""
    (folder / "day1.mp4").unlink()
    write_synthetic_clip(folder, stem="day1").tracking.unlink()
    write_dlc_h5(folder / "day1DLC_snapshot.h5")
    boxes = {name: {frame: [10, 20, 50, 60] for frame in range(1600)} for name in ("male", "female")}
    commands = []
    for kind, text in re.findall(r"^```(\w*)\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE):
        if kind == "python":
            if "TrackingEditor" in text:
                napari_i3d.write_tracking(folder / "day1_tracks.pickle", napari_i3d.Tracking.from_boxes(boxes))
            (folder / "example.py").write_text(text)
            runpy.run_path(str(folder / "example.py"))
            continue
        for line in text.splitlines():
            program, command, *arguments = shlex.split(line)
            assert program == "napari-i3d"
            commands.append(command)
            if command == "view":
                assert _parser().parse_args([command, *arguments])
                continue
            more = EXTRA_OPTIONS.get(command, [])
            # The planted points have gaps, which `check` finds.
            assert main([command, *arguments, *more]) == (command == "check"), capsys.readouterr().err
    assert commands == ["check", "extract", "convert", "check", "view", "detect"]
    assert set(napari_i3d.read_features(folder / "features" / "day1.npy")) >= {"0_part1", "mouse 1_part1"}
    out = capsys.readouterr().out
    assert "size_px=120" in out
    assert "no box between its first and last" in out
    assert read_frames(folder / "day1_corrected.pickle") == frames_of(boxes)
    assert read_frames(folder / "day1_tracks.pickle") == {"male": [0, 1]}


def write_folder(path: Path, text: str) -> None:
    path.mkdir()
    (path / "day1_2.txt").write_text(text)


def write_slp_without_tracks(path: Path) -> None:
    pose_files.write_slp(path, POSES, tracked=False)


def write_labeled_images(path: Path) -> None:
    labeled = pose_files.dlc_table(POSES)
    labeled.index = [f"labeled-data/day1/img{number:03d}.png" for number in range(len(labeled))]
    labeled.to_csv(path)


REFUSED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "of no known tracking format; known are": (lambda path: path.write_text("scorer: me\n"), "config.yaml"),
    "one point for each individual makes no box by itself": (write_idtracker, "trajectories.npy"),
    "no individual has frames with 2 key points of confidence": (write_dlc_h5, "day1.h5 --min_confidence 1.5"),
    "give the video, for its size in pixels": (lambda path: write_folder(path, "0 .5 .5 .1 .1 .9 1\n"), "labels"),
    "the instances are not tracked": (write_slp_without_tracks, "day1.slp"),
    "found only detections without": (
        lambda path: write_folder(path, "0 .5 .5 .1 .1\n"),
        "labels --video day1.mp4",
    ),
    "has a box in frame": (lambda path: box_files.mot(path, {1: {90: BOXES[12][30]}}), "day1.txt --video day1.mp4"),
    "two different boxes in frame": (
        lambda path: path.write_text("5,1,1,2,3,4,1,-1,-1,-1\n5,1,9,2,3,4,1,-1,-1,-1\n"),
        "day1.txt",
    ),
    "these are labeled images of a training set": (write_labeled_images, "CollectedData.csv"),
}


@pytest.mark.parametrize("message", REFUSED)
def test_troubleshooting_lists_what_is_printed(folder: Path, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    write, line = REFUSED[message]
    source, *options = shlex.split(line)
    write(folder / source)
    assert convert(shlex.join([source, "day1_tracks.pickle", *options])) == 1
    assert message in capsys.readouterr().err
    assert f"| `{message}" in (PAGES / "troubleshooting.md").read_text(encoding="utf-8")
    assert not (folder / "day1_tracks.pickle").exists()
