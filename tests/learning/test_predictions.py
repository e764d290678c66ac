"""Predictions of other programs come back to the frames, individuals and behaviors that they are of."""

import csv
import json
import pickle
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from helpers.labelled import BEHAVIORS, ETHOGRAM, bouts_of, random_states
from napari_i3d import Annotation, Bout, Features, learning, read_annotation, write_annotation
from napari_i3d.annotations.bouts import Origin
from napari_i3d.cli.main import main
from napari_i3d.errors import AnnotationError, SettingsError

PROGRAMS = ("dlc2action", "ms-tcn", "asformer", "actionformer", "opentad", "lightning-action")


def make_video(seed: int, first: int, step: int, offset: float) -> tuple[Features, Annotation]:
    """Return features of two individuals, and labels with a gap that nobody looked at."""
    rows, frames, bouts, assessed, lasts = {}, {}, [], {}, {}
    for place, one in enumerate(("male", 7)):
        states = random_states(seed + 10 * place, n_bouts=16, shortest=12)
        end = first + len(states)
        frames[one] = np.arange(first + offset, end - offset, step, dtype=np.float64)
        rows[one] = np.full((len(frames[one]), 3), place, np.float32)
        assessed[one], lasts[one] = [(first, first + 120), (first + 160, end)], end - 1
        bouts += [
            replace(bout, start=max(bout.start, low), stop=min(bout.stop, high))
            for bout in bouts_of(states, one, first)
            for low, high in assessed[one]
            if bout.overlaps(low, high)
        ]
    n_frames = max(lasts.values()) + 5
    video = {"file": f"v{seed}.mp4", "frames": n_frames, "width_px": 64, "height_px": 48}
    features = Features(rows, frames, fps=120.0, provenance={"video": video})
    return features, Annotation(ETHOGRAM, tuple(bouts), assessed, n_frames=n_frames)


def export(folder: Path, program: str, step: int = 1, offset: float = 0.0) -> dict[str, Annotation]:
    """Write a data set, and return its labels."""
    videos = {f"day.{number}": make_video(number, 20 * number, step, offset) for number in range(3)}
    labels = {name: one[1] for name, one in videos.items()}
    learning.export_dataset(folder, {name: one[0] for name, one in videos.items()}, labels, program)
    return labels


def clip_frames(folder: Path) -> dict[str, tuple[str, str | int, np.ndarray]]:
    """Return video, individual and frames of the rows of each clip, by the table of clips."""
    found = {}
    with (folder / "clips.csv").open() as file:
        for clip in csv.DictReader(file):
            individual = 7 if clip["individual"] == "7" else clip["individual"]
            at = int(clip["first_frame"]) + np.arange(int(clip["rows"])) * int(float(clip["step_frames"]))
            found[clip["clip"]] = clip["video"], individual, at
    return found


def clip_labels(folder: Path, labels: dict[str, Annotation]) -> dict[str, np.ndarray]:
    """Return the number of the behavior of each row of each clip, 0 for none, by the table of clips."""
    found = {}
    for name, (video, individual, at) in clip_frames(folder).items():
        table = labels[video].to_table(individual)[at]
        assert (table >= 0).all()
        found[name] = np.where(table.any(axis=1), table.argmax(axis=1) + 1, 0)
    return found


