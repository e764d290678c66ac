"""Layers that draw the boxes, trails and ids of one video in the frame that is shown.

Two flat layers, without time, hold the frame that is shown and nothing else: Vectors (four lines a box, and the
trails) and Points (the ids). Their arrays are overwritten in place and shown again without what napari does besides
(thumbnails, extents): measured, that costs half of setting new data, and a third of a Shapes layer with text.
Arrays have room to spare; lines without length and points that are not shown fill them up.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer, Points, Vectors
from numpy.typing import NDArray

from napari_i3d._utils.colors import HIGHLIGHT, SHADOW
from napari_i3d.individuals import Id, format_id
from napari_i3d.plugin.layers.convert import (
    LINES,
    box_lines,
    label_features,
    label_points,
    labels_layer_options,
    rgba,
    tracking_layer_data,
    trail_colors,
    trail_lines,
)
from napari_i3d.plugin.layers.layer_arrays import overwrite
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.box_table import BoxTable
from napari_i3d.tracking.editing.tracking_change import TrackingChange

if TYPE_CHECKING:
    from napari.layers import Image

LINE_WIDTH_PX = 2.0
"""Width of lines in pixels of the screen."""

KEY_FRAME_MARK = " •"
"""Follows the id of an individual whose box in the frame was set by hand."""

_TRAIL_STEPS = 24
_TRAIL_STEPS_IN_ALL = 1200
_LABELS = 150
"""Maximum number of ids shown: more would hide the image, and each takes time."""
_AS_IT_IS = {"thumbnail": False, "highlight": False, "extent": False}


class BoxesDisplay:
    """The layers of one tracked video.

    Parameters
    ----------
    tracked
        The video and its tracking.
    add, discard
        Put a layer into the viewer; take one out as soon as that is safe.
    """

    def __init__(self, tracked: TrackedVideo, add: Callable[[Layer], None], discard: Callable[[Layer], None]) -> None:
        self.tracked = tracked
        self.frame = 0
        self.zoom = 1.0  # pixels of the screen for a unit of the world
        self.trail_frames = 0
        self._add, self._discard = add, discard
        self._table: BoxTable | None = None
        self._names: list[str] = []
        self._colors = np.empty((0, 4), np.float32)
        self._shown = np.empty(0, np.bool_)
        self._boxes_layer: Vectors | None = None
        self._ids_layer: Points | None = None
        self._image: Image | None = None
        self._drawn: tuple[NDArray[np.int64], NDArray[np.float64]] = (np.empty(0, np.int64), np.empty((0, 4)))
        self._colored: Any = None
        self._labeled: Any = None
        self._has_lines, self._ids_moved = True, False
        self._slots = (
            (tracked.video_changed, self._on_video),
            (tracked.tracking_changed, self._on_tracking),
            (tracked.shown_changed, self._on_shown),
            (tracked.current_changed, self.fill),
        )
        for signal, slot in self._slots:
            signal.connect(slot)
        self._on_video()
        self._on_tracking()

    def close(self) -> None:
        """Disconnect everything and remove the layers."""
        for signal, slot in self._slots:
            signal.disconnect(slot)
        self._follow(None)
        self._drop_layers()

    def removed(self, layer: Layer) -> None:
        """Notice that the user removed a layer."""
        if layer is self._ids_layer:
            self._ids_layer = None

    @property
    def ids_layer(self) -> Points | None:
        """The layer of the ids."""
        return self._ids_layer

    def hit(self, world: tuple[float, ...]) -> tuple[Id, float] | None:
        """Return the individual whose box lies at a place of the world, and the area of the box; smallest first."""
        if self._boxes_layer is None or self._table is None or not self._boxes_layer.visible:
            return None
        row, column = self._boxes_layer.world_to_data(world)[-2:]
        x, y = column + 0.5, row + 0.5
        places, boxes = self._drawn
        left, upper, right, lower = boxes.T
        inside = np.flatnonzero((left <= x) & (x <= right) & (upper <= y) & (y <= lower))
        if not len(inside):
            return None
        areas = (right - left) * (lower - upper)
        best = inside[np.argmin(areas[inside])]
        return self._table.ids[places[best]], float(areas[best])

    def box(self, individual: Id, frame: int) -> NDArray[np.float64] | None:
        """Return a box in the world, (4,) [left, upper, right, lower]; in the frame nearest to the one asked for."""
        if self._boxes_layer is None or self._table is None:
            return None
        box = self._table.nearest(individual, frame)
        if box is None:
            return None
        left, upper, right, lower = box - 0.5
        corners = [self._boxes_layer.data_to_world(corner)[-2:] for corner in ((upper, left), (lower, right))]
        return np.array([corners[0][1], corners[0][0], corners[1][1], corners[1][0]])

    def show_lines(self, on: bool) -> None:
        """Draw the boxes, or leave that to the layer in which they are edited."""
        if on != self._has_lines or self._ids_moved:
            self._has_lines = on
            self.fill(with_ids=self._ids_moved)

    def move_ids(self, moved: Mapping[Id, NDArray[np.float64]]) -> None:
        """Draw ids at boxes, in pixels of the layer, that are being dragged; the outline stays where they were."""
        layer, table = self._boxes_layer, self._table
        if layer is not None and table is not None:
            places, boxes = self._drawn
            rows = [moved.get(table.ids[place], box) for place, box in zip(places, boxes, strict=True)]
            self._label(places, np.reshape(rows, (-1, 4)), lift=2 * float(layer.edge_width))
            self._ids_moved = True

    def fill(self, *, with_ids: bool = True) -> None:
        """Draw the frame."""
        layer, table = self._boxes_layer, self._table
        if layer is None or table is None or not (layer.visible or (self._ids_layer and self._ids_layer.visible)):
            return
        width = LINE_WIDTH_PX / (self.zoom * abs(float(layer.scale[-1])))
        places, boxes = table.at(self.frame)
        shown = self._shown[places]
        self._drawn = places, boxes = places[shown], boxes[shown]
        current = np.array([table.ids[place] == self.tracked.current for place in places], np.bool_)
        walkers, trails = self._trails(table)
        lines = np.concatenate(
            [
                trails,
                box_lines(boxes if self._has_lines else boxes[:0], width),
                box_lines(boxes[current], width, grow=width),
            ],
            dtype=np.float64,
        )
        overwrite(layer, lines)
        colored = (len(layer.data), walkers.tobytes(), places.tobytes(), current.tobytes(), self._has_lines)
        layer.refresh(**_AS_IT_IS)
        if colored != self._colored:
            self._colored = colored
            lined = places if self._has_lines else places[:0]
            self._paint(layer, walkers, len(trails), lined, int(current.sum()))
        if layer.edge_width != width:
            layer.edge_width = width
        if with_ids:
            self._label(places, boxes, lift=2 * width)
            self._ids_moved = False

    def _trails(self, table: BoxTable) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        if not self.trail_frames:
            return np.empty(0, np.int64), np.empty((0, 2, 2))
        # Every n-th frame, counted from frame 0, so that the trail lies still while time passes.
        stride = max(1, -(-2 * self.trail_frames // _TRAIL_STEPS))
        reach = -(-self.trail_frames // stride)
        frames = (self.frame // stride + np.arange(-reach, reach + 1)) * stride
        places, centers = table.centers(frames)
        shown = self._shown[places]
        places, centers = places[shown], centers[shown]
        most = max(1, _TRAIL_STEPS_IN_ALL // (2 * reach))
        return places[:most], trail_lines(centers[:most])

    def _paint(
        self, layer: Vectors, walkers: NDArray[np.int64], n_trails: int, places: NDArray[np.int64], n_current: int
    ) -> None:
        parts = [
            trail_colors(self._colors[walkers], n_trails // max(1, len(walkers))),
            np.repeat(self._colors[places], LINES, axis=0),
            np.repeat(rgba([HIGHLIGHT]), LINES * n_current, axis=0),
        ]
        colors = np.zeros((len(layer.data), 4), np.float32)
        used = np.concatenate(parts)
        colors[: len(used)] = used
        layer.edge_color = colors

    def _label(self, places: NDArray[np.int64], boxes: NDArray[np.float64], lift: float) -> None:
        layer, table = self._ids_layer, self._table
        if layer is None or table is None:
            return
        places, boxes = places[:_LABELS], boxes[:_LABELS]
        points = label_points(boxes, lift)
        # Each id is written twice, first as its own shadow: light colors would be lost on a light image.
        overwrite(layer, np.concatenate([points + lift / 4, points]))
        used = 2 * len(places)
        by_hand = self.tracked.editor.set_by_hand(self.frame)
        labeled = (len(layer.data), places.tobytes(), by_hand)
        if labeled != self._labeled:
            self._labeled = labeled
            empty = len(layer.data) - used
            texts = [format_id(table.ids[place]) + KEY_FRAME_MARK * (table.ids[place] in by_hand) for place in places]
            colors = [*[SHADOW] * len(places), *(self._names[place] for place in places), *[SHADOW] * empty]
            # A space: for an empty text napari draws two quotation marks.
            layer.features = label_features([*texts, *texts, *[" "] * empty], colors)
            layer.shown = np.arange(len(layer.data)) < used
        layer.refresh(**_AS_IT_IS)

    def _on_tracking(self, change: TrackingChange | None = None) -> None:
        tracking = self.tracked.tracking
        if tracking is None:
            self._table = None
            self._drop_layers()
            return
        table, scale = self._table, self.tracked.box_scale
        if change is None or table is None or not table.update(tracking, change.ranges, scale):
            table = self._table = BoxTable(tracking, scale)
        colors = self.tracked.colors
        self._names = [colors[individual] for individual in tracking]
        self._colors = rgba(self._names)
        self._colored = self._labeled = None
        self._shown = _shown_mask(self.tracked, table)
        if self._boxes_layer is not self.tracked.tracking_layer or self._boxes_layer is None:
            self._drop_layers()
            self._make_layers()
        self.fill()

    def _make_layers(self) -> None:
        source = self.tracked.source
        if source is None:
            return
        layer = self.tracked.tracking_layer
        if layer is None:
            data, options, _ = tracking_layer_data(source)
            layer = self.tracked.tracking_layer = Vectors(data, **options)
            self._add(layer)
        self._boxes_layer = layer
        self._ids_layer = Points(np.empty((0, 2)), **labels_layer_options(layer.name.replace("Boxes", "Ids", 1)))
        self._add(self._ids_layer)
        layer.events.visible.connect(self.fill)
        self._ids_layer.events.visible.connect(self.fill)
        self._place()

    def _drop_layers(self) -> None:
        for layer in (self._ids_layer, self._boxes_layer):
            if layer is not None:
                self._discard(layer)
        if self._boxes_layer is not None:
            self._boxes_layer.events.visible.disconnect(self.fill)
        self._boxes_layer = self._ids_layer = None

    def _on_shown(self) -> None:
        if self._table is not None:
            self._shown = _shown_mask(self.tracked, self._table)
            self.fill()

    def _on_video(self) -> None:
        self._follow(self.tracked.layer)
        if self._table is not None and self.tracked.tracking is not None:
            self._table = BoxTable(self.tracked.tracking, self.tracked.box_scale)
            self.fill()

    def _follow(self, image: "Image | None") -> None:
        # Where the user moves or scales the image, boxes go with it.
        for layer, method in ((self._image, "disconnect"), (image, "connect")):
            if layer is not None:
                getattr(layer.events.scale, method)(self._place)
                getattr(layer.events.translate, method)(self._place)
        self._image = image
        self._place()

    def _place(self) -> None:
        if self._image is None:
            return
        for layer in (self._boxes_layer, self._ids_layer):
            if layer is not None:
                layer.scale = self._image.scale[-2:]
                layer.translate = self._image.translate[-2:]
        self.fill()


def _shown_mask(tracked: TrackedVideo, table: BoxTable) -> NDArray[np.bool_]:
    return np.array([individual in tracked.shown for individual in table.ids], np.bool_)
