"""``napari-i3d learn``: train a probe on labels, test it, predict with it, and find what to label."""

import argparse
import json
from pathlib import Path
from typing import Any

from napari_i3d._utils.text import counted
from napari_i3d.cli.learning.next_labels import add_next_labels
from napari_i3d.cli.learning.predictions import add_read_and_score
from napari_i3d.cli.learning.probe_options import add_labelled, add_smoothing, probe_settings, smoothing_of
from napari_i3d.cli.learning.queue_file import read_queue, require_ending, write_text
from napari_i3d.cli.shared.common import DONE, add_command, print_error, print_line, print_notes, require_new
from napari_i3d.cli.shared.progress_bars import run_with_bar
from napari_i3d.errors import SettingsError

ANNOTATION_ENDING = ".annotation.json"


def add_learn(commands: Any) -> None:
    """Add the command to the parser."""
    learn = add_command(commands, "learn", None, "learn behaviors from labels, and predict them")
    actions: Any = learn.add_subparsers(title="actions", required=True, metavar="ACTION")
    train = add_command(actions, "train", _train, "train a probe on labelled features")
    add_labelled(train)
    train.add_argument("--out", type=Path, required=True, metavar="FILE", help="the probe: .npz")
    train.add_argument("--start", type=Path, metavar="PROBE", help="begin with this probe of fewer labels: faster")
    train.add_argument("--overwrite", action="store_true", help="replace the file if it exists")
    evaluate = add_command(actions, "evaluate", _evaluate, "test a probe on labels that are held back from it")
    add_labelled(evaluate)
    evaluate.add_argument("--unit", choices=("video", "individual", "bout"),
        help="what is held back (default: the first of which there are two)")  # fmt: skip
    evaluate.add_argument("--queue", type=Path, nargs="+", default=(), metavar="FILE",
        help="lists of `learn queue`: scores in their random windows, which nobody chose")  # fmt: skip
    evaluate.add_argument("--out", type=Path, metavar="FILE", help="write the scores: .json or .csv")
    evaluate.add_argument("--figure", type=Path, metavar="FILE",
        help="draw the confusion of behaviors and the learning curve: .png, .svg or .pdf")  # fmt: skip
    evaluate.add_argument("--overwrite", action="store_true", help="replace files that exist")
    add_smoothing(evaluate)
    predict = add_command(actions, "predict", _predict, "label videos with a probe")
    predict.add_argument("probe", type=Path, metavar="PROBE", help="a file of `learn train`")
    predict.add_argument("features", type=Path, metavar="FEATURES", help="a features file, or a folder of them")
    predict.add_argument("--out", type=Path, required=True, metavar="PATH",
        help="the annotation of a file; the folder for those of a folder")  # fmt: skip
    predict.add_argument("--overwrite", action="store_true", help="replace files that exist")
    add_smoothing(predict)
    add_next_labels(actions)
    add_read_and_score(actions)


def _train(options: argparse.Namespace) -> int:
    from napari_i3d import learning
    from napari_i3d.projects.labelled_files import read_labelled_files

    require_new(options.out, overwrite=options.overwrite)
    if options.out.suffix.lower() != ".npz":
        raise SettingsError(f"{options.out}: expected a name that ends in .npz")
    start = None if options.start is None else learning.read_probe(options.start)
    files = read_labelled_files(options.features, options.annotations)
    print_notes(files.notes)
    settings = probe_settings(options, start.settings if start else None)
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
    from napari_i3d.plots.probe_scores import scores_figure
    from napari_i3d.plots.save import require_format, save_figure
    from napari_i3d.projects.labelled_files import read_labelled_files

    settings, smoothing = probe_settings(options), smoothing_of(options)
    if options.out is not None:
        require_ending(options.out, ".json", ".csv")
    if options.figure is not None:
        require_format(options.figure)
    for path in filter(None, (options.out, options.figure)):
        require_new(path, overwrite=options.overwrite)
    files = read_labelled_files(options.features, options.annotations)
    windows = [window for path in options.queue for window in read_queue(path, files.features)]
    print_notes(files.notes)
    steps = learning.evaluate.steps(files.features, files.annotations, settings, smoothing=smoothing, unit=options.unit)
    scores = run_with_bar(steps, "fold")
    report, values, table = scores.report(), scores.as_json(), scores.as_csv()
    if windows:
        estimate = run_with_bar(
            learning.estimate_by_random_windows.steps(
                files.features, files.annotations, windows, settings, smoothing=smoothing
            ),
            "fold",
        )
        report, table = f"{report}\n{estimate.report()}", table + estimate.as_csv()
        values["random_windows"] = estimate.as_json()
    for line in report.splitlines():
        print_line(line)
    if options.out is not None:
        is_json = options.out.suffix.lower() == ".json"
        write_text(options.out, json.dumps(values, indent=1) + "\n" if is_json else table)
        print_line(f"scores: {options.out}")
    if options.figure is not None:
        save_figure(scores_figure(scores), options.figure)
        print_line(f"figure: {options.figure}")
    return DONE


def _predict(options: argparse.Namespace) -> int:
    from napari_i3d import learning
    from napari_i3d._utils.files import make_folder
    from napari_i3d.annotations.io.writing import write_annotation, written_format
    from napari_i3d.projects.labelled_files import read_features_files, with_video

    smoothing = smoothing_of(options)
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


def _warn_untrained(trained: bool) -> None:
    if not trained:
        print_error("the features came of untrained weights: predictions mean nothing")
