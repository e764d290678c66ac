"""DeepLabCut's files in all their layouts, and those of its files that are no tracking."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import pose_files as make
from helpers.box_checks import assert_boxes
from napari_i3d import KeypointBoxes, read_tracking
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.format import VideoFacts

EXTENT, ONE = KeypointBoxes(margin=0), make.planted()
LAYOUTS = ("fixed", "table")


@pytest.mark.parametrize("key", ["df_with_missing", "tracks", "predictions"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("multi", [False, True])
def test_h5_reads_under_every_key_and_layout(tmp_path: Path, key: str, layout: str, multi: bool):
    make.dlc_table(ONE, multi).to_hdf(tmp_path / "a.h5", key=key, mode="w", format=layout)
    right = ONE.boxes() if multi else {"ind0": ONE.boxes()[ONE.ids[0]]}
    assert_boxes(read_tracking(tmp_path / "a.h5", boxes=EXTENT), right)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_table_agrees_with_pandas(tmp_path: Path, layout: str):
    """Columns of two kinds of numbers are stored apart, in another order."""
    table = make.dlc_table(ONE)
    table = table.astype(dict.fromkeys(table.columns[4:9], np.float32))
    table = table[[*table.columns[7:], *table.columns[:7]]]
    table.to_hdf(tmp_path / "a.h5", key="tracks", mode="w", format=layout)
    read = pd.read_hdf(tmp_path / "a.h5")
    tracking = read_tracking(tmp_path / "a.h5", boxes=EXTENT)
    for individual in ONE.ids:
        part = read["DLC_net"][individual]
        low = np.fmin.reduce([part[n][["x", "y"]].to_numpy() for n in ONE.names])
        tracklet = tracking[individual]
        rows = tracklet.start + np.flatnonzero(tracklet.present)
        np.testing.assert_array_equal(tracklet.boxes[tracklet.present][:, :2], low[rows])


def test_refined_file_in_float16_reads(tmp_path: Path):
    make.dlc_table(ONE, dtype=np.float16).to_hdf(tmp_path / "a.h5", key="df_with_missing", mode="w")
    assert_boxes(read_tracking(tmp_path / "a.h5", boxes=EXTENT), ONE.boxes(), 0.2)


def test_file_of_two_tables_says_which_was_read(tmp_path: Path):
    wrong = make.planted(seed=4)
    make.dlc_table(wrong).to_hdf(tmp_path / "a.h5", key="tracks", mode="w")
    make.dlc_table(ONE).to_hdf(tmp_path / "a.h5", key="df_with_missing", mode="a")
    tracking = read_tracking(tmp_path / "a.h5", boxes=EXTENT)
    assert_boxes(tracking, ONE.boxes())
    assert tracking.origin is not None
    assert tracking.origin.notes == ("of the 2 tables in the file, 'df_with_missing' was read",)


def test_rows_end_before_the_video(tmp_path: Path):
    make.dlc_table(ONE).iloc[:37].to_hdf(tmp_path / "a.h5", key="tracks", mode="w")
    tracking = read_tracking(tmp_path / "a.h5", boxes=EXTENT, video=VideoFacts(900, 900, 60, 25.0))
    assert_boxes(tracking, ONE.boxes())
    assert tracking.origin is not None
    assert "the rows end at frame 36" in tracking.origin.notes[0]


@pytest.mark.parametrize("ending", ["csv", "h5"])
def test_rows_keep_the_numbers_they_have(tmp_path: Path, ending: str):
    """Of a table whose first rows, and some in the middle, were taken out."""
    table = make.dlc_table(ONE).drop(index=[*range(9), 20])
    if ending == "csv":
        table.to_csv(tmp_path / "a.csv")
    else:
        table.to_hdf(tmp_path / "a.h5", key="tracks", mode="w")
    right = {
        individual: {frame: box for frame, box in frames.items() if frame > 8 and frame != 20}
        for individual, frames in ONE.boxes().items()
    }
    assert_boxes(read_tracking(tmp_path / f"a.{ending}", boxes=EXTENT), right)


@pytest.mark.parametrize("order", [[0, 2, 1], [0, 1, 1]])
def test_rows_out_of_order_are_refused(tmp_path: Path, order: list[int]):
    make.dlc_table(ONE).iloc[order].to_hdf(tmp_path / "a.h5", key="tracks", mode="w")
    with pytest.raises(TrackingError, match="expected rows numbered by the frames of the video, found 1 after"):
        read_tracking(tmp_path / "a.h5")


def test_points_of_no_animal_have_names_of_their_own(tmp_path: Path):
    table = make.dlc_table(ONE)
    corners = pd.MultiIndex.from_product(
        [["DLC_net"], ["single"], ["corner1", "corner2"], ["x", "y", "likelihood"]], names=table.columns.names
    )
    fixed = pd.DataFrame(np.tile([10.0, 20, 1, 30, 44, 1], (len(table), 1)), columns=corners)
    pd.concat([table, fixed], axis=1).to_hdf(tmp_path / "a.h5", key="tracks", mode="w")
    tracking = read_tracking(tmp_path / "a.h5", boxes=EXTENT)
    assert_boxes(tracking, ONE.boxes() | {"single": {frame: [10, 20, 30, 44] for frame in range(40)}})
    assert tracking.origin is not None
    assert "'single' holds the points that belong to none of the animals" in tracking.origin.notes


def test_likelihood_decides_which_points_count(tmp_path: Path):
    one = make.planted()
    one.confidence[:, ::2] = 0.3
    make.write_dlc_csv(tmp_path / "a.csv", one)
    right = {
        individual: {frame: box for frame, box in frames.items() if frame % 2}
        for individual, frames in one.boxes().items()
    }
    assert_boxes(read_tracking(tmp_path / "a.csv", boxes=EXTENT), right)
    assert_boxes(read_tracking(tmp_path / "a.csv", boxes=KeypointBoxes(margin=0, min_confidence=0.3)), one.boxes())


def test_lightning_pose_reads_as_a_format_of_its_own(tmp_path: Path):
    make.write_dlc_csv(tmp_path / "a.csv", ONE, multi=False, scorer="heatmap_mhcrnn_tracker")
    tracking = read_tracking(tmp_path / "a.csv", boxes=EXTENT)
    assert_boxes(tracking, {"ind0": ONE.boxes()[ONE.ids[0]]})
    assert tracking.origin is not None
    assert tracking.origin.format == "lightning-pose"


def test_csv_saved_by_a_spreadsheet_reads(tmp_path: Path):
    make.write_dlc_csv(tmp_path / "a.csv", ONE)
    text = (tmp_path / "a.csv").read_text(encoding="utf-8")
    (tmp_path / "a.csv").write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    assert_boxes(read_tracking(tmp_path / "a.csv", boxes=EXTENT), ONE.boxes())


@pytest.mark.parametrize("flat", [False, True])
def test_tracklets_read_with_their_frames(tmp_path: Path, flat: bool):
    make.write_tracklets(tmp_path / "a_el.pickle", ONE, flat)
    tracking = read_tracking(tmp_path / "a_el.pickle", boxes=EXTENT)
    assert_boxes(tracking, dict(enumerate(ONE.boxes().values())))
    assert tracking.origin is not None
    assert tracking.origin.notes[0].startswith("these are 3 tracklets before stitching")


def test_tracklets_of_whole_numbers_and_single_points_read(tmp_path: Path):
    """As DeepLabCut's own tests have them: the header last, keys of numpy, points of no animal named last in it."""
    make.write_tracklets(tmp_path / "a_el.pickle", ONE)
    old = pickle.loads((tmp_path / "a_el.pickle").read_bytes())
    header = pd.MultiIndex.from_tuples([*old["header"], *(("DLC_net", "center", c) for c in ("x", "y", "likelihood"))])
    content = {"single": {3: np.array([[1.0, 2, 0.9]]), 5: np.array([[3.0, 4, 0.9]])}}
    for number in range(3):
        content[np.int64(number)] = {int(frame.removeprefix("frame")): row for frame, row in old[number].items()}
    (tmp_path / "b_bx.pickle").write_bytes(pickle.dumps(content | {"header": header}, 2))
    tracking = read_tracking(tmp_path / "b_bx.pickle", boxes=KeypointBoxes(margin=0, keypoints=tuple(ONE.names)))
    assert_boxes(tracking, dict(enumerate(ONE.boxes().values())))
    center = read_tracking(tmp_path / "b_bx.pickle", boxes=KeypointBoxes(size_px=2, keypoints=("center",)))
    assert_boxes(center, {"single": {3: [0, 1, 2, 3], 5: [2, 3, 4, 5]}})


