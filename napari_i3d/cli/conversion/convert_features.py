"""``napari-i3d convert features``: features files into those of another layout."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_i3d._utils.text import counted
from napari_i3d.cli.shared.common import (
    DONE,
    add_command,
    command_wording,
    ended_by_sigterm,
    print_line,
    print_notes,
    require_new,
)
from napari_i3d.cli.shared.progress_bars import run_with_bar
from napari_i3d.errors import SettingsError
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.store import StoreDtype

if TYPE_CHECKING:
    from napari_i3d.features.io.conversion import Conversion

_LISTED = 3


def add_features_conversion(actions: Any) -> None:
    """Add the action to the command ``convert``."""
    features = add_command(actions, "features", _convert_features, "convert features into another layout")
    add: Any = features.add_argument
    add("source", type=Path, nargs="+", metavar="SOURCE",
        help="a features file or a store; several of one video are joined")  # fmt: skip
    add("target", type=Path, metavar="TARGET", help="the file to write, or the folder of a store")
    add("--layout", choices=[str(layout) for layout in Layout],
        help="program to write for (default: store if TARGET ends in .features, else dict)")  # fmt: skip
    add("--store_dtype", choices=[str(dtype) for dtype in StoreDtype], default=str(StoreDtype.FLOAT32),
        help="numbers of a store (default %(default)s)")  # fmt: skip
    add("--save_metadata", action="store_true", help="dict: add first and last frame of each individual to the file")
    add("--piece_frames", type=int, metavar="N", help="write a file for every N frames of the video")
    add("--memory_gb", type=float, metavar="GB",
        help="memory of the machine that reads the result (default: that of this machine)")  # fmt: skip
    add("--annotation", type=Path, metavar="FILE", help="dlc2action: write the labels of each file beside it")
    add("--overwrite", action="store_true", help="replace existing results")


def _convert_features(options: argparse.Namespace) -> int:
    from napari_i3d.features.io.conversion import LABELS_NOTE, convert_features
    from napari_i3d.learning.datasets.piece_labels import label_paths, write_piece_labels
    from napari_i3d.projects.annotation_reader import read_annotation

    annotation = None
    if options.annotation is not None:
        if options.layout != Layout.DLC2ACTION:
            raise SettingsError("labels are written for the layout dlc2action", hint="use {layout=dlc2action}")
        annotation = read_annotation(options.annotation)
    with ended_by_sigterm():
        steps = convert_features.steps(
            options.source,
            options.target,
            options.layout,
            store_dtype=options.store_dtype,
            save_metadata=options.save_metadata,
            piece_frames=options.piece_frames,
            memory_gb=options.memory_gb,
            overwrite=options.overwrite,
        )
        conversion = run_with_bar(steps, "step")
        _print_written(conversion)
        if annotation is not None:
            for path in label_paths(conversion.pieces):
                require_new(path, overwrite=options.overwrite)
            labels = write_piece_labels(conversion.pieces, annotation)
            print_line(f"{counted(len(labels), 'file')} of labels, the first {labels[0].name}")
    written = () if annotation is None else (LABELS_NOTE,)
    print_notes(note.in_words(command_wording) for note in conversion.notes if note not in written)
    return DONE


def _print_written(conversion: "Conversion") -> None:
    for path in conversion.paths[:_LISTED]:
        print_line(f"{path}: written")
    if len(conversion.paths) > _LISTED:
        print_line(f"... and {counted(len(conversion.paths) - _LISTED, 'more file')}, to {conversion.paths[-1].name}")
