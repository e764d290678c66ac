"""A viewer with a video, its tracking and the docks: for the command ``napari-i3d view`` and for notebooks."""

import os
from pathlib import Path

import napari
from napari.qt import get_qapp
from napari.viewer import Viewer
from qtpy.QtWidgets import QApplication

from napari_i3d.errors import FeaturesError, NapariI3DError
from napari_i3d.features.features import Features
from napari_i3d.features.io.reading import read_features
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.jupyter import keep_kernel_awake
from napari_i3d.plugin.layers.convert import tracking_layer_data
from napari_i3d.plugin.layers.video_layer import PLUGIN, video_layer_data
from napari_i3d.plugin.opening.tracking_opening import OpeningCancelledError, open_tracking, show_notes
from napari_i3d.plugin.reader import companion_layers, open_companion_labels
from napari_i3d.plugin.session.layer_sources import TrackingSource
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.io.reading import TrackingReading
from napari_i3d.tracking.tracklets import Tracking
from napari_i3d.video.video import Video, open_video

_MOST_PX = 2560, 1400
"""Largest useful width and height of the window."""
_TITLE_PX = 36
"""Height of the title bar, which the desktop draws."""
_DOCKS = ("Individuals", "Crop preview", "Extract features", "Explore features", "Learn behaviors", "Plot features")
"""The first is in front."""


def view(
    video: str | os.PathLike[str] | Video | None = None,
    tracking: str | os.PathLike[str] | Tracking | None = None,
    features: str | os.PathLike[str] | Features | None = None,
    *,
    reading: TrackingReading | None = None,
    docks: bool = True,
    show: bool = True,
) -> Viewer:
    """Open a napari viewer with a video and its tracking.

    Parameters
    ----------
    video
        Path, or an open video.
    tracking
        Path of a file of any known format, or tracking in memory. Without, the tracking file beside the video is
        taken, if there is one only.
    features
        Path of a features file, or features in memory: those of the video, for the Plot dock.
    reading
        How the tracking file is read, such as how key points become boxes; None: the defaults.
    docks
        Whether the docks of the plugin are opened too.
    show
        Whether the window is shown.

    Returns
    -------
    Viewer
        The viewer. A script goes on to ``napari.run()``.

    Raises
    ------
    NapariI3DError
        A file cannot be read, or features are given without their video; no window is opened.
    """
    if features is not None and video is None:
        raise FeaturesError("features are shown beside their video", hint="give the video too")
    rows = features if features is None or isinstance(features, Features) else read_features(Path(features))
    rows_path = None if features is None or isinstance(features, Features) else Path(features).absolute()
    opened = video if video is None or isinstance(video, Video) else open_video(video)
    try:
        source = _source(tracking, opened, reading)
    except NapariI3DError:
        if opened is not None and opened is not video:
            opened.close()
        raise
    viewer = napari.Viewer(show=show)
    keep_kernel_awake()
    session = get_session(viewer)
    if docks:
        _open_docks(viewer)
    if opened is not None:
        array, options, _ = video_layer_data(opened)
        viewer.add_image(array, **options)
    layers = [] if source is None else [tracking_layer_data(source)]
    if source is not None:
        show_notes(source.tracking, source.path)
    elif opened is not None and tracking is None:
        layers = companion_layers(opened, session)
    for lines, options, _ in layers:
        viewer.add_vectors(lines, **options)
    if opened is not None:
        open_companion_labels(opened, session)
    if rows is not None and session.active is not None:
        session.active.set_features(rows, rows_path)
    return viewer


def _source(
    tracking: str | os.PathLike[str] | Tracking | None, video: Video | None, reading: TrackingReading | None
) -> TrackingSource | None:
    """Return tracking of any form; None if there is none, or the user did not say what the file leaves open."""
    if tracking is None:
        return None
    if isinstance(tracking, Tracking):
        return TrackingSource(tracking, None)
    get_qapp()  # the user may be asked before there is a viewer
    try:
        return open_tracking(Path(tracking).absolute(), video, reading)
    except OpeningCancelledError:
        return None


def tracked_video(viewer: Viewer) -> TrackedVideo:
    """Return the video that the docks of a viewer show.

    Parameters
    ----------
    viewer
        From `view`, or any other that shows a video with this plugin.

    Returns
    -------
    TrackedVideo
        With ``video``, ``tracking``, ``problems`` and ``features``; and, as the user chose, ``shown``, ``chosen`` (for
        extraction) and ``current`` individuals. The last three can be set: boxes and docks follow.

    Raises
    ------
    NapariI3DError
        The viewer shows no video and no tracking.
    """
    tracked = get_session(viewer).active
    if tracked is None:
        raise NapariI3DError("the viewer shows no video: open one with napari_i3d.view(video, tracking)")
    return tracked


def _open_docks(viewer: Viewer) -> None:
    screen = QApplication.primaryScreen()
    if screen is not None:
        room = screen.availableGeometry()
        viewer.window.resize(min(room.width(), _MOST_PX[0]), min(room.height() - _TITLE_PX, _MOST_PX[1]))
    docks = [viewer.window.add_plugin_dock_widget(PLUGIN, name)[1] for name in _DOCKS]
    for dock in docks:
        dock.take_place()
    docks[0].parent().raise_()
    # The canvas takes its final size now, so that the first image fills it.
    QApplication.processEvents()


def run(video: Path, tracking: Path | None, *, reading: TrackingReading | None = None) -> None:
    """Open a viewer and wait until its window is closed."""
    view(video, tracking, reading=reading)
    napari.run()
