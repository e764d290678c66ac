"""The Explore dock: a map of feature rows tied to the viewer, selections, and similar moments."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from napari.utils.notifications import show_error
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSplitter, QVBoxLayout, QWidget

from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.exploration import Explored, axis_names, format_explored, named_features
from napari_i3d.plugin.explore_dock.explore_options import ExploreOptions
from napari_i3d.plugin.explore_dock.row_colors import ColorBy, individual_color, row_colors
from napari_i3d.plugin.explore_dock.selection_bar import SelectionBar
from napari_i3d.plugin.explore_dock.similar_panel import SimilarPanel
from napari_i3d.plugin.jobs.explore_job import run_exploration
from napari_i3d.plugin.jobs.job_results import Cancelled, Failed, Result
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.plotting.plot_dock import PlotDock
from napari_i3d.plugin.widgets.choice_box import ChoiceBox
from napari_i3d.plugin.widgets.dialogs import open_dock
from napari_i3d.plugin.widgets.job_progress import JobProgress
from napari_i3d.plugin.widgets.layouts import fill

if TYPE_CHECKING:
    from napari_i3d.plugin.explore_dock.map_canvas import MapCanvas

_COLORS = [("by cluster", ColorBy.CLUSTER), ("by individual", ColorBy.INDIVIDUAL), ("by time", ColorBy.TIME)]


class ExploreWidget(PlotDock):
    """Explores the features of the videos in the viewer."""

    NAME = "Explore features"
    EMPTY = (
        "No map yet.\n\nExtract features, or load a file of them in Plot features;\n"
        "Compute lays their rows out, those that look alike near to each other."
    )
    canvas: "MapCanvas"

    def __init__(self, napari_viewer: "napari.Viewer") -> None:
        from napari_i3d.plugin.explore_dock.map_canvas import MapCanvas

        super().__init__(get_session(napari_viewer), MapCanvas(napari_viewer.theme))
        self._exploration = self._session.exploration
        self.options = ExploreOptions()
        self.progress = JobProgress(self.workers)
        self.status = self.progress.text
        self.color = ChoiceBox(_COLORS, tooltip="What the colors of the points stand for.")
        self.selection = SelectionBar(self._exploration, self.links)
        self.similar = SimilarPanel(self._exploration, self.workers)
        self._build()
        self.links.connect(self._exploration.changed, self._show)
        self.links.connect(self._exploration.out_of_date_changed, self._show_status)
        self.links.connect(self._exploration.selection_changed, self._on_selection)
        self.links.connect(self.canvas.row_clicked, self._on_row)
        self.links.connect(self.canvas.lassoed, self._on_lasso)
        self.links.connect(self.progress.ended, self._on_end)
        self.color.changed.connect(self._on_color)
        self.options.compute.clicked.connect(self._on_compute)
        self.follow_active(self._on_frame, current_changed=self._on_frame)
        self._show()

    def _build(self) -> None:
        tools = fill(QHBoxLayout(), QLabel("color"), self.color.native, self.toolbar, None)
        upper = QWidget()
        fill(QVBoxLayout(upper), self.pages, tools, self.selection, grow=self.pages)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(upper)
        splitter.addWidget(self.similar)
        splitter.setStretchFactor(0, 1)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.addWidget(self.options)
        layout.addWidget(self.progress)
        layout.addWidget(splitter, 1)
        self.set_content(content)

    def _on_compute(self) -> None:
        if self.progress.worker is not None:
            self.options.compute.setEnabled(False)
            self.progress.stop()
            return
        active = self._session.active
        videos = self._session.videos if self.options.all_videos.value or active is None else [active]
        try:
            owners = named_features(videos)
        except NapariI3DError as error:
            show_error(dock_text(error))
            return
        features = {name: tracked.features for name, tracked in owners.items() if tracked.features is not None}
        self.options.show_running(True)
        settings = self.options.method.value, self.options.cluster_count
        self.progress.start(run_exploration, owners, features, *settings, text="map of features")

    def close_warning(self) -> str:
        """Return what closing the viewer now would lose; empty if nothing."""
        if not self.progress.stoppable:
            return ""
        return "A map of features is being computed; it would have to be computed again. The features are kept."

    def _on_end(self, result: Result) -> None:
        self.options.show_running(False)
        if isinstance(result, Failed):
            self.progress.finish(result.message)
            show_error(result.message)
        elif isinstance(result, Cancelled):
            self.progress.finish("Cancelled.")
        else:
            self._show_result(result.value)

    def _show_result(self, explored: Explored) -> None:
        open_videos = set(self._session.videos)
        if any(
            tracked not in open_videos or tracked.features is not explored.features[name]
            for name, tracked in explored.owners.items()
        ):
            self.progress.finish("The features changed meanwhile; compute again.")
            return
        self._exploration.explored = explored
        open_dock(self._session.viewer, "Annotate")

    def _show_status(self) -> None:
        explored = self._exploration.explored
        if self.progress.worker is None:
            self.progress.finish("" if explored is None else format_explored(explored))

    def _show(self) -> None:
        explored = self._exploration.explored
        self.similar.clear()
        self.show_plot(explored is not None)
        self.color.native.setEnabled(explored is not None)
        self._show_status()
        if explored is None:
            return
        self.canvas.show_points(explored.map.points, axis_names(explored.map))
        self.toolbar.update()
        self._on_color()
        self._on_frame()

    def _on_color(self) -> None:
        if self._exploration.explored is not None:
            self.canvas.set_colors(row_colors(self._exploration.explored, self.color.value))

    def _on_frame(self) -> None:
        self.canvas.set_row(self._exploration.current_row())
        self.similar.refresh()

    def _on_selection(self) -> None:
        if self._exploration.explored is not None:
            self.canvas.set_selected(self._exploration.selected)

    def _on_row(self, row: int) -> None:
        self.selection.stop()
        self._exploration.go_to_row(row)

    def _on_lasso(self, rows: Any, added: bool) -> None:
        before = self._exploration.selected
        self._exploration.selected = np.logical_or(rows, before) if added else rows

    def _figure_name(self) -> str:
        return "" if self._exploration.explored is None else "map"

    def _save_figure(self, path: Path) -> None:
        from matplotlib.figure import Figure

        from napari_i3d.plots import plot_map, save_figure

        explored = self._exploration.explored
        if explored is None:
            return
        figure = Figure(figsize=(7.5, 5.5), layout="constrained")
        labels = explored.clusters.labels if self.color.value is ColorBy.CLUSTER else None
        plot_map(
            explored.map,
            figure.subplots(),
            color=str(self.color.value),
            labels=labels,
            individual_color=partial(individual_color, explored),
        )
        save_figure(figure, path)

    def closed(self) -> None:
        """Close the dock, and stop playing the selection."""
        super().closed()
        self.selection.stop()
