"""``napari-i3d plot``: figures of features."""

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_i3d.cli.shared.common import DONE, TRACKING_HELP, add_command, print_line
from napari_i3d.cli.shared.tracking_options import add_tracking_options, tracking_reading
from napari_i3d.errors import OutputError, SettingsError
from napari_i3d.explore.embedding import DEFAULT_SEED, MapMethod
from napari_i3d.features.features import Features
from napari_i3d.plots.embedding_map import MapColor
from napari_i3d.plots.figures import FigureOptions, Images, Kind, make_figure
from napari_i3d.plots.save import require_format, save_figure

if TYPE_CHECKING:
    from napari_i3d.extraction.settings import ExtractionSettings
    from napari_i3d.tracking.io.reading import TrackingReading


def add_plot(commands: Any) -> None:
    """Add the command to the parser."""
    plot = add_command(commands, "plot", _plot, "draw a figure of features")
    add = plot.add_argument
    add("features", type=Path, metavar="FEATURES", help="a features file: .npy, .npz or .pickle")
    add("--out", type=Path, required=True, metavar="FILE", help="the figure: .png, .svg or .pdf")
    add("--kind", choices=_words(Kind), default=str(Kind.HEATMAP), help="default %(default)s")
    add("--individuals", nargs="+", metavar="ID", help="only these (default: all)")
    add("--video", type=Path, metavar="V", help="add images: typical ones of each cluster, or evenly spaced ones")
    add("--tracking", type=Path, metavar="T", help=f"{TRACKING_HELP}; that of the features")
    add("--color", choices=_words(MapColor), help="color of a map (default: cluster with a video, else time)")
    add("--method", choices=_words(MapMethod), default=str(MapMethod.PCA), help="method of a map (default %(default)s)")
    add("--clusters", type=int, metavar="N", help="number of clusters (default: the best of 2 to 10)")
    add("--half_width", type=float, metavar="N",
        help="half width of the novelty kernel, in frames (default: at most 32)")  # fmt: skip
    add("--seed", type=int, metavar="N", default=DEFAULT_SEED, help="seed of UMAP and clusters (default %(default)s)")
    add_tracking_options(plot)


def _words(choices: Sequence[str] | type[Any]) -> list[str]:
    # Plain text: messages would show the repr of enumeration members.
    return [str(choice) for choice in choices]


def _plot(options: argparse.Namespace) -> int:
    from napari_i3d.features.io.reading import read_features

    require_format(options.out)
    if not options.out.absolute().parent.is_dir():
        raise OutputError(f"{options.out.absolute().parent}: no such folder", hint="make it, or choose another")
    if options.tracking is not None and options.video is None:
        raise SettingsError("expected a video for the images, found tracking alone", hint="set {video} too")
    if not 0 <= options.seed < 2**32:
        raise SettingsError(f"seed: expected a whole number from 0 to {2**32 - 1}, found {options.seed}")
    choices = FigureOptions(
        kind=Kind(options.kind),
        individuals=None if options.individuals is None else tuple(options.individuals),
        color=None if options.color is None else MapColor(options.color),
        method=MapMethod(options.method),
        clusters=options.clusters,
        half_width_frames=options.half_width,
        seed=options.seed,
    )
    reading = tracking_reading(options)
    features = read_features(options.features)
    with _images(features, options.video, options.tracking, reading) as images:
        figure = make_figure(features, choices, images)
    save_figure(figure, options.out)
    print_line(f"{choices.kind} of {options.features.name}: {options.out}")
    return DONE


@contextlib.contextmanager
def _images(
    features: Features, video_path: Path | None, tracking_path: Path | None, reading: "TrackingReading"
) -> Iterator[Images | None]:
    """Open the video, if there is one, and yield the function that makes its images."""
    if video_path is None:
        yield None
        return
    from napari_i3d.extraction.provenance import require_video_of, settings_of
    from napari_i3d.extraction.thumbnails import make_thumbnails
    from napari_i3d.video.video import open_video

    settings: ExtractionSettings = settings_of(features)
    with open_video(video_path) as video:
        require_video_of(features, video)
        tracking = None if tracking_path is None else reading.read(tracking_path, video, settings.video_size)
        yield partial(make_thumbnails, video, tracking, settings=settings)
