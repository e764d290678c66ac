"""Docks that hold a plot: canvas, toolbar, theme, and the figure saved to a file."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLayout, QStackedWidget, QWidget

from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.time_axis import TimeAxis
from napari_i3d.plugin.widgets.dock import Dock
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.save_as import FIGURE, save_as
from napari_i3d.plugin.widgets.scroll_area import MARGINS, SPACING
from napari_i3d.plugin.widgets.text_label import TextLabel

if TYPE_CHECKING:
    from napari_i3d.plugin.plotting.plot_canvas import PlotCanvas
    from napari_i3d.plugin.plotting.time_canvas import TimeCanvas


class PlotDock(Dock):
    """A dock with a canvas, or a text while there is nothing to draw.

    Parameters
    ----------
    session
        The viewer's session.
    canvas
        The canvas. Its module loads matplotlib, so docks import it when they are opened.
    """

    EMPTY: ClassVar[str]
    canvas: "PlotCanvas"

    def __init__(self, session: Session, canvas: "PlotCanvas") -> None:
        super().__init__(session)
        from napari_i3d.plugin.plotting.plot_toolbar import PlotToolbar

        self.canvas = canvas
        self.toolbar = PlotToolbar(canvas.native, self, self._on_save_figure, self._on_home, upright=self.OVER_TIME)
        canvas.navigating = lambda: bool(self.toolbar.mode)
        self.empty = TextLabel(self.EMPTY)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(canvas.native)
        self.links.connect(session.viewer.events.theme, self._on_theme)
        self.links.connect(session.viewer.dims.events.current_step, self._on_frame)
        self.toolbar.set_theme(session.viewer.theme)

    def show_plot(self, drawn: bool) -> None:
        """Show the canvas, or the text."""
        self.pages.setCurrentIndex(1 if drawn else 0)
        self.toolbar.setEnabled(drawn)
        if not drawn:
            self.canvas.clear()

    def _on_frame(self) -> None:
        """Show the frame of the viewer."""

    def _figure_name(self) -> str:
        """Return a name for the file of the figure; empty if there is none."""
        return ""

    def _save_figure(self, path: Path) -> None:
        """Save the figure, in the colors of paper and without the cursor."""

    def _on_home(self) -> bool:
        """Show all; return False for matplotlib's own way."""
        return False

    def _on_theme(self) -> None:
        theme = self._session.viewer.theme
        self.canvas.set_theme(theme)
        self.toolbar.set_theme(theme)

    def _on_save_figure(self) -> None:
        name = self._figure_name()
        if name:
            save_as(self, "Save the figure", name, FIGURE, self._save_figure)


class TimePlotDock(PlotDock):
    """A plot over time, whose time axis is shared with the other such docks."""

    OVER_TIME = True
    canvas: "TimeCanvas"

    def __init__(self, session: Session, canvas: "TimeCanvas") -> None:
        super().__init__(session, canvas)
        self.links.connect(canvas.limits_changed, self._on_limits)
        self.links.connect(session.exploration.selection_changed, self._on_selection)
        self.links.connect(session.exploration.time_axis.changed, self._on_time_axis)

    def set_plot(self, content: QWidget | QLayout) -> None:
        """Fill the dock with the toolbar and, to its right, the plot."""
        whole = QWidget()
        layout = fill(QHBoxLayout(whole), self.toolbar, content, grow=content)
        layout.setContentsMargins(*MARGINS)
        layout.setSpacing(SPACING)
        self.set_content(whole)

    def redraw(self) -> None:
        """Show frame, limits and selection in a plot that was drawn again."""
        self.toolbar.update()
        self._on_time_axis()
        self._on_selection()
        self._on_frame()

    @property
    def _time_axis(self) -> TimeAxis | None:
        """The shared axis; None while the plot has one of its own."""
        return self._session.exploration.time_axis

    def _on_selection(self) -> None:
        """Mark what is selected in the Explore dock."""

    def _on_limits(self, limits: tuple[float, float]) -> None:
        if self._time_axis is not None:
            self._time_axis.limits = limits

    def _on_time_axis(self) -> None:
        if self._time_axis is not None and self._time_axis.limits is not None:
            self.canvas.limits = self._time_axis.limits

    def _on_home(self) -> bool:
        whole = self._time_axis.whole if self._time_axis is not None else None
        whole = whole or self.canvas.whole
        if whole is not None:
            self.canvas.limits = whole
        return True
