"""``napari-i3d render``: a video with boxes, ids and behaviors drawn in."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_i3d._utils.files import require_new
from napari_i3d._utils.text import counted
from napari_i3d.cli.shared.common import (
    DONE,
    INTERRUPTED,
    add_command,
    add_video,
    add_video_size,
    ended_by_sigterm,
    print_error,
    print_line,
)
from napari_i3d.cli.shared.progress_bars import run_with_bar
from napari_i3d.cli.shared.tracking_options import add_tracking_options, tracking_reading
from napari_i3d.extraction.settings import ExtractionSettings

if TYPE_CHECKING:
    from napari_i3d.rendering.options import RenderOptions


def add_render(commands: Any) -> None:
    """Add the command to the parser."""
    from napari_i3d.annotations.io.formats import READ
    from napari_i3d.rendering.options import Part, RenderOptions

    render = add_command(commands, "render", run_render, "draw boxes, ids and behaviors into a copy of a video")
    default = RenderOptions()
    add_video(render, tracking=False)
    add: Any = render.add_argument
    add("--annotation", type=Path, metavar="FILE", help="labels of the video: a file of any program that is known")
    add("--annotation_format", choices=[known.name for known in READ], metavar="FORMAT",
        help=f"default: recognized by content; one of {', '.join(known.name for known in READ)}")  # fmt: skip
    add("--out", type=Path, required=True, metavar="FILE", help="the video to write: .mp4")
    add("--individuals", nargs="+", metavar="ID", help="only these, lanes in this order (default: all)")
    add("--start", type=int, default=default.start, metavar="N", help="first frame, from 0 (default %(default)s)")
    add("--stop", type=int, metavar="N", help="the frame after the last (default: to the end)")
    add("--follow", metavar="ID", help="keep this individual in the middle of the image")
    add("--follow_size_px", type=int, metavar="PX",
        help="side of the square around it, in pixels of the video (default: twice its boxes)")  # fmt: skip
    add("--hide", nargs="+", choices=[str(part) for part in Part], default=[], metavar="PART",
        help=f"leave out; of {', '.join(Part)}")  # fmt: skip
    add("--ethogram_window_s", type=float, default=default.ethogram_window_s, metavar="S",
        help="seconds of the video that the ethogram shows (default %(default)g)")  # fmt: skip
    add("--speed", type=float, default=default.speed, metavar="X",
        help="play X times as fast; all frames are kept (default %(default)g)")  # fmt: skip
    add("--quality", type=int, default=default.quality, metavar="CRF",
        help="constant rate factor of x264: lower is better and larger (default %(default)s)")  # fmt: skip
    add("--overwrite", action="store_true", help="replace the file if it exists")
    add_video_size(render)
    add_tracking_options(render)


def run_render(options: argparse.Namespace) -> int:
    """Render a video; return the exit status."""
    from napari_i3d.annotations.io.reading import read_annotation_file
    from napari_i3d.rendering.annotated_video import render_video
    from napari_i3d.video.video import open_video

    chosen = _options(options)
    reading = tracking_reading(options)
    require_new(options.out, options.overwrite)
    try:
        with ended_by_sigterm(), open_video(options.video) as video:
            tracking = annotation = None
            if options.tracking is not None:
                tracking = reading.read(options.tracking, video, chosen.video_size)
            if options.annotation is not None:
                file = read_annotation_file(
                    options.annotation, options.annotation_format, video, individuals=tracking or ()
                )
                annotation = file.annotation
                for note in file.notes:
                    print_line(f"{file.name}: {note}")
            steps = render_video.steps(
                video,
                options.out,
                tracking=tracking,
                annotation=annotation,
                options=chosen,
                overwrite=options.overwrite,
            )
            rendered = run_with_bar(steps)
    except KeyboardInterrupt:
        print_error(f"interrupted; {options.out} was not written")
        return INTERRUPTED
    for note in rendered.notes:
        print_line(note)
    width, height = rendered.size
    frames = rendered.frames
    print_line(
        f"{options.out}: frames {frames.start}-{frames.stop - 1} of {options.video.name}, "
        f"{counted(len(frames), 'frame')} of {width}x{height} px at {rendered.fps:.6g} frames/s"
    )
    return DONE


def _options(options: argparse.Namespace) -> "RenderOptions":
    from napari_i3d.rendering.options import RenderOptions

    return RenderOptions(
        individuals=None if options.individuals is None else tuple(options.individuals),
        start=options.start,
        stop=options.stop,
        follow=options.follow,
        follow_size_px=options.follow_size_px,
        hide=frozenset(options.hide),
        ethogram_window_s=options.ethogram_window_s,
        video_size=ExtractionSettings.with_video_sides(options.video_w, options.video_h).video_size,
        speed=options.speed,
        quality=options.quality,
    )
