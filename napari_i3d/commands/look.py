"""``napari-i3d check`` and ``view``: a video and its tracking before anything is computed."""

import argparse
from typing import Any

from napari_i3d.commands.common import DONE, FAILED, add_command, add_video, add_video_size, complain, say
from napari_i3d.extraction.settings import ExtractionSettings


def add_check_and_view(commands: Any) -> None:
    """Add the commands to the parser."""
    check = add_command(commands, "check", _check, "list the problems of a tracking file; status 1 if there are any")
    add_video(check, tracking=True)
    add_video_size(check)
    view = add_command(commands, "view", _view, "look at a video and its tracking in napari")
    add_video(view, tracking=False)


def _check(options: argparse.Namespace) -> int:
    from napari_i3d.tracking.checks import check_tracking
    from napari_i3d.tracking.io import read_tracking
    from napari_i3d.video.video import open_video

    size = ExtractionSettings.with_video_sides(options.video_w, options.video_h).video_size
    tracking = read_tracking(options.tracking)
    with open_video(options.video) as video:
        frames, height, width, _ = video.shape
    width, height = size or (width, height)
    problems = check_tracking(tracking, (frames, height, width))
    say(f"{options.video.name}: {frames} frames of {width}x{height} px; {len(tracking)} individuals")
    for problem in problems:
        say(f"  {problem.kind:<13} {problem.message}")
    print(f"{len(problems)} problems" if problems else "no problems")
    return FAILED if problems else DONE


def _view(options: argparse.Namespace) -> int:
    try:
        from napari_i3d.plugin.view import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "napari_i3d":
            raise
        complain(f'the viewer needs napari ({error.name} is not installed): pip install "napari-i3d[all]"')
        return FAILED
    run(options.video, options.tracking)
    return DONE
