"""Data sets read back by plain parsers that do what the trainers' loaders do."""

import ast
import csv
import json
import os
import pickle
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers import labelled
from helpers.labelled import BEHAVIORS, ETHOGRAM, bouts_of, random_states
from napari_i3d import Annotation, Behavior, Ethogram, Features, learning
from napari_i3d.cli.main import main
from napari_i3d.errors import AnnotationError, OutputError, SettingsError


def make_video(seed: int, first: int = 0, step: int = 1, offset: float = 0.0, individuals=("male", 7)):
    """Return features whose values are their frame and individual, labels partly looked at, and states by frame."""
    rows, frames, bouts, assessed, truth = {}, {}, [], {}, {}
    for place, one in enumerate(individuals):
        states = random_states(seed + 10 * place, n_bouts=20, shortest=10)
        end = first + len(states)
        frames[one] = np.arange(first + offset, end - offset, step, dtype=np.float64)
        rows[one] = np.stack([np.floor(frames[one]), np.full(len(frames[one]), place)], axis=1).astype(np.float32)
        looked_at = [(first, first + 150), (first + 200, end)]
        truth[one] = {frame: int(states[frame - first]) for a, b in looked_at for frame in range(a, b)}
        bouts += [
            replace(bout, start=max(bout.start, a), stop=min(bout.stop, b))
            for bout in bouts_of(states, one, first)
            for a, b in looked_at
            if bout.overlaps(a, b)
        ]
        assessed[one] = looked_at
    features = Features(rows=rows, frames=frames, provenance={"weights": {"name": "untrained", "trained": False}})
    return features, Annotation(ETHOGRAM, tuple(bouts), assessed), truth


VIDEOS = {f"day.{number}": make_video(number, first=30 * number) for number in range(3)}


def parts() -> tuple[dict, dict]:
    return {name: one[0] for name, one in VIDEOS.items()}, {name: one[1] for name, one in VIDEOS.items()}


def clips_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "clips.csv").open() as file:
        return {row["clip"]: row for row in csv.DictReader(file)}


def check_rows(rows: np.ndarray, labels: list[int], clip: dict[str, str], videos=VIDEOS) -> None:
    """Compare the labels of rows, which are their frame and individual, with the truth."""
    individuals = {str(one): (place, one) for place, one in enumerate(("male", 7))}
    place, one = individuals[clip["individual"]]
    truth = videos[clip["video"]][2][one]
    assert len(rows) == len(labels) == int(clip["rows"])
    for at, (row, label) in enumerate(zip(rows.tolist(), labels, strict=True)):
        assert row[1] == place
        assert row[0] == int(clip["first_frame"]) + at * float(clip["step_frames"])
        assert truth[int(row[0])] == label


@pytest.mark.parametrize("program", ["ms-tcn", "asformer"])
def test_ms_tcn_reads_every_label_beside_its_row(tmp_path: Path, program: str) -> None:
    folder = tmp_path / "set"
    learning.export_dataset(folder, *parts(), program)
    mapping = {}
    for line in (folder / "mapping.txt").read_text().split("\n")[:-1]:
        number, name = line.split()
        mapping[name] = int(number)
    assert set(mapping) == {"background", *BEHAVIORS}
    assert sorted(mapping.values()) == [0, 1, 2, 3]
    clips = clips_of(folder)
    tested = []
    for split in (1, 2, 3):
        sides = {}
        for side in ("train", "test"):
            names = (folder / "splits" / f"{side}.split{split}.bundle").read_text().split("\n")[:-1]
            sides[side] = {clips[name.split(".")[0]]["video"] for name in names}
            for name in names:
                stem = name.split(".")[0]
                rows = np.load(folder / "features" / f"{stem}.npy").T
                labels = (folder / "groundTruth" / name).read_text().split("\n")[:-1]
                numbers = {"background": 0} | {behavior: at + 1 for at, behavior in enumerate(BEHAVIORS)}
                check_rows(rows, [numbers[label] for label in labels], clips[stem])
            tested += names if side == "test" else []
        assert not sides["train"] & sides["test"]
    assert sorted(tested) == sorted(f"{name}.txt" for name in clips)
    assert len(clips) == 12
    assert "untrained weights" in (folder / "README.md").read_text()