def write_as(program: str, folder: Path, truth: dict[str, np.ndarray]) -> Path:
    """Write predictions that are the truth, as the program writes them."""
    names, out = ("background", *BEHAVIORS), folder.parent / "predicted"
    out.mkdir()
    ordered = sorted(BEHAVIORS)
    found: dict[str, list] = {key: [] for key in ("video-id", "t-start", "t-end", "label", "score")}
    results: dict[str, list] = {}
    for name, numbers in truth.items():
        count, chances = len(numbers), np.full((len(numbers), 4), 0.1 / 3, np.float32)
        chances[np.arange(count), numbers] = 0.9
        if program in ("ms-tcn", "asformer"):
            text = " ".join(names[number] for number in numbers)
            (out / name).write_text(f"### Frame level recognition: ###\n{text}")
            if program == "asformer":
                (out / f"{name}.txt_stage0.png").write_bytes(b"\x89PNG")
        elif program == "lightning-action":
            table = np.full((count + 90, 5), np.nan)
            table[: count + 40] = 0.01
            table[:count, 1:] = chances
            lines = [f"{at}," + ",".join("" if np.isnan(x) else str(x) for x in row) for at, row in enumerate(table)]
            heading = ",filler,background," + ",".join(BEHAVIORS)
            (out / f"{name}_predictions.csv").write_text("\n".join([heading, *lines, ""]))
        elif program == "dlc2action":
            torch = pytest.importorskip("torch")
            classes = {at + 1: behavior for at, behavior in enumerate(ordered)} | {0: "other"}
            own = chances[:, [0, *(BEHAVIORS.index(behavior) + 1 for behavior in ordered)]].T
            places = [list(classes.values()).index(classes[at]) for at in range(4)]
            content = {"ind0": torch.from_numpy(own[places].copy()), "classes": classes}
            content |= {"min_frames": {"ind0": 0}, "max_frames": {"ind0": count - 1}}
            with (out / f"{name}_try_1_prediction.pickle").open("wb") as file:
                pickle.dump(content, file)
        edges = np.flatnonzero(np.diff(numbers, prepend=-1, append=-1))
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            if numbers[start]:
                behavior = BEHAVIORS[numbers[start] - 1]
                # A network's edges lie beside those of rows; a less likely detection of another behavior is in them.
                sure = (start + 0.31 if start else 0.0, min(stop + 0.29, count), behavior, 0.8)
                other = (start + 0.2, stop - 0.2, BEHAVIORS[numbers[start] % 3], 0.5)
                unlikely = (max(start - 5.0, 0.0), min(start + 9.0, count), BEHAVIORS[numbers[start] % 3], 0.2)
                for low, high, label, score in (other, sure, unlikely):
                    values = (name, low, high, ordered.index(label), score)
                    for key, value in zip(found, values, strict=True):
                        found[key].append(value)
                    entry = {"segment": [round(low, 2), round(high, 2)], "label": label, "score": score}
                    results.setdefault(name, []).append(entry)
    if program == "actionformer":
        arrays = {key: np.array(own, np.int64 if key == "label" else np.float32) for key, own in found.items() if own
                  and key != "video-id"}  # fmt: skip
        (out / "eval_results.pkl").write_bytes(pickle.dumps({"video-id": found["video-id"], **arrays}))
        return out / "eval_results.pkl"
    if program == "opentad":
        (out / "result_detection.json").write_text(json.dumps({"results": results}))
        return out / "result_detection.json"
    return out


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(("step", "offset"), [(1, 0.0), (1, 3.5), (4, 3.5)])
def test_predictions_come_back_to_their_frames(tmp_path: Path, program: str, step: int, offset: float) -> None:
    labels = export(tmp_path / "set", program, step, offset)
    path = write_as(program, tmp_path / "set", clip_labels(tmp_path / "set", labels))
    found = learning.read_predictions(path, tmp_path / "set")
    assert set(found.annotations) == set(labels)
    for video, predicted in found.annotations.items():
        truth = labels[video]
        assert (predicted.n_frames, predicted.fps) == (truth.n_frames, 120.0)
        assert predicted.video is not None
        assert predicted.video.name == f"v{video[-1]}.mp4"
        assert set(predicted.individuals) == {"male", 7}
        assert {bout.origin for bout in predicted.bouts} == {Origin.AUTOMATED}
        expected = {"actionformer": 0.8, "opentad": 0.8, "ms-tcn": None, "asformer": None}.get(program, 0.9)
        for bout in predicted.bouts:
            assert bout.confidence == (expected if expected is None else pytest.approx(expected, abs=1e-3))
        for individual in ("male", 7):
            if (step, offset) == (1, 0.0):
                assert predicted.assessed[individual] == truth.assessed[individual]
                assert list(predicted.of(individual)) == [
                    replace(bout, origin=Origin.AUTOMATED, confidence=own.confidence)
                    for bout, own in zip(truth.of(individual), predicted.of(individual), strict=True)
                ]
    for video, individual, at in clip_frames(tmp_path / "set").values():
        own, true = found.annotations[video].to_table(individual), labels[video].to_table(individual)
        np.testing.assert_array_equal(own[at], true[at])


def test_rows_without_prediction_are_not_assessed(tmp_path: Path) -> None:
    labels = export(tmp_path / "set", "lightning-action")
    truth = clip_labels(tmp_path / "set", labels)
    path = write_as("lightning-action", tmp_path / "set", truth)
    name = "0002_day_0_male_160"
    file = path / f"{name}_predictions.csv"
    lines = file.read_text().splitlines()
    lines[21:] = [re.sub(",.*", ",,,,,", line) for line in lines[21:]]
    file.write_text("\n".join(lines))
    found = learning.read_predictions(path, tmp_path / "set")
    assert found.annotations["day.0"].assessed["male"] == ((0, 120), (160, 180))
    assert f"{len(truth[name]) - 20} rows without a prediction count as not assessed" in found.notes
    only = learning.read_predictions(file, tmp_path / "set")
    assert dict(only.annotations["day.0"].assessed) == {"male": ((160, 180),)}


