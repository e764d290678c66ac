"""Videos are looked at frame by frame: time stays on the slider.

In the 3-D view, or with its axes turned, napari asks for all frames of a video at once.
"""

from napari import current_viewer
from napari.utils.notifications import show_info
from qtpy.QtCore import QTimer


def go_back_to_frames() -> None:
    """Have the viewer show frames again, as soon as it has done what it is at, and say why."""
    QTimer.singleShot(0, _flatten)


def _flatten() -> None:
    viewer = current_viewer()
    if viewer is None:
        return
    dims = viewer.dims
    if dims.ndisplay != 2 or dims.order != tuple(range(dims.ndim)):
        dims.ndisplay = 2
        dims.order = tuple(range(dims.ndim))
        show_info("A video is shown frame by frame: remove it to see other layers in 3-D or with their axes turned.")