def test_dlc2action_reads_every_label_beside_its_row(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    learning.export_dataset(folder, *parts(), "dlc2action")
    clips = clips_of(folder)
    for name, clip in clips.items():
        content = np.load(folder / "data" / f"{name}.npy", allow_pickle=True).item()
        (individual,) = content.keys() - {"min_frames", "max_frames"}
        first, last = content["min_frames"][individual], content["max_frames"][individual]
        assert last - first + 1 == len(content[individual])
        with (folder / "data" / f"{name}_annotation.pickle").open("rb") as file:
            _, behaviors, animals, times = pickle.load(file)
        assert animals == [individual]
        labels = np.zeros(len(content[individual]), int)
        for behavior, spans in zip(behaviors, times[0], strict=True):
            for start, stop, ambiguous in spans:
                assert not ambiguous
                labels[start - first : stop - first] = BEHAVIORS.index(behavior) + 1
        check_rows(content[individual], labels.tolist(), clip)
    for split in (1, 2, 3):
        sides, side = {"Training": [], "Validation": [], "Test": []}, ""
        for line in (folder / f"split{split}.txt").read_text().splitlines():
            if line.endswith("videos:"):
                side = line.split()[0]
            else:
                sides[side].append(clips[line]["video"])
        assert not set(sides["Training"]) & set(sides["Validation"])
        assert len(sides["Training"]) + len(sides["Validation"]) == len(clips)


@pytest.mark.parametrize(("step", "offset"), [(1, 3.5), (4, 0), (4, 3.5)])
def test_sparse_rows_keep_the_labels_of_their_frames(tmp_path: Path, step: int, offset: float) -> None:
    videos = {"day1": make_video(3, 17, step, offset)}
    features, annotation, _ = videos["day1"]
    learning.export_dataset(tmp_path / "set", {"day1": features}, {"day1": annotation}, "ms-tcn")
    clips = clips_of(tmp_path / "set")
    assert {clip["split"] for clip in clips.values()} == {"1", "2"}
    for stem, clip in clips.items():
        labels = (tmp_path / "set" / "groundTruth" / f"{stem}.txt").read_text().split()
        numbers = [("background", *BEHAVIORS).index(label) for label in labels]
        check_rows(np.load(tmp_path / "set" / "features" / f"{stem}.npy").T, numbers, clip, videos)


def in_segments(segments: list[tuple[float, float]], labels: list[int], count: int) -> list[int]:
    """Return the number of each point 0, 1, ... of a grid: that of the segment around it, 0 for none."""
    numbers = [0] * count
    for (start, stop), label in zip(segments, labels, strict=True):
        for at in range(count):
            if start < at < stop:
                assert numbers[at] == 0
                numbers[at] = label
    return numbers


@pytest.mark.parametrize("program", ["actionformer", "opentad"])
@pytest.mark.parametrize("step", [1, 4])
def test_detectors_put_every_row_in_its_bout(tmp_path: Path, program: str, step: int) -> None:
    videos = {f"day.{number}": make_video(number, 30 * number, step) for number in range(3)}
    features = {name: one[0] for name, one in videos.items()}
    learning.export_dataset(tmp_path / "set", features, {name: one[1] for name, one in videos.items()}, program)
    clips = clips_of(tmp_path / "set")
    tested = []
    for split in (1, 2, 3):
        database = json.loads((tmp_path / "set" / f"split{split}.json").read_text())["database"]
        config = (tmp_path / "set" / f"split{split}.{'yaml' if program == 'actionformer' else 'py'}").read_text()
        number = {name: int(value) for name, value in re.findall(r"^ *(\w+)[:=] ?(\d+),?$", config, re.MULTILINE)}
        assert set(database) == set(clips)
        for name, entry in database.items():
            rows = np.load(tmp_path / "set" / "features" / f"{name}.npy")
            segments = [one["segment"] for one in entry["annotations"]]
            if program == "actionformer":
                offset = 0.5 * number["num_frames"] / number["feat_stride"]
                times = np.array(segments, np.float32).reshape(-1, 2)
                grid = times * entry["fps"] / number["feat_stride"] - offset
            else:
                frames = [[int(t / entry["duration"] * entry["frame"]) for t in pair] for pair in segments]
                grid = (np.array(frames, float).reshape(-1, 2) - number["offset_frames"]) / number["feature_stride"]
            labels = [BEHAVIORS.index(one["label"]) + 1 for one in entry["annotations"]]
            check_rows(rows, in_segments(grid.tolist(), labels, len(rows)), clips[name], videos)
            held_back = clips[name]["split"] == str(split)
            assert entry["subset"] == ("validation" if held_back else "training")
            tested += [name] if held_back else []
            assert {one["label"]: one["label_id"] for one in entry["annotations"]}.items() <= {
                "groom": 0, "rear": 1, "walk": 2
            }.items()  # fmt: skip
    assert sorted(tested) == sorted(clips)
    if program == "opentad":
        assert (tmp_path / "set" / "category_idx.txt").read_text() == "groom\nrear\nwalk\n"
        ast.parse(config)


def test_clips_without_bouts_are_not_trained_on(tmp_path: Path) -> None:
    features, annotations = parts()
    shown = next(bout for bout in annotations["day.0"].bouts if bout.behavior == "groom" and bout.individual == 7)
    one = replace(annotations["day.0"], bouts=(shown,))
    learning.export_dataset(tmp_path / "set", features, {**annotations, "day.0": one}, "actionformer")
    clips = clips_of(tmp_path / "set")
    for split in (1, 2, 3):
        database = json.loads((tmp_path / "set" / f"split{split}.json").read_text())["database"]
        subsets = {entry["subset"] for entry in database.values() if not entry["annotations"]}
        own = {clip["split"] for clip in clips.values() if clip["video"] == "day.0"}
        assert subsets == ({"validation"} if own == {str(split)} else {"without_bouts"})
        assert not any(entry["subset"] == "training" and not entry["annotations"] for entry in database.values())
    empty = replace(annotations["day.0"], bouts=())
    with pytest.raises(AnnotationError, match="expected bouts in the clips that are held back"):
        learning.export_dataset(tmp_path / "other", features, {**annotations, "day.0": empty}, "opentad")


@pytest.mark.parametrize("step", [1, 4])
def test_lightning_action_holds_every_row_once(tmp_path: Path, step: int) -> None:
    pandas = pytest.importorskip("pandas")
    videos = {f"day.{number}": make_video(number, 30 * number, step) for number in range(3)}
    features = {name: one[0] for name, one in videos.items()}
    folder = tmp_path / "set"
    learning.export_dataset(folder, features, {name: one[1] for name, one in videos.items()}, "lightning-action")
    clips = clips_of(folder)
    assert not any(one != other and other.startswith(one) for one in clips for other in clips)
    for split in (1, 2, 3):
        config = (folder / f"split{split}.yaml").read_text()
        number = {name: int(value) for name, value in re.findall(r"^ +(\w+): (\d+)$", config, re.MULTILINE)}
        lists = {name: json.loads(value) for name, value in re.findall(r"^ *(\w+): (\[.+\])$", config, re.MULTILINE)}
        length, margin = number["sequence_length"], number["sequence_pad"]
        assert margin == sum(2 * 2**layer * number["num_lags"] for layer in range(number["num_layers"])) <= length
        assert sorted(lists["held_back"]) == sorted(name for name in clips if clips[name]["split"] == str(split))
        assert sorted(lists["expt_ids"] + lists["held_back"]) == sorted(clips)
    for name, clip in clips.items():
        tables = [pandas.read_csv(folder / part / f"{name}.csv", index_col=0) for part in ("features", "labels")]
        assert list(tables[1].columns) == ["filler", "background", *BEHAVIORS]
        assert (tables[1].sum(axis=1) == 1).all()
        assert len(tables[0]) >= length + margin
        whole = len(tables[0]) // length * length
        rows, labels = tables[0].to_numpy(np.float32)[:whole], tables[1].to_numpy().argmax(axis=1)[:whole]
        assert not (labels[: int(clip["rows"])] == number["ignore_index"]).any()
        kept = labels != number["ignore_index"]
        check_rows(rows[kept], (labels[kept] - 1).tolist(), clip, videos)


def test_names_that_mislead_programs_are_refused(tmp_path: Path) -> None:
    features, annotations = parts()
    with pytest.raises(OutputError, match="another name than 50salads"):
        learning.export_dataset(tmp_path / "50Salads", features, annotations, "asformer")
    renamed = {
        name: replace(
            one,
            ethogram=Ethogram((*(b for b in ETHOGRAM.behaviors if b.name != "rear"), Behavior("Ambiguous"))),
            bouts=tuple(replace(b, behavior="Ambiguous") if b.behavior == "rear" else b for b in one.bouts),
        )
        for name, one in annotations.items()
    }
    with pytest.raises(OutputError, match="other names than ambiguous"):
        learning.export_dataset(tmp_path / "set", features, renamed, "opentad")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("program", ["ms-tcn", "asformer", "actionformer", "opentad", "lightning-action"])
def test_programs_hold_the_label_of_every_row(tmp_path: Path, program: str) -> None:
    python, checkouts = (os.environ.get(f"NAPARI_I3D_TRAINERS{end}") for end in ("", "_CHECKOUTS"))
    if not python or not checkouts:
        pytest.skip("NAPARI_I3D_TRAINERS or NAPARI_I3D_TRAINERS_CHECKOUTS is not set")
    learning.export_dataset(tmp_path / "set", *parts(), program)
    checkout = "-" if program == "lightning-action" else str(Path(checkouts) / program)
    command = [python, Path(labelled.__file__).with_name("trainer_loaders.py"), program, checkout, tmp_path / "set"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    clips = clips_of(tmp_path / "set")
    for split, held in json.loads(run.stdout.splitlines()[-1]).items():
        trained, tested = held.values()
        assert set(tested) == {name for name, clip in clips.items() if clip["split"] == split}
        assert set(trained) | set(tested) == set(clips)
        for name, (rows, labels) in (trained | tested).items():
            check_rows(np.array(rows), [("", *BEHAVIORS).index(label) for label in labels], clips[name])


def test_failure_leaves_nothing(tmp_path: Path) -> None:
    features, annotations = parts()
    double = annotations["day.2"]
    bout = next(one for one in double.bouts if one.behavior == "walk" and one.individual == "male")
    clash = replace(double, bouts=(*double.bouts, replace(bout, behavior="rear")))
    with pytest.raises(OutputError, match="one behavior at a time"):
        learning.export_dataset(tmp_path / "set", features, {**annotations, "day.2": clash}, "ms-tcn")
    with pytest.raises(OutputError, match="misread"):
        learning.export_dataset(
            tmp_path / "set", {f"Test{name}": one for name, one in features.items()},
            {f"Test{name}": one for name, one in annotations.items()}, "dlc2action",
        )  # fmt: skip
    one, labels, _ = make_video(1, individuals=("male",))
    with pytest.raises(AnnotationError, match="two videos or individuals"):
        learning.export_dataset(tmp_path / "set", one, labels, "ms-tcn")
    with pytest.raises(SettingsError, match="dlc2action, ms-tcn, asformer, actionformer, opentad, lightning-action"):
        learning.export_dataset(tmp_path / "set", features, annotations, "word")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "set").mkdir()
    with pytest.raises(OutputError, match="exists"):
        learning.export_dataset(tmp_path / "set", features, annotations, "ms-tcn")
    assert list((tmp_path / "set").iterdir()) == []


def test_command_makes_a_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from napari_i3d import write_annotation, write_features

    for name, (features, annotation, _) in VIDEOS.items():
        write_features(tmp_path / f"{name}.npy", features)
        write_annotation(tmp_path / f"{name}.annotation.json", annotation)
    out = tmp_path / "set"
    assert main(["dataset", str(tmp_path), str(tmp_path), "--for", "ms-tcn", "--out", str(out)]) == 0
    assert "12 clips" in capsys.readouterr().out
    assert len(list((out / "groundTruth").iterdir())) == 12
    assert main(["dataset", str(tmp_path), str(tmp_path), "--for", "ms-tcn", "--out", str(out)]) == 1


def test_dlc2action_loads_the_labels_of_every_row(tmp_path: Path) -> None:
    python = os.environ.get("NAPARI_I3D_DLC2ACTION")
    if not python:
        pytest.skip("NAPARI_I3D_DLC2ACTION is not set")
    learning.export_dataset(tmp_path / "set", *parts(), "dlc2action")
    name, clip = max(clips_of(tmp_path / "set").items())
    script = Path(labelled.__file__).with_name("dlc2action_loader.py")
    command = [python, script, tmp_path / "set" / "data", name, clip["rows"], "0", "ind0"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)["ind0"]
    assert found.pop("-100") == 0
    numbers = np.zeros(int(clip["rows"]), int)
    for behavior, spans in found.items():
        for start, stop in spans:
            numbers[start:stop] = BEHAVIORS.index(behavior) + 1
    rows = np.load(tmp_path / "set" / "data" / f"{name}.npy", allow_pickle=True).item()["ind0"]
    check_rows(rows, numbers.tolist(), clip)


def test_dlc2action_trains_on_the_data_set(tmp_path: Path) -> None:
    python = os.environ.get("NAPARI_I3D_DLC2ACTION")
    if not python:
        pytest.skip("NAPARI_I3D_DLC2ACTION is not set")
    if subprocess.run([python, "-c", "import dlc2action.project"], capture_output=True).returncode:
        pytest.skip("DLC2Action is installed without what it needs to train")
    features, annotations = parts()
    shown = {}
    for name, (one, annotation, _) in VIDEOS.items():
        rows = {}
        for individual, own in one.items():
            first = int(own[0, 0])
            table = annotation.to_table(individual, first, first + len(own)) == 1
            rows[individual] = np.c_[table, ~table.any(axis=1)].astype(np.float32)
        shown[name] = replace(features[name], rows=rows)
    learning.export_dataset(tmp_path / "set", shown, annotations, "dlc2action")
    script = (tmp_path / "set" / "train.py").read_text()
    short = script.replace('"training": {', '"training": {"num_epochs": 2, "device": "cpu", ')
    short = short.replace('"general": {', '"general": {"num_cpus": 1, ')
    assert short.count("num_") == 2
    (tmp_path / "set" / "short.py").write_text(short)
    run = subprocess.run([python, tmp_path / "set" / "short.py", "2"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    assert "invalid or does not exist" not in run.stdout
    found = learning.read_predictions(
        tmp_path / "set" / "projects" / "split2" / "results" / "predictions" / "held_back", tmp_path / "set"
    )
    dataset = learning.read_dataset(tmp_path / "set")
    assert learning.score_predictions(found.annotations, annotations, dataset, split=2).macro_f1 > 0.6
