"""Sample data: File > Open Sample > napari-i3d."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_error

from napari_i3d._utils.files import cache_folder
from napari_i3d.errors import NapariI3DError, OutputError
from napari_i3d.plugin.layers.convert import LayerData, tracking_layer_data
from napari_i3d.plugin.layers.video_layer import video_layer_data
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.reader import NO_LAYER, open_session
from napari_i3d.plugin.session.layer_sources import TrackingSource
from napari_i3d.synthetic import SyntheticClip, write_synthetic_clip
from napari_i3d.tracking.io.box_pickle import read_tracking
from napari_i3d.video.video import open_video


def open_sample() -> "list[LayerData] | list[Any]":
    """Return the layers of a synthetic video of two animals and of its tracking."""
    open_session()
    try:
        clip = _sample_clip()
        video, tracking = open_video(clip.video), read_tracking(clip.tracking)
    except NapariI3DError as error:
        show_error(dock_text(error))
        return NO_LAYER
    return [video_layer_data(video), tracking_layer_data(TrackingSource(tracking, clip.tracking))]


def _sample_clip() -> SyntheticClip:
    """Write the clip to the cache folder, or to the folder of temporary files if that is not writable."""
    try:
        return _clip_in(cache_folder() / "sample")
    except OutputError:
        return _clip_in(Path(tempfile.gettempdir()) / "napari_i3d_sample")


def _clip_in(folder: Path) -> SyntheticClip:
    clip = SyntheticClip(folder / "animals.mp4", folder / "animals_tracks.pickle")
    if clip.video.is_file() and clip.tracking.is_file():
        return clip  # perhaps open in a viewer
    shutil.rmtree(folder, ignore_errors=True)
    return write_synthetic_clip(folder)
