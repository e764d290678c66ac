"""The Explore dock: a map tied to the viewer, selections, similar moments, and the time line."""

import csv
import itertools
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog
from sklearn.metrics import adjusted_rand_score

from helpers.clips import MakeClip
from napari_i3d import Features, read_tracking
from napari_i3d.explore import Hit
from napari_i3d.extraction.settings import SampleMode
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.jobs import explore_job
from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.crop_image import crop_image, crop_request
from napari_i3d.plugin.jobs.explore_job import run_thumbnails
from napari_i3d.plugin.timeline.lanes import LaneKind
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FRAMES = 60
WIDTH = 12
WAIT = 30_000
# Of each frame; three behaviors in bouts of 6, other ones for the second individual.
BEHAVIOURS = {"striped": np.arange(FRAMES) // 6 % 3, "spotted": (np.arange(FRAMES) // 6 + 1) % 3}


@pytest.fixture(scope="module")
def clip(clip_of: MakeClip) -> SyntheticClip:
    return clip_of(FRAMES)


@pytest.fixture(autouse=True)
def settings_of_this_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAPARI_I3D_HOME", str(tmp_path))


def planted(first: int = 0, seed: int = 0) -> Features:
    """Features in which each behavior has a place of its own, of frames `first` and on."""
    random = np.random.default_rng(seed)
    places = np.eye(3, WIDTH) * 20
    rows, frames = {}, {}
    for individual, behaviors in BEHAVIOURS.items():
        noise = random.normal(0, 1, (FRAMES - first, WIDTH))
        rows[individual] = (places[behaviors[first:]] + noise).astype(np.float32)
        frames[individual] = np.arange(first, FRAMES, dtype=np.float64)
    return Features(rows=rows, frames=frames, fps=25.0)


@pytest.fixture
def opened(make_napari_viewer, clip, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1400, 900)
    session = get_session(viewer)
    viewer.open(str(clip.video), plugin="napari-i3d")
    session.add_tracking(read_tracking(clip.tracking), clip.tracking)
    dock = viewer.window.add_plugin_dock_widget("napari-i3d", "Explore features")[1]
    return viewer, session, dock


def compute(dock, qtbot, clusters: int = 3):
    dock.options.clusters.value = clusters
    dock.options.compute.click()
    qtbot.waitUntil(lambda: dock.options.compute.text() == "Compute", timeout=WAIT)
    qtbot.wait(50)
    return dock._exploration.explored


@pytest.fixture
def explored(opened, qtbot):
    viewer, session, dock = opened
    session.active.set_features(planted(), None)
    compute(dock, qtbot)
    return viewer, session, dock


def begin(opened) -> None:
    """Nothing selected, marked or searched for otherwise than at first, and the first frame and individual shown."""
    _, session, dock = opened
    dock._exploration.selected = np.zeros_like(dock._exploration.selected)
    dock.similar.unmark.click()
    dock.similar.others_only.setChecked(False)
    dock.similar.apart.setValue(2.0)
    session.active.current = "striped"
    session.go_to(0)


def place_of(canvas, row: int) -> QPoint:
    """Where the point of a row is on the canvas, in pixels of Qt."""
    canvas.native.draw()
    x, y = canvas.axes.transData.transform(canvas._points[row])
    return QPoint(round(x), round(canvas.native.height() - y))


def lasso(canvas, rows: np.ndarray, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    """Draw a box round the points of rows with the mouse."""
    places = [place_of(canvas, row) for row in np.flatnonzero(rows)]
    left, right = min(p.x() for p in places) - 6, max(p.x() for p in places) + 6
    upper, lower = min(p.y() for p in places) - 6, max(p.y() for p in places) + 6
    corners = [QPoint(left, upper), QPoint(right, upper), QPoint(right, lower), QPoint(left, lower)]
    native = canvas.native
    native.setFocus()
    if modifier == Qt.KeyboardModifier.ShiftModifier:
        QTest.keyPress(native, Qt.Key.Key_Shift, modifier)
    QTest.mousePress(native, Qt.MouseButton.LeftButton, modifier, corners[0])
    for corner in corners[1:]:
        QTest.mouseMove(native, corner)
    QTest.mouseRelease(native, Qt.MouseButton.LeftButton, modifier, corners[-1])
    if modifier == Qt.KeyboardModifier.ShiftModifier:
        QTest.keyRelease(native, Qt.Key.Key_Shift)


def behavior_rows(table, behavior: int) -> np.ndarray:
    """Which rows show a planted behavior, found by frame and individual one by one."""
    found = []
    for row in range(len(table)):
        part = table.sequences[table.sequence_of_row[row]]
        found.append(BEHAVIOURS[part.individual][int(table.frames[row])] == behavior)
    return np.array(found)


def clusters_are_the_planted_behaviors(explored):
    _, _, dock = explored
    table, clusters = dock._exploration.explored.table, dock._exploration.explored.clusters
    truth = np.sum([number * behavior_rows(table, number) for number in range(3)], axis=0)
    assert adjusted_rand_score(truth, clusters.labels) == 1.0
    assert "120 rows of 2 individuals, 3 clusters" in dock.status.text()


def number_of_clusters_is_chosen_by_silhouette(opened, qtbot):
    _, session, dock = opened
    session.active.set_features(planted(), None)
    assert compute(dock, qtbot, clusters=0).clusters.count == 3
    qtbot.waitUntil(lambda: "silhouette" in dock.status.text(), timeout=WAIT)


def marker_is_at_the_frame_and_individual_shown(explored):
    _, session, dock = explored
    table = dock._exploration.explored.table
    for individual, frame in (("striped", 7), ("spotted", 7), ("spotted", 59), ("striped", 0)):
        session.active.current = individual
        session.go_to(frame)
        row = dock.canvas.marked
        assert table.sequences[table.sequence_of_row[row]].individual == individual
        assert table.frames[row] == frame
        np.testing.assert_array_equal(
            np.ravel(dock.canvas._marker.get_data()), dock._exploration.explored.map.points[row]
        )


def no_marker_where_the_frame_has_no_row(opened, qtbot):
    _, session, dock = opened
    session.active.set_features(planted(first=10), None)
    compute(dock, qtbot)
    session.go_to(4)
    assert dock.canvas.marked is None
    session.go_to(10)
    assert dock._exploration.explored.table.frames[dock.canvas.marked] == 10


def moving_marker_does_not_draw_points_again(explored, qtbot):
    _, session, dock = explored
    qtbot.wait(100)
    draws = []
    dock.canvas.native.mpl_connect("draw_event", draws.append)
    for frame in range(20):
        session.go_to(frame)
    qtbot.wait(100)
    assert not draws


def click_on_point_goes_to_its_frame(explored):
    viewer, session, dock = explored
    table = dock._exploration.explored.table
    for row in (3, 75, 110):
        QTest.mouseClick(dock.canvas.native, Qt.MouseButton.LeftButton, pos=place_of(dock.canvas, row))
        hit = dock.canvas.marked
        # Points may lie on each other; the one found is at that place.
        places = [place_of(dock.canvas, found) for found in (row, hit)]
        assert (places[0] - places[1]).manhattanLength() <= 1
        assert session.active.current == table.sequences[table.sequence_of_row[hit]].individual
        assert viewer.dims.current_step[0] == table.frames[hit]


def lasso_selects_fades_the_others_and_marks_time(explored, qtbot):
    viewer, session, dock = explored
    plot = viewer.window.add_plugin_dock_widget("napari-i3d", "Plot features")[1]
    qtbot.waitUntil(lambda: plot.canvas.shown is not None, timeout=WAIT)
    table = dock._exploration.explored.table
    wanted = behavior_rows(table, 1)
    lasso(dock.canvas, wanted)
    np.testing.assert_array_equal(dock._exploration.selected, wanted)
    opacity = dock.canvas.colors[:, 3]
    assert (opacity[wanted] == 1).all()
    assert (opacity[~wanted] < 0.2).all()
    assert dock.selection.text.text() == f"{wanted.sum()} of 120 rows selected"
    # Bouts of behavior 1 of `striped`: 6 to 11, 24 to 29, 42 to 47.
    session.active.current = "striped"
    qtbot.waitUntil(lambda: plot._drawn is not None and plot._drawn.individual == "striped", timeout=WAIT)
    expected = [(5.5, 6.0), (23.5, 6.0), (41.5, 6.0)]
    np.testing.assert_allclose(plot.canvas.marked, expected)
    line = viewer.window.dock_widgets["Annotate (napari-i3d)"].canvas
    marked = line.data.group("striped").lane(LaneKind.SELECTED).bouts
    assert list(zip(marked.start, marked.stop, strict=True)) == [(6, 12), (24, 30), (42, 48)]
    dock.selection.clear.click()
    assert not dock._exploration.selected.any()
    assert plot.canvas.marked == []
    assert line.data.group("striped").lane(LaneKind.SELECTED) is None


def lasso_with_shift_adds(explored):
    _, _, dock = explored
    table = dock._exploration.explored.table
    first, second = behavior_rows(table, 0), behavior_rows(table, 2)
    lasso(dock.canvas, first)
    lasso(dock.canvas, second, Qt.KeyboardModifier.ShiftModifier)
    np.testing.assert_array_equal(dock._exploration.selected, first | second)


def play_shows_selected_frames_only(explored, qtbot):
    viewer, session, dock = explored
    table = dock._exploration.explored.table
    wanted = behavior_rows(table, 2)
    dock._exploration.selected = wanted
    seen = []
    viewer.dims.events.current_step.connect(lambda: seen.append((session.active.current, session.frame)))
    dock.selection._timer.setInterval(1)
    dock.selection.play.click()
    dock.selection._timer.setInterval(1)
    qtbot.waitUntil(lambda: len(seen) > 12, timeout=WAIT)
    dock.selection.play.click()
    count = len(seen)
    qtbot.wait(100)
    assert len(seen) == count
    expected = [
        (table.sequences[table.sequence_of_row[row]].individual, table.frames[row]) for row in np.flatnonzero(wanted)
    ]
    assert seen[:12] == expected[:12]


def selection_is_saved_as_a_table(explored, tmp_path, monkeypatch):
    _, _, dock = explored
    found = dock._exploration.explored
    rows = np.array([4, 61, 119])
    dock._exploration.selected = np.isin(np.arange(120), rows)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "chosen"), ""))
    dock.selection.save.click()
    with (tmp_path / "chosen.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    names = [found.table.sequences[found.table.sequence_of_row[row]].individual for row in rows]
    assert [line["individual"] for line in table] == names
    assert [float(line["frame"]) for line in table] == [4, 1, 59]
    assert [float(line["time_s"]) for line in table] == [4 / 25, 1 / 25, 59 / 25]
    assert [int(line["cluster"]) for line in table] == found.clusters.labels[rows].tolist()
    assert [float(line["map_x"]) for line in table] == pytest.approx(found.map.points[rows, 0].tolist())
    assert table[0]["video"] == "animals"


def test_selections_are_made_played_and_saved(explored, qtbot, tmp_path, monkeypatch):
    for part in (
        partial(lasso_selects_fades_the_others_and_marks_time, qtbot=qtbot),
        lasso_with_shift_adds,
        partial(play_shows_selected_frames_only, qtbot=qtbot),
        partial(selection_is_saved_as_a_table, tmp_path=tmp_path, monkeypatch=monkeypatch),
    ):
        begin(explored)
        part(explored)


def similar_moments_are_those_of_the_same_behavior(explored, qtbot):
    _, session, dock = explored
    session.active.current = "striped"
    session.go_to(8)
    dock.similar.apart.setValue(0.3)
    find(dock, qtbot)
    assert dock.similar.hits
    best = dock.similar.hits[:4]
    assert all(BEHAVIOURS[hit.individual][hit.middle_frame] == BEHAVIOURS["striped"][8] for hit in best)
    assert "striped, frame 8" in dock.similar.text.text()
    dock.similar.next.click()
    assert (session.active.current, session.frame) == (best[0].individual, best[0].middle_frame)
    dock.similar.next.click()
    assert (session.active.current, session.frame) == (best[1].individual, best[1].middle_frame)
    dock.similar.previous.click()
    assert (session.active.current, session.frame) == (best[0].individual, best[0].middle_frame)


def hits_of_a_map_gone_are_not_listed(explored, qtbot):
    _, session, dock = explored
    session.go_to(8)
    dock.similar.search.click()
    session.active.set_features(planted(seed=4), None)
    qtbot.wait(300)
    assert dock.similar.hits == ()
    compute(dock, qtbot)
    find(dock, qtbot)
    assert dock.similar.hits


def hits_are_listed_with_their_crops(explored, qtbot):
    _, session, dock = explored
    session.go_to(8)
    find(dock, qtbot)
    hit = dock.similar.hits[0]
    request = crop_request(session.active, hit.middle_frame, SampleMode.EXPAND_BBOXES, hit.individual)
    crop = crop_image(request)
    icon = dock.similar.list.item(0).icon().pixmap(72, 72).toImage()
    middle = icon.pixelColor(36, 36)
    around = crop[108:117, 108:117].reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose([middle.red(), middle.green(), middle.blue()], around, atol=40)
    assert dock.similar.list.count() == len(dock.similar.hits)


def find(dock, qtbot) -> None:
    dock.similar.search.click()
    qtbot.waitUntil(lambda: dock.similar._search is None and dock.similar.list._reader is None, timeout=WAIT)


def hits_are_other_moments_at_the_gap_chosen(explored, qtbot):
    _, session, dock = explored
    session.active.current = "striped"
    session.go_to(8)
    assert dock.similar.apart.value() == 2.0
    for seconds in (2.0, 0.4):
        dock.similar.apart.setValue(seconds)
        find(dock, qtbot)
        assert dock.similar.hits
        query = dock.similar.query_span()
        for individual in ("striped", "spotted"):
            spans = [(h.first_frame, h.last_frame) for h in dock.similar.hits if h.individual == individual]
            spans = sorted(spans + [(query.first_frame, query.last_frame)] * (individual == "striped"))
            gaps = [later[0] - earlier[1] for earlier, later in itertools.pairwise(spans)]
            assert all(gap >= seconds * 25 for gap in gaps)


def other_individuals_only(explored, qtbot):
    _, session, dock = explored
    session.active.current = "striped"
    session.go_to(8)
    qtbot.mouseClick(dock.similar.others_only, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    find(dock, qtbot)
    assert {hit.individual for hit in dock.similar.hits} == {"spotted"}
    assert all(dock.similar.list.item(n).text().startswith("spotted\n") for n in range(len(dock.similar.hits)))


def crops_are_read_once(explored, qtbot, monkeypatch):
    _, session, dock = explored
    session.active.current = "striped"
    session.go_to(8)
    read = []
    crop = explore_job.crop_image
    monkeypatch.setattr(explore_job, "crop_image", lambda request: read.append(request.frame) or crop(request))
    find(dock, qtbot)
    first = len(read)
    assert first == len(dock.similar.hits) > 0
    icons = [dock.similar.list.item(n).icon().pixmap(72, 72).toImage() for n in range(first)]
    find(dock, qtbot)
    assert len(read) == first
    assert [dock.similar.list.item(n).icon().pixmap(72, 72).toImage() for n in range(first)] == icons
    tracked = session.active
    features = tracked.features
    tracked.set_tracking(read_tracking(tracked.tracking_path), tracked.tracking_path)
    tracked.set_features(features, None)
    compute(dock, qtbot)
    tracked.current = "striped"
    session.go_to(8)
    find(dock, qtbot)
    assert len(read) > first  # the boxes may be others


def marked_span_is_looked_for(explored, qtbot):
    _, session, dock = explored
    session.active.current = "spotted"
    session.go_to(20)
    dock.similar.first.click()
    session.go_to(25)
    assert "marked frame 20" in dock.similar.text.text()
    dock.similar.last.click()
    query = dock.similar.query_span()
    assert (query.individual, query.first_frame, query.last_frame) == ("spotted", 20, 25)
    find(dock, qtbot)
    assert dock.similar.hits
    assert all(hit.last_frame - hit.first_frame == 5 for hit in dock.similar.hits)
    wanted = BEHAVIOURS["spotted"][20:26]
    best = dock.similar.hits[0]
    found = BEHAVIOURS[best.individual][int(best.first_frame) : int(best.last_frame) + 1]
    np.testing.assert_array_equal(found, wanted)
    # An end before the beginning lets the beginning go.
    session.go_to(10)
    dock.similar.last.click()
    assert dock.similar.query_span().first_frame == 10
    dock.similar.unmark.click()
    assert not dock.similar.unmark.isEnabled()


def test_similar_moments_are_searched_and_listed(explored, qtbot, monkeypatch):
    for part in (
        partial(crops_are_read_once, monkeypatch=monkeypatch),
        hits_are_other_moments_at_the_gap_chosen,
        similar_moments_are_those_of_the_same_behavior,
        hits_are_listed_with_their_crops,
        other_individuals_only,
        marked_span_is_looked_for,
        hits_of_a_map_gone_are_not_listed,
    ):
        begin(explored)
        part(explored, qtbot)


def time_line_opens_with_the_clusters_of_the_map(explored):
    viewer, session, dock = explored
    line = viewer.window.dock_widgets["Annotate (napari-i3d)"].canvas
    found, bouts = dock._exploration.explored, line.data.group("spotted").lane(LaneKind.CLUSTERS).bouts
    numbers = np.repeat(bouts.style, bouts.stop - bouts.start)
    np.testing.assert_array_equal(numbers, found.clusters.labels[found.table.starts[1] :])
    session.go_to(33)
    assert line.frame == 33


def pieces_of_an_individual_lead_to_it(opened, qtbot):
    _, session, dock = opened
    whole = planted()
    session.active.set_features(
        Features(
            rows={"striped_part1": whole["striped"][:30], "striped_part2": whole["striped"][34:]},
            frames={"striped_part1": np.arange(30.0), "striped_part2": np.arange(34.0, 60.0)},
        ),
        None,
    )
    compute(dock, qtbot)
    table = dock._exploration.explored.table
    session.active.current = "striped"
    session.go_to(40)
    assert table.sequences[table.sequence_of_row[dock.canvas.marked]].individual == "striped_part2"
    session.go_to(31)
    assert dock.canvas.marked is None
    session.active.current = "spotted"
    dock._exploration.go_to_row(2)
    assert (session.active.current, session.frame) == ("striped", 2)


def strangers_to_tracking_get_no_crop_of_another(opened):
    _, session, _ = opened
    spans = tuple(Hit("animals", name, 5.0, 5.0, 0.9) for name in ("stranger", "spotted"))
    seen = list(run_thumbnails(spans, {"animals": session.active}, StopRequest()))
    assert [thumbnail.span.individual for thumbnail in seen] == ["stranger", "spotted"]
    assert seen[0].image is None
    request = crop_request(session.active, 5, SampleMode.EXPAND_BBOXES, "spotted")
    np.testing.assert_array_equal(seen[1].image, crop_image(request))


def test_without_tracking_no_individual_is_guessed(make_napari_viewer, clip, tmp_path, qtbot):
    viewer = make_napari_viewer()
    viewer.open(shutil.copy(clip.video, tmp_path / "alone.mp4"), plugin="napari-i3d")
    session = get_session(viewer)
    session.active.set_features(planted(), None)
    dock = viewer.window.add_plugin_dock_widget("napari-i3d", "Explore features")[1]
    compute(dock, qtbot)
    assert dock.canvas.marked is None
    whole = Features(rows={"": planted()["spotted"]}, frames={"": np.arange(60.0)})
    session.active.set_features(whole, None)
    compute(dock, qtbot)
    session.go_to(7)
    assert dock.canvas.marked == 7


def test_rows_of_two_videos_on_one_map(opened, clip, tmp_path, qtbot):
    viewer, session, dock = opened
    session.active.set_features(planted(), None)
    other = Path(shutil.copy(clip.video, tmp_path / "other.mp4"))
    viewer.open(str(other), plugin="napari-i3d")
    first, second = session.videos
    boxes = read_tracking(clip.tracking)["spotted"].boxes
    session.active = second
    session.add_tracking(Tracking([Tracklet("spotted", 0, boxes)]), tmp_path / "other_tracks.pickle")
    second.set_features(
        Features(rows={"spotted": planted(seed=1)["spotted"]}, frames={"spotted": np.arange(60.0)}), None
    )
    found = compute(dock, qtbot)
    assert [(part.video, part.individual) for part in found.table.sequences] == [
        ("animals", "striped"),
        ("animals", "spotted"),
        ("other", "spotted"),
    ]
    dock._exploration.go_to_row(120 + 17)
    assert (session.active, second.current, session.frame) == (second, "spotted", 17)
    assert dock.canvas.marked == 137
    dock._exploration.go_to_row(17)
    assert (session.active, first.current) == (first, "striped")
    dock.options.all_videos.value = False
    assert len(compute(dock, qtbot).table) == 120


def other_features_or_none_take_the_map_away(explored, qtbot):
    viewer, session, dock = explored
    session.active.set_features(planted(seed=5), None)
    assert dock._exploration.explored is None
    assert dock.canvas.axes is None
    compute(dock, qtbot)
    assert dock.canvas.axes is not None
    viewer.layers.clear()
    assert dock._exploration.explored is None
    assert not dock.similar.search.isEnabled()


def test_map_and_time_line_show_the_planted_behaviors(explored, qtbot):
    for part in (
        clusters_are_the_planted_behaviors,
        marker_is_at_the_frame_and_individual_shown,
        partial(moving_marker_does_not_draw_points_again, qtbot=qtbot),
        click_on_point_goes_to_its_frame,
        time_line_opens_with_the_clusters_of_the_map,
        partial(other_features_or_none_take_the_map_away, qtbot=qtbot),
    ):
        begin(explored)
        part(explored)


def without_features_one_line_says_so(opened):
    from napari.utils.notifications import notification_manager

    _, _, dock = opened
    notification_manager.records.clear()
    dock.options.compute.click()
    assert "no features to explore yet" in notification_manager.records[-1].message


def unusable_features_are_named(opened, qtbot):
    from napari.utils.notifications import notification_manager

    _, session, dock = opened
    bad = planted()
    bad["spotted"][13, 3] = np.nan
    session.active.set_features(bad, None)
    notification_manager.records.clear()
    compute(dock, qtbot)
    assert dock._exploration.explored is None
    assert "spotted" in dock.status.text()
    assert "frame 13" in dock.status.text()


def closing_dock_while_it_computes_is_no_error(opened, qtbot):
    viewer, session, dock = opened
    session.active.set_features(planted(), None)
    dock.options.compute.click()
    viewer.window.remove_dock_widget(dock)
    dock.deleteLater()
    qtbot.wait(300)
    session.go_to(5)


def test_features_are_explored_or_refused_by_name(opened, qtbot):
    for part in (
        without_features_one_line_says_so,
        strangers_to_tracking_get_no_crop_of_another,
        partial(unusable_features_are_named, qtbot=qtbot),
        partial(no_marker_where_the_frame_has_no_row, qtbot=qtbot),
        partial(pieces_of_an_individual_lead_to_it, qtbot=qtbot),
        partial(number_of_clusters_is_chosen_by_silhouette, qtbot=qtbot),
        partial(closing_dock_while_it_computes_is_no_error, qtbot=qtbot),
    ):
        begin(opened)
        part(opened)
