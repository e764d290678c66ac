"""``napari-i3d check``: the problems of a tracking file."""

import argparse

from napari_i3d._utils.text import counted
from napari_i3d.cli.shared.common import DONE, FAILED, command_wording, print_line
from napari_i3d.cli.shared.tracking_options import tracking_reading
from napari_i3d.extraction.settings import ExtractionSettings


def run_check(options: argparse.Namespace) -> int:
    """List the problems of a tracking file; return the exit status."""
    from napari_i3d.detection.files import read_uncertain
    from napari_i3d.tracking.checks import Level, check_tracking
    from napari_i3d.tracking.mistakes import likely_mistake
    from napari_i3d.video.video import open_video

    size = ExtractionSettings.with_video_sides(options.video_w, options.video_h).video_size
    reading = tracking_reading(options)
    with open_video(options.video) as video:
        frames, height, width, _ = video.shape
        tracking = reading.read(options.tracking, video, size)
    width, height = size or (width, height)
    problems = check_tracking(tracking, (frames, height, width))
    problems += [one.problem for one in read_uncertain(options.tracking)]
    who = counted(len(tracking), "individual")
    print_line(f"{options.video.name}: {counted(frames, 'frame')} of {width}x{height} px; {who}")
    for note in () if tracking.origin is None else tracking.origin.notes:
        print_line(f"  {note}")
    for problem in problems:
        print_line(f"  {problem.level:<8} {problem.kind:<13} {problem.message}")
    if mistake := likely_mistake(tracking, (frames, height, width)):
        print_line(mistake.in_words(command_wording))
    errors = sum(problem.level is Level.ERROR for problem in problems)
    print(_format_count(errors, len(problems) - errors))
    return FAILED if errors or (problems and options.strict) else DONE


def _format_count(errors: int, warnings: int) -> str:
    stop = "which stops" if errors == 1 else "which stop"
    found = [f"{counted(errors, 'error')}, {stop} an extraction"] if errors else []
    return "; ".join([*found, counted(warnings, "warning")] if warnings else found) or "no problems"