def test_predictions_of_another_data_set_are_refused(tmp_path: Path) -> None:
    labels = export(tmp_path / "set", "ms-tcn")
    truth = clip_labels(tmp_path / "set", labels)
    path = write_as("ms-tcn", tmp_path / "set", truth)
    file = path / "day_0_male_0"
    text = file.read_text()
    file.write_text(f"{text} walk")
    with pytest.raises(AnnotationError, match=r"day_0_male_0 \(MS-TCN\): expected predictions of the 120 rows .* 121"):
        learning.read_predictions(path, tmp_path / "set")
    file.write_text(text.replace("walk", "swim"))
    with pytest.raises(AnnotationError, match=r"expected behaviors of the data set.*swim"):
        learning.read_predictions(path, tmp_path / "set")
    with pytest.raises(AnnotationError, match="found 0 such files"):
        learning.read_predictions(tmp_path / "set" / "splits", tmp_path / "set")
    with pytest.raises(AnnotationError, match=r"dataset\.json: cannot be read"):
        learning.read_predictions(path, path)
    place = tmp_path / "set" / "dataset.json"
    whole = json.loads(place.read_text())
    name = "day_0_male_0"
    for key, value in (("individual", [1]), ("rows", 0), ("video", "day.9"), ("first_frame", -1), ("step_frames", "a")):
        wrong = whole["clips"] | {name: whole["clips"][name] | {key: value}}
        place.write_text(json.dumps(whole | {"clips": wrong}))
        with pytest.raises(AnnotationError, match=r"dataset\.json: expected .*clips"):
            learning.read_predictions(path, tmp_path / "set")
    for text in ('{"for": "ms-tcn", "clips": {"a": 1}}', json.dumps(whole | {"clips": {}}), "[1]"):
        place.write_text(text)
        with pytest.raises(AnnotationError, match=r"dataset\.json: expected .*clips"):
            learning.read_predictions(path, tmp_path / "set")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"other": []}, "expected clips of the data set, found other"),
        ({"day_0_male_0": [{"segment": [0, 500], "label": "walk", "score": 1}]}, "120 rows of the clip, found 500"),
        ({"day_0_male_0": [{"segment": [0, 5], "label": "swim", "score": 1}]}, "behaviors of the data set, found swim"),
        ({"day_0_male_0": [{"segment": [5, 0], "label": "walk", "score": 1}]}, "expected segments with scores"),
        ({"day_0_male_0": [{"segment": [0, 5], "label": "walk"}]}, "expected detections with segment"),
        ({"day_0_male_0": {}}, "expected a list of detections"),
        ({}, "expected detections, found none"),
    ],
)
def test_wrong_detections_are_named(tmp_path: Path, entry: dict, reason: str) -> None:
    export(tmp_path / "set", "opentad")
    path = tmp_path / "result_detection.json"
    path.write_text(json.dumps({"results": entry}))
    with pytest.raises(AnnotationError, match=reason):
        learning.read_predictions(path, tmp_path / "set")


def test_clips_without_detections_count_as_without_behavior(tmp_path: Path) -> None:
    labels = export(tmp_path / "set", "opentad")
    path = write_as("opentad", tmp_path / "set", clip_labels(tmp_path / "set", labels))
    results = json.loads(path.read_text())["results"]
    own = {name: entry for name, entry in results.items() if name.startswith("day_1") and name != "day_1_7_20"}
    path.write_text(json.dumps({"results": own}))
    found = learning.read_predictions(path, tmp_path / "set").annotations
    assert set(found) == {"day.1"}
    assert found["day.1"].assessed == labels["day.1"].assessed
    assert not any(bout.start < 140 for bout in found["day.1"].of(7))


def test_pickle_of_detections_runs_no_code(tmp_path: Path) -> None:
    export(tmp_path / "set", "actionformer")

    class Evil:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / "ran",)

    path = tmp_path / "eval_results.pkl"
    path.write_bytes(pickle.dumps({"video-id": [Evil()]}))
    with pytest.raises(AnnotationError, match="nothing of it was run"):
        learning.read_predictions(path, tmp_path / "set")
    assert not (tmp_path / "ran").exists()
    path.write_bytes(pickle.dumps({"video-id": ["day_0_male_0"], "t-start": np.zeros(2)}))
    with pytest.raises(AnnotationError, match="expected video-id, t-start"):
        learning.read_predictions(path, tmp_path / "set")
    with pytest.raises(SettingsError, match="least_score"):
        learning.read_predictions(path, tmp_path / "set", least_score=0)


