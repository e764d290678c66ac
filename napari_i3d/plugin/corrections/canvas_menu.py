"""The context menu of a box on the canvas."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from qtpy.QtGui import QCursor
from qtpy.QtWidgets import QMenu

from napari_i3d.plugin.corrections.identity_menu import fill_identity_menu
from napari_i3d.plugin.session.session import Session

if TYPE_CHECKING:
    from napari.viewer import Viewer

_RIGHT = 2
_CLICK_PX = 4
"""Largest movement of the mouse during a click, in pixels of the screen; napari zooms with the right button."""


class CanvasMenu:
    """Opens a menu of corrections where a box is clicked with the right button.

    Parameters
    ----------
    session
        The viewer's session.

    Attributes
    ----------
    menu
        The menu that was opened last.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.menu: QMenu | None = None
        session.viewer.mouse_drag_callbacks.append(self._on_mouse)

    def open(self) -> None:
        """Open the menu of the current individual at the mouse; a video that plays stops at this frame."""
        self._session.playback.pause()
        tracked = self._session.active
        if tracked is None or tracked.current is None:
            return
        if self.menu is not None:
            self.menu.deleteLater()
        self.menu = QMenu(self._session.viewer.window._qt_window)
        fill_identity_menu(self.menu, self._session, tracked, tracked.current)
        self.menu.popup(QCursor.pos())

    def _on_mouse(self, viewer: "Viewer", event: Any) -> Iterator[None]:
        active = viewer.layers.selection.active
        edited = self._session.box_editor.is_on and active is self._session.box_editor.layer
        # In other modes the right button is napari's: it ends a polygon, say.
        modes = ("pan_zoom", "select") if edited else ("pan_zoom",)
        if event.button != _RIGHT or event.modifiers or getattr(active, "mode", "pan_zoom") not in modes:
            return
        start, moved = event.pos, 0.0
        yield
        while True:
            moved = max(moved, *(abs(float(now - then)) for now, then in zip(event.pos, start, strict=True)))
            if event.type != "mouse_move":
                break
            yield
        if moved <= _CLICK_PX and self._session.boxes.pick(event.position):
            self.open()
