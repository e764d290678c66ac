"""``napari-i3d dataset``: features and labels for a program that learns to find behaviors."""

import argparse
from pathlib import Path
from typing import Any

from napari_i3d.cli.shared.common import DONE, add_command, print_line, print_notes

PROGRAM_NAMES = ("dlc2action", "ms-tcn", "asformer", "actionformer", "opentad", "lightning-action")


def add_dataset(commands: Any) -> None:
    """Add the command to the parser."""
    dataset = add_command(commands, "dataset", _dataset, "make a data set for an action-segmentation program")
    add: Any = dataset.add_argument
    add("features", type=Path, metavar="FEATURES", help="a features file, or a folder of them")
    add("annotations", type=Path, metavar="ANNOTATIONS",
        help="the annotation, or a folder of those whose names begin with the videos' names")  # fmt: skip
    add("--for", dest="for_", required=True, choices=PROGRAM_NAMES, help="the program")
    add("--out", type=Path, required=True, metavar="DIR", help="the folder to make")
    add("--unit", choices=("video", "individual"), help="what splits hold back (default: videos if there are two)")
    add("--seed", type=int, default=0, metavar="N", help="seed of the splits (default %(default)s)")


def _dataset(options: argparse.Namespace) -> int:
    from napari_i3d import learning
    from napari_i3d.projects.labelled_files import read_labelled_files

    files = read_labelled_files(options.features, options.annotations)
    print_notes(files.notes)
    notes = learning.export_dataset(
        options.out, files.features, files.annotations, options.for_, unit=options.unit, seed=options.seed
    )
    print_line(f"{options.out}: data set for {options.for_}; README.md says how to train")
    print_notes(notes)
    return DONE
