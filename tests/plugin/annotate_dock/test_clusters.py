"""Clusters in the time line of the Annotate dock: frames and colors of each row, and labels made of them."""

from functools import partial

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QMenu

from helpers.clips import MakeClip
from helpers.windows import open_clip, open_dock
from napari_i3d import Annotation, Bout, Features
from napari_i3d.annotations.bouts import Origin
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.explore import Clusters, Map, MapMethod, table_of_features
from napari_i3d.plugin.annotate_dock.explored.cluster_lanes import frames_of_run
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.exploration import Explored
from napari_i3d.plugin.explore_dock.row_colors import ColorBy, row_colors
from napari_i3d.plugin.timeline.lanes import LaneKind
from napari_i3d.synthetic import SyntheticClip

FRAMES = 60
COUNT = 10
ETHOGRAM = Ethogram((Behavior("walk", "w"), Behavior("rest", "r"), Behavior("sing", "s", exclusive=False)))


@pytest.fixture(scope="module")
def clip(clip_of: MakeClip) -> SyntheticClip:
    return clip_of(FRAMES)


def explore(tracked, frames: dict, labels: dict, count: int = COUNT) -> Explored:
    """Give a video features of some frames, and the clusters that they are to have."""
    rows = {individual: np.ones((len(own), 4), np.float32) for individual, own in frames.items()}
    tracked.set_features(Features(rows=rows, frames={i: np.asarray(f, float) for i, f in frames.items()}), None)
    table = table_of_features({"animals": tracked.features})
    numbers = np.concatenate([labels[individual] for individual in tracked.features]).astype(np.int32)
    found = Clusters(table, numbers, np.zeros((count, 4), np.float32), {})
    points = np.zeros((len(table), 2), np.float32)
    shown = Map(table, points, MapMethod.PCA, (0.5, 0.5))
    return Explored({"animals": tracked}, {"animals": tracked.features}, table, shown, found)


