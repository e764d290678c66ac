"""The Explore dock: a map of feature rows tied to the viewer, selections, and similar moments."""

from functools import partial
from typing import Any

import napari
import numpy as np
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.exploration import Explored, axis_names, format_explored, named_features
from napari_i3d.plugin.explore_dock.explore_options import ExploreOptions
from napari_i3d.plugin.explore_dock.row_colors import ColorBy, individual_color, row_colors
from napari_i3d.plugin.explore_dock.selection_bar import SelectionBar
from napari_i3d.plugin.explore_dock.similar_panel import SimilarPanel
from napari_i3d.plugin.jobs.explore_job import ExploreRequest, run_exploration
from napari_i3d.plugin.jobs.job_results import Advance, Cancelled, Done, Failed, Outcome, Record
from napari_i3d.plugin.jobs.workers import StoppableWorker, WorkerGroup, show_advance, start
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.widgets.choice_box import ChoiceBox
from napari_i3d.plugin.widgets.dialogs import FIGURE_FILTER, figure_path, open_dock
from napari_i3d.plugin.widgets.dock import Connections, Dock
from napari_i3d.plugin.widgets.scroll_area import DockScrollArea
from napari_i3d.plugin.widgets.text_label import TextLabel

_EMPTY = (
    "No map yet.\n\nExtract features, or load a file of them in Plot features;\n"
    "Compute lays their rows out, those that look alike near to each other."
)
_COLORS = [("by cluster", ColorBy.CLUSTER), ("by individual", ColorBy.INDIVIDUAL), ("by time", ColorBy.TIME)]


