"""Image layer of a video."""

from napari.settings import get_plugin_settings
from napari.utils.notifications import show_warning

from napari_i3d.plugin.layers.convert import LayerData
from napari_i3d.plugin.layers.view_2d import go_back_to_frames
from napari_i3d.plugin.session.layer_sources import METADATA_KEY, VideoSource
from napari_i3d.video.frame_budget import DEFAULT_LIMIT_MB, FrameBudget
from napari_i3d.video.lazy_array import VideoArray
from napari_i3d.video.video import Video

PLUGIN = "napari-i3d"

_budget = FrameBudget()
"""Memory for frames, shared by all videos in all viewers."""


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


def _limit_mb() -> float:
    """Return the memory for cached frames in megabytes, from napari's preferences."""
    settings = get_plugin_settings(PLUGIN)
    return float(getattr(getattr(settings, "video", None), "frames_kept_mb", DEFAULT_LIMIT_MB))
