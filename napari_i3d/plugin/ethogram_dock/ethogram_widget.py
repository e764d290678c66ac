"""The Ethogram dock: clusters of each individual of the active video over time, with the cursor of the viewer."""

from dataclasses import replace
from typing import Any

import napari
import numpy as np
from napari.utils.notifications import show_error, show_info
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from napari_i3d.errors import NapariI3DError
from napari_i3d.explore import FeatureTable
from napari_i3d.plugin import navigation
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.session.matching import tracking_id
from napari_i3d.plugin.widgets.dialogs import FIGURE_FILTER, figure_path
from napari_i3d.plugin.widgets.dock import Dock
from napari_i3d.plugin.widgets.scroll_area import MARGINS, SPACING, DockScrollArea
from napari_i3d.plugin.widgets.text_label import TextLabel

_WIDTH_INCH, _HEIGHT_INCH, _LANE_INCH = 9.0, 1.8, 0.4
_EMPTY = "No clusters yet.\n\nCompute them with Plugins > I3D features > Explore features."


class EthogramWidget(Dock):
    """Shows the ethogram of the active video.

    Parameters
    ----------
    napari_viewer
        The viewer.
    """

    NAME = "Ethogram"
    TAB = "Ethogram"
    OVER_TIME = True

    def __init__(self, napari_viewer: "napari.Viewer") -> None:
        super().__init__()
        # matplotlib is loaded with the first plot, not when napari lists its plugins.
        from napari_i3d.plugin.ethogram_dock.ethogram_canvas import EthogramCanvas
        from napari_i3d.plugin.widgets.plot_toolbar import PlotToolbar

        self._session = get_session(napari_viewer)
        self._exploration = self._session.exploration
        self._lanes: list[int] = []  # numbers of sequences of the exploration
        self.canvas = EthogramCanvas(napari_viewer.theme)
        self.toolbar: Any = PlotToolbar(self.canvas.native, self, self._on_save, self._on_home, upright=True)
        self.canvas.navigating = lambda: bool(self.toolbar.mode)
        self._empty = TextLabel(_EMPTY)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.canvas.native)
        content = QWidget()
        layout = QHBoxLayout(content)
        layout.setContentsMargins(*MARGINS)
        layout.setSpacing(SPACING)
        layout.addWidget(self.toolbar)
        layout.addWidget(self._pages, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(DockScrollArea(content))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._connect()
        self._show()

    def _connect(self) -> None:
        viewer = self._session.viewer
        self.links.connect(self._exploration.changed, self._show)
        self.links.connect(self._exploration.selection_changed, self._on_selection)
        self.links.connect(self._session.active_changed, self._show)
        self.links.connect(viewer.dims.events.current_step, self._on_frame)
        self.links.connect(viewer.events.theme, self._on_theme)
        self.links.connect(self.canvas.place_clicked, self._on_place)
        self.links.connect(self.canvas.limits_changed, self._on_limits)
        self.links.connect(self._exploration.time_axis.changed, self._on_time_axis)
        self.toolbar.set_theme(viewer.theme)

    def _show(self) -> None:
        explored, tracked = self._exploration.explored, self._session.active
        self._lanes = self._exploration.sequences_of(tracked) if tracked is not None else []
        self._pages.setCurrentIndex(1 if self._lanes else 0)
        self.toolbar.setEnabled(bool(self._lanes))
        if explored is None or not self._lanes:
            self.canvas.clear()
            self._exploration.time_axis.whole = None
            return
        # One video: lanes are named by individual alone.
        sequences = tuple(replace(explored.table.sequences[number], video="") for number in self._lanes)
        self.canvas.show_lanes(FeatureTable(sequences, comparable=True), self._of_lanes(explored.clusters.labels))
        self.toolbar.update()
        # If the frames are the same as before, the limits stay.
        self._exploration.time_axis.whole = self.canvas.limits
        self._on_time_axis()
        self._on_selection()
        self._on_frame()

    def _of_lanes(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values, one for each row of the exploration, of the rows in the lanes."""
        explored = self._exploration.explored
        if explored is None:
            return values[:0]
        starts = explored.table.starts
        return np.concatenate([values[starts[number] : starts[number + 1]] for number in self._lanes])

    def _on_selection(self) -> None:
        if self._lanes and self._exploration.explored is not None:
            self.canvas.set_selected(self._of_lanes(self._exploration.selected))

    def _on_frame(self) -> None:
        self.canvas.set_frame(self._session.frame)

    def _on_limits(self, limits: tuple[float, float]) -> None:
        self._exploration.time_axis.limits = limits

    def _on_time_axis(self) -> None:
        limits = self._exploration.time_axis.limits
        if limits is not None:
            self.canvas.limits = limits

    def _on_home(self) -> None:
        if self._exploration.time_axis.whole is not None:
            self._exploration.time_axis.limits = self._exploration.time_axis.whole

    def closed(self) -> None:
        """End all connections, and give other plots their own axis again."""
        super().closed()
        self._exploration.time_axis.whole = None

    def _on_theme(self) -> None:
        theme = self._session.viewer.theme
        self.canvas.set_theme(theme)
        self.toolbar.set_theme(theme)

    def _on_place(self, frame: int, lane: int) -> None:
        explored, tracked = self._exploration.explored, self._session.active
        if explored is None or tracked is None:
            return
        individual = tracking_id(explored.table.sequences[self._lanes[lane]].individual, tracked)
        if individual is None:
            self._session.go_to(frame)
        else:
            navigation.go_to(self._session, tracked, individual, frame, center=False)

    def _on_save(self) -> None:
        chosen, kind = QFileDialog.getSaveFileName(self, "Save the figure", "ethogram", FIGURE_FILTER)
        explored = self._exploration.explored
        if not chosen or explored is None:
            return
        from matplotlib.figure import Figure

        from napari_i3d.plots import plot_ethogram, save_figure

        path = figure_path(chosen, kind)
        # Not the one on the screen: without the cursor, and in the colors of paper.
        figure = Figure(figsize=(_WIDTH_INCH, _HEIGHT_INCH + _LANE_INCH * len(self._lanes)), layout="constrained")
        sequences = tuple(explored.table.sequences[number] for number in self._lanes)
        plot_ethogram(
            FeatureTable(sequences, comparable=True), self._of_lanes(explored.clusters.labels), figure.subplots()
        )
        try:
            save_figure(figure, path)
        except NapariI3DError as error:
            show_error(dock_text(error))
        else:
            show_info(f"Saved {path}.")