def test_labels_of_rows_are_read_as_predictions(tmp_path: Path) -> None:
    path = tmp_path / "day_male"
    path.write_text("### Frame level recognition: ###\nbackground walk walk rear background")
    read = read_annotation(path)
    assert [(b.behavior, b.start, b.stop, b.origin) for b in read.bouts] == [
        ("walk", 1, 3, Origin.AUTOMATED), ("rear", 3, 4, Origin.AUTOMATED)
    ]  # fmt: skip
    assert read.assessed[read.individuals[0]] == ((0, 5),)


def test_only_held_back_frames_are_scored(tmp_path: Path) -> None:
    labels = export(tmp_path / "set", "ms-tcn")
    dataset = learning.read_dataset(tmp_path / "set")
    held_back = {clip.video for clip in dataset.clips.values() if clip.split == 2}
    (video,) = held_back
    perfect = {name: one if name == video else replace(one, bouts=()) for name, one in labels.items()}
    found = learning.score_predictions(perfect, labels, dataset, split=2)
    assert found.macro_f1 == found.segmental_f1[50] == found.edit_score == 1
    assert found.frames == sum(high - low for own in labels[video].assessed.values() for low, high in own)
    assert learning.score_predictions(perfect, labels, dataset, split=1).macro_f1 == 0
    assert 0 < learning.score_predictions(perfect, labels).macro_f1 < 1
    with pytest.raises(SettingsError, match="expected one of 1, 2, 3, found 4"):
        learning.score_predictions(perfect, labels, dataset, split=4)
    with pytest.raises(AnnotationError, match="labelled and predicted, and held back"):
        learning.score_predictions({"other": labels[video]}, labels, dataset)


def test_scores_are_those_of_other_programs(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    true, other = random_states(1, 60), random_states(1, 60)
    other[random.integers(0, len(other), 300)] = 1
    annotations = [
        Annotation(ETHOGRAM, bouts_of(states, 7), {7: [(0, len(true))]}, n_frames=len(true)) for states in (true, other)
    ]
    found = learning.score_predictions(annotations[1], annotations[0])
    expected = f1_score(true, other, labels=[1, 2, 3], average=None)
    assert list(found.frame_f1.values()) == pytest.approx(expected)
    assert found.macro_f1 == pytest.approx(expected.mean())
    most = int(np.bincount(true)[1:].argmax()) + 1
    always = f1_score(true, np.full(len(true), most), labels=[1, 2, 3], average="macro")
    assert found.majority_macro_f1 == pytest.approx(always)
    assert sum(found.confusion.values()) == len(true)
    assert found.confusion["walk", "rear"] == ((true == 1) & (other == 3)).sum()
    assert found.confusion["", "walk"] == ((true == 0) & (other == 1)).sum()
    extra = replace(annotations[1], ethogram=None, bouts=(Bout(7, "swim", 3, 9),))
    assert "Predicted, but never labelled: swim." in learning.score_predictions(extra, annotations[0]).notes


def test_commands_read_and_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = export(tmp_path / "set", "ms-tcn")
    path = write_as("ms-tcn", tmp_path / "set", clip_labels(tmp_path / "set", labels))
    (tmp_path / "labels").mkdir()
    for name, one in labels.items():
        write_annotation(tmp_path / "labels" / f"{name}.annotation.json", one)
    read = ["learn", "read", str(path), "--dataset", str(tmp_path / "set"), "--out", str(tmp_path / "back")]
    assert main(read) == 0
    assert "12 clips of MS-TCN: 4 that split 1 holds back" in capsys.readouterr().out
    assert sorted(one.name for one in (tmp_path / "back").iterdir()) == [f"{n}.annotation.json" for n in sorted(labels)]
    assert main(read) == 1
    assert main([*read, "--overwrite"]) == 0
    score = ["learn", "score", str(tmp_path / "back"), str(tmp_path / "labels")]
    capsys.readouterr()
    assert main([*score, "--dataset", str(tmp_path / "set"), "--split", "3"]) == 0
    text = capsys.readouterr().out
    assert "that split 3 of the data set for ms-tcn holds back" in text
    assert re.search(r"macro +1\.00", text)
    assert main([*score, "--all-frames"]) == 0
    assert "whatever the program was trained on" in capsys.readouterr().out
    assert main(score) == 2
    assert "--all_frames" in capsys.readouterr().err
