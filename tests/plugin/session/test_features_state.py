"""Features are out of date exactly if boxes of the frames of their rows differ from those they were computed from."""

import numpy as np
import pytest

from napari_i3d import Features
from napari_i3d.plugin.session.features_state import FeaturesState, format_out_of_date
from napari_i3d.plugin.session.layer_sources import TrackingSource
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.content import tracklet_sha256
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FRAMES = 60


def boxes(*ids) -> Tracking:
    return Tracking(Tracklet(one, 0, np.tile([10.0 * n, 0, 10 * n + 8, 8], (FRAMES, 1))) for n, one in enumerate(ids))


def features(*ids, starts=(10, 20), **provenance) -> Features:
    return Features(
        rows={one: np.zeros((len(starts), 4), np.float32) for one in ids},
        chunk_starts={one: np.array(starts) for one in ids},
        provenance=provenance,
    )


@pytest.mark.parametrize(
    ("frame", "is_old"),
    [(9, False), (10, True), (17, True), (18, False), (19, False), (20, True), (27, True), (28, False)],
)
def test_only_boxes_of_the_chunks_count(frame, is_old):
    editor = TrackingEditor(boxes("a", "b"))
    state = FeaturesState(features("a", "b"), editor.tracking)
    editor.set_box("a", frame, (1, 2, 3, 4))
    assert state.out_of_date(editor.tracking) == ({"a"} if is_old else set())
    editor.undo()
    assert state.out_of_date(editor.tracking) == set()


def test_same_boxes_set_again_are_current():
    editor = TrackingEditor(boxes("a"))
    state = FeaturesState(features("a"), editor.tracking)
    editor.set_box("a", 12, (1, 2, 3, 4))
    editor.set_box("a", 12, (0, 0, 8, 8))
    assert state.out_of_date(editor.tracking) == set()


def test_renamed_deleted_and_swapped_individuals_are_old():
    editor = TrackingEditor(boxes("a", "b", "c", "d", "e"))
    state = FeaturesState(features("a", "b", "c", "d", "e"), editor.tracking)
    editor.rename("a", "x")
    editor.swap("b", "c", 15, 18)
    editor.delete("d")
    assert state.out_of_date(editor.tracking) == {"a", "b", "c", "d"}
    editor.rename("e", "a")
    assert state.out_of_date(editor.tracking) == {"a", "b", "c", "d", "e"}


def test_swap_outside_the_chunks_costs_nothing():
    editor = TrackingEditor(boxes("a", "b"))
    state = FeaturesState(features("a", "b"), editor.tracking)
    editor.swap("a", "b", 40)
    assert state.out_of_date(editor.tracking) == set()


def test_piece_follows_its_individual():
    editor = TrackingEditor(boxes("a", "b"))
    state = FeaturesState(features("a_part1", "b"), editor.tracking)
    editor.delete_boxes("a", 12, 13)
    assert state.out_of_date(editor.tracking) == {"a_part1"}


def test_boxes_far_from_an_interpolated_gap_count():
    editor = TrackingEditor(boxes("a"))
    editor.delete_boxes("a", 12, 40)
    state = FeaturesState(features("a"), editor.tracking)
    editor.set_box("a", 40, (1, 2, 3, 4))
    assert state.out_of_date(editor.tracking) == {"a"}


def test_whole_image_and_unknown_boxes_are_never_old():
    assert FeaturesState(features(""), None).out_of_date(boxes("a")) == set()
    assert (
        FeaturesState(features("", starts=(0,), tracking={"boxes": [{"id": "", "sha256": "0"}]}), None).out_of_date(
            None
        )
        == set()
    )


def test_opened_features_are_of_the_boxes_that_they_name():
    before = TrackingEditor(boxes("a", "b"))
    named = [{"id": one.id, "sha256": tracklet_sha256(one)} for one in before.tracking.values()]
    before.set_box("a", 12, (1, 2, 3, 4))
    state = FeaturesState(features("a", "b", tracking={"boxes": named}), before.tracking)
    assert state.out_of_date(before.tracking) == {"a"}
    before.undo()
    assert state.out_of_date(before.tracking) == set()
    before.set_box("a", 40, (1, 2, 3, 4))
    assert state.out_of_date(before.tracking) == set()


@pytest.mark.parametrize(
    "tracking", [None, [], {"boxes": 5}, {"boxes": [5, {}, {"id": [], "sha256": "a"}, {"id": "a", "sha256": 5}]}]
)
def test_strange_provenance_counts_as_none(tracking):
    state = FeaturesState(features("a", tracking=tracking), boxes("a"))
    assert state.out_of_date(boxes("a")) == set()


def test_strange_chunk_starts_do_no_harm():
    state = FeaturesState(features("a", starts=(-5, 2**62)), boxes("a"))
    assert state.out_of_date(boxes("a")) == set()


def test_tracked_video_keeps_features_and_tells():
    tracked, told = TrackedVideo("video"), []
    tracked.set_source(TrackingSource(boxes("a", "b"), None))
    tracked.set_features(features("a", "b"), None)
    tracked.out_of_date_changed.connect(lambda: told.append(set(tracked.out_of_date)))
    tracked.editor.set_box("a", 12, (1, 2, 3, 4))
    tracked.editor.set_box("a", 13, (1, 2, 3, 4))
    tracked.history.go_to(0)
    assert told == [{"a"}, set()]
    assert tracked.features is not None


def test_features_of_earlier_boxes_are_old_from_the_beginning():
    tracked = TrackedVideo("video")
    tracked.set_source(TrackingSource(boxes("a"), None))
    earlier = tracked.tracking
    tracked.editor.set_box("a", 12, (1, 2, 3, 4))
    tracked.set_features(features("a"), None, earlier)
    assert tracked.out_of_date == {"a"}


def test_many_names_are_shortened():
    assert format_out_of_date(frozenset()) == ""
    assert "and 2 more" in format_out_of_date(frozenset("abcdef"))
