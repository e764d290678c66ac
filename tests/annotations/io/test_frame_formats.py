"""Labels frame by frame of other programs, read to the exact frame."""

import re
from pathlib import Path

import numpy as np
import pytest

from helpers import label_files
from helpers.label_files import BEHAVIORS, N_FRAMES, ONE, bouts_of
from napari_i3d.annotations.bouts import Origin
from napari_i3d.annotations.io.format import AnnotatedVideo
from napari_i3d.annotations.io.reading import read_annotation_file
from napari_i3d.errors import AnnotationError

EXCLUSIVE = {"groom": [(0, 1), (7, 30), (200, 301)], "chase": [(30, 60), (399, 400)]}
VIDEO = AnnotatedVideo("clip.mp4", N_FRAMES, 25.0)


def test_deepethogram_labels_to_the_frame(tmp_path: Path):
    found = read_annotation_file(label_files.deepethogram(tmp_path / "clip_labels.csv", ONE), video=VIDEO)
    assert found.format.name == "deepethogram"
    assert bouts_of(found.annotation) == ONE
    assert found.annotation.assessed["unnamed"] == ((0, N_FRAMES),)
    assert [behavior.exclusive for behavior in found.annotation.ethogram.behaviors] == [False, False, True]
    assert {bout.origin for bout in found.annotation.bouts} == {Origin.MANUAL}


def test_deepethogram_without_a_video_has_its_rows(tmp_path: Path):
    found = read_annotation_file(label_files.deepethogram(tmp_path / "clip_labels.csv", ONE))
    assert found.annotation.n_frames == N_FRAMES


def test_deepethogram_rows_of_minus_one_are_not_assessed(tmp_path: Path):
    path = label_files.deepethogram(
        tmp_path / "clip_labels.csv", {"groom": [(7, 30)]}, [(0, 5), (100, 120), (390, 400)]
    )
    found = read_annotation_file(path, video=VIDEO).annotation
    assert found.assessed["unnamed"] == ((5, 100), (120, 390))
    assert bouts_of(found) == {"groom": [(7, 30)]}


def test_deepethogram_behavior_added_later_was_never_judged(tmp_path: Path):
    """The program fills the column of a behavior that is added to a project with -1.0."""
    lines = [",background,groom,new"] + [f"{frame},{int(frame != 3)},{int(frame == 3)},-1.0" for frame in range(9)]
    (tmp_path / "clip_labels.csv").write_text("\n".join(lines))
    found = read_annotation_file(tmp_path / "clip_labels.csv").annotation
    assert found.assessed["unnamed"] == ((0, 9),)
    assert bouts_of(found) == {"groom": [(3, 4)], "new": []}


def test_deepethogram_frames_judged_for_some_behaviors_only(tmp_path: Path):
    rows = [(0, 0), (0, -1), (-1, 0), (1, -1), (0, 0), (-1, -1)]
    lines = [",background,groom,chase"] + [f"{frame},0,{a},{b}" for frame, (a, b) in enumerate(rows)]
    (tmp_path / "clip_labels.csv").write_text("\n".join(lines))
    found = read_annotation_file(tmp_path / "clip_labels.csv")
    assert found.annotation.assessed["unnamed"] == ((0, 1), (3, 5))
    assert any("2 frames without a bout, judged for some of the behaviors only" in note for note in found.notes)


def test_deepethogram_predictions_are_automated(tmp_path: Path):
    found = read_annotation_file(label_files.deepethogram(tmp_path / "clip_predictions.csv", ONE), video=VIDEO)
    assert {bout.origin for bout in found.annotation.bouts} == {Origin.AUTOMATED}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("\n200,0,1", "\n200,0,2"), "groom, frame 200: expected 1, 0 or -1, found 2"),
        (lambda text: text.replace("\n200,0,1", "\n200,0,0.5"), "groom, frame 200: expected 1, 0 or -1, found 0.5"),
        (lambda text: text.replace("\n200,0,1", "\n200,0,nan"), "groom, frame 200: expected 1, 0 or -1, found nan"),
        (lambda text: re.sub(r"\n200,.*", "", text), "row 202: expected frame 200 in the first column, found 201"),
        (lambda text: text.replace("\n200,0,1", "\n200,0,x"), "expected rows of numbers"),
        (lambda text: text.replace("chase", "groom"), "two columns are called groom"),
        (lambda text: text[: text.index("\n399") + 6], "frame 399: expected 1, 0 or -1, found nan"),
        (lambda text: text.splitlines()[0] + "\n", "expected labels of 1 to"),
    ],
)
def test_deepethogram_damage_is_named(change, message: str, tmp_path: Path):
    path = label_files.deepethogram(tmp_path / "clip_labels.csv", ONE)
    path.write_text(change(path.read_text()))
    with pytest.raises(AnnotationError, match=re.escape(message)):
        read_annotation_file(path)