def labeled(table: pd.DataFrame) -> pd.DataFrame:
    table.index = [f"labeled-data/day1/img{number:03}.png" for number in range(len(table))]
    return table


@pytest.mark.parametrize("ending", ["csv", "h5", "table", "paths"])
def test_labeled_images_are_refused(tmp_path: Path, ending: str):
    table = labeled(make.dlc_table(ONE))
    if ending == "paths":
        table.index = pd.MultiIndex.from_tuples([tuple(name.split("/")) for name in table.index])
    path = tmp_path / ("a.csv" if ending == "csv" else "a.h5")
    if ending == "csv":
        table.to_csv(path)
    else:
        table.to_hdf(path, key="df_with_missing", mode="w", format="table" if ending == "table" else "fixed")
    with pytest.raises(TrackingError, match="these are labeled images of a training set"):
        read_tracking(path)


def test_points_in_space_are_refused(tmp_path: Path):
    columns = pd.MultiIndex.from_product([["DLC_3D"], ["nose", "tail"], ["x", "y", "z"]])
    pd.DataFrame(np.ones((4, 6)), columns=columns).to_hdf(tmp_path / "a.h5", key="df_with_missing", mode="w")
    with pytest.raises(TrackingError, match="3-D points are not places in the video"):
        read_tracking(tmp_path / "a.h5")


def test_skeleton_analysis_is_refused(tmp_path: Path):
    columns = pd.MultiIndex.from_product([["nose_tail"], ["length", "orientation", "likelihood"]])
    pd.DataFrame(np.ones((4, 3)), columns=columns).to_hdf(tmp_path / "a.h5", key="df_with_missing", mode="w")
    with pytest.raises(TrackingError, match="expected 3 or 4 names for each column, found 2: nose_tail,length"):
        read_tracking(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda text: text[: len(text) // 2], "the last line has fewer than"),
        (lambda text: text.replace("\n9,", "\n9,abc", 1), "not a whole table of numbers"),
        (lambda text: text.replace("\n9,", "\n9,1.5,", 1), "not a whole table of numbers"),
        (lambda text: text.replace("\n9,", "\n9.5,", 1), "expected rows numbered by the frames"),
        (lambda text: text.replace("bodyparts", "parts", 1), "expected lines of scorer, bodyparts and coords"),
        (lambda text: "".join(text.splitlines(True)[:4]), "expected 5 lines of names"),
    ],
)
def test_damaged_csv_is_refused(tmp_path: Path, change, found: str):
    make.write_dlc_csv(tmp_path / "a.csv", ONE)
    path = tmp_path / "b.csv"
    path.write_text(change((tmp_path / "a.csv").read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(TrackingError, match=found):
        read_tracking(path, boxes=EXTENT)
