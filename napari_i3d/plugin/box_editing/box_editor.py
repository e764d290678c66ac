"""Editing of boxes in the canvas: those of the frame that is shown, in a layer of their own while it is switched on."""

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_info, show_warning
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_i3d.errors import TrackingError
from napari_i3d.plugin.box_editing.box_shapes import BoxShapes, ShapeChanges
from napari_i3d.plugin.box_editing.box_steps import do_changes, edited_boxes, help_words
from napari_i3d.plugin.box_editing.held_widgets import HeldWidgets
from napari_i3d.plugin.box_editing.kept_shapes import KeptShapes
from napari_i3d.plugin.layers.box_layers import LINE_WIDTH_PX
from napari_i3d.plugin.session.connections import Connections
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo

if TYPE_CHECKING:
    from napari.layers import Layer

_SMALLEST_PX = 5.0
"""A new box that is smaller on the screen was a click."""

_IDS_S = 0.1  # in a drag, ids follow at most as often

_NO_VIDEO = "Open a video to draw boxes in it"
_FLAT_ONLY = "Boxes are edited in the 2-D view"


class BoxEditor:
    """Puts the boxes of the active video's current frame into a Shapes layer, and what is done there into the editor.

    Every drag, drawing or deletion is one step that can be undone.

    Parameters
    ----------
    session
        The viewer's session.

    Attributes
    ----------
    changed
        Signal, without arguments: editing was switched on or off.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shapes: BoxShapes | None = None
        self._tracked: TrackedVideo | None = None
        self._ids_drawn, self._frame = 0.0, 0
        self._busy = False  # the layer is being filled, or a step is being done
        self._due = False
        self._active_before: Layer | None = None
        self._links, self._video_links = Connections(), Connections()
        self._widgets = HeldWidgets(session.viewer)
        self._kept = KeptShapes(session, self._on_press, self._widgets.draw, self._on_eye, self._on_removed)

    @property
    def is_on(self) -> bool:
        """Whether boxes are being edited."""
        return self._shapes is not None

    @property
    def layer(self) -> "Layer | None":
        """The layer in which boxes are edited."""
        return self._shapes.layer if self._shapes else None

    def start(self) -> None:
        """Switch editing on, if a video is open and shown in two dimensions."""
        viewer = self._session.viewer
        if self.is_on:
            return
        if self._session.active is None or not self._is_flat:
            show_info(_NO_VIDEO if self._session.active is None else _FLAT_ONLY)
            return
        self._active_before = viewer.layers.selection.active
        self._shapes = shapes = self._kept.take()
        layer = shapes.layer
        self._follow()  # napari draws nothing of it yet
        layer.visible = True
        viewer.layers.selection.active = layer
        layer.mode = "select"  # after napari has made the buttons, which would show another tool
        shapes.choose_tool()
        for signal, slot in (
            (viewer.dims.events.current_step, self._on_step),
            (viewer.dims.events.ndisplay, self._on_dimensions),
            (viewer.scene.camera.events.zoom, self._on_zoom),
            (viewer.layers.events.inserted, self._kept.raise_later),
            (self._session.active_changed, self._on_active),
            (layer.events.data, self._on_data),
            (layer.events.features, self._schedule),  # all that napari says of shapes that are pasted
            (layer.events.set_data, self._on_drawn),
            (layer.selected_data.events.items_changed, self._on_selected),
        ):
            self._links.connect(signal, slot)
        self._select_current()
        if self._tracked is not None:
            viewer.status = help_words(self._tracked, self._session.keys.called, drawing=layer.mode == "add_rectangle")
        self.changed.emit()

    def stop(self) -> None:
        """Switch editing off: the layer is hidden, the boxes stay."""
        if self._shapes is None:
            return
        self.settle()
        layer = self._shapes.layer
        self._end()
        self._kept.hide()
        layers = self._session.viewer.layers
        if layers.selection.active is layer or not layers.selection:
            before = self._active_before
            layers.selection.active = before if before in layers and before is not layer else None
        self._active_before = None

    def _on_press(self) -> None:
        self._session.playback.pause()
        self._widgets.hold()

    def settle(self) -> None:
        """Adopt what the user did in the layer since it was filled."""
        self._due = False
        if self._shapes is None or self._busy or self._tracked is None or not self._is_flat:
            return
        changes = self._shapes.changes(_SMALLEST_PX / self._zoom())
        self._busy = True
        try:
            self._do(self._tracked, changes)
        finally:
            self._busy = False
        for text in dict.fromkeys(changes.refused):
            show_info(text)
        self._fill()

    def _do(self, tracked: TrackedVideo, changes: ShapeChanges) -> None:
        if not 0 <= self._frame < (len(tracked.video) if tracked.video is not None else np.inf):
            if changes.drawn:
                changes.refused.append(f"{tracked.name} has no frame here")
            return
        try:
            words = do_changes(tracked, self._frame, changes)
        except TrackingError as error:
            show_warning(str(error))
            return
        if changes.drawn and self._shapes is not None:
            self._shapes.layer.mode = "select"
        if words:
            self._session.viewer.status = words

    def _follow(self) -> None:
        """Show the boxes of the active video."""
        tracked = self._session.active
        self._unfollow()
        self._tracked = tracked
        if tracked is None:
            return
        for signal, slot in (
            (tracked.tracking_changed, self._fill),
            (tracked.shown_changed, self._fill),
            (tracked.video_changed, self._on_video),
            (tracked.current_changed, self._select_current),
        ):
            self._video_links.connect(signal, slot)
        self._on_video()

    def _unfollow(self) -> None:
        self._video_links.close()
        self._kept.release()
        display = self._session.boxes.display(self._tracked) if self._tracked is not None else None
        self._tracked = None
        if display is not None:
            display.show_lines(True)

    def _on_video(self) -> None:
        self._kept.follow(self._tracked.layer if self._tracked else None)
        self._fill()

    def _fill(self) -> None:
        """Fill the layer with the boxes of the frame."""
        if self._shapes is None or self._tracked is None or self._busy or not self._is_flat:
            return
        self._busy, self._due = True, False
        self._frame = self._session.frame_of(self._tracked)
        try:
            self._shapes.fill(edited_boxes(self._tracked, self._frame), self._tracked.box_scale, self._line_width())
        finally:
            self._busy = False
        display = self._session.boxes.display(self._tracked)
        if display is not None:
            display.show_lines(False)
        self._select_current()

    @property
    def _is_flat(self) -> bool:
        return bool(self._session.viewer.dims.ndisplay == 2)

    def _zoom(self) -> float:
        """Return the pixels of the screen for a pixel of the layer."""
        scale = abs(float(self._shapes.layer.scale[-1])) if self._shapes else 1.0
        return float(self._session.viewer.scene.camera.zoom) * scale

    def _line_width(self) -> float:
        return LINE_WIDTH_PX / self._zoom()

    def _select_current(self) -> None:
        """Select the box of the current individual."""
        if self._shapes is None or self._tracked is None or self._busy or self._shapes.layer.mode != "select":
            return
        current = self._tracked.current
        if current is not None and current not in self._shapes.selected:
            self._busy = True
            try:
                self._shapes.select([current])
            finally:
                self._busy = False

    def _end(self) -> None:
        """Disconnect everything."""
        self._widgets.draw()
        self._links.close()
        self._unfollow()
        self._shapes = None
        self.changed.emit()

    def _on_active(self) -> None:
        self.settle()
        if self._session.active is None:
            QTimer.singleShot(0, self.stop)  # napari may be in the middle of removing layers
        self._follow()
        QTimer.singleShot(0, self._take_up)  # or of selecting one

    def _take_up(self) -> None:
        """Give the layer the mouse and the keys."""
        if self._shapes is not None:
            self._kept.raise_()
            self._session.viewer.layers.selection.active = self._shapes.layer

    def _on_step(self) -> None:
        if self._tracked is not None and self._session.frame_of(self._tracked) != self._frame:
            if self._shapes is not None and (self._due or self._shapes.is_pressed):
                self.settle()  # what was dragged so far belongs to the frame before
            else:
                self._fill()

    def _on_dimensions(self) -> None:
        if not self._is_flat and self.is_on:
            show_info(_FLAT_ONLY)
            QTimer.singleShot(0, self.stop)

    def _on_zoom(self) -> None:
        if self._shapes is not None:
            self._shapes.set_line_width(self._line_width())

    def _on_removed(self) -> None:
        if self.is_on:
            self._end()

    def _on_eye(self) -> None:
        """Let the eye in the list of layers switch editing, too."""
        if self._kept.is_visible != self.is_on:
            self.stop() if self.is_on else self.start()
            if not self.is_on:
                self._kept.hide()  # editing could not begin

    def _on_data(self, event: Any) -> None:
        if str(event.action).upper() in ("CHANGED", "ADDED", "REMOVED"):
            self._schedule()

    def _schedule(self) -> None:
        # Later: napari is in the middle of it.
        if not self._busy and not self._due:
            self._due = True
            QTimer.singleShot(0, self._settle_if_due)

    def _settle_if_due(self) -> None:
        if self._due and self._shapes is not None and not self._shapes.is_drawing:
            self.settle()
        else:
            self._due = False

    def _on_selected(self) -> None:
        if self._shapes is None or self._tracked is None or self._busy:
            return
        selected = self._shapes.selected
        if len(selected) == 1 and selected[0] != self._tracked.current:
            self._tracked.current = selected[0]

    def _on_drawn(self) -> None:
        """Let the id go along with a box that is dragged, not for every movement: that would take a tenth of it."""
        if time.monotonic() - self._ids_drawn < _IDS_S:
            return
        if self._shapes is not None and self._shapes.is_pressed and not self._busy and self._tracked is not None:
            self._ids_drawn = time.monotonic()
            display = self._session.boxes.display(self._tracked)
            if display is not None:
                display.move_ids(self._shapes.live())