def test_labels_beyond_the_video_are_refused_and_empty_ones_are_not(tmp_path: Path):
    """Programs count the frames of a video differently; a label may still not move or vanish."""
    path = label_files.deepethogram(tmp_path / "clip_labels.csv", {"groom": [(7, 30)]})
    found = read_annotation_file(path, n_frames=N_FRAMES - 2)
    assert found.annotation.n_frames == N_FRAMES - 2
    assert any("labels of 400 frames, the video has 398" in note for note in found.notes)
    with pytest.raises(AnnotationError, match="groom, frame 7"):
        read_annotation_file(path, n_frames=29)


def test_deepethogram_outputs_above_thresholds(tmp_path: Path):
    random = np.random.default_rng(0)
    probabilities = random.uniform(0, 1, (N_FRAMES, 3)).astype(np.float32)
    path = label_files.deepethogram_outputs(
        tmp_path / "clip_outputs.h5", probabilities, [0.5, 0.3, 0.8], ["background", "groom", "chase"]
    )
    found = read_annotation_file(path, video=VIDEO)
    expected = probabilities[:, 1:] > np.array([0.3, 0.8], np.float32)
    assert np.array_equal(found.annotation.to_table("unnamed"), expected)
    bout = next(bout for bout in found.annotation.bouts if len(bout) > 2)
    column = ["groom", "chase"].index(bout.behavior) + 1
    assert bout.confidence == pytest.approx(probabilities[bout.start : bout.stop, column].mean(), abs=1e-6)
    assert bout.origin is Origin.AUTOMATED


@pytest.mark.parametrize("first", [0, 1])
def test_simba_targets_to_the_frame(first: int, tmp_path: Path):
    found = read_annotation_file(label_files.simba(tmp_path / "clip.csv", ONE, first=first), video=VIDEO)
    assert found.format.name == "simba"
    assert bouts_of(found.annotation) == ONE
    assert any("groom, chase, rest" in note for note in found.notes)
    assert any("does not number the frames" in note for note in found.notes) == (first == 1)


def test_simba_machine_results_have_confidence(tmp_path: Path):
    found = read_annotation_file(label_files.simba(tmp_path / "clip.csv", ONE, predicted=True), video=VIDEO)
    assert bouts_of(found.annotation) == ONE
    assert {(bout.origin, bout.confidence) for bout in found.annotation.bouts} == {(Origin.AUTOMATED, 0.75)}


def test_simba_features_without_classifiers_are_refused(tmp_path: Path):
    path = label_files.simba(tmp_path / "clip.csv", {})
    with pytest.raises(AnnotationError, match="features only"):
        read_annotation_file(path)


NUMBERS = {"attack": 0, "investigation": 1, "mount": 2, "other": 3}


@pytest.mark.parametrize("vocabulary", [None, NUMBERS, list(NUMBERS)])
def test_calms21_labels_to_the_frame(vocabulary, tmp_path: Path):
    planted = {"attack": [(0, 4), (9, 10)], "mount": [(10, 200)], "investigation": [(399, 400)]}
    labels = [NUMBERS[name] for name in label_files.line_labels(planted, "other")]
    path = label_files.calms21(tmp_path / "a.json", {"task1/train/clip": labels}, vocabulary)
    found = read_annotation_file(path, video=VIDEO)
    assert found.format.name == "calms21"
    assert bouts_of(found.annotation, "resident") == {
        "attack": planted["attack"],
        "investigation": planted["investigation"],
        "mount": planted["mount"],
    }
    assert {bout.target for bout in found.annotation.bouts} == {"intruder"}
    assert found.annotation.assessed == {"resident": ((0, N_FRAMES),)}


