"""Tracking files: honest, foreign, hostile."""

import collections
import gc
import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_i3d.errors import OutputError, TrackingError
from napari_i3d.tracking.io.box_pickle import read_tracking, write_tracking
from napari_i3d.tracking.tracklets import Tracking, Tracklet

BOXES = {"male": {0: [1, 2, 3, 4], 1: [1.5, 2, 3, 4]}, 7: {5: [0, 0, 9, 9], 3: [0, 0, 8, 8]}}


def save(path: Path, content: Any, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol))
    return path


def same(a: Tracking, b: Tracking) -> bool:
    return [(type(i), i, t.start, t.boxes.tobytes()) for i, t in a.items()] == [
        (type(i), i, t.start, t.boxes.tobytes()) for i, t in b.items()
    ]


FORMS = {
    "lists": lambda b: b,
    "tuples": tuple,
    "arrays": np.array,
    "float32": lambda b: np.array(b, np.float32),
    "big-endian": lambda b: np.array(b, ">f8"),
    "scalars": lambda b: [np.float64(s) for s in b],
    "rows of an array": lambda b: np.array([b, b], np.float64)[1],
}  # fmt: skip


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("outer", [dict, collections.OrderedDict])
def test_read_of_every_honest_form_gives_the_same(tmp_path: Path, protocol: int, form: str, outer: Any):
    content = outer((i, outer((np.int64(f), FORMS[form](b)) for f, b in boxes.items())) for i, boxes in BOXES.items())
    assert same(read_tracking(save(tmp_path / "a.pickle", content, protocol)), Tracking.from_boxes(BOXES))


@pytest.mark.parametrize("last", [[1, 2, 3, 4], [1, 2, 3]])
def test_garbage_is_collected_after_reading_not_during(tmp_path: Path, last: list[int]):
    path = save(tmp_path / "a.pickle", {"male": {frame: [1, 2, 3, 4] for frame in range(20_000)} | {20_000: last}})
    collections_: list[str] = []
    gc.collect()
    gc.callbacks.append(lambda phase, _: collections_.append(phase))
    try:
        if len(last) == 4:
            read_tracking(path)
        else:
            with pytest.raises(TrackingError, match="male, frame 20000"):
                read_tracking(path)
        during = len(collections_)
    finally:
        gc.callbacks.pop()
    # The message of an error is made of a few objects more.
    assert during <= 2
    assert gc.isenabled()


side = st.integers(-(2**53), 2**53) | st.floats() | st.integers(0, 1000)
box = st.lists(side, min_size=4, max_size=4).filter(lambda b: not all(s != s for s in b))
any_tracking = st.dictionaries(
    st.text(max_size=4) | st.integers(-(2**63) + 1, 2**63 - 1),
    st.dictionaries(st.integers(0, 30), box, min_size=1, max_size=5),
    min_size=1,
    max_size=3,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_tracking)
def test_write_and_read_gives_the_same_again(tmp_path: Path, content: dict):
    tracking = Tracking.from_boxes(content)
    write_tracking(tmp_path / "a.pickle", tracking)
    again = read_tracking(tmp_path / "a.pickle")
    assert [(type(i), i, t.start) for i, t in again.items()] == [(type(i), i, t.start) for i, t in tracking.items()]
    for individual in tracking:
        np.testing.assert_array_equal(again[individual].boxes, tracking[individual].boxes)


def test_written_file_is_plain_python_with_int_numbers(tmp_path: Path):
    boxes = {0: [1.0, 2.5, float("inf"), -0.0], 3: [1e300, 4.0, 5.0, 6.0]}
    write_tracking(tmp_path / "a.pickle", Tracking.from_boxes({"a": boxes, 1: {2: [1.0, 2.0, 3.0, 4.0]}}))
    data = (tmp_path / "a.pickle").read_bytes()
    content = pickle.loads(data)
    assert content == {"a": {0: [1, 2.5, float("inf"), 0], 3: [1e300, 4, 5, 6]}, 1: {2: [1, 2, 3, 4]}}
    assert [type(s) for s in content["a"][0] + content["a"][3] + content[1][2]] == [int, float, float, int, float] + [
        int
    ] * 7
    assert [type(f) for f in content["a"]] == [int, int]
    assert data[:2] == b"\x80\x04"
    assert b"numpy" not in data


def test_write_where_nothing_can_be_written_is_refused(tmp_path: Path):
    with pytest.raises(OutputError, match="cannot be written"):
        write_tracking(tmp_path / "no" / "a.pickle", Tracking.from_boxes(BOXES))


def test_write_over_file_leaves_only_new_one(tmp_path: Path):
    path = save(tmp_path / "a.pickle", "old")
    write_tracking(path, Tracking([Tracklet("a", 3, np.array([[1, 2, 3, 4]]))]))
    assert read_tracking(str(path))["a"].start == 3
    assert list(tmp_path.iterdir()) == [path]


