"""What is special in files of DLC2Action: ambiguous, unknown and negative labels, names, suggestions."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import napari_i3d
from helpers import annotation_files as files
from helpers.annotation_files import BOUTS, N_FRAMES, named
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.io.format import AnnotatedVideo
from napari_i3d.annotations.io.reading import read_annotation_file
from napari_i3d.errors import AnnotationError


def write(folder: Path, content: Any) -> Path:
    (folder / "a.pickle").write_bytes(pickle.dumps(content))
    return folder / "a.pickle"


def labels(*spans: Any, name: str = "walk", metadata: Any = None) -> tuple[Any, ...]:
    return metadata, [name, "rest"], ["male"], [[list(spans), []]]


def test_ambiguous_intervals_are_marked(tmp_path: Path):
    read = read_annotation_file(write(tmp_path, labels([1, 5, 0], [7, 9, 1])))
    assert [(bout.start, bout.stop, bout.note) for bout in read.annotation.bouts] == [(1, 5, ""), (7, 9, "ambiguous")]
    assert any("1 ambiguous interval" in note for note in read.notes)
    napari_i3d.write_annotation(tmp_path / "b.pickle", read.annotation)
    assert pickle.loads((tmp_path / "b.pickle").read_bytes())[3] == [[[[1, 5, 0], [7, 9, 1]], []]]


@pytest.mark.parametrize("ambiguity", [2, 3])
def test_suggestions_are_automated(ambiguity: int, tmp_path: Path):
    read = napari_i3d.read_annotation(write(tmp_path, labels([1, 5, ambiguity])))
    assert [(bout.origin, bout.start) for bout in read.bouts] == [(Origin.AUTOMATED, 1)]


def test_unknown_labels_are_not_assessed(tmp_path: Path):
    content = (
        {"length": 100},
        ["walk", "unknown walk", "negative walk"],
        ["male"],
        [[[[1, 5, 0]], [[20, 30, 0]], [[40, 50, 0]]]],
    )
    read = read_annotation_file(write(tmp_path, content))
    assert list(read.annotation.ethogram) == ["walk"]
    assert read.annotation.assessed["male"] == ((0, 20), (30, 100))
    assert named(read.annotation) == [("male", "walk", 1, 5)]
    assert any("1 interval with an unknown label" in note for note in read.notes)
    assert any("1 interval of certain absence (negative) left out" in note for note in read.notes)


def test_individual_without_intervals_is_assessed(tmp_path: Path):
    read = napari_i3d.read_annotation(files.dlc2action_tuple(tmp_path / "a.pickle"))
    assert dict(read.assessed) == {"male": ((0, N_FRAMES),), "female": ((0, N_FRAMES),)}
    read = napari_i3d.read_annotation(write(tmp_path, {"ind0": {}, "ind1": {"walk": [[4, 9]]}}))
    assert dict(read.assessed) == {"ind0": ((0, 9),), "ind1": ((0, 9),)}
    assert read.individuals == ("ind0", "ind1")


def test_names_become_the_ids_of_the_tracking(tmp_path: Path):
    path = write(tmp_path, {"ind0": {"walk": [[4, 9]]}, "ind12": {"walk": [[4, 9]]}})
    assert napari_i3d.read_annotation(path, individuals=[0, 12]).individuals == (0, 12)
    assert napari_i3d.read_annotation(path, individuals=[""]).individuals == ("", "ind12")
    assert napari_i3d.read_annotation(path).individuals == ("ind0", "ind12")


def test_annotator_and_video_are_kept(tmp_path: Path):
    read = napari_i3d.read_annotation(files.dlc2action_tuple(tmp_path / "a.pickle"))
    assert (read.annotator, read.n_frames) == ("ann", N_FRAMES)
    assert read.video is not None
    assert read.video.name == "clip.mp4"


def test_few_frames_of_difference_are_said_many_refused(tmp_path: Path):
    facts = AnnotatedVideo("clip.mp4", N_FRAMES, 25.0)
    read = read_annotation_file(files.dlc2action_tuple(tmp_path / "a.pickle", length=N_FRAMES + 1), video=facts)
    assert named(read.annotation) == sorted(BOUTS)
    assert "the file is of a video of 601 frames, but this one has 600" in read.notes
    with pytest.raises(AnnotationError, match=r"video of 600 frames \(clip.mp4\), found one of 700 frames"):
        napari_i3d.read_annotation(files.dlc2action_tuple(tmp_path / "a.pickle", length=700), video=facts)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"male": {0: [[1, 5]]}}, "male: expected labels that are text, found 0"),
        ({"male": {"walk": [60, 70, 0]}}, r"male, walk, interval 1: expected \[start, end\]"),
        ({"male": {"walk": [[1, 2, 0, 0]]}}, r"male, walk, interval 1: expected \[start, end\]"),
        ({"male": {"walk": [[1.5, 2]]}}, "male, walk, interval 1: expected whole numbers, found 1.5"),
        ({"male": {"walk": [[float("nan"), 2]]}}, "male, walk, interval 1: expected whole numbers, found nan"),
        ({"male": {"walk": [[-3, 2]]}}, "male, walk, interval 1: expected frames from 0, found -3"),
        ({"male": {"walk": [[0, 10**12]]}}, "male, walk, interval 1: .*expected a whole number from 0"),
        ({"male": {"walk": 7}}, "male, walk: expected a list, found int"),
        ({"male": 7}, r"expected \(metadata, labels, animals, times\)"),
        ([1, 2], r"expected \(metadata, labels, animals, times\)"),
        ((None, ["a"], ["b"], []), "expected times of 1 individual, found 0"),
        ((None, ["a"], ["b"], [[]]), "b: expected times of 1 label, found 0"),
        ((None, ["a"], [3.5], [[[]]]), "expected names of individuals, found 3.5"),
    ],
)
def test_invalid_content_is_named(content: Any, reason: str, tmp_path: Path):
    with pytest.raises(AnnotationError, match=reason):
        napari_i3d.read_annotation(write(tmp_path, content))


def test_intervals_as_arrays_of_any_numbers_are_read(tmp_path: Path):
    spans = np.array([[1, 5, 0], [7, 9, 0]])
    for kind in (np.int16, np.uint64, np.float32, object):
        read = napari_i3d.read_annotation(write(tmp_path, (None, ["walk"], ["male"], [[spans.astype(kind)]])))
        assert read.bouts == (Bout("male", "walk", 1, 5), Bout("male", "walk", 7, 9))


CLASSES = {0: "other", 1: "walk", 2: "rest"}


def predictions(folder: Path, tables: dict[str, Any], first: int = 10, classes: Any = None, **more: Any) -> Path:
    """As `Project.run_prediction` saves them."""
    import torch

    tensors = {clip: torch.tensor(table, dtype=torch.float32) for clip, table in tables.items()}
    lasts = {clip: first + tensor.shape[-1] - 1 for clip, tensor in tensors.items()}
    facts = {"min_frames": dict.fromkeys(tables, first), "max_frames": lasts, "classes": classes or CLASSES}
    return write(folder, {**tensors, **facts, **more})


def test_exclusive_predictions_show_the_most_likely_class(tmp_path: Path):
    walk = np.array([0.1, 0.4, 0.6, 0.2, 0.2, 0.9])
    rest = np.array([0.1, 0.3, 0.3, 0.7, 0.1, 0.05])
    path = predictions(tmp_path, {"ind0": [1 - walk - rest, walk, rest], "ind1": [1 - rest - walk, rest, walk]})
    read = read_annotation_file(path, individuals=["ind0"])
    assert read.format.name == "dlc2action-predictions"
    assert named(read.annotation)[:3] == [("ind0", "rest", 13, 14), ("ind0", "walk", 11, 13), ("ind0", "walk", 15, 16)]
    assert list(read.annotation.ethogram) == ["walk", "rest"]
    assert {bout.origin for bout in read.annotation.bouts} == {Origin.AUTOMATED}
    confidences = {bout.start: bout.confidence for bout in read.annotation.of("ind0")}
    assert confidences == pytest.approx({11: 0.5, 13: 0.7, 15: 0.9})
    assert read.annotation.assessed["ind1"] == ((10, 16),)


def test_predictions_keep_their_names_in_the_order_of_dlc2action(tmp_path: Path):
    """Of an own data set of planted classes, DLC2Action 1.0 wrote: row 0 walk, row 1 other, row 2 groom, row 3 rear."""
    table = np.eye(4)[[0, 1, 2, 3, 3]].T.tolist()
    path = predictions(tmp_path, {"a": table}, 0, {1: "groom", 2: "rear", 3: "walk", 0: "other"})
    read = napari_i3d.read_annotation(path)
    assert named(read) == [("a", "groom", 2, 3), ("a", "rear", 3, 5), ("a", "walk", 0, 1)]


def test_predictions_of_several_classes_show_those_above_half(tmp_path: Path):
    table = [[0.9, 0.9, -100, 0.1], [0.2, 0.8, -100, 0.6]]
    read = napari_i3d.read_annotation(predictions(tmp_path, {"a": table}, 0, {0: "walk", 1: "rest"}))
    assert named(read) == [("a", "rest", 1, 2), ("a", "rest", 3, 4), ("a", "walk", 0, 2)]
    assert read.assessed["a"] == ((0, 2), (3, 4))


def test_predictions_in_parts_of_tensors_are_read(tmp_path: Path):
    """A slice is stored with all numbers, an offset and strides."""
    import torch

    whole = torch.rand((4, 50), generator=torch.Generator().manual_seed(1))
    part = whole[1:3, 5:40:2].T.T
    content = {"a": part, "min_frames": {"a": 0}, "max_frames": {"a": 17}, "classes": {0: "walk", 1: "rest"}}
    read = napari_i3d.read_annotation(write(tmp_path, content), n_frames=18)
    for row, name in enumerate(("walk", "rest")):
        assert read.to_table("a")[:, row].tolist() == (part[row] > 0.5).int().tolist(), name


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"classes": {1: "a", 2: "b", 3: "c"}}, "classes numbered from 0"),
        ({"classes": {0: "a", 1: "a", 2: "c"}}, "classes with different names"),
        ({"classes": {0: "a"}}, "a: expected probabilities of 1 classes in 1 frames, found"),
        ({"max_frames": {"a": 99}}, "a: expected probabilities of 3 classes in 90 frames"),
        ({"min_frames": {}}, "a: expected the first and last frame"),
        ({"min_frames": {"a": -1}}, "a: expected the first and last frame"),
    ],
)
def test_invalid_predictions_are_named(more: dict[str, Any], reason: str, tmp_path: Path):
    with pytest.raises(AnnotationError, match=reason):
        napari_i3d.read_annotation(predictions(tmp_path, {"a": [[0.2], [0.3], [0.5]]}, **more))


@pytest.mark.parametrize("value", [float("nan"), 2.0, -0.5])
def test_impossible_probability_is_refused(value: float, tmp_path: Path):
    with pytest.raises(AnnotationError, match="a: expected probabilities from 0 to 1"):
        napari_i3d.read_annotation(predictions(tmp_path, {"a": [[value], [0.3], [0.5]]}))