class ExploreWidget(Dock):
    """Explores the features of the videos in the viewer.

    Parameters
    ----------
    napari_viewer
        The viewer.
    """

    NAME = "Explore features"
    TAB = "Explore"

    def __init__(self, napari_viewer: "napari.Viewer") -> None:
        super().__init__()
        # matplotlib is loaded with the first plot, not when napari lists its plugins.
        from napari_i3d.plugin.explore_dock.map_canvas import MapCanvas
        from napari_i3d.plugin.widgets.plot_toolbar import PlotToolbar

        self._session = get_session(napari_viewer)
        self._exploration = self._session.exploration
        self._video_links = Connections()
        self._workers = WorkerGroup()
        self.destroyed.connect(self._workers.end)  # the window may go away without closing its docks
        self.destroyed.connect(self._video_links.close)
        self._worker: StoppableWorker | None = None
        self.options = ExploreOptions()
        self.progress = QProgressBar()
        self.status = TextLabel()
        self.canvas = MapCanvas(napari_viewer.theme)
        self.toolbar: Any = PlotToolbar(self.canvas.native, self, self._on_save)
        self.canvas.navigating = lambda: bool(self.toolbar.mode)
        self.color = ChoiceBox(_COLORS, tooltip="What the colors of the points stand for.")
        self.selection = SelectionBar(self._exploration, self.links)
        self.similar = SimilarPanel(self._exploration, self._workers, self._exploration.current_row)
        self._build()
        self._connect()
        self._show()

    def _build(self) -> None:
        empty = TextLabel(_EMPTY)
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._pages = QStackedWidget()
        self._pages.addWidget(empty)
        self._pages.addWidget(self.canvas.native)
        self.progress.setTextVisible(False)
        self.progress.hide()
        tools = QHBoxLayout()
        tools.addWidget(QLabel("color"))
        tools.addWidget(self.color.native)
        tools.addWidget(self.toolbar)
        tools.addStretch(1)
        upper = QWidget()
        layout = QVBoxLayout(upper)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages, 1)
        layout.addLayout(tools)
        layout.addWidget(self.selection)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(upper)
        splitter.addWidget(self.similar)
        splitter.setStretchFactor(0, 1)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.addWidget(self.options)
        layout.addWidget(self.progress)
        layout.addWidget(self.status)
        layout.addWidget(splitter, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        # Its full height would push the window off the screen.
        outer.addWidget(DockScrollArea(content))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def _connect(self) -> None:
        viewer = self._session.viewer
        self.links.connect(self._session.close_warnings, self._close_warning)
        self.links.connect(self._exploration.changed, self._show)
        self.links.connect(self._exploration.selection_changed, self._on_selection)
        self.links.connect(self._session.active_changed, self._on_active)
        self.links.connect(viewer.dims.events.current_step, self._on_frame)
        self.links.connect(viewer.events.theme, self._on_theme)
        self.links.connect(self.canvas.row_clicked, self._on_row)
        self.links.connect(self.canvas.lassoed, self._on_lasso)
        self.color.changed.connect(self._on_color)
        self.options.compute.clicked.connect(self._on_compute)
        self.toolbar.set_theme(viewer.theme)
        self._on_active()

    def _on_active(self) -> None:
        self._video_links.close()
        if self._session.active is not None:
            self._video_links.connect(self._session.active.current_changed, self._on_frame)
        self._on_frame()

    def _on_compute(self) -> None:
        if self._worker is not None:
            self._worker.quit()
            self.options.compute.setEnabled(False)
            self.status.setText("Cancelling ...")
            return
        active = self._session.active
        videos = self._session.videos if self.options.all_videos.value or active is None else [active]
        try:
            owners = named_features(videos)
        except NapariI3DError as error:
            show_error(dock_text(error))
            return
        features = {name: tracked.features for name, tracked in owners.items() if tracked.features is not None}
        request = ExploreRequest(owners, features, self.options.method.value, self.options.cluster_count)
        self.options.show_running(True)
        self.progress.setRange(0, 0)
        self.progress.show()
        self._worker = start(
            run_exploration, request, text="map of features", on_outcome=self._on_outcome, on_record=self._on_record
        )  # fmt: skip
        self._workers.add(self._worker)

    def _close_warning(self) -> str:
        """Return what closing the viewer now would lose."""
        if self._worker is None or self._worker.stop.asked:
            return ""
        return "A map of features is being computed; it would have to be computed again. The features are kept."

    def _on_record(self, record: Record) -> None:
        if self._worker is None or self._worker.stop.asked:
            return
        if isinstance(record, Advance):
            self.progress.setRange(0, record.total)
            self.progress.setValue(record.done)
            show_advance(self._worker, record)
        else:
            self.progress.setRange(0, 0)
            self.status.setText(f"{record.text[:1].upper()}{record.text[1:]} ...")

    def _on_outcome(self, outcome: Outcome) -> None:
        self._worker = None
        self.options.show_running(False)
        self.progress.hide()
        if isinstance(outcome, Failed):
            self.status.setText(outcome.message)
            show_error(outcome.message)
        elif isinstance(outcome, Cancelled):
            self.status.setText("Cancelled.")
        else:
            self._show_result(outcome)

    def _show_result(self, outcome: Done) -> None:
        explored: Explored = outcome.value
        there = set(self._session.videos)
        if any(
            tracked not in there or tracked.features is not explored.features[name]
            for name, tracked in explored.owners.items()
        ):
            self.status.setText("The features changed meanwhile; compute again.")
            return
        self._exploration.explored = explored
        open_dock(self._session.viewer, "Ethogram")

    def _show(self) -> None:
        explored = self._exploration.explored
        self.similar.clear()
        self._pages.setCurrentIndex(0 if explored is None else 1)
        for widget in (self.toolbar, self.color.native):
            widget.setEnabled(explored is not None)
        if explored is None:
            self.canvas.clear()
            self.status.setText("")
            return
        self.canvas.show_points(explored.map.points, axis_names(explored.map))
        self.toolbar.update()
        self.status.setText(format_explored(explored))
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

    def _on_theme(self) -> None:
        theme = self._session.viewer.theme
        self.canvas.set_theme(theme)
        self.toolbar.set_theme(theme)

    def _on_row(self, row: int) -> None:
        self.selection.stop()
        self._exploration.go_to_row(row)

    def _on_lasso(self, rows: Any, added: bool) -> None:
        before = self._exploration.selected
        self._exploration.selected = np.logical_or(rows, before) if added else rows

    def _on_save(self) -> None:
        explored = self._exploration.explored
        chosen, kind = QFileDialog.getSaveFileName(self, "Save the figure", "map", FIGURE_FILTER)
        if not chosen or explored is None:
            return
        from matplotlib.figure import Figure

        from napari_i3d.plots import plot_map, save_figure

        figure = Figure(figsize=(7.5, 5.5), layout="constrained")
        labels = explored.clusters.labels if self.color.value is ColorBy.CLUSTER else None
        plot_map(
            explored.map,
            figure.subplots(),
            color=str(self.color.value),
            labels=labels,
            individual_color=partial(individual_color, explored),
        )
        path = figure_path(chosen, kind)
        try:
            save_figure(figure, path)
        except NapariI3DError as error:
            show_error(dock_text(error))
        else:
            show_info(f"Saved {path}.")

    def closed(self) -> None:
        """End running work and all connections."""
        super().closed()
        self._video_links.close()
        self.selection.stop()
        self._workers.end()