@pytest.fixture
def opened(make_napari_viewer, clip, qtbot):
    """The clip with clusters: all frames of striped, from 10.5 on of spotted."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    open_clip(viewer, clip)
    dock = open_dock(viewer, "Annotate")
    random = np.random.default_rng(3)
    labels = {"striped": random.integers(0, COUNT, FRAMES), "spotted": random.integers(0, 2, 40)}
    opened = get_session(viewer), dock, labels
    begin(opened)
    qtbot.wait(50)
    return opened


def begin(opened) -> None:
    """The clusters as they were found, and no labels."""
    session, _, labels = opened
    session.active.labels.set_annotation(Annotation(ETHOGRAM), None)
    session.active.current = "striped"
    frames = {"striped": np.arange(FRAMES), "spotted": np.arange(40) + 10.5}
    session.exploration.explored = explore(session.active, frames, labels)


def lane_table(dock, individual, kind=LaneKind.CLUSTERS) -> list[str | None]:
    """The name of what a lane shows in each frame, one by one."""
    lane = dock.canvas.data.group(individual).lane(kind)
    shown = [None] * FRAMES
    for start, stop, style in zip(lane.bouts.start, lane.bouts.stop, lane.bouts.style, strict=True):
        for frame in range(start, stop):
            assert shown[frame] is None
            shown[frame] = lane.styles[style].name
    return shown


def each_frame_shows_the_cluster_of_its_row(opened):
    _, dock, labels = opened
    assert lane_table(dock, "striped") == [f"cluster {label}" for label in labels["striped"]]
    # Row 0 of spotted is halfway between frames 10 and 11: a click on either of its frames finds it.
    expected = [None] * 10 + [f"cluster {label}" for label in labels["spotted"]]
    assert lane_table(dock, "spotted") == [*expected, *[None] * (FRAMES - len(expected))]


def lane_and_map_agree_row_by_row(opened):
    session, dock, _ = opened
    explored, tracked = session.exploration.explored, session.active
    colors = row_colors(explored, ColorBy.CLUSTER)
    for individual in ("striped", "spotted"):
        lane = dock.canvas.data.group(individual).lane(LaneKind.CLUSTERS)
        styles = {style.name: style for style in lane.styles}
        for frame, name in enumerate(lane_table(dock, individual)):
            row = session.exploration.row_at(tracked, individual, frame)
            if name is not None:
                shown = np.array([int(styles[name].color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
                np.testing.assert_allclose(shown, colors[row, :3])
                assert styles[name].hatch == explored.clusters.labels[row] // 8


@pytest.mark.parametrize(("first", "last", "step", "expected"), [
    (4.0, 6.0, 1.0, (4, 7)), (3.5, 5.5, 1.0, (3, 6)), (3.5, 11.5, 8.0, (0, 16)), (0.0, 0.0, 1.0, (0, 1)),
    (1.0, 4.0, 3.0, (0, 6)), (58.0, 59.5, 1.0, (58, 60)),
])  # fmt: skip
def test_rows_stand_for_the_nearest_frames(first, last, step, expected):
    from napari_i3d.explore import LabelRun

    assert frames_of_run(LabelRun("v", "a", first, last, 0, 1.0, None), step, FRAMES) == expected


def pieces_and_other_ids_have_their_lanes(opened, clip):
    session, dock, _ = opened
    frames = {"striped_part1": np.arange(5), "striped_part2": np.arange(20, 30), "stranger": np.arange(8)}
    labels = {"striped_part1": [1] * 5, "striped_part2": [2] * 10, "stranger": [0] * 8}
    session.exploration.explored = explore(session.active, frames, labels)
    expected = ["cluster 1"] * 5 + [None] * 15 + ["cluster 2"] * 10 + [None] * 30
    assert lane_table(dock, "striped") == expected
    assert dock.canvas.data.group("spotted").lane(LaneKind.CLUSTERS) is None
    assert lane_table(dock, "stranger") == ["cluster 0"] * 8 + [None] * 52
    assert [group.individual for group in dock.canvas.data.groups] == ["striped", "spotted", "stranger"]


def test_clusters_of_the_whole_image_are_nobodys_of_several(make_napari_viewer, clip, tmp_path):
    import shutil

    viewer = make_napari_viewer()
    viewer.open(shutil.copy(clip.video, tmp_path / "alone.mp4"), plugin="napari-i3d")
    session, dock = get_session(viewer), open_dock(viewer, "Annotate")
    session.exploration.explored = explore(session.active, {"": np.arange(8)}, {"": [0] * 8})
    assert [group.individual for group in dock.canvas.data.groups] == ["animal"]
    assert lane_table(dock, "animal")[:9] == ["cluster 0"] * 8 + [None]
    labels = Annotation(bouts=[Bout("a", "walk", 0, 4), Bout("b", "walk", 2, 9)])
    session.active.labels.set_annotation(labels, None)
    assert [group.name for group in dock.canvas.data.groups] == ["a", "b", "whole image"]
    assert lane_table(dock, "")[:9] == ["cluster 0"] * 8 + [None]


def selected_rows_are_shown_below_clusters(opened):
    session, dock, _ = opened
    rows = np.zeros(100, bool)
    rows[[3, 4, 5, 60, 61]] = True
    session.exploration.selected = rows
    name = "selected in the map"
    assert lane_table(dock, "striped", LaneKind.SELECTED) == [
        name if frame in (3, 4, 5) else None for frame in range(60)
    ]
    assert lane_table(dock, "spotted", LaneKind.SELECTED) == [name if f in (10, 11) else None for f in range(60)]
    session.exploration.selected = np.zeros(100, bool)
    assert dock.canvas.data.group("striped").lane(LaneKind.SELECTED) is None


def other_features_take_the_clusters_away(opened):
    session, dock, _ = opened
    session.active.set_features(None, None)
    assert all(group.lane(LaneKind.CLUSTERS) is None for group in dock.canvas.data.groups)


def edited_labels_leave_the_clusters(opened):
    session, dock, labels = opened
    session.active.labels.editor.add("striped", "walk", 3, 9)
    assert lane_table(dock, "striped") == [f"cluster {label}" for label in labels["striped"]]
    assert lane_table(dock, "striped", LaneKind.LABELS)[2:10] == [None, *["walk"] * 6, None]


def place_of(dock, individual, frame: int) -> QPoint:
    """The middle of a frame in the lane of an individual's clusters."""
    canvas = dock.canvas
    strip = next(
        strip
        for row in canvas._layout.rows
        for strip in row.strips
        if strip.group.individual == individual and strip.lane.kind is LaneKind.CLUSTERS
    )
    left, right = canvas.parts.span(canvas.scale, frame, frame + 1)
    y = canvas.parts.ruler_px + strip.top - canvas.scroll_px + strip.height / 2
    return QPoint(round((left + right) / 2), round(y))


def click_on_a_cluster_shows_frame_and_individual(opened, qtbot):
    session, dock, _ = opened
    session.active.current = "striped"
    for individual, frame in (("spotted", 14), ("striped", 33), ("spotted", 49)):
        qtbot.mouseClick(dock.canvas, Qt.MouseButton.LeftButton, pos=place_of(dock, individual, frame))
        assert (session.active.current, session.frame) == (individual, frame)
    QTest.mousePress(dock.canvas, Qt.MouseButton.LeftButton, pos=place_of(dock, "spotted", 20))
    QTest.mouseMove(dock.canvas, place_of(dock, "spotted", 27))
    QTest.mouseRelease(dock.canvas, Qt.MouseButton.LeftButton, pos=place_of(dock, "spotted", 27))
    assert session.frame == 27
    assert session.active.span is None


def menu_of(dock, individual, frame: int) -> QMenu:
    """The menu of a place of a lane."""
    hit = dock.canvas.hit(*(lambda p: (p.x(), p.y()))(place_of(dock, individual, frame)))
    dock.canvas.lane_menu_requested.emit(hit, dock.canvas.mapToGlobal(QPoint(5, 5)))
    return next(menu for menu in dock.findChildren(QMenu) if menu.isVisible() and menu.parent() is dock)


