"""``napari-i3d detect``: a first tracking without a tracking program."""

import argparse
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import require_new
from napari_i3d._utils.text import counted
from napari_i3d.cli.shared.common import DONE, INTERRUPTED, add_command, ended_by_sigterm, print_error, print_line
from napari_i3d.cli.shared.progress_bars import run_with_bar
from napari_i3d.detection.settings import Contrast, DetectionSettings, Reference


def add_detect(commands: Any) -> None:
    """Add the command to the parser."""
    detect = add_command(commands, "detect", run_detect, "a first tracking of animals on a still background")
    defaults = DetectionSettings(individuals=1)
    add = detect.add_argument
    add("video", type=Path, metavar="VIDEO")
    add("--individuals", type=int, required=True, metavar="N", help="number of individuals in the video")
    add("--out", type=Path, required=True, metavar="FILE", help="the tracking pickle to write")
    add("--contrast", choices=[str(one) for one in Contrast], default=str(defaults.contrast),
        help="how individuals differ from the background (default %(default)s)")  # fmt: skip
    add("--reference", choices=[str(one) for one in Reference], default=str(defaults.reference),
        help="what a pixel is compared with; surroundings: if individuals never move, or the camera does "
        "(default %(default)s)")  # fmt: skip
    add("--threshold", type=float, metavar="X", help="smallest difference in gray levels (default: found out)")
    add("--min_area", type=float, metavar="PX", help="smallest area in pixels (default: found out)")
    add("--margin", type=float, default=defaults.margin, metavar="M",
        help="added at each side of a box, as a fraction of its longer side (default %(default)s)")  # fmt: skip
    add("--max_gap_frames", type=int, default=defaults.max_gap_frames, metavar="N",
        help="interpolate the boxes of gaps of at most N frames (default %(default)s)")  # fmt: skip
    add("--overwrite", action="store_true", help="replace the file if it exists")


def run_detect(options: argparse.Namespace) -> int:
    """Detect the individuals of a video, write the tracking; return the exit status."""
    from napari_i3d.detection.detect import detect
    from napari_i3d.detection.files import uncertain_path, write_detection
    from napari_i3d.video.video import open_video

    settings = DetectionSettings(
        individuals=options.individuals,
        contrast=options.contrast,
        reference=options.reference,
        threshold=options.threshold,
        min_area=options.min_area,
        margin=options.margin,
        max_gap_frames=options.max_gap_frames,
    )
    require_new(options.out, options.overwrite)
    try:
        with ended_by_sigterm(), open_video(options.video) as video:
            detection = run_with_bar(detect(video, settings))
            write_detection(options.out, detection, settings, video.facts())
            frames = len(video)
    except KeyboardInterrupt:
        print_error(f"interrupted; {options.out} was not written")
        return INTERRUPTED
    for individual, tracklet in detection.tracking.items():
        missing = len(tracklet) - int(tracklet.present.sum())
        gaps = f", {counted(missing, 'frame')} without a box" if missing else ""
        print_line(f"{individual}: frames {tracklet.start}-{tracklet.stop - 1} of {frames}{gaps}")
    for one in detection.uncertain:
        print_line(f"  {one.kind:<8} {one.message}")
    for note in detection.notes:
        print_line(note)
    print_line(f"written: {options.out}, and where it is uncertain: {uncertain_path(options.out).name}")
    print_line(f"check and correct it: napari-i3d view {options.video} --tracking {options.out}")
    return DONE
