"""A row has the labels of the frame it stands for, and of its own individual only."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.labelled import ETHOGRAM, bouts_of, make_planted, random_states
from napari_i3d import Annotation, Behavior, Bout, Ethogram, Features
from napari_i3d.errors import AnnotationError, FeaturesError
from napari_i3d.features.table import table_of_features
from napari_i3d.learning.labelled_rows import label_frames, label_rows


@pytest.mark.parametrize("first", [0, 17])
@pytest.mark.parametrize(("offset", "step"), [(0, 1), (3.5, 1), (0, 3), (3.5, 4), (3.5, 8)])
def test_rows_have_labels_of_their_own_frame(first: int, offset: float, step: int) -> None:
    states = random_states(3, shortest=1, longest=9)
    frames = np.arange(first + offset, first + len(states) - offset, step)
    # The value of a row is the frame it stands for: itself, or the one whose padded row is this chunk.
    values = np.floor(frames).astype(np.float32)[:, None]
    features = Features(rows={"a": values}, frames={"a": frames})
    annotation = Annotation(ETHOGRAM, bouts_of(states, "a", first), {"a": [(first, first + len(states))]})
    labelled = label_rows(features, annotation)
    for value, shown in zip(labelled.table.rows(0, len(values))[:, 0].tolist(), labelled.shown, strict=True):
        expected = np.zeros(3, int)
        if state := states[int(value) - first]:
            expected[state - 1] = 1
        assert shown.tolist() == expected.tolist()


def test_label_frames_agree_with_finding_rows() -> None:
    features = Features(rows={"a": np.zeros((50, 1), np.float32)}, frames={"a": np.arange(50) + 20.5})
    table = table_of_features(features)
    frames = label_frames(table.frames)
    assert [table.find_rows("a", frame)[0] for frame in frames.tolist()] == list(range(50))


def test_frames_nobody_looked_at_are_unknown() -> None:
    features = Features(rows={"a": np.zeros((30, 1), np.float32)}, frames={"a": np.arange(30.0)})
    annotation = Annotation(ETHOGRAM, (Bout("a", "walk", 5, 8),), {"a": [(4, 10), (20, 22)]})
    labelled = label_rows(features, annotation)
    assert labelled.assessed.tolist() == [4, 5, 6, 7, 8, 9, 20, 21]
    assert np.flatnonzero(labelled.shown[:, 0] == 1).tolist() == [5, 6, 7]


def test_labels_of_another_individual_are_not_used() -> None:
    rows = {one: np.zeros((10, 1), np.float32) for one in ("a", "b", 1)}
    features = Features(rows=rows, frames={one: np.arange(10.0) for one in rows})
    annotation = Annotation(
        ETHOGRAM, (Bout("a", "walk", 0, 5), Bout("1", "rear", 0, 5)), {"a": [(0, 10)], "1": [(0, 10)]}
    )
    labelled = label_rows(features, annotation)
    assert labelled.individuals == ("a",)
    assert "1" in labelled.notes[1]
    assert "b" in labelled.notes[0]


def test_pieces_of_a_split_tracklet_have_labels_of_the_whole() -> None:
    rows = {one: np.zeros((5, 1), np.float32) for one in ("a_part1", "a_part2")}
    frames = {"a_part1": np.arange(5.0), "a_part2": np.arange(20.0, 25)}
    annotation = Annotation(ETHOGRAM, (Bout("a", "walk", 22, 24),), {"a": [(0, 30)]})
    split = {"tracking": {"gaps": "split", "gaps_mended": [{"id": "a", "missing": [[5, 19]]}]}}
    labelled = label_rows(Features(rows=rows, frames=frames, provenance=split), annotation)
    assert labelled.individuals == ("a", "a")
    assert np.flatnonzero(labelled.shown[:, 0] == 1).tolist() == [7, 8]
    # Without gaps, the name is only a name.
    with pytest.raises(AnnotationError, match="a_part1"):
        label_rows(Features(rows=rows, frames=frames), annotation)


def test_behavior_that_was_not_looked_for_is_unknown() -> None:
    one, other = make_planted(1), make_planted(2)
    fewer = Annotation(
        Ethogram((Behavior("walk"),)),
        tuple(bout for bout in other.annotation.bouts if bout.behavior == "walk"),
        other.annotation.assessed,
    )
    labelled = label_rows({"x": one.features, "y": other.features}, {"x": one.annotation, "y": fewer})
    own = labelled.shown[labelled.table.sequence_of_row == 1]
    assert (own[:, 1:] == -1).all()
    assert (own[:, 0] >= 0).all()


def test_labels_of_another_video_are_refused() -> None:
    planted = make_planted()
    longer = replace(planted.annotation, n_frames=planted.annotation.n_frames + 1)
    with pytest.raises(AnnotationError, match="another video"):
        label_rows(planted.features, longer)


def test_features_made_differently_are_refused() -> None:
    one, other = make_planted(1), make_planted(2)
    for key, values in (
        ("weights", ({"sha256": "a"}, {"sha256": "b"})),
        ("settings", ({"normalization": "symmetric"}, {"normalization": "kinetics"})),
    ):
        named = {
            name: replace(each.features, provenance={**each.features.provenance, key: value})
            for name, each, value in zip("xy", (one, other), values, strict=True)
        }
        with pytest.raises(FeaturesError, match="same weights and settings"):
            label_rows(named, {"x": one.annotation, "y": other.annotation})


def test_same_weights_of_another_name_are_accepted() -> None:
    one, other = make_planted(1), make_planted(2)
    named = {
        name: replace(each.features, provenance={**each.features.provenance, "weights": {"name": name, "sha256": "a"}})
        for name, each in (("x", one), ("y", other))
    }
    assert len(label_rows(named, {"x": one.annotation, "y": other.annotation}).table.sequences) == 2


def test_individual_without_frames_is_refused() -> None:
    with pytest.raises(FeaturesError, match="not known"):
        label_rows(Features(rows={"a": np.zeros((5, 1), np.float32)}), Annotation(ETHOGRAM, (Bout("a", "walk", 0, 2),)))
