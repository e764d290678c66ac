"""Options that the actions of ``napari-i3d learn`` share."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_i3d.learning.probe.settings import ProbeSettings
    from napari_i3d.learning.smoothing import Smoothing


def add_labelled(parser: argparse.ArgumentParser) -> None:
    """Add features, annotations, and how a probe is trained on them."""
    add: Any = parser.add_argument
    add("features", type=Path, metavar="FEATURES", help="a features file, or a folder of them")
    add("annotations", type=Path, metavar="ANNOTATIONS",
        help="the annotation, or a folder of those whose names begin with the videos' names")  # fmt: skip
    add("--classifier", choices=("logistic", "boosting"),
        help="logistic regression, or gradient boosting of trees (default: logistic)")  # fmt: skip
    add("--components", type=int, metavar="N", help="principal components of the features (default: 64)")
    add("--context_frames", type=int, metavar="N",
        help="see each row with those N frames before and after it (default: 0, alone)")  # fmt: skip
    add("--strength", type=float, metavar="X", help="inverse of the regularization (default: 0.1)")


def add_smoothing(parser: argparse.ArgumentParser) -> None:
    """Add how probabilities become bouts."""
    add: Any = parser.add_argument
    add("--enter", type=float, metavar="P", help="a bout has a row of this probability (default: 0.5)")
    add("--stay", type=float, metavar="P", help="it goes on down to this probability (default: 0.4)")
    add("--shortest_frames", type=int, metavar="N", help="shorter bouts and gaps are dropped (default: 5)")


def probe_settings(options: argparse.Namespace, default: "ProbeSettings | None" = None) -> "ProbeSettings":
    """Return the settings that were chosen, the rest from `default`."""
    from dataclasses import replace

    from napari_i3d.learning.probe.settings import ProbeSettings

    return replace(
        default or ProbeSettings(), **_given(options, "classifier", "components", "context_frames", "strength")
    )


def smoothing_of(options: argparse.Namespace) -> "Smoothing":
    """Return the smoothing that was chosen."""
    from napari_i3d.learning.smoothing import Smoothing

    return Smoothing(**_given(options, "enter", "stay", "shortest_frames"))


def _given(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}
