"""The layer in which boxes are edited: fills it with boxes, and reads what the user did to them.

napari's tools turn and bend rectangles, and its coordinates have single precision. So nothing is read back but the
sides that differ from what was filled in, and of any other shape its bounding rectangle.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from napari.layers import Shapes
from numpy.typing import NDArray

from napari_i3d._utils.colors import HIGHLIGHT
from napari_i3d.individuals import Id
from napari_i3d.plugin.layers.convert import HALF_PIXEL, rgba

MIN_SIDE = 1.0
"""Smallest width and height of a box, in its pixels: smaller ones may hold no pixel."""

TURNED = "Boxes cannot be turned: their sides are those of the image"
TOO_SMALL = "A box needs a width and a height of at least one pixel"
NOT_DRAGGED = "Drag from one corner of the new box to the opposite one"

_DECIMALS = 3
_KEY = "key"
_NEW = -1
_Boxes = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EditedBox:
    """A box in the layer.

    Attributes
    ----------
    id
        Its individual.
    key
        The number of the individual in the editor.
    box
        [left, upper, right, lower] in pixels of the boxes, finite.
    color
        ``#rrggbb``.
    """

    id: Id
    key: int
    box: _Boxes
    color: str


@dataclass
class ShapeChanges:
    """What the user did in the layer.

    Attributes
    ----------
    moved
        {id: box} of boxes that differ; sides that were not moved are exactly those from before.
    deleted
        Individuals whose box was removed.
    drawn
        New boxes, each with the key of the individual whose box was copied, or None.
    refused
        Why changes were left out.
    """

    moved: dict[Id, _Boxes] = field(default_factory=dict)
    deleted: list[Id] = field(default_factory=list)
    drawn: list[tuple[_Boxes, int | None]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class BoxShapes:
    """A two-dimensional Shapes layer with the boxes of one frame.

    Parameters
    ----------
    on_press, on_release
        Called when the user begins to drag or to draw, and when that has ended or was given up.

    Attributes
    ----------
    layer
        The layer.
    is_pressed
        Whether the user is dragging or drawing.
    """

    def __init__(self, on_press: Callable[[], None], on_release: Callable[[], None]) -> None:
        self.is_pressed = False
        self._on_press, self._on_release = on_press, on_release
        self._tool_is_ours = False  # chosen because no box was there to be selected
        self.layer = Shapes(
            ndim=2, name="Edit boxes", face_color="transparent", edge_color=HIGHLIGHT, edge_width=1.0, opacity=1.0,
            visible=False,
        )  # fmt: skip
        self._boxes: list[EditedBox] = []
        self._scale: _Boxes = np.ones(4)
        self._filled: list[_Boxes] = []
        self.layer.events.mode.connect(self._on_mode)
        self.layer.mouse_drag_callbacks.append(self._on_mouse)

    @property
    def is_drawing(self) -> bool:
        """Whether a shape is begun and not finished."""
        return bool(self.layer._is_creating)

    @property
    def selected(self) -> list[Id]:
        """The individuals whose boxes are selected."""
        keys, known = self._keys(), {box.key: box.id for box in self._boxes}
        return [known[keys[place]] for place in sorted(self.layer.selected_data) if keys[place] in known]

    def select(self, individuals: Iterable[Id]) -> None:
        """Select the boxes of individuals, and no others."""
        wanted = set(individuals)
        places = {place for place, box in enumerate(self._boxes) if box.id in wanted and place < self.layer.nshapes}
        if places != set(self.layer.selected_data):
            self.layer.selected_data = places

    def fill(self, boxes: Sequence[EditedBox], scale: tuple[float, float], line_width: float) -> None:
        """Show boxes in place of those before. What was selected still is; what the user is drawing is given up.

        Parameters
        ----------
        boxes
            The boxes.
        scale
            Pixels of the layer, (x, y), for a pixel of the boxes.
        line_width
            In pixels of the layer.
        """
        layer, selected = self.layer, self.selected
        if self.is_drawing:
            layer._finish_drawing()
        # The drag would go on with other shapes.
        layer._mouse_drag_gen.clear()
        layer._persisted_mouse_event.clear()
        self._release()
        self._scale = np.array(scale * 2)
        keys, colors = [box.key for box in boxes], [box.color for box in boxes]
        same = self._keys() == keys == [box.key for box in self._boxes] and layer.nshapes == len(keys)
        same &= _KEY in layer.features
        self._boxes, colors_before = list(boxes), [box.color for box in self._boxes]
        # napari takes long to draw shapes again, and after a drag they are where they belong.
        if not (same and self._is_shown(boxes)):
            layer.data = [(_rectangle(box.box * self._scale), "rectangle") for box in boxes]
        if boxes and not (same and layer.edge_width == [line_width] * len(keys)):
            layer.edge_width = [line_width] * len(keys)
        if boxes and not (same and colors == colors_before):
            layer.edge_color = rgba(colors)
        if not same:
            layer.features = {_KEY: np.array(keys, np.int64)}
        layer.current_edge_width = line_width
        layer.feature_defaults = {_KEY: _NEW}
        self._filled = [np.array(vertices, np.float64) for vertices in layer.data]
        self.choose_tool()
        self.select(selected)

    def _is_shown(self, boxes: Sequence[EditedBox]) -> bool:
        """Whether the shapes are the boxes, but for what single precision and rounding make of them."""
        for box, vertices, shape_type in zip(boxes, self.layer.data, self.layer.shape_type, strict=True):
            off = np.abs(_bounds(vertices) - box.box * self._scale)
            if shape_type != "rectangle" or not _is_upright(vertices) or not (off <= 2 * _noise(vertices)).all():
                return False
        return True

    def set_line_width(self, line_width: float) -> None:
        """Set the width of lines, in pixels of the layer."""
        self.layer.edge_width = [line_width] * self.layer.nshapes
        self.layer.current_edge_width = line_width

    def live(self) -> dict[Id, _Boxes]:
        """Return the boxes as they are drawn now, in pixels of the layer."""
        places = {box.key: place for place, box in enumerate(self._boxes)}
        found: dict[Id, _Boxes] = {}
        for key, vertices in zip(self._keys(), self.layer.data, strict=False):
            if key in places:
                found.setdefault(self._boxes[places.pop(key)].id, _bounds(vertices))
        return found

    def changes(self, smallest: float) -> ShapeChanges:
        """Return what differs from what was filled in.

        Parameters
        ----------
        smallest
            New boxes of a smaller width or height, in pixels of the layer, were clicks.
        """
        changes = ShapeChanges()
        places = {box.key: place for place, box in enumerate(self._boxes)}
        for key, vertices, shape_type in zip(self._keys(), self.layer.data, self.layer.shape_type, strict=False):
            if key in places:
                self._compare(places.pop(key), np.array(vertices, np.float64), shape_type, changes)
            else:
                self._read_new(vertices, None if key == _NEW else key, smallest, changes)
        changes.deleted = [self._boxes[place].id for place in places.values()]
        return changes

    def choose_tool(self) -> None:
        """Offer the rectangle where there is nothing to select, and take it back where there is."""
        if not self._boxes and self.layer.mode == "select":
            self.layer.mode = "add_rectangle"
            self._tool_is_ours = True
        elif self._boxes and self._tool_is_ours:
            self.layer.mode = "select"

    def _on_mode(self) -> None:
        self._tool_is_ours = False

    def _on_mouse(self, layer: Shapes, event: Any) -> Iterator[None]:
        if event.button != 1 or layer.mode == "pan_zoom":
            return
        self._on_press()
        self.is_pressed = True
        yield
        while event.type == "mouse_move":
            yield
        self._release()

    def _release(self) -> None:
        if self.is_pressed:
            self.is_pressed = False
            self._on_release()

    def _compare(self, place: int, vertices: _Boxes, shape_type: str, changes: ShapeChanges) -> None:
        before, old = self._filled[place], self._boxes[place]
        if np.array_equal(vertices, before):
            return
        if not np.isfinite(vertices).all():
            changes.refused.append(TOO_SMALL)
            return
        differ = (vertices != before).any(axis=1) if len(vertices) == len(before) else np.ones(1, np.bool_)
        if shape_type == "rectangle" and not _is_upright(vertices):
            changes.refused.append(TURNED)
            return
        if len(differ) == len(before) and differ.sum() == 1:
            # A corner was pulled alone: its two sides follow.
            corner = int(np.argmax(differ))
            vertices = np.stack([vertices[corner], before[(corner + 2) % len(before)]])
        shift = _bounds(vertices) - _bounds(before)
        box = _moved(old.box, shift, self._scale, _noise(before))
        if np.array_equal(box, old.box):
            return
        if (box[2:] - box[:2] < MIN_SIDE).any():
            changes.refused.append(TOO_SMALL)
        else:
            changes.moved[old.id] = box

    def _read_new(self, vertices: Any, copied: int | None, smallest: float, changes: ShapeChanges) -> None:
        bounds = _bounds(np.asarray(vertices, np.float64))
        box = np.round(bounds / self._scale, _DECIMALS)
        sides, shown = box[2:] - box[:2], bounds[2:] - bounds[:2]
        if not np.isfinite(box).all() or (sides < MIN_SIDE).any() or (shown < smallest).any():
            changes.refused.append(NOT_DRAGGED)
        else:
            changes.drawn.append((box, copied))

    def _keys(self) -> list[int]:
        features = self.layer.features
        keys = features[_KEY].tolist() if _KEY in features else []
        # Of a feature that the user replaced, nothing is known.
        return [key if isinstance(key, int) else _NEW for key in keys]


def _rectangle(box: _Boxes) -> _Boxes:
    """Return the corners of a box as (row, column), (4, 2), beginning at the upper left one, clockwise."""
    left, upper, right, lower = box - HALF_PIXEL
    return np.array([[upper, left], [upper, right], [lower, right], [lower, left]])


def _bounds(vertices: _Boxes) -> _Boxes:
    """Return the box around vertices (n, 2), in pixels of the layer."""
    (upper, left), (lower, right) = vertices.min(axis=0), vertices.max(axis=0)
    return np.array([left, upper, right, lower], np.float64) + HALF_PIXEL


def _noise(vertices: _Boxes) -> float:
    """Return by how much single precision may move vertices."""
    return 1e-3 + 1e-6 * float(np.abs(vertices).max())


def _is_upright(vertices: _Boxes) -> bool:
    """Whether each vertex lies at a corner of the bounding rectangle."""
    near = np.minimum(np.abs(vertices - vertices.min(axis=0)), np.abs(vertices - vertices.max(axis=0)))
    return bool((near <= 10 * _noise(vertices)).all())


def _moved(box: _Boxes, shift: _Boxes, scale: _Boxes, noise: float) -> _Boxes:
    """Return a box after its sides, (4,), were shifted in the layer; those that were not stay exactly the same."""
    shift = np.where(np.abs(shift) <= noise, 0.0, shift)
    if (np.abs(shift[2:] - shift[:2]) <= 2 * noise).all():
        # Moved as a whole: its size stays exactly the same.
        return box + np.tile(np.round(shift[:2] / scale[:2], _DECIMALS), 2)
    return np.where(shift == 0.0, box, np.round(box + shift / scale, _DECIMALS))