def test_calms21_dictionary_in_a_numpy_file(tmp_path: Path):
    content = {
        "annotator-id_0": {
            "task1/train/clip": {
                "keypoints": np.zeros((9, 2, 2, 7)),
                "scores": np.zeros((9, 2, 7)),
                "annotations": np.array([3, 3, 0, 0, 3, 2, 2, 2, 3]),
                "metadata": {"fps": 30, "vocab": NUMBERS},
            }
        }
    }
    np.save(tmp_path / "a.npy", np.array(content, dtype=object), allow_pickle=True)
    found = read_annotation_file(tmp_path / "a.npy")
    assert bouts_of(found.annotation, "resident") == {"attack": [(2, 4)], "investigation": [], "mount": [(5, 8)]}


def test_calms21_video_is_chosen_by_name_then_length(tmp_path: Path):
    path = label_files.calms21(
        tmp_path / "a.json", {"task1/train/clip": [0] * 400, "task1/train/b": [1] * 300, "task1/test/c": [2] * 400}
    )
    assert bouts_of(read_annotation_file(path, video=VIDEO).annotation, "resident")["attack"] == [(0, 400)]
    assert bouts_of(read_annotation_file(path, n_frames=300).annotation, "resident")["investigation"] == [(0, 300)]
    with pytest.raises(AnnotationError, match=r"holds 3 videos .*; 2 have its 400 frames"):
        read_annotation_file(path, n_frames=400)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 7], "frame 2: expected a number of the vocabulary, found 7"),
        ([0, None, 1], "whole numbers"),
        ([0, float("nan")], "whole numbers"),
        ([0.5, 1], "whole numbers"),
        ([[0], [1]], "whole numbers"),
        ([], "expected labels of 1 to"),
    ],
)
def test_calms21_damage_is_named(labels, message: str, tmp_path: Path):
    with pytest.raises(AnnotationError, match=message):
        read_annotation_file(label_files.calms21(tmp_path / "a.json", {"t/clip": labels}))


@pytest.mark.parametrize("nothing", ["background", "other", "SIL"])
def test_ms_tcn_lines_to_the_frame(nothing: str, tmp_path: Path):
    labels = label_files.line_labels(EXCLUSIVE, nothing)
    path = label_files.ms_tcn(tmp_path, "clip_7", labels, [nothing, *BEHAVIORS])
    found = read_annotation_file(path, video=VIDEO)
    assert found.format.name == "ms-tcn"
    assert bouts_of(found.annotation, 7) == {**EXCLUSIVE, "rest": []}
    assert list(found.annotation.ethogram) == list(BEHAVIORS)
    assert read_annotation_file(tmp_path, video=VIDEO).annotation == found.annotation


def test_ms_tcn_file_alone_is_recognized(tmp_path: Path):
    (tmp_path / "labels.txt").write_text("\n".join(label_files.line_labels(EXCLUSIVE, "background")))
    found = read_annotation_file(tmp_path / "labels.txt")
    assert bouts_of(found.annotation) == EXCLUSIVE
    assert found.annotation.n_frames == N_FRAMES


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\na\nb\nc\n", r"line 4: c is not in mapping.txt"),
        ("a\na\n\nb\n", "line 3: expected a label, found an empty line"),
    ],
)
def test_ms_tcn_damage_is_named(text: str, message: str, tmp_path: Path):
    path = label_files.ms_tcn(tmp_path, "clip", [], ["background", "a", "b"])
    path.write_text(text)
    with pytest.raises(AnnotationError, match=message):
        read_annotation_file(path, "ms-tcn")


@pytest.mark.parametrize("text", ["12\n12\n13\n", "a,b\na,b\na,b\n", "one\ntwo\nthree\nfour\n", "{\n{\n{\n"])
def test_other_text_is_no_ground_truth(text: str, tmp_path: Path):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(AnnotationError, match="no known annotation format"):
        read_annotation_file(tmp_path / "a.txt")
