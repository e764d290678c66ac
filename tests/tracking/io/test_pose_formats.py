"""Every format of points, written by its rules from planted walks: each box lands on its frame and individual.

The walks start late, end early, have gaps, and a frame without anybody; ids have blanks, commas, accents, or are ``0``.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from helpers import pose_files as make
from helpers.box_checks import assert_boxes
from napari_i3d import KeypointBoxes, read_tracking
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.format import VideoFacts
from napari_i3d.tracking.io.recognition import recognize

SIZE = 30.0
ONE = make.planted()
EXTENT, SQUARE = KeypointBoxes(margin=0), KeypointBoxes(size_px=SIZE)
MICE = make.planted(ids=("resident", "intruder"), names=make.MOUSE_NAMES)


def centroids(one: make.Planted) -> make.Planted:
    return make.Planted(one.ids, one.names[:1], one.points[:, :, :1])


def dlc_csv(folder: Path) -> Path:
    make.write_dlc_csv(folder / "a.csv", ONE)
    return folder / "a.csv"


def dlc_h5(folder: Path, **options) -> Path:
    make.dlc_table(ONE).to_hdf(folder / "a.h5", key="df_with_missing", mode="w", **options)
    return folder / "a.h5"


def analysis(folder: Path, **options) -> Path:
    make.write_sleap_analysis(folder / "a.analysis.h5", ONE, **options)
    return folder / "a.analysis.h5"


def slp(folder: Path, **options) -> Path:
    make.write_slp(folder / "a.slp", ONE, **options)
    return folder / "a.slp"


POSES: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "DeepLabCut csv": ("deeplabcut-csv", dlc_csv),
    "DeepLabCut h5, fixed": ("deeplabcut", dlc_h5),
    "DeepLabCut h5, table": ("deeplabcut", lambda folder: dlc_h5(folder, format="table")),
    "SLEAP analysis": ("sleap-analysis", analysis),
    "SLEAP analysis for Python": ("sleap-analysis", lambda folder: analysis(folder, python_order=True)),
    "SLEAP analysis without scores": ("sleap-analysis", lambda folder: analysis(folder, scores=False)),
    "SLEAP labels": ("sleap", slp),
}


@pytest.mark.parametrize("name", POSES)
def test_points_become_boxes_of_their_frames(tmp_path: Path, name: str):
    known, write = POSES[name]
    path = write(tmp_path)
    assert recognize(path).name == known
    tracking = read_tracking(path, boxes=EXTENT)
    assert_boxes(tracking, ONE.boxes())
    assert [(t.start, t.stop) for t in tracking.values()] == [(2, 37), (7, 36), (12, 35)]
    assert tracking.origin is not None
    assert (tracking.origin.format, tracking.origin.boxes) == (known, EXTENT)


@pytest.mark.parametrize("name", POSES)
def test_format_can_be_named_whatever_the_ending(tmp_path: Path, name: str):
    known, write = POSES[name]
    path = write(tmp_path).rename(tmp_path / "renamed.dat")
    assert_boxes(read_tracking(path, format=known, boxes=SQUARE), ONE.boxes(SIZE))
    assert_boxes(read_tracking(path, boxes=SQUARE), ONE.boxes(SIZE))


def trex(folder: Path) -> Path:
    return make.write_trex(folder, ONE)[1]


def idtracker(kind: str) -> Callable[[Path], Path]:
    return lambda folder: make.write_idtracker(folder, ONE, kind)


CENTROIDS: dict[str, tuple[str, Callable[[Path], Path], list[str]]] = {
    **{
        f"idtracker.ai {kind}": ("idtracker", idtracker(kind), ONE.ids)
        for kind in ("npy", "h5", "csv", "tidy", "pickle")
    },
    "TRex, one of its files": ("trex", trex, ["fish0", "fish1", "fish2"]),
    "TRex, folder": ("trex", lambda folder: trex(folder).parent, ["fish0", "fish1", "fish2"]),
}


@pytest.mark.parametrize("name", CENTROIDS)
def test_centroids_become_squares_of_their_frames(tmp_path: Path, name: str):
    known, write, ids = CENTROIDS[name]
    path = write(tmp_path)
    assert recognize(path).name == known
    with pytest.raises(TrackingError, match=r"such as size_px=60 \(1\.5 times the body length of 40 px\)"):
        read_tracking(path)
    tracking = read_tracking(path, boxes=SQUARE)
    right = dict(zip(ids, centroids(ONE).boxes(SIZE).values(), strict=True))
    assert_boxes(tracking, right, 1e-3)
    assert [(t.start, t.stop) for t in tracking.values()] == [(2, 37), (7, 36), (12, 35)]


@pytest.mark.parametrize("form", ["task of one video", "task in npy", "MARS"])
def test_mice_of_calms21_land_on_their_frames(tmp_path: Path, form: str):
    content = make.calms21(MICE)
    path = tmp_path / "a.json"
    if form == "MARS":
        path.write_text(json.dumps({name: content[name] for name in ("keypoints", "scores")}))
    elif form == "task in npy":
        path = tmp_path / "a.npy"
        arrays = {**content, "keypoints": np.array(content["keypoints"]), "scores": np.array(content["scores"])}
        np.save(path, {"annotator-id_0": {"task1/train/mouse001": arrays}}, allow_pickle=True)
    else:
        path.write_text(json.dumps({"annotator-id_0": {"task1/train/mouse001": content}}))
    assert recognize(path).name == "calms21"
    assert_boxes(read_tracking(path, boxes=EXTENT), MICE.boxes())


def test_video_of_calms21_is_chosen_by_its_length(tmp_path: Path):
    other = make.planted(ids=("resident", "intruder"), names=make.MOUSE_NAMES, n_frames=50, seed=1)
    task = {"task1/train/mouse001": make.calms21(other), "task1/train/mouse002": make.calms21(MICE)}
    path = tmp_path / "calms21_task1_train.json"
    path.write_text(json.dumps({"annotator-id_0": task}))
    with pytest.raises(TrackingError, match=r"holds 2 videos \(task1/train/mouse001, .*\); give the video"):
        read_tracking(path, boxes=EXTENT)
    tracking = read_tracking(path, boxes=EXTENT, video=VideoFacts(900, 900, 40, 30.0))
    assert_boxes(tracking, MICE.boxes())
    assert tracking.origin is not None
    assert "task1/train/mouse002 was read" in tracking.origin.notes[0]
    with pytest.raises(TrackingError, match="0 have its 41 frames"):
        read_tracking(path, boxes=EXTENT, video=VideoFacts(900, 900, 41, 30.0))


def whole(ids: tuple[str, ...]) -> make.Planted:
    one = make.planted(ids=ids, names=tuple(f"p{n}" for n in range(make.JABS_NAMES)))
    return make.Planted(one.ids, one.names, np.round(one.points))


@pytest.mark.parametrize("version", [2, 3, 5])
def test_mice_of_jabs_keep_their_identities(tmp_path: Path, version: int):
    one = whole(("a",) if version == 2 else ("a", "b", "c"))
    make.write_jabs(tmp_path / "a_pose_est.h5", one, version)
    assert recognize(tmp_path / "a_pose_est.h5").name == "jabs"
    tracking = read_tracking(tmp_path / "a_pose_est.h5", boxes=EXTENT)
    assert_boxes(tracking, dict(enumerate(one.boxes().values())))


@pytest.mark.parametrize("newer", [False, True])
def test_ellipses_of_jaaba_give_boxes_of_their_frames(tmp_path: Path, newer: bool):
    path = tmp_path / "trx.mat"
    make.write_jaaba(path, ONE, newer)
    assert recognize(path).name == "jaaba"
    tracking = read_tracking(path)
    right: dict[int, dict[int, list[float]]] = {}
    turns = np.linspace(0, 2 * np.pi, 200_001)
    for number, places in enumerate(ONE.points[:, :, 0]):
        right[number + 1] = {}
        for frame, (x, y) in enumerate(places):
            if not np.isnan(x):
                # The outline of the ellipse, point by point.
                along, across, theta = 20 * np.cos(turns), 8 * np.sin(turns), 0.1 * frame
                xs = x + along * np.cos(theta) - across * np.sin(theta)
                ys = y + along * np.sin(theta) + across * np.cos(theta)
                right[number + 1][frame] = [xs.min(), ys.min(), xs.max(), ys.max()]
    assert_boxes(tracking, right, 1e-6)
    assert [(t.start, t.stop) for t in tracking.values()] == [(2, 37), (7, 36), (12, 35)]


@pytest.mark.parametrize("write", [dlc_csv, dlc_h5, analysis, slp, trex, idtracker("npy")])
def test_tracking_of_a_longer_video_is_refused(tmp_path: Path, write: Callable[[Path], Path]):
    path = write(tmp_path)
    with pytest.raises(TrackingError, match=r"has a box in frame 36, but the video has 36 frames"):
        read_tracking(path, boxes=SQUARE, video=VideoFacts(900, 900, 36, 25.0))
    read_tracking(path, boxes=SQUARE, video=VideoFacts(900, 900, 37, 25.0))


def test_recognition_imports_neither_pandas_nor_torch(tmp_path: Path):
    import subprocess
    import sys

    for number, write in enumerate((dlc_csv, dlc_h5, analysis, slp, trex, idtracker("csv"))):
        (tmp_path / str(number)).mkdir()
        write(tmp_path / str(number))
    make.write_jaaba(tmp_path / "trx.mat", ONE)
    program = (
        "import sys; from pathlib import Path; from napari_i3d.tracking.io.reading import recognize\n"
        "found = [recognize(path).name for path in sorted(Path(sys.argv[1]).rglob('*')) if path.suffix in "
        "('.csv', '.h5', '.slp', '.npz', '.mat') and path.name != 'id_probabilities.csv']\n"
        "print(*found); assert not {'pandas', 'torch', 'scipy', 'tables'} & set(sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    wanted = ["deeplabcut-csv", "deeplabcut", "sleap-analysis", "sleap", "trex", "trex", "trex", "idtracker", "jaaba"]
    assert run.stdout.split() == wanted
