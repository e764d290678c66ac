"""Options of commands that read a tracking file of any program."""

import argparse
from typing import TYPE_CHECKING, Any

from napari_i3d.tracking.keypoints import KeypointBoxes

if TYPE_CHECKING:
    from napari_i3d.tracking.io.reading import TrackingReading

_CHOICES = ("margin", "size_px", "min_confidence", "min_keypoints", "keypoints", "max_gap_frames")


def add_tracking_options(parser: argparse.ArgumentParser, format_option: str = "--tracking_format") -> None:
    """Add the format of the tracking file, the base of its frames, and how key points become boxes.

    Parameters
    ----------
    parser
        The parser of the command.
    format_option
        Name of the option with the format; its value is ``tracking_format``.
    """
    from napari_i3d.tracking.io.formats import FORMATS

    default = KeypointBoxes()
    group: Any = parser.add_argument_group("tracking of other programs")
    group.add_argument(
        format_option,
        dest="tracking_format",
        choices=[known.name for known in FORMATS],
        metavar="FORMAT",
        help=f"default: recognized by content; one of {', '.join(known.name for known in FORMATS)}",
    )
    group.add_argument(
        "--base",
        type=int,
        choices=(0, 1),
        help="number of the video's first frame in the file, if the format does not state it (default: found out)",
    )
    sizes = group.add_mutually_exclusive_group()
    sizes.add_argument(
        "--margin",
        type=float,
        metavar="M",
        help=f"key points: added to the box at each side, a fraction of its longer side (default {default.margin})",
    )
    sizes.add_argument(
        "--size_px",
        type=float,
        metavar="S",
        help="key points: squares of this side around their mean, so that the scale of an individual is constant",
    )
    group.add_argument(
        "--min_confidence",
        type=float,
        metavar="C",
        help=f"key points below it do not count (default {default.min_confidence})",
    )
    group.add_argument(
        "--min_keypoints",
        type=int,
        metavar="N",
        help=f"frames with fewer have no box (default {default.min_keypoints})",
    )
    group.add_argument("--keypoints", nargs="+", metavar="NAME", help="only these key points (default: all)")
    group.add_argument(
        "--max_gap_frames",
        type=int,
        metavar="G",
        help=f"key points: longest gap that is filled (default {default.max_gap_frames})",
    )


def tracking_reading(options: argparse.Namespace) -> "TrackingReading":
    """Return how a tracking file is read.

    Raises
    ------
    SettingsError
        A value is out of range.
    """
    from napari_i3d.tracking.io.reading import TrackingReading

    chosen = {name: value for name in _CHOICES if (value := getattr(options, name)) is not None}
    if "keypoints" in chosen:
        chosen["keypoints"] = tuple(chosen["keypoints"])
    return TrackingReading(options.tracking_format, options.base, KeypointBoxes(**chosen))
