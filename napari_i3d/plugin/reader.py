"""Videos and tracking files as napari opens them.

napari shows what a reader raises as a dialog or with a traceback. So files that cannot be read are told of here, in one
notification, and given back as no layer. Without a viewer (`npe2.read` in a script) errors are raised.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from napari import current_viewer
from napari.settings import get_plugin_settings
from napari.utils.notifications import show_error, show_info, show_warning
from npe2 import PluginManager

from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin.companions import companions_of
from napari_i3d.plugin.flat_view import go_back_to_frames
from napari_i3d.plugin.frame_cache import DEFAULT_LIMIT_MB, FrameBudget
from napari_i3d.plugin.layers import LayerData, tracking_layer_data
from napari_i3d.plugin.session import METADATA_KEY, Session, VideoSource, get_session
from napari_i3d.plugin.video_array import VideoArray
from napari_i3d.tracking.io import read_tracking
from napari_i3d.tracking.model import Tracking
from napari_i3d.video.video import Video, open_video

PLUGIN = "napari-i3d"

_budget = FrameBudget()
"""Of all videos in all viewers."""

Reader = Callable[[str | list[str]], list[Any]]

NO_LAYER: list[Any] = [(None,)]
"""What a reader returns that has opened something, but adds no layer."""


def get_video_reader(path: str | list[str]) -> Reader | None:
    """Return the reader of videos; which files are videos is said by their endings, in the manifest."""
    return None if isinstance(path, list) else _read_video


def get_tracking_reader(path: str | list[str]) -> Reader | None:
    """Return a reader if a pickle holds tracking, else None, so that other plugins may have it.

    Where there is no other plugin for it, the reader says why it cannot be opened.
    """
    if isinstance(path, list):
        return None
    try:
        tracking = read_tracking(path)
    except NapariI3DError as error:
        if current_viewer() is None or _others_read(path):
            return None
        message = str(error)
        return lambda _: _tell(message)
    return lambda _: _tracking_layers(tracking, Path(path).absolute())


def video_layer_data(video: Video) -> LayerData:
    """Return the image layer of a video: (T, H, W, 3), decoded frame by frame as they are looked at."""
    _budget.limit_mb = _limit_mb()
    array = VideoArray(video, _budget, show_warning, go_back_to_frames)
    options = {
        "name": video.path.stem,
        "rgb": True,
        "multiscale": False,
        "contrast_limits": (0, 255),  # else napari looks for them, in many frames
        "projection_mode": "none",  # a mean over one frame would copy it
        "axis_labels": ("frame", "y", "x"),
        "metadata": {METADATA_KEY: VideoSource(video)},
    }
    return array, options, "image"


def open_session() -> Session | None:
    """Return the session of the viewer that layers will go to, made now so that it sees them come; None without one."""
    viewer = current_viewer()
    return None if viewer is None else get_session(viewer)


def _read_video(path: str | list[str]) -> list[Any]:
    session = open_session()
    try:
        video = open_video(Path(str(path)))
    except NapariI3DError as error:
        if session is None:
            raise
        return _tell(str(error))
    layers = [video_layer_data(video)]
    if session is not None:
        if video.remark:
            show_warning(f"{video.path.name}: {video.remark}")
        layers += companion_layers(video, session)
    return layers


def companion_layers(video: Video, session: Session) -> list[LayerData]:
    """Return the boxes of the tracking that lies beside a video, if there is one, and one only; tell the user."""
    open_paths = [tracked.tracking_path for tracked in session.videos]
    found = companions_of(video.path)
    if not found or any(path in open_paths for path in found):
        return []
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        show_info(f"{video.path.name}: several tracking files lie beside it ({names}); open the one that you want")
        return []
    path, tracking = next(iter(found.items()))
    show_info(f"{video.path.name}: opened together with its tracking, {path.name}")
    return [tracking_layer_data(tracking, path)]


def _tracking_layers(tracking: Tracking, path: Path) -> list[Any]:
    session = open_session()
    if session is not None:
        for tracked in session.videos:
            # Dropped together with its video, which brought it along.
            if tracked.tracking_path == path and tracked.tracking is not None and _same(tracked.tracking, tracking):
                return NO_LAYER
    return [tracking_layer_data(tracking, path)]


def _same(one: Tracking, other: Tracking) -> bool:
    return list(one) == list(other) and all(
        a.start == b.start and np.array_equal(a.boxes, b.boxes, equal_nan=True)
        for a, b in zip(one.values(), other.values(), strict=True)
    )


def _others_read(path: str) -> bool:
    readers = PluginManager.instance().iter_compatible_readers([path])
    return any(reader.plugin_name != PLUGIN for reader in readers)


def _limit_mb() -> float:
    """Return the megabytes of frames to be kept of all videos, as set in napari's preferences."""
    settings = get_plugin_settings(PLUGIN)
    return float(getattr(getattr(settings, "video", None), "frames_kept_mb", DEFAULT_LIMIT_MB))


def _tell(message: str) -> list[Any]:
    show_error(message)
    return NO_LAYER
