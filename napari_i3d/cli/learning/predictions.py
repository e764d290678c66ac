"""``napari-i3d learn read`` and ``learn score``: predictions of other programs, and their scores."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_i3d._utils.text import counted, format_path
from napari_i3d.cli.shared.common import DONE, add_command, print_line, print_notes, require_new
from napari_i3d.errors import AnnotationError, SettingsError

if TYPE_CHECKING:
    from napari_i3d.annotations.annotation import Annotation
    from napari_i3d.learning.datasets.description import Dataset

_ENDING = ".annotation.json"


def add_read_and_score(actions: Any) -> None:
    """Add the two actions to those of ``learn``."""
    read = add_command(actions, "read", _read, "bring predictions of another program back to the frames of videos")
    read.add_argument("predictions", type=Path, metavar="PREDICTIONS",
        help="the file or folder that the program wrote; README.md of the data set names it")  # fmt: skip
    read.add_argument("--dataset", type=Path, required=True, metavar="DIR", help="the data set: a folder of `dataset`")
    read.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder for the annotations")
    read.add_argument("--least_score", type=float, metavar="P",
        help="leave out detections of ActionFormer and OpenTAD of a lower score (default: 0.3)")  # fmt: skip
    read.add_argument("--overwrite", action="store_true", help="replace files that exist")
    score = add_command(actions, "score", _score, "compare predictions with labels that were held back")
    score.add_argument("predicted", type=Path, metavar="PREDICTED", help="the predicted annotation, or a folder")
    score.add_argument("labels", type=Path, metavar="LABELS",
        help="the labelled annotation, or a folder of those whose names begin with the videos' names")  # fmt: skip
    score.add_argument("--dataset", type=Path, metavar="DIR",
        help="the data set that was trained on: only frames that its split holds back count")  # fmt: skip
    score.add_argument("--split", type=int, default=1, metavar="N", help="number of the split (default %(default)s)")
    score.add_argument("--all_frames", action="store_true",
        help="without a data set: all frames count, also those that were trained on")  # fmt: skip


def _read(options: argparse.Namespace) -> int:
    from napari_i3d import learning
    from napari_i3d._utils.files import make_folder
    from napari_i3d.annotations.io.writing import write_annotation

    more = {} if options.least_score is None else {"least_score": options.least_score}
    found = learning.read_predictions(options.predictions, options.dataset, **more)
    folder = make_folder(options.out)
    targets = {name: folder / f"{name or 'video'}{_ENDING}" for name in found.annotations}
    for target in targets.values():
        require_new(target, overwrite=options.overwrite)
    print_notes(found.notes)
    for name, target in targets.items():
        own = found.annotations[name]
        write_annotation(target, own)
        individuals = counted(len(own.individuals), "individual")
        print_line(f"{target}: {counted(len(own.bouts), 'bout')} of {individuals}, not reviewed")
    return DONE


def _score(options: argparse.Namespace) -> int:
    from napari_i3d import learning

    if (options.dataset is None) is not options.all_frames:
        raise SettingsError(
            "expected the data set that was trained on, or that all frames count, found "
            f"{'both' if options.all_frames else 'neither'}",
            hint="add --dataset DIR, or --all_frames",
        )
    dataset = None if options.dataset is None else learning.read_dataset(options.dataset)
    predicted, labels = _annotations(options.predicted, options.labels, dataset)
    for line in learning.score_predictions(predicted, labels, dataset, options.split).report().splitlines():
        print_line(line)
    return DONE


def _annotations(
    predicted: Path, labels: Path, dataset: "Dataset | None"
) -> tuple[Mapping[str, "Annotation"], Mapping[str, "Annotation"]]:
    """Read predictions and labels, by video."""
    from napari_i3d.annotations.io.reading import read_annotation
    from napari_i3d.projects.labelled_files import find_annotations

    if predicted.is_dir():
        files = {file.name.removesuffix(_ENDING): file for file in sorted(predicted.glob(f"*{_ENDING}"))}
    else:
        files = {predicted.name.removesuffix(_ENDING).removesuffix(predicted.suffix): predicted}
    if not files:
        raise AnnotationError(f"{format_path(predicted)}: expected annotations, *{_ENDING}, found none")
    if dataset is not None and "" in dataset.videos and len(files) == 1:
        files = {"": next(iter(files.values()))}
    found = {name: read_annotation(file) for name, file in files.items()}
    if labels.is_dir() and not (labels / "groundTruth").is_dir():
        paths = find_annotations(list(files), labels)
    elif len(files) == 1:
        paths = {next(iter(files)): labels}
    else:
        raise AnnotationError(f"{format_path(labels)}: expected a folder with the labels of {len(files)} videos")
    true = {
        name: read_annotation(
            path, fps=found[name].fps, n_frames=found[name].n_frames, individuals=found[name].individuals
        )
        for name, path in paths.items()
    }
    return found, true
