"""Lanes of an annotation hold its bouts, and follow edits."""

from dataclasses import replace

import numpy as np

from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.plugin.annotate_dock.annotation_lanes import labels_group, with_labels
from napari_i3d.plugin.timeline.lanes import LaneKind, TimelineData, bouts_of

ETHOGRAM = Ethogram((Behavior("groom", color="#112233"), Behavior("rear"), Behavior("walk", color="#112233")))
N = 500


def make_annotation(seed: int, origin: Origin = Origin.MANUAL) -> Annotation:
    random = np.random.default_rng(seed)
    bouts = []
    for individual in ("male", 7):
        cuts = np.sort(random.choice(N, 40, replace=False)).tolist()
        confidence = None if origin is Origin.MANUAL else 0.25
        bouts += [
            Bout(individual, str(random.choice(list(ETHOGRAM))), start, stop, origin=origin, confidence=confidence)
            for start, stop in zip(cuts[::2], cuts[1::2], strict=True)
        ]
    return Annotation(ETHOGRAM, tuple(bouts), {"male": [(0, 300)]}, n_frames=N)


def shown(group, kind: LaneKind) -> list[tuple]:
    lane = group.lane(kind)
    return [(bout.behavior, bout.start, bout.stop) for bout in bouts_of(group, lane, lane.bouts)]


def plain(annotation: Annotation, individual) -> list[tuple]:
    return [(bout.behavior, bout.start, bout.stop) for bout in annotation.of(individual)]


def test_lanes_hold_labels_and_predictions():
    labels, predicted = make_annotation(1), make_annotation(2, Origin.AUTOMATED)
    group = labels_group(labels, 7, "#e69f00", predictions=predicted, present=[(0, 400)])
    assert shown(group, LaneKind.LABELS) == plain(labels, 7)
    assert shown(group, LaneKind.PREDICTIONS) == plain(predicted, 7)
    assert set(group.lane(LaneKind.LABELS).bouts.opacity.tolist()) == {1.0}
    assert set(group.lane(LaneKind.PREDICTIONS).bouts.opacity.tolist()) == {0.25}
    assert [tuple(pair) for pair in group.assessed.tolist()] == list(labels.assessed[7])
    assert group.present.tolist() == [[0, 400]]


def test_index_finds_the_bout_again():
    labels = make_annotation(3)
    group = labels_group(labels, "male", "#e69f00")
    lane = group.lane(LaneKind.LABELS)
    for bout in bouts_of(group, lane, lane.bouts.within(100, 300)):
        found = labels.of("male")[bout.index]
        assert (found.behavior, found.start, found.stop) == (bout.behavior, bout.start, bout.stop)


def test_behaviors_of_one_color_differ_in_hatch():
    styles = labels_group(make_annotation(4), 7, "#e69f00").lane(LaneKind.LABELS).styles
    assert [style.name for style in styles] == list(ETHOGRAM)
    assert (styles[0].color, styles[0].hatch) == ("#112233", 0)
    assert (styles[2].color, styles[2].hatch) == ("#112233", 1)


def test_edit_changes_only_its_individual():
    labels, predicted = make_annotation(5), make_annotation(6, Origin.AUTOMATED)
    groups = tuple(labels_group(labels, one, "#e69f00", predictions=predicted) for one in ("male", 7))
    data = TimelineData(N, groups)
    edited = replace(labels, bouts=tuple(bout for bout in labels.bouts if bout.start > 250))
    after = with_labels(data, edited, ["male"])
    assert shown(after.group("male"), LaneKind.LABELS) == plain(edited, "male") != plain(labels, "male")
    assert shown(after.group("male"), LaneKind.PREDICTIONS) == plain(predicted, "male")
    assert after.group(7) is groups[1]


def test_new_behavior_keeps_the_others():
    labels = make_annotation(7)
    data = TimelineData(N, (labels_group(labels, 7, "#e69f00"),))
    ethogram = Ethogram((*ETHOGRAM.behaviors, Behavior("nest")))
    after = with_labels(data, replace(labels, ethogram=ethogram), [7])
    assert [style.name for style in after.group(7).lane(LaneKind.LABELS).styles] == [*ETHOGRAM, "nest"]


def test_predictions_follow_behaviors_that_move():
    labels, predicted = make_annotation(8), make_annotation(9, Origin.AUTOMATED)
    data = TimelineData(N, (labels_group(labels, 7, "#e69f00", predictions=predicted),))
    first = replace(labels, ethogram=Ethogram(ETHOGRAM.behaviors[::-1]))
    after = with_labels(data, first, [7]).group(7)
    assert shown(after, LaneKind.PREDICTIONS) == plain(predicted, 7)
    assert shown(after, LaneKind.LABELS) == plain(first, 7)
