"""``napari-i3d learn``: train a probe on labels, test it, and predict with it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_i3d._utils.text import counted
from napari_i3d.cli.learning.predictions import add_read_and_score
from napari_i3d.cli.shared.common import DONE, add_command, print_error, print_line, print_notes, require_new
from napari_i3d.cli.shared.progress_bars import run_with_bar
from napari_i3d.errors import SettingsError

if TYPE_CHECKING:
    from napari_i3d.learning.probe.settings import ProbeSettings
    from napari_i3d.learning.smoothing import Smoothing

ANNOTATION_ENDING = ".annotation.json"


def add_learn(commands: Any) -> None:
    """Add the command to the parser."""
    learn = add_command(commands, "learn", None, "learn behaviors from labels, and predict them")
    actions: Any = learn.add_subparsers(title="actions", required=True, metavar="ACTION")
    train = add_command(actions, "train", _train, "train a probe on labelled features")
    _add_labelled(train)
    train.add_argument("--out", type=Path, required=True, metavar="FILE", help="the probe: .npz")
    train.add_argument("--start", type=Path, metavar="PROBE", help="begin with this probe of fewer labels: faster")
    train.add_argument("--overwrite", action="store_true", help="replace the file if it exists")
    evaluate = add_command(actions, "evaluate", _evaluate, "test a probe on labels that are held back from it")
    _add_labelled(evaluate)
    evaluate.add_argument("--unit", choices=("video", "individual", "bout"),
        help="what is held back (default: the first of which there are two)")  # fmt: skip
    _add_smoothing(evaluate)
    predict = add_command(actions, "predict", _predict, "label videos with a probe")
    predict.add_argument("probe", type=Path, metavar="PROBE", help="a file of `learn train`")
    predict.add_argument("features", type=Path, metavar="FEATURES", help="a features file, or a folder of them")
    predict.add_argument("--out", type=Path, required=True, metavar="PATH",
        help="the annotation of a file; the folder for those of a folder")  # fmt: skip
    predict.add_argument("--overwrite", action="store_true", help="replace files that exist")
    _add_smoothing(predict)
    add_read_and_score(actions)


def _add_labelled(parser: argparse.ArgumentParser) -> None:
    add: Any = parser.add_argument
    add("features", type=Path, metavar="FEATURES", help="a features file, or a folder of them")
    add("annotations", type=Path, metavar="ANNOTATIONS",
        help="the annotation, or a folder of those whose names begin with the videos' names")  # fmt: skip
    add("--components", type=int, metavar="N", help="principal components of the features (default: 64)")
    add("--context_frames", type=int, metavar="N",
        help="see each row with those N frames before and after it (default: 0, alone)")  # fmt: skip
    add("--strength", type=float, metavar="X", help="inverse of the regularization (default: 0.1)")


def _add_smoothing(parser: argparse.ArgumentParser) -> None:
    add: Any = parser.add_argument
    add("--enter", type=float, metavar="P", help="a bout has a row of this probability (default: 0.5)")
    add("--stay", type=float, metavar="P", help="it goes on down to this probability (default: 0.4)")
    add("--shortest_frames", type=int, metavar="N", help="shorter bouts and gaps are dropped (default: 5)")


def _train(options: argparse.Namespace) -> int:
    from napari_i3d import learning
    from napari_i3d.projects.labelled_files import read_labelled_files

    require_new(options.out, overwrite=options.overwrite)
    if options.out.suffix.lower() != ".npz":
        raise SettingsError(f"{options.out}: expected a name that ends in .npz")
    start = None if options.start is None else learning.read_probe(options.start)
    files = read_labelled_files(options.features, options.annotations)
    print_notes(files.notes)
    settings = _settings(options, start.settings if start else None)
    probe = run_with_bar(learning.train.steps(files.features, files.annotations, settings, start=start), "step")
    print_notes(probe.provenance["notes"])
    probe.save(options.out)
    rows = sum(entry["assessed_rows"] for entry in probe.provenance["training"])
    names = [name for head in probe.heads for name in head.classes[1:]]
    print_line(f"{options.out}: trained on {counted(rows, 'row')}; behaviors: {', '.join(names)}")
    _warn_untrained(probe.trained_features)
    return DONE


def _evaluate(options: argparse.Namespace) -> int:
    from napari_i3d import learning
    from napari_i3d.projects.labelled_files import read_labelled_files

    settings, smoothing = _settings(options), _smoothing(options)
    files = read_labelled_files(options.features, options.annotations)
    print_notes(files.notes)
    steps = learning.evaluate.steps(files.features, files.annotations, settings, smoothing=smoothing, unit=options.unit)
    for line in run_with_bar(steps, "fold").report().splitlines():
        print_line(line)
    return DONE


def _predict(options: argparse.Namespace) -> int:
    from napari_i3d import learning
    from napari_i3d._utils.files import make_folder
    from napari_i3d.annotations.io.writing import write_annotation, written_format
    from napari_i3d.projects.labelled_files import read_features_files, with_video

    smoothing = _smoothing(options)
    probe = learning.read_probe(options.probe)
    features = read_features_files(options.features)
    if options.features.is_dir():
        folder = make_folder(options.out)
        targets = {name: folder / f"{name}{ANNOTATION_ENDING}" for name in features}
    else:
        targets = dict.fromkeys(features, options.out)
    for target in targets.values():
        written_format(target)
        require_new(target, overwrite=options.overwrite)
    for name, target in targets.items():
        predicted = with_video(probe.predict(features[name], smoothing), features[name])
        notes = write_annotation(target, predicted)
        individuals = counted(len(predicted.individuals), "individual")
        print_line(f"{target}: {counted(len(predicted.bouts), 'bout')} of {individuals}, not reviewed")
        print_notes(notes)
    _warn_untrained(probe.trained_features)
    return DONE


def _settings(options: argparse.Namespace, default: "ProbeSettings | None" = None) -> "ProbeSettings":
    from dataclasses import replace

    from napari_i3d.learning.probe.settings import ProbeSettings

    return replace(default or ProbeSettings(), **_given(options, "components", "context_frames", "strength"))


def _smoothing(options: argparse.Namespace) -> "Smoothing":
    from napari_i3d.learning.smoothing import Smoothing

    return Smoothing(**_given(options, "enter", "stay", "shortest_frames"))


def _given(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def _warn_untrained(trained: bool) -> None:
    if not trained:
        print_error("the features came of untrained weights: predictions mean nothing")
