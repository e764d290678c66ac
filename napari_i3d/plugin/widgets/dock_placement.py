"""Placement of docks in the window when they are opened; afterwards the user moves them.

Forms, lists and the map are tabs of one column at the right, which has the full height; what is drawn over time lies
below, all over the same width. In a high window the preview of crops has a place of its own.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar, Protocol

from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

# Below, the two docks of napari share their place; from there on, the preview of crops lies below the other docks.
_LOW_PX, _HIGH_PX = 850, 1150
# Share of the window's width for the column at the right, and its maximum.
_SHARE, _MAX_PX = 0.3, 640
# Share of the window's height for one dock below the canvas, and for each of two.
_ONE_BELOW, _EACH_BELOW = 0.26, 0.19
# High enough to show a crop without scrolling.
_CROPS, _CROPS_PX = "Crop preview", 380
_SIDES = (Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea)


class Placed(Protocol):
    """Attributes of a dock that decide its place; see `napari_i3d.plugin.widgets.dock.Dock`."""

    NAME: ClassVar[str]
    OVER_TIME: ClassVar[bool]


def expect_below(name: str) -> None:
    """Let napari open a dock below the canvas, unless it remembers another place."""
    get_settings().application.plugin_widget_positions.setdefault(f"{name} (napari-i3d)", "bottom")


def place(dock: QDockWidget, window: QMainWindow, ours: Mapping[QDockWidget, Placed]) -> None:
    """Put a dock that was opened beside the others of its kind.

    Parameters
    ----------
    dock
        It is in the area where napari put it, and stays there.
    window
        Window of the viewer.
    ours
        The open docks of the plugin.
    """
    about, area = ours[dock], window.dockWidgetArea(dock)
    # Columns at the right need their height: forms, lists and the map are there.
    window.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
    mates = {d: a for d, a in ours.items() if d is not dock and not d.isFloating() and window.dockWidgetArea(d) == area}
    if area == Qt.DockWidgetArea.BottomDockWidgetArea and about.OVER_TIME:
        _place_below(dock, window, {**mates, dock: about})
    elif area in _SIDES:
        _place_beside(dock, window, {d: a for d, a in mates.items() if not a.OVER_TIME}, about)


def _place_below(dock: QDockWidget, window: QMainWindow, lanes: Mapping[QDockWidget, Placed]) -> None:
    ordered = sorted((d for d, a in lanes.items() if a.OVER_TIME), key=lambda d: lanes[d].NAME, reverse=True)
    for upper, lower in pairwise(ordered):
        window.splitDockWidget(upper, lower, Qt.Orientation.Vertical)
    if window.height() < _LOW_PX:
        left = Qt.DockWidgetArea.LeftDockWidgetArea
        others = [
            d
            for d in window.findChildren(QDockWidget)
            if d.isVisible() and window.dockWidgetArea(d) == left and d not in lanes
        ]
        for other in others[1:]:
            window.tabifyDockWidget(others[0], other)
    dock.raise_()


def share_height(window: QMainWindow, docks: list[QDockWidget]) -> None:
    """Give docks that lie below each other under the canvas their share of the window."""
    share = _ONE_BELOW if len(docks) == 1 else _EACH_BELOW
    window.resizeDocks(docks, [round(share * window.height())] * len(docks), Qt.Orientation.Vertical)


def _place_beside(dock: QDockWidget, window: QMainWindow, mates: Mapping[QDockWidget, Placed], about: Placed) -> None:
    stacked = window.height() >= _HIGH_PX
    lower = [d for d, a in mates.items() if a.NAME == _CROPS and stacked]
    upper = [d for d in mates if d not in lower]
    if about.NAME == _CROPS and stacked:
        if upper:
            window.addDockWidget(window.dockWidgetArea(dock), dock, Qt.Orientation.Vertical)
    elif upper:
        window.tabifyDockWidget(upper[0], dock)
    elif lower:
        window.splitDockWidget(dock, lower[0], Qt.Orientation.Vertical)
    if not mates:
        window.resizeDocks([dock], [min(round(_SHARE * window.width()), _MAX_PX)], Qt.Orientation.Horizontal)
    if lower or (about.NAME == _CROPS and stacked):
        window.resizeDocks([lower[0] if lower else dock], [_CROPS_PX], Qt.Orientation.Vertical)
    dock.raise_()


def dock_of(widget: QWidget) -> tuple[QDockWidget, QMainWindow] | None:
    """Return the dock of a widget, and its window; None if it is in no dock."""
    dock = widget.parent()
    window = dock.parent() if isinstance(dock, QDockWidget) else None
    return (dock, window) if isinstance(dock, QDockWidget) and isinstance(window, QMainWindow) else None
