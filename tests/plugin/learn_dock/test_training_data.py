"""What is learned from, of videos without a window: whose rows and labels belong together, and what is left out."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.labelled import ETHOGRAM, make_planted
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.editing.painting import Add, Assess
from napari_i3d.features.features import Features
from napari_i3d.plugin.learning.edit_count import count_edits
from napari_i3d.plugin.learning.training_data import TrainingData
from napari_i3d.plugin.session.tracked_video import TrackedVideo


def video(name: str, features: Features | None = None, labels: Annotation | None = None) -> TrackedVideo:
    tracked = TrackedVideo(name)
    tracked.set_features(features, None)
    if labels is not None:
        tracked.labels.set_annotation(labels, None)
    return tracked


def test_rows_of_whole_image_are_those_of_the_only_animal():
    planted = make_planted(individual="")
    labels = make_planted(individual="animal").annotation
    data = TrainingData.of([video("day1", planted.features, labels)])
    assert list(data.features["day1"]) == ["animal"]
    np.testing.assert_array_equal(data.features["day1"]["animal"], planted.features[""])
    assert data.individuals == {("day1", "animal"): len(planted.states)}
    both = Annotation(ETHOGRAM, (*labels.bouts, Bout("other", "walk", 0, 5)))
    unclear = TrainingData.of([video("day1", planted.features, both)])
    assert unclear.problem == "No labelled individual has features: extract features of those that are labelled."


def test_rows_are_counted_in_frames_looked_at():
    planted = make_planted(first=10)
    centers = planted.features.frames["mouse"] + 0.5
    features = replace(planted.features, frames={"mouse": centers[::3]}, rows={"mouse": planted.features["mouse"][::3]})
    assessed = [(20, 41), (100, 130), (131, 200)]
    labels = Annotation(ETHOGRAM, (Bout("mouse", "walk", 22, 30),), {"mouse": assessed})
    data = TrainingData.of([video("day1", features, labels)])
    counted = sum(any(start <= int(center) < stop for start, stop in assessed) for center in centers[::3])
    assert data.individuals == {("day1", "mouse"): counted}
    assert data.bouts == {"walk": 1}
    assert data.problem == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: replace(f, frames={}), "day2: the frames of the rows of mouse are not known"),
        (lambda f: replace(f, provenance={"video": {"frames": 7}}), "day2: its features are of a video with 7 frames"),
        (lambda f: replace(f, provenance={"settings": {"normalization": "kinetics"}}), "normalization symmetric"),
    ],
)
def test_features_that_do_not_fit_are_left_out(change, said):
    planted = make_planted()
    first = replace(planted.features, provenance={"settings": {"normalization": "symmetric"}})
    data = TrainingData.of(
        [video("day1", first, planted.annotation), video("day2", change(planted.features), planted.annotation)]
    )
    assert list(data.features) == list(data.labels) == ["day1"]
    assert said in data.describe()
    assert data.problem == ""


def test_automated_bouts_are_not_counted():
    planted = make_planted()
    bouts = tuple(replace(bout, origin=Origin.AUTOMATED) for bout in planted.annotation.bouts)
    data = TrainingData.of([video("day1", planted.features, replace(planted.annotation, bouts=bouts))])
    assert data.problem == "No frames are labelled yet: label some bouts in Annotate first."
    assert f"{len(bouts)} automated bouts not used" in data.describe()


def test_same_names_differ_and_edits_are_counted():
    planted = make_planted()
    one, other = (video("day1", planted.features, planted.annotation) for _ in range(2))
    assert list(TrainingData.of([one, other]).features) == ["day1", "day1 (2)"]
    before, editor = planted.annotation, one.labels.editor
    assert count_edits(before, one) == 0
    first = before.bouts[0]
    editor.move_edges(first, first.start, first.stop - 2)
    assert count_edits(before, one) == 1
    editor.delete(before.bouts[5])
    assert count_edits(before, one) == 2
    editor.do(Assess("another", 0, 10))
    assert count_edits(before, one) == 3
    editor.do(Add("another", "walk", 0, 10))
    assert count_edits(before, one) == 3
    for _ in range(4):
        editor.undo()
    assert count_edits(before, one) == 0
