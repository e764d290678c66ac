"""``napari-i3d convert annotation``: bouts of one program into the file of another."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_i3d._utils.text import counted
from napari_i3d.cli.shared.common import DONE, add_command, print_line, print_notes, require_new
from napari_i3d.errors import SettingsError
from napari_i3d.individuals import format_id

if TYPE_CHECKING:
    from napari_i3d.annotations.annotation import Annotation


def add_annotation_conversion(actions: Any) -> None:
    """Add the action to the command ``convert``."""
    from napari_i3d.annotations.io.formats import READ, WRITTEN

    annotation = add_command(actions, "annotation", _convert_annotation, "convert labelled behaviors")
    add: Any = annotation.add_argument
    add("source", type=Path, nargs="?", metavar="SOURCE", help="a file or folder of any program that is known")
    add("target", type=Path, nargs="?", metavar="TARGET", help="the file to write")
    read, written = ([known.name for known in known_formats] for known_formats in (READ, WRITTEN))
    add("--from", dest="source_format", choices=read, metavar="FORMAT", help="default: recognized by content")
    add("--to", choices=written, metavar="FORMAT", help="default: by the ending")
    add("--video", type=Path, metavar="V", help="the annotated video: its times turn seconds into frames and back")
    add("--fps", type=float, metavar="F", help="frames per second, if the video is not at hand")
    add("--individual", metavar="ID", help="whose bouts those are that SOURCE gives to nobody")
    add("--only", metavar="ID", help="write this individual only; needed by formats that hold one")
    add("--base", type=int, choices=(0, 1), help="number of the first frame, if the format does not state it")
    add("--inclusive", action="store_true", default=None, help="SOURCE: the last frame is part of a bout, if open")
    add("--to_inclusive", action="store_true", default=None, help="write the last frame of a bout as its end, if open")
    add("--overwrite", action="store_true", help="replace TARGET if it exists")
    add("--list_formats", action="store_true", help="list the formats and their conventions, and end")


def _convert_annotation(options: argparse.Namespace) -> int:
    from napari_i3d.annotations.io.reading import read_annotation_file
    from napari_i3d.annotations.io.writing import write_annotation, written_format
    from napari_i3d.projects.annotation_reader import opened_facts

    if options.list_formats:
        _print_formats()
        return DONE
    if options.source is None or options.target is None:
        raise SettingsError("expected SOURCE and TARGET, or --list_formats")
    chosen = written_format(options.target, options.to)
    require_new(options.target, overwrite=options.overwrite)
    with opened_facts(options.video) as video:
        read = read_annotation_file(
            options.source,
            options.source_format,
            video,
            fps=options.fps,
            individual=options.individual,
            base=options.base,
            inclusive=options.inclusive,
        )
        print_line(f"{options.source.name}: read as {read.format.title}")
        _print_content(read.annotation)
        print_notes(read.notes)
        only = _individual(options.only, read.annotation)
        notes = write_annotation(
            options.target,
            read.annotation,
            chosen.name,
            video,
            individual=only,
            inclusive=options.to_inclusive,
            fps=options.fps,
        )
    print_line(f"{options.target}: written as {chosen.title}")
    print_notes(notes)
    return DONE


def _individual(text: str | None, annotation: "Annotation") -> Any:
    """Return the individual whose id is printed as this text; the text itself if there is none."""
    return next((one for one in annotation.individuals if str(one) == text), text)


def _print_content(annotation: "Annotation") -> None:
    n_individuals, n_behaviors = len(annotation.individuals), len(annotation.ethogram)
    listed = ", ".join(map(format_id, annotation.individuals))
    print_line(f"  {counted(len(annotation.bouts), 'bout')} of {counted(n_behaviors, 'behavior')}")
    print_line(f"  {counted(n_individuals, 'individual')}{f': {listed}' if n_individuals else ''}")
    if annotation.bouts:
        first = min(bout.start for bout in annotation.bouts)
        last = max(bout.stop for bout in annotation.bouts) - 1
        print_line(f"  frames {first} to {last} counted from 0")


def _print_formats() -> None:
    from napari_i3d.annotations.io.formats import FORMATS

    for known in FORMATS:
        ways = [way for way, function in (("read", known.read), ("written", known.write)) if function is not None]
        print_line(f"{known.name}: {known.title} ({' or '.join(known.endings) or 'folder'}), {' and '.join(ways)}")
        lost = "" if known.write is None else f"; cannot hold: {known.lost}"
        print_line(f"  {known.base}, {known.ends}{lost}")
