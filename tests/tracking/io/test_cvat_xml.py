"""CVAT for video: what lies between key frames, behind the last and outside; names; what is refused.

The oracle of the interpolation is CVAT's rule (annotation.py, simple_interpolation) written out frame by frame.
"""

from pathlib import Path

import numpy as np
import pytest

import napari_i3d
from helpers import box_files
from helpers.box_files import assert_boxes, cvat, cvat_box
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.tracklets import Tracking

A, B, C = (10.0, 20.0, 30.0, 50.0), (20.0, 10.0, 40.0, 60.0), (100.0, 100.0, 130.0, 140.0)


def read(path: Path) -> Tracking:
    return napari_i3d.read_tracking(path)


def one(tmp_path: Path, inside: str, meta: str = "", label: str = "fly") -> Tracking:
    return read(cvat(tmp_path / "a.xml", [("0", label, inside)], meta))


def between(a, b, share: float) -> tuple[float, ...]:
    return tuple(x + (y - x) * share for x, y in zip(a, b, strict=True))


def test_boxes_between_key_frames_are_linear(tmp_path: Path):
    tracking = one(tmp_path, cvat_box(5, A) + cvat_box(9, B) + cvat_box(10, C) + cvat_box(11, C, outside=1))
    expected = {5: A, 6: between(A, B, 0.25), 7: between(A, B, 0.5), 8: between(A, B, 0.75), 9: B, 10: C}
    assert_boxes(tracking, {"fly": expected}, 1e-9)


def test_outside_ends_and_visible_again_begins(tmp_path: Path):
    text = cvat_box(2, A) + cvat_box(4, B, outside=1) + cvat_box(8, B) + cvat_box(9, C) + cvat_box(10, C, outside=1)
    # CVAT moves towards the box that is outside, but does not show it.
    assert_boxes(one(tmp_path, text), {"fly": {2: A, 3: between(A, B, 0.5), 8: B, 9: C}}, 1e-9)


def test_frames_that_cvat_interpolated_are_taken_as_written(tmp_path: Path):
    text = cvat_box(0, A) + cvat_box(1, C, keyframe=0) + cvat_box(2, B) + cvat_box(3, B, outside=1)
    assert_boxes(one(tmp_path, text), {"fly": {0: A, 1: C, 2: B}}, 1e-9)


@pytest.mark.parametrize(
    ("meta", "last"),
    [
        ("<task><size>8</size></task>", 7),
        ("<task><size>8</size><start_frame>2</start_frame><stop_frame>9</stop_frame></task>", 9),
        ("", 5),
        ("<task><size>3</size></task>", 5),
    ],
)
def test_track_without_end_goes_on_to_end_of_task(tmp_path: Path, meta: str, last: int):
    tracking = one(tmp_path, cvat_box(3, A) + cvat_box(5, B), meta)
    expected = {3: A, 4: between(A, B, 0.5)} | dict.fromkeys(range(5, last + 1), B)
    assert_boxes(tracking, {"fly": expected}, 1e-9)
    assert any("without an end" in note for note in tracking.origin.notes) == (last > 5)


def test_order_of_boxes_in_file_does_not_matter(tmp_path: Path):
    text = cvat_box(9, B, outside=1) + cvat_box(7, B) + cvat_box(5, A)
    assert_boxes(one(tmp_path, text), {"fly": {5: A, 6: between(A, B, 0.5), 7: B, 8: B}}, 1e-9)


def test_rotated_box_becomes_upright_box_around(tmp_path: Path):
    box = (0.0, 0.0, 40.0, 20.0)
    text = "".join(cvat_box(f, box, more=f'rotation="{r}"') for f, r in ((0, 90), (1, 0), (2, 45), (3, 350)))
    text += cvat_box(7, box, more='rotation="10"') + cvat_box(8, box, outside=1)
    tracking = one(tmp_path, text)
    half = 30 * np.sqrt(0.5)

    def corners(degrees: float) -> list[float]:
        turn = np.radians(degrees)
        points = np.array([(x, y) for x in (-20, 20) for y in (-10, 10)]) @ [
            [np.cos(turn), np.sin(turn)],
            [-np.sin(turn), np.cos(turn)],
        ] + [20, 10]  # fmt: skip
        return [*points.min(axis=0), *points.max(axis=0)]

    expected = [[10, -10, 30, 30], [0, 0, 40, 20], [20 - half, 10 - half, 20 + half, 10 + half]]
    # From 350 to 10 degrees by the shorter way, through 0.
    expected += [corners(degrees) for degrees in (-10, -5, 0, 5, 10)]
    np.testing.assert_allclose(tracking["fly"].boxes, expected, atol=1e-9)
    assert any("rotated" in note for note in tracking.origin.notes)


def named(value: str, name: str = "name") -> str:
    return f'<attribute name="{name}">{value}</attribute><attribute name="seen">well</attribute>'


