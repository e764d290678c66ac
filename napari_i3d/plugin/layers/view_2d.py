"""Return to the 2-D view: videos are shown frame by frame, with time on the slider.

In the 3-D view, or with other axes displayed, napari requests all frames of a video at once.
"""

from napari import current_viewer
from napari.utils.notifications import show_info
from qtpy.QtCore import QTimer


def go_back_to_frames() -> None:
    """Switch the viewer back to frames once it is idle, and show why."""
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
