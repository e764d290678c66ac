"""``napari-i3d view``: a video and its tracking in napari; and the options of ``check``."""

import argparse
from typing import Any

from napari_i3d._utils.extras import needed_for
from napari_i3d.cli.check import run_check
from napari_i3d.cli.shared.common import DONE, add_command, add_video, add_video_size
from napari_i3d.cli.shared.tracking_options import add_tracking_options, tracking_reading


def add_check_and_view(commands: Any) -> None:
    """Add the commands to the parser."""
    text = "list the problems of a tracking file; status 1 if any stops an extraction"
    check = add_command(commands, "check", run_check, text)
    add_video(check, tracking=True)
    check.add_argument("--strict", action="store_true", help="status 1 for any problem")
    add_video_size(check)
    add_tracking_options(check)
    view = add_command(commands, "view", run_view, "open a video and its tracking in napari")
    add_video(view, tracking=False)
    add_tracking_options(view)


def run_view(options: argparse.Namespace) -> int:
    """Open the viewer; return the exit status."""
    reading = tracking_reading(options)
    with needed_for("the viewer", "all"):
        from napari_i3d.plugin.viewer import run
    run(options.video, options.tracking, reading=reading)
    return DONE
