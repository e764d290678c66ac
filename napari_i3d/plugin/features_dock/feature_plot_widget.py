"""The Plot dock: heat map of the current individual's features over time, with a cursor at the viewer's frame."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import napari
from napari.utils.notifications import show_error
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout

from napari_i3d.explore.heat_map_data import HeatMapOptions
from napari_i3d.features.features import Features
from napari_i3d.individuals import Id, format_id
from napari_i3d.plots import save_heat_map
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.features_dock.feature_files import FeatureFiles
from napari_i3d.plugin.features_dock.plot_options import PlotOptions
from napari_i3d.plugin.jobs.file_jobs import run_heat_map
from napari_i3d.plugin.jobs.job_results import Done, Failed, Result
from napari_i3d.plugin.plotting.plot_dock import TimePlotDock
from napari_i3d.plugin.session.features_state import format_out_of_date
from napari_i3d.plugin.session.matching import individual_of, individual_to_plot, owner_of
from napari_i3d.plugin.session.time_axis import TimeAxis
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import LineLabel

if TYPE_CHECKING:
    from napari_i3d.plugin.features_dock.heat_map_canvas import HeatMapCanvas


@dataclass(frozen=True, eq=False)
class _Plot:
    """The heat map to draw."""

    features: Features
    individual: Id
    options: HeatMapOptions


class FeaturePlotWidget(TimePlotDock):
    """Plots features of the active video, or of a file."""

    NAME = "Plot features"
    EMPTY = (
        "No features yet.\n\nExtract them with Plugins > I3D features > Extract features,\n"
        "or load a file of them above."
    )
    canvas: "HeatMapCanvas"

    def __init__(self, napari_viewer: "napari.Viewer") -> None:
        from napari_i3d.plugin.features_dock.heat_map_canvas import HeatMapCanvas

        super().__init__(get_session(napari_viewer), HeatMapCanvas(napari_viewer.theme))
        self._tracked: TrackedVideo | None = None  # owner of the features; None: no open video
        self._features: Features | None = None
        self._path: Path | None = None
        self._requested: _Plot | None = None
        self._drawn: _Plot | None = None
        self._drawing: _Plot | None = None
        self.options = PlotOptions()
        self.files = FeatureFiles(self.workers)
        self.status = LineLabel()
        row = fill(QHBoxLayout(), self.options, self.files, self.status, grow=self.status)
        self.set_plot(fill(QVBoxLayout(), row, self.pages, grow=self.pages))
        self.links.connect(self.canvas.frame_clicked, self._session.go_to)
        self.links.connect(self.options.changed, self._on_options)
        self.links.connect(self.options.individual_changed, self._on_individual)
        self.links.connect(self.files.loaded, self._on_loaded)
        self.follow_active(
            self._on_features,
            features_changed=self._on_features,
            current_changed=self._on_current,
            video_changed=self._on_frame,
            out_of_date_changed=self._show_status,
        )

    def _on_features(self) -> None:
        """Show the features of the active video; those of a file that belong to none stay until there are some."""
        tracked = self._session.active
        if tracked is not None and tracked.features is not None:
            self._show(tracked.features, tracked.features_path, tracked)
        elif self._tracked is not None or self._features is None:
            self._show(None, None, None)

    def _show(self, features: Features | None, path: Path | None, tracked: TrackedVideo | None) -> None:
        self._features, self._path, self._tracked = features, path, tracked
        self.files.set_features(features, path)
        current = tracked.current if tracked is not None else None
        self._show_individual(individual_to_plot(features, current) if features is not None else None)

    def _show_individual(self, individual: Id | None) -> None:
        self.options.show_individuals(list(self._features or ()), individual)
        self._show_status()
        self._request(individual)

    def _show_status(self) -> None:
        self.status.setText(self._describe())

    def _describe(self) -> str:
        if self._features is None:
            return ""
        name = self._path.name if self._path is not None else "features in memory"
        if self._tracked is None:
            return f"{name}: belongs to no open video, so there is no cursor"
        old = format_out_of_date(self._tracked.out_of_date) if self._tracked.features is self._features else ""
        current = self._tracked.current
        if current is not None and individual_of(self._features, current) is None:
            return f"{name}: has no features of {format_id(current)}{f'; {old}' if old else ''}"
        if old:
            return f"{name}: {old}"
        return f"{name}: of {self._tracked.name}; click or drag to move the video"

    def _request(self, individual: Id | None) -> None:
        """Draw an individual, after the heat map that is being computed."""
        self.options.setEnabled(individual is not None)
        self.files.save.setEnabled(individual is not None)
        self.show_plot(individual is not None)
        if self._features is None or individual is None:
            self._requested = self._drawn = None
            return
        self._requested = _Plot(self._features, individual, self.options.options)
        if self._drawing is None:
            self._draw(self._requested)

    def _draw(self, plot: _Plot) -> None:
        # In a thread: for 100,000 rows it takes a second.
        self._drawing = plot
        self.workers.start(run_heat_map, plot.features[plot.individual], plot.options, on_end=self._on_drawn)

    def _on_drawn(self, result: Result) -> None:
        plot, self._drawing = self._drawing, None
        if self._requested is None or plot is None:
            return
        if plot is not self._requested:
            self._draw(self._requested)
        elif isinstance(result, Done):
            before, self._drawn = self._drawn, plot
            same = before is not None and before.features is plot.features and before.individual == plot.individual
            self.canvas.show_map(plot.features, plot.individual, result.value, self.canvas.limits if same else None)
            self.redraw()
        elif isinstance(result, Failed):
            show_error(result.message)

    def _on_frame(self) -> None:
        known = self._tracked is not None and self._tracked.video is not None
        self.canvas.set_frame(self._session.frame if known else None)

    @property
    def _time_axis(self) -> TimeAxis | None:
        """The axis shared with the time line, if both show the same video."""
        axis, rows = self._session.exploration.time_axis, self.canvas.axis
        same = self._tracked is not None and self._tracked is self._session.active
        return axis if same and axis.whole is not None and rows is not None and rows.known else None

    def _on_selection(self) -> None:
        plot, tracked = self._drawn, self._tracked
        if plot is not None and tracked is not None and tracked.features is plot.features:
            self.canvas.mark(self._session.exploration.selected_frames(tracked, plot.individual))

    def _on_current(self) -> None:
        current = self._tracked.current if self._tracked is not None else None
        if self._features is None or current is None or (self._requested and self._requested.individual == current):
            return
        self._show_individual(individual_to_plot(self._features, current))

    def _on_individual(self, individual: Id) -> None:
        self._request(individual)
        if self._tracked is not None and self._tracked.tracking is not None and individual in self._tracked.tracking:
            self._tracked.current = individual

    def _on_options(self) -> None:
        if self._requested is not None:
            self._request(self._requested.individual)

    def _on_loaded(self, features: Features, path: Path) -> None:
        active = self._session.active
        others = [tracked for tracked in self._session.videos if tracked is not active]
        owner = owner_of(features, [active, *others] if active is not None else others)
        if owner is None:
            self._show(features, path, None)
        else:
            owner.set_features(features, path)
            self._session.active = owner

    def close_warning(self) -> str:
        """Return what closing the viewer now would lose; empty if nothing."""
        if self.files.saving is None:
            return ""
        return f"Features are being saved to {self.files.saving}; they may not be there if you close now."

    def _figure_name(self) -> str:
        return "" if self._drawn is None else str(self._drawn.individual) or "features"

    def _save_figure(self, path: Path) -> None:
        plot, drawn = self._drawn, self.canvas.shown
        if plot is not None and drawn is not None:
            save_heat_map(plot.features, plot.individual, drawn, path, self.canvas.limits)