@pytest.mark.parametrize("attribute", ["name", "Name", "ID", "individual"])
def test_name_is_an_attribute_in_any_spelling(tmp_path: Path, attribute: str):
    tracks = [
        ("0", "fly", cvat_box(0, A, inside=named("big &amp; old", attribute)) + cvat_box(1, A, outside=1)),
        ("1", "fly", cvat_box(4, B, inside=named(" 7 ", attribute)) + cvat_box(5, B, outside=1)),
    ]
    assert_boxes(read(cvat(tmp_path / "a.xml", tracks)), {"big & old": {0: A}, " 7 ": {4: B}}, 1e-9)


def test_tracks_of_one_name_are_one_individual(tmp_path: Path):
    first = cvat_box(0, A, inside=named("x")) + cvat_box(2, A, outside=1, inside=named("x"))
    second = cvat_box(5, B, inside=named("x")) + cvat_box(6, B, outside=1)
    assert_boxes(
        read(cvat(tmp_path / "a.xml", [("0", "fly", first), ("1", "fly", second)])), {"x": {0: A, 1: A, 5: B}}, 1e-9
    )
    second = cvat_box(1, B, inside=named("x")) + cvat_box(6, B, outside=1)
    with pytest.raises(TrackingError, match="x: two different boxes in frame 1; end one of the tracks"):
        read(cvat(tmp_path / "a.xml", [("0", "fly", first), ("1", "fly", second)]))


def test_name_that_changes_within_track_is_refused(tmp_path: Path):
    text = cvat_box(0, A, inside=named("x")) + cvat_box(1, A, inside=named("y"))
    with pytest.raises(TrackingError, match="track 0: its attribute name changes"):
        one(tmp_path, text)


def test_without_names_labels_or_numbers_tell(tmp_path: Path):
    end = cvat_box(1, A, outside=1)
    tracks = [("4", "male", cvat_box(0, A) + end), ("5", "female", cvat_box(0, B) + end)]
    assert list(read(cvat(tmp_path / "a.xml", tracks))) == ["male", "female"]
    tracks = [("4", "fly", cvat_box(0, A) + end), ("5", "fly", cvat_box(0, B) + end)]
    assert list(read(cvat(tmp_path / "a.xml", tracks))) == ["fly 4", "fly 5"]


def test_images_and_other_shapes_are_said(tmp_path: Path):
    (tmp_path / "a.xml").write_text(
        '<annotations><image id="0"><box label="fly" xtl="1" ytl="1" xbr="2" ybr="2"/></image></annotations>'
    )
    with pytest.raises(TrackingError, match=r"single images \(CVAT for images\)"):
        read(tmp_path / "a.xml")
    tracks = [
        ("0", "fly", cvat_box(0, A) + cvat_box(1, A, outside=1)),
        ("1", "wall", '<polygon frame="0" points="1,2"/>'),
    ]
    tracking = read(cvat(tmp_path / "a.xml", tracks))
    assert list(tracking) == ["fly"]
    assert any("1 shape left out: not boxes" in note for note in tracking.origin.notes)


def test_tracks_of_several_tasks_are_refused(tmp_path: Path):
    (tmp_path / "a.xml").write_text(
        "<annotations>"
        + "".join(f'<track id="{n}" label="x" task_id="{n}">{cvat_box(0, A)}</track>' for n in (1, 2))
        + "</annotations>"
    )
    with pytest.raises(TrackingError, match="expected one task, found tracks of 2"):
        read(tmp_path / "a.xml")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<annotations><track id='0'><box frame='0' xtl='1' ytl='1' xbr='2'/></track></annotations>", "'ybr'"),
        ("<annotations><track id='0'><box frame='x' xtl='1' ytl='1' xbr='2' ybr='3'/></track></annotations>", "line 1"),
        (f"<annotations><track id='0'>{cvat_box(-1, A)}</track></annotations>", "frames from 0"),
        (f"<annotations><track id='0'>{cvat_box(10**12, A)}</track></annotations>", "frames from 0"),
        (f"<annotations><track id='0'>{cvat_box(10**30, A)}</track></annotations>", "line 1"),
        (f"<annotations><track id='0'>{cvat_box(0, A)}{cvat_box(90_000_000, A)}</track></annotations>", "wrong frame"),
        (f"<annotations><track id='0'>{cvat_box(3, A)}{cvat_box(3, B)}</track></annotations>", "two boxes in frame 3"),
        ("<annotations></annotations>", "found none"),
        ("<annotations><track>", "no element found"),
        ("<svg><annotations/></svg>", "found 'svg'"),
    ],
)
def test_wrong_xml_is_named(tmp_path: Path, text: str, found: str):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(TrackingError, match=found) as caught:
        napari_i3d.read_tracking(tmp_path / "a.xml", format="cvat")
    assert str(caught.value).isprintable()


def test_planted_names_survive(tmp_path: Path):
    path = box_files.cvat(tmp_path / "a.xml", box_files.cvat_tracks(box_files.NAMED, "identity"))
    assert_boxes(read(path), box_files.NAMED, 0.005)
