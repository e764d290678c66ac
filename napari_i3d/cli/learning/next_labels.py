"""``napari-i3d learn queue`` and ``learn errors``: what to label next, and which labels to look at again."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from napari_i3d._utils.text import counted
from napari_i3d.cli.learning.probe_options import add_labelled, probe_settings
from napari_i3d.cli.learning.queue_file import error_table, queue_table, require_ending, write_text
from napari_i3d.cli.shared.common import DONE, add_command, print_error, print_line, print_notes, require_new
from napari_i3d.cli.shared.progress_bars import run_with_bar


def add_next_labels(actions: Any) -> None:
    """Add the actions to the command."""
    queue = add_command(actions, "queue", _queue, "list what to label next")
    add: Any = queue.add_argument
    add("probe", type=Path, metavar="PROBE", help="a file of `learn train`")
    add("features", type=Path, metavar="FEATURES", help="a features file, or a folder of them")
    add("annotations", type=Path, nargs="?", metavar="ANNOTATIONS",
        help="the labels so far: what was looked at is left out")  # fmt: skip
    add("--count", type=int, default=20, metavar="N", help="number of windows (default %(default)s)")
    add("--length_frames", type=int, default=25, metavar="N", help="their length (default %(default)s)")
    add("--random_share", type=float, default=0.2, metavar="X",
        help="share drawn at random, for `evaluate --queue` (default %(default)s)")  # fmt: skip
    add("--by", choices=("confidence", "entropy"), default="confidence", help="uncertainty (default %(default)s)")
    add("--seed", type=int, default=0, metavar="N", help="seed of the random ones (default %(default)s)")
    _add_out(queue)
    errors = add_command(actions, "errors", _errors, "list labelled bouts that a probe of the other labels contradicts")
    add_labelled(errors)
    errors.add_argument("--unit", choices=("video", "individual", "bout"), default="bout",
        help="what is held back (default %(default)s)")  # fmt: skip
    _add_out(errors)


def _add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="FILE", help="the list: .csv (default: standard output)")
    parser.add_argument("--overwrite", action="store_true", help="replace the file if it exists")


def _queue(options: argparse.Namespace) -> int:
    from napari_i3d import learning
    from napari_i3d.projects.labelled_files import LabelledFiles, read_features_files, read_labelled_files

    _check_out(options)
    probe = learning.read_probe(options.probe)
    if options.annotations is None:
        files = LabelledFiles(read_features_files(options.features), {}, ())
    else:
        files = read_labelled_files(options.features, options.annotations)
    steps = learning.next_windows.steps(
        probe, files.features, files.annotations, options.count, length_frames=options.length_frames,
        random_share=options.random_share, by=options.by, seed=options.seed,
    )  # fmt: skip
    windows = run_with_bar(steps, "video")
    n_random = sum(window.random for window in windows)
    summary = f"{counted(len(windows), 'window')}, {n_random} at random"
    _put(options, queue_table(windows, files.features), summary, files.notes)
    if not probe.trained_features:
        print_error("the features came of untrained weights: uncertainty means nothing")
    return DONE


def _errors(options: argparse.Namespace) -> int:
    from napari_i3d import learning
    from napari_i3d.projects.labelled_files import read_labelled_files

    _check_out(options)
    settings = probe_settings(options)
    files = read_labelled_files(options.features, options.annotations)
    steps = learning.label_errors.steps(files.features, files.annotations, settings, unit=options.unit)
    found = run_with_bar(steps, "fold")
    _put(options, error_table(found, files.features), f"{counted(len(found), 'doubtful bout')}", files.notes)
    return DONE


def _check_out(options: argparse.Namespace) -> None:
    if options.out is not None:
        require_ending(options.out, ".csv")
        require_new(options.out, overwrite=options.overwrite)


def _put(options: argparse.Namespace, table: str, summary: str, notes: Iterable[str]) -> None:
    """Write a table to its file; without one, print it with nothing else on standard output."""
    if options.out is None:
        for note in notes:
            print_error(note)
        sys.stdout.write(table)
        return
    print_notes(notes)
    write_text(options.out, table)
    print_line(f"{options.out}: {summary}")
