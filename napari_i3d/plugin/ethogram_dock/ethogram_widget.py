"""The Ethogram dock: clusters of each individual of the active video over time, with the cursor of the viewer."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from numpy.typing import NDArray

from napari_i3d.explore import FeatureTable
from napari_i3d.plugin import navigation
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.session.matching import tracking_id
from napari_i3d.plugin.widgets.plot_dock import TimePlotDock

if TYPE_CHECKING:
    from napari_i3d.plugin.ethogram_dock.ethogram_canvas import EthogramCanvas

_WIDTH_INCH, _HEIGHT_INCH, _LANE_INCH = 9.0, 1.8, 0.4


class EthogramWidget(TimePlotDock):
    """Shows the ethogram of the active video."""

    NAME = "Ethogram"
    EMPTY = "No clusters yet.\n\nCompute them with Plugins > I3D features > Explore features."
    canvas: "EthogramCanvas"

    def __init__(self, napari_viewer: "napari.Viewer") -> None:
        from napari_i3d.plugin.ethogram_dock.ethogram_canvas import EthogramCanvas

        super().__init__(get_session(napari_viewer), EthogramCanvas(napari_viewer.theme))
        self._exploration = self._session.exploration
        self._lanes: list[int] = []  # numbers of sequences of the exploration
        self.set_plot(self.pages)
        self.links.connect(self._exploration.changed, self._show)
        self.links.connect(self.canvas.place_clicked, self._on_place)
        self.follow_active(self._show)

    def _show(self) -> None:
        explored, tracked = self._exploration.explored, self._session.active
        self._lanes = self._exploration.sequences_of(tracked) if tracked is not None else []
        self.show_plot(bool(self._lanes))
        if explored is None or not self._lanes:
            self._exploration.time_axis.whole = None
            return
        # One video: lanes are named by individual alone.
        sequences = tuple(replace(explored.table.sequences[number], video="") for number in self._lanes)
        self.canvas.show_lanes(FeatureTable(sequences, comparable=True), self._of_lanes(explored.clusters.labels))
        # If the frames are the same as before, the limits stay.
        self._exploration.time_axis.whole = self.canvas.limits
        self.redraw()

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

    def _on_place(self, frame: int, lane: int) -> None:
        explored, tracked = self._exploration.explored, self._session.active
        if explored is None or tracked is None:
            return
        individual = tracking_id(explored.table.sequences[self._lanes[lane]].individual, tracked)
        if individual is None:
            self._session.go_to(frame)
        else:
            navigation.go_to(self._session, tracked, individual, frame, center=False)

    def _figure_name(self) -> str:
        return "ethogram" if self._lanes else ""

    def _save_figure(self, path: Path) -> None:
        from matplotlib.figure import Figure

        from napari_i3d.plots import plot_ethogram, save_figure

        explored = self._exploration.explored
        if explored is None:
            return
        figure = Figure(figsize=(_WIDTH_INCH, _HEIGHT_INCH + _LANE_INCH * len(self._lanes)), layout="constrained")
        table = FeatureTable(tuple(explored.table.sequences[number] for number in self._lanes), comparable=True)
        plot_ethogram(table, self._of_lanes(explored.clusters.labels), figure.subplots())
        save_figure(figure, path)

    def closed(self) -> None:
        """Close the dock, and release the shared time axis."""
        super().closed()
        self._exploration.time_axis.whole = None
