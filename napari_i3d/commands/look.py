"""``napari-i3d check`` and ``view``: a video and its tracking before anything is computed."""

import argparse
from typing import Any

from napari_i3d.commands.common import DONE, FAILED, add_command, add_video, add_video_size, say
from napari_i3d.errors import counted, needed_for
from napari_i3d.extraction.settings import ExtractionSettings


def add_check_and_view(commands: Any) -> None:
    """Add the commands to the parser."""
    text = "list the problems of a tracking file; status 1 if any stops an extraction"
    check = add_command(commands, "check", _check, text)
    add_video(check, tracking=True)
    check.add_argument("--strict", action="store_true", help="status 1 for any problem")
    add_video_size(check)
    view = add_command(commands, "view", _view, "look at a video and its tracking in napari")
    add_video(view, tracking=False)


def _check(options: argparse.Namespace) -> int:
    from napari_i3d.tracking.checks import Level, check_tracking
    from napari_i3d.tracking.io import read_tracking
    from napari_i3d.tracking.mistakes import likely_mistake
    from napari_i3d.video.video import open_video

    size = ExtractionSettings.with_video_sides(options.video_w, options.video_h).video_size
    tracking = read_tracking(options.tracking)
    with open_video(options.video) as video:
        frames, height, width, _ = video.shape
    width, height = size or (width, height)
    problems = check_tracking(tracking, (frames, height, width))
    who = counted(len(tracking), "individual")
    say(f"{options.video.name}: {counted(frames, 'frame')} of {width}x{height} px; {who}")
    for problem in problems:
        say(f"  {problem.level:<8} {problem.kind:<13} {problem.message}")
    if mistake := likely_mistake(tracking, (frames, height, width)):
        say(mistake)
    errors = sum(problem.level is Level.ERROR for problem in problems)
    print(_spell_count(errors, len(problems) - errors))
    return FAILED if errors or (problems and options.strict) else DONE


def _spell_count(errors: int, warnings: int) -> str:
    stop = "which stops" if errors == 1 else "which stop"
    found = [f"{counted(errors, 'error')}, {stop} an extraction"] if errors else []
    return "; ".join([*found, counted(warnings, "warning")] if warnings else found) or "no problems"


def _view(options: argparse.Namespace) -> int:
    with needed_for("the viewer", "all"):
        from napari_i3d.plugin.view import run
    run(options.video, options.tracking)
    return DONE