def refusal(path: Path) -> str:
    with pytest.raises(TrackingError) as caught:
        read_tracking(path)
    text = str(caught.value)
    assert text.startswith(f"{path.name}: ")
    assert text.isprintable()
    return text


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "the file is empty; expected a pickle of {id: {frame"),
        (json.dumps({"a": {"0": [1, 2, 3, 4]}}).encode(), "found text, perhaps JSON"),
        (b"frame,left,upper,right,lower\n", "found no pickle"),
        (b"\x89HDF\r\n\x1a\n", "found an HDF5 file (DeepLabCut, SLEAP); key points"),
        (b"\x93NUMPY\x01\x00", "found a numpy file"),
        (b"PK\x03\x04", "a zip archive"),
        (b"(some text that begins with a bracket", "not a whole pickle"),
        (pickle.dumps(BOXES, 4)[:-9], "not a whole pickle"),
        (b"cos\nsystem\n(S'true'\ntR.", "asks for os.system"),
        (
            b"\x80\x04\x8c\x19pandas.core.indexes.multi\x8c\x0aMultiIndex\x93.",
            "pandas (DeepLabCut); key points",
        ),
    ],
)
def test_no_tracking_file_is_refused_in_one_line(tmp_path: Path, content: bytes, match: str):
    path = tmp_path / "a.pickle"
    path.write_bytes(content)
    assert match in refusal(path)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ([], "found a list of 0"),
        ([[1, 2, 3, 4]], "found a list of 1"),
        ("text", "found 'text' (text)"),
        (None, "found None"),
        (5, "found 5 (int)"),
        (np.zeros((5, 4)), "found a numpy array of shape (5, 4)"),
        ({}, "no individual at all"),
        ({"a": {}}, "a: expected {frame:"),
        ({"a": np.zeros((9, 2048), np.float32)}, "is this a file of features?"),
        ({"header": [1], 0: {"frame0000": np.zeros((4, 3))}}, "the key 'header' of DeepLabCut or SLEAP; key points"),
        ({"metadata": {}, "a": {0: [1, 2, 3, 4]}}, "the key 'metadata' of DeepLabCut"),
        ({0: {"frame0000": np.zeros((4, 3))}}, "0: expected frames that are whole numbers, found 'frame0000' (text)"),
        (
            {0: {5: np.zeros((4, 3))}},
            "0, frame 5: expected a box of 4 numbers [left, upper, right, lower], found a numpy",
        ),
        ({"a": {10**12: [1, 2, 3, 4]}}, "found 1000000000000"),
        ({"a": {5: {1, 2, 3, 4}}}, "the pickle asks for a set"),
    ],
)
def test_other_pickle_is_refused_in_one_line(tmp_path: Path, content: Any, match: str):
    assert match in refusal(save(tmp_path / "a.pickle", content))


def test_individual_called_like_a_foreign_key_is_read(tmp_path: Path):
    assert list(read_tracking(save(tmp_path / "a.pickle", {"single": BOXES["male"]}))) == ["single"]


def test_file_that_is_not_there_is_refused(tmp_path: Path):
    assert "no such file" in refusal(tmp_path / "a.pickle")
    assert "no such file" in refusal(tmp_path / "no" / "a.pickle")


def test_folder_instead_of_a_file_is_refused(tmp_path: Path):
    assert "this is a folder" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read anything")
def test_file_without_permission_is_refused(tmp_path: Path):
    path = save(tmp_path / "a.pickle", BOXES)
    path.chmod(0)
    assert "Permission denied" in refusal(path)


@pytest.mark.parametrize(
    ("name", "ids", "spans", "n_boxes"),
    [
        ("flies_courtship_clip_tracks", 2, {"male": (0, 1500), "female": (0, 1500)}, 3000),
        ("flies_courtship_clip_INVALID_gaps", 2, {"male": (0, 1499), "female": (0, 1500)}, 1306 + 1500),
        ("flies_centered_pair_tracks", 40, {"1": (0, 1100), "2": (0, 1100)}, None),
        ("spiders_tracktor_tracks", 2, {"A": (2, 2352), "B": (2, 2352)}, 4700),
    ],
)
def test_real_files_read_as_they_are_described(shared: Path, name: str, ids: int, spans: dict, n_boxes: int | None):
    path = shared / "data" / f"{name}.pickle"
    tracking = read_tracking(path)
    assert len(tracking) == ids
    assert {i: (tracking[i].start, tracking[i].stop) for i in spans} == spans
    if n_boxes:
        assert sum(int(t.present.sum()) for t in tracking.values()) == n_boxes
    for individual, boxes in pickle.loads(path.read_bytes()).items():
        for frame, row in boxes.items():
            assert tracking[individual].boxes[frame - tracking[individual].start].tolist() == list(row)
