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