def trigger(menu: QMenu, title: str, entry: str) -> None:
    choices = next(action.menu() for action in menu.actions() if action.menu() and action.text() == title)
    next(action for action in choices.actions() if action.text() == entry).trigger()
    menu.close()


def all_bouts_of_a_cluster_become_labels_in_one_step(opened, qtbot):
    session, dock, labels = opened
    tracked = session.active
    number = int(labels["striped"][7])
    trigger(menu_of(dock, "striped", 7), f"Label all bouts of cluster {number} of striped as", "rest")
    rests = [bout for bout in tracked.labels.annotation.bouts if bout.behavior == "rest"]
    assert {bout.individual for bout in rests} == {"striped"}
    assert {frame for bout in rests for frame in range(bout.start, bout.stop)} == set(
        np.flatnonzero(labels["striped"] == number)
    )
    assert {(bout.origin, bout.note) for bout in rests} == {(Origin.AUTOMATED, f"cluster {number}")}
    tracked.history.undo()
    assert not tracked.labels.annotation.bouts
    assert not tracked.history.can_undo


def cluster_of_everyone_becomes_a_new_behavior(opened, qtbot):
    session, dock, labels = opened
    tracked = session.active
    frame = int(np.flatnonzero(labels["spotted"] == 1)[0]) + 10
    menu = menu_of(dock, "spotted", frame)
    trigger(menu, "Label all bouts of cluster 1 of all individuals as", "a new behavior: cluster 1")
    shown = {(b.individual, f) for b in tracked.labels.annotation.bouts for f in range(b.start, b.stop)}
    expected = {("striped", int(f)) for f in np.flatnonzero(labels["striped"] == 1)}
    assert shown == expected | {("spotted", int(f) + 10) for f in np.flatnonzero(labels["spotted"] == 1)}
    assert list(tracked.labels.annotation.ethogram) == ["walk", "rest", "sing", "cluster 1"]
    tracked.history.undo()
    assert not tracked.labels.annotation.bouts
    assert list(tracked.labels.annotation.ethogram) == ["walk", "rest", "sing"]


def one_bout_of_a_cluster_is_curated(opened, qtbot):
    session, dock, labels = opened
    number = int(labels["spotted"][0])
    trigger(menu_of(dock, "spotted", 10), f"Label this bout of cluster {number} as", "walk")
    (bout,) = session.active.labels.annotation.bouts
    assert (bout.individual, bout.start, bout.origin) == ("spotted", 10, Origin.CURATED)
    assert set(labels["spotted"][: bout.stop - 10]) == {number}


def labels_of_a_person_are_left_alone(opened, qtbot):
    session, dock, labels = opened
    tracked = session.active
    number = int(labels["striped"][30])
    tracked.labels.editor.add("striped", "walk", 28, 33)
    tracked.labels.editor.add("striped", "sing", 0, 60)
    trigger(menu_of(dock, "striped", 30), f"Label all bouts of cluster {number} of striped as", "rest")
    bouts = tracked.labels.annotation.bouts
    assert [(b.start, b.stop, b.origin) for b in bouts if b.behavior == "walk"] == [(28, 33, Origin.MANUAL)]
    assert [(b.start, b.stop) for b in bouts if b.behavior == "sing"] == [(0, 60)]
    resting = {frame for b in bouts if b.behavior == "rest" for frame in range(b.start, b.stop)}
    assert resting == set(np.flatnonzero(labels["striped"] == number)) - set(range(28, 33))


def test_clusters_become_labels(opened, qtbot):
    for part in (
        partial(all_bouts_of_a_cluster_become_labels_in_one_step, qtbot=qtbot),
        partial(cluster_of_everyone_becomes_a_new_behavior, qtbot=qtbot),
        partial(one_bout_of_a_cluster_is_curated, qtbot=qtbot),
        partial(labels_of_a_person_are_left_alone, qtbot=qtbot),
    ):
        begin(opened)
        part(opened)


def table_with_rows_beyond_the_video_is_cut(opened):
    session, dock, _ = opened
    session.exploration.explored = explore(session.active, {"striped": np.arange(55, 70)}, {"striped": [0] * 15})
    assert lane_table(dock, "striped") == [None] * 55 + ["cluster 0"] * 5


def test_lanes_show_the_cluster_of_each_frame(opened, clip, qtbot):
    for part in (
        each_frame_shows_the_cluster_of_its_row,
        lane_and_map_agree_row_by_row,
        selected_rows_are_shown_below_clusters,
        edited_labels_leave_the_clusters,
        partial(click_on_a_cluster_shows_frame_and_individual, qtbot=qtbot),
        partial(pieces_and_other_ids_have_their_lanes, clip=clip),
        table_with_rows_beyond_the_video_is_cut,
        other_features_take_the_clusters_away,
    ):
        begin(opened)
        part(opened)
