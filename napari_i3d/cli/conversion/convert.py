"""``napari-i3d convert``: files of one program into those of another."""

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_i3d._utils.text import counted
from napari_i3d.cli.conversion.convert_annotation import add_annotation_conversion
from napari_i3d.cli.conversion.convert_features import add_features_conversion
from napari_i3d.cli.shared.common import DONE, add_command, print_line, print_notes, require_new
from napari_i3d.cli.shared.tracking_options import add_tracking_options, tracking_reading

if TYPE_CHECKING:
    from napari_i3d.tracking.tracklets import Tracking


def add_convert(commands: Any) -> None:
    """Add the command to the parser."""
    from napari_i3d.tracking.io.writing import WRITTEN

    convert = add_command(commands, "convert", None, "convert files of one program into those of another")
    actions = convert.add_subparsers(title="actions", required=True, metavar="ACTION")
    tracking = add_command(actions, "tracking", _convert_tracking, "convert boxes or key points to boxes")
    add: Any = tracking.add_argument
    add("source", type=Path, metavar="SOURCE", help="a file or folder of any program that is known")
    add("target", type=Path, metavar="TARGET", help="the file to write")
    names = [known.name for known in WRITTEN]
    add("--to", choices=names, metavar="FORMAT", help=f"default: by the ending; one of {', '.join(names)}")
    add("--video", type=Path, metavar="V", help="the tracked video, for formats that leave its size or rate to it")
    add("--overwrite", action="store_true", help="replace TARGET if it exists")
    add_tracking_options(tracking, "--from")
    add_annotation_conversion(actions)
    add_features_conversion(actions)


def _convert_tracking(options: argparse.Namespace) -> int:
    from napari_i3d.tracking.io.formats import FORMATS
    from napari_i3d.tracking.io.writing import write_tracking, written_format
    from napari_i3d.video.video import open_video

    chosen = written_format(options.target, options.to)
    reading = tracking_reading(options)
    require_new(options.target, overwrite=options.overwrite)
    with contextlib.nullcontext() if options.video is None else open_video(options.video) as video:
        tracking = reading.read(options.source, video)
        source_name = "pickle" if tracking.origin is None else tracking.origin.format
        titles = {known.name: known.title for known in FORMATS}
        print_line(f"{options.source.name}: read as {titles[source_name]}")
        _print_content(tracking)
        print_notes(() if tracking.origin is None else tracking.origin.notes)
        notes = write_tracking(options.target, tracking, chosen.name, video)
    print_line(f"{options.target}: written as {chosen.title}")
    print_notes(notes)
    return DONE


def _print_content(tracking: "Tracking") -> None:
    first = min(tracklet.start for tracklet in tracking.values())
    last = max(tracklet.stop for tracklet in tracking.values()) - 1
    n_boxes = sum(int(tracklet.present.sum()) for tracklet in tracking.values())
    n_gaps = sum(len(tracklet.gaps) for tracklet in tracking.values())
    gaps = f"; {counted(n_gaps, 'gap')} within tracklets" if n_gaps else ""
    print_line(f"  {counted(len(tracking), 'individual')}, frames {first} to {last} counted from 0{gaps}")
    print_line(f"  {n_boxes:,} box{'' if n_boxes == 1 else 'es'}")
