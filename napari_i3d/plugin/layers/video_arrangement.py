"""Visibility of the videos of a viewer: one at a time, or all side by side.

Layers of the other videos are hidden; their visibility is restored when they are shown again. In both arrangements no
box lies on the image of another video.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo

if TYPE_CHECKING:
    from napari.layers import Layer

_TIME = -3
_GAP = 0.05
"""Gap between images side by side, as a share of the width of the widest."""


class VideoArrangement:
    """Shows the active video alone, or all videos side by side.

    One at a time, the slider has the frames of the video that is shown; its number stays when another one is chosen.
    Side by side, all videos show the frame of that number, and those that are shorter nothing.

    Parameters
    ----------
    session
        The viewer's session.

    Attributes
    ----------
    changed
        Signal, without arguments: `side_by_side` was set.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._side_by_side = False
        self._applying = False
        self._hidden: WeakKeyDictionary[Layer, bool] = WeakKeyDictionary()  # whether it is visible when it is seen
        self._offsets: WeakKeyDictionary[Layer, NDArray[np.float64]] = WeakKeyDictionary()
        self._views: WeakKeyDictionary[TrackedVideo, tuple[Any, float]] = WeakKeyDictionary()
        self._seen: TrackedVideo | None = session.active
        viewer = session.viewer
        session.active_changed.connect(self._on_active)
        session.videos_changed.connect(self._apply)
        # After napari and the session, which know the layer then.
        viewer.layers.events.inserted.connect(self._on_inserted, position="last")
        viewer.layers.events.removed.connect(self._apply, position="last")
        viewer.dims.events.range.connect(self._limit_slider, position="last")
        for layer in viewer.layers:
            layer.events.visible.connect(self._on_visible)
        self._apply()

    @property
    def side_by_side(self) -> bool:
        """Whether all videos are shown side by side, instead of the active one alone."""
        return self._side_by_side

    @side_by_side.setter
    def side_by_side(self, on: bool) -> None:
        if on != self._side_by_side:
            self._side_by_side = on
            self._views.clear()
            self._apply()
            self.show_whole()
            self.changed.emit()

    def show_whole(self) -> None:
        """Fit the visible images into the canvas."""
        images = [tracked.layer for tracked in self._session.videos if self._is_seen(tracked) and tracked.layer]
        self._session.viewer.fit_to_view(layers=images or None)

    def _on_active(self) -> None:
        viewer, before, now = self._session.viewer, self._seen, self._session.active
        self._seen = now
        self._apply()
        if before is None or now is None or now.layer is None or self._side_by_side or before is now:
            return
        camera = viewer.scene.camera
        if before in self._session.videos:
            self._views[before] = camera.center, float(camera.zoom)
        if now in self._views:
            camera.center, camera.zoom = self._views[now]
        else:
            self.show_whole()

    def _on_inserted(self, event: Any) -> None:
        event.value.events.visible.connect(self._on_visible)
        self._apply()

    def _on_visible(self, event: Any) -> None:
        """Show the video of a layer whose eye the user opens."""
        layer = event.source
        if self._applying or layer not in self._hidden or not layer.visible:
            return
        self._hidden[layer] = True
        self._session.active = next(
            tracked for tracked in self._session.videos if layer in self._session.boxes.layers_of(tracked)
        )

    def _is_seen(self, tracked: TrackedVideo) -> bool:
        """Whether a video is visible; boxes without an image are not drawn on another video's."""
        if self._side_by_side and any(other.layer is not None for other in self._session.videos):
            return tracked.layer is not None
        return tracked is self._session.active

    def _apply(self) -> None:
        if self._applying:
            return
        self._applying = True
        try:
            for tracked in self._session.videos:
                seen = self._is_seen(tracked)
                for layer in self._session.boxes.layers_of(tracked):
                    if seen and layer in self._hidden:
                        layer.visible = self._hidden.pop(layer)
                    elif not seen and layer not in self._hidden:
                        self._hidden[layer] = layer.visible
                        layer.visible = False
            self._place()
        finally:
            self._applying = False
        # napari has set it to the frames of the longest video.
        self._limit_slider()

    def _place(self) -> None:
        images = [tracked.layer for tracked in self._session.videos if tracked.layer is not None]
        sizes = np.array([np.abs(layer.scale[-2:]) * layer.data.shape[1:3] for layer in images]).reshape(-1, 2)
        offsets = places(sizes) if self._side_by_side else np.zeros_like(sizes)
        for layer, offset in zip(images, offsets, strict=True):
            change = offset - self._offsets.get(layer, np.zeros(2))
            if change.any():
                self._offsets[layer] = offset
                translate = np.array(layer.translate, float)
                translate[-2:] += change
                layer.translate = translate  # boxes follow

    def _limit_slider(self) -> None:
        """Limit the slider to the frames of the visible video, if longer videos are open."""
        session, dims = self._session, self._session.viewer.dims
        active = session.active
        if self._applying or self._side_by_side or len(session.videos) < 2 or active is None or active.layer is None:
            return
        first, last = active.layer.extent.world[:, _TIME].tolist()
        axis = dims.ndim + _TIME
        if axis >= 0 and tuple(dims.range[axis][:2]) != (first, last):
            dims.set_range(axis, (first, last, dims.range[axis].step))


def places(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return positions of images side by side, in an approximately square grid.

    Parameters
    ----------
    sizes : (n, 2)
        Height and width of each.

    Returns
    -------
    (n, 2) float64
        Row and column of the upper left corner of each.
    """
    n = len(sizes)
    columns = max(1, math.ceil(math.sqrt(n)))
    gap = _GAP * sizes[:, 1].max() if n else 0.0
    row_heights = [float(sizes[first : first + columns, 0].max()) for first in range(0, n, columns)]
    column_widths = [float(sizes[column::columns, 1].max()) for column in range(min(columns, n))]
    upper = np.concatenate([[0.0], np.cumsum(np.array(row_heights) + gap)])
    left = np.concatenate([[0.0], np.cumsum(np.array(column_widths) + gap)])
    return np.array([(upper[place // columns], left[place % columns]) for place in range(n)]).reshape(-1, 2)


def video_names(videos: Sequence[TrackedVideo]) -> list[str]:
    """Return unique names of videos for a list; equal names get the folder, or a number."""
    names: list[str] = []
    for tracked in videos:
        name = tracked.name
        if tracked.video is not None and sum(other.name == name for other in videos) > 1:
            name = f"{name} ({tracked.video.path.parent.name})"
        number, base = 2, name
        while name in names:
            name, number = f"{base} ({number})", number + 1
        names.append(name)
    return names
