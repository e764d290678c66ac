"""The Plot dock: heat map of the current individual's features over time, with a cursor at the viewer's frame."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import napari
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from napari_i3d.errors import NapariI3DError
from napari_i3d.explore.heat_map_data import HeatMapOptions
from napari_i3d.features.features import Features
from napari_i3d.features.io.output_format import output_paths
from napari_i3d.individuals import Id, format_id
from napari_i3d.plots import save_heat_map
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.features_dock.plot_options import PlotOptions
from napari_i3d.plugin.features_dock.save_formats import OPEN_FILTER, SAVE_FORMS, form_of
from napari_i3d.plugin.jobs.file_jobs import run_heat_map, run_reading, run_saving
from napari_i3d.plugin.jobs.job_results import Done, Failed, Outcome
from napari_i3d.plugin.jobs.workers import StoppableWorker, WorkerGroup, start
from napari_i3d.plugin.messages import in_dock_words
from napari_i3d.plugin.session.matching import individual_of, individual_to_plot, owner_of
from napari_i3d.plugin.session.time_axis import TimeAxis
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.dialogs import FIGURE_FILTER, figure_path, may_replace
from napari_i3d.plugin.widgets.dock import Connections, Dock
from napari_i3d.plugin.widgets.scroll_area import MARGINS, SPACING, DockScrollArea
from napari_i3d.plugin.widgets.text_label import LineLabel, TextLabel

_EMPTY = (
    "No features yet.\n\nExtract them with Plugins > I3D features > Extract features,\nor load a file of them above."
)


@dataclass(frozen=True, eq=False)
class _Plot:
    """The heat map to draw."""

    features: Features
    individual: Id
    options: HeatMapOptions


class FeaturePlotWidget(Dock):
    """Plots features of the active video, or of a file.

    Parameters
    ----------
    napari_viewer
        The viewer.
    """

    NAME = "Plot features"
    TAB = "Plot"
    OVER_TIME = True

    def __init__(self, napari_viewer: "napari.Viewer") -> None:
        super().__init__()
        self._session = get_session(napari_viewer)
        self._video_links = Connections()
        self._workers = WorkerGroup()
        self.destroyed.connect(self._workers.end)  # the window may go away without closing its docks
        self.destroyed.connect(self._video_links.close)
        self._tracked: TrackedVideo | None = None  # owner of the features; None: no open video
        self._features: Features | None = None
        self._path: Path | None = None
        self._saving: Path | None = None
        self._requested: _Plot | None = None
        self._drawn: _Plot | None = None
        self._drawing: tuple[_Plot, StoppableWorker] | None = None
        self._loading: Path | None = None
        self.options = PlotOptions()
        self.load_button = QPushButton("Load...")
        self.load_button.setToolTip("Show features of a file.")
        self.save_button = QPushButton("Save as...")
        self.save_button.setToolTip("Save these features to a file, for one of several programs.")
        self.status = LineLabel()
        self._make_canvas()
        self._build()
        self._connect()
        self._on_active()

    def _make_canvas(self) -> None:
        # matplotlib is loaded with the first plot, not when napari lists its plugins.
        from napari_i3d.plugin.features_dock.heat_map_canvas import HeatMapCanvas
        from napari_i3d.plugin.widgets.plot_toolbar import PlotToolbar

        self.canvas = HeatMapCanvas(self._session.viewer.theme)
        self.toolbar: Any = PlotToolbar(self.canvas.native, self, self._on_save_figure, self._on_home, upright=True)
        self.canvas.navigating = lambda: bool(self.toolbar.mode)

    def _build(self) -> None:
        self._empty = TextLabel(_EMPTY)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.canvas.native)
        row = QHBoxLayout()
        row.addWidget(self.options)
        row.addWidget(self.load_button)
        row.addWidget(self.save_button)
        row.addWidget(self.status, 1)
        plot = QVBoxLayout()
        plot.addLayout(row)
        plot.addWidget(self._pages, 1)
        content = QWidget()
        layout = QHBoxLayout(content)
        layout.setContentsMargins(*MARGINS)
        layout.setSpacing(SPACING)
        layout.addWidget(self.toolbar)
        layout.addLayout(plot, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(DockScrollArea(content))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def _connect(self) -> None:
        viewer = self._session.viewer
        self.links.connect(self._session.close_warnings, self._close_warning)
        self.links.connect(self._session.active_changed, self._on_active)
        self.links.connect(viewer.dims.events.current_step, self._on_frame)
        self.links.connect(viewer.events.theme, self._on_theme)
        self.links.connect(self._session.exploration.selection_changed, self._on_selection)
        self.links.connect(self.canvas.frame_clicked, self._session.go_to)
        self.links.connect(self.canvas.limits_changed, self._on_limits)
        self.links.connect(self._session.exploration.time_axis.changed, self._on_time_axis)
        self.links.connect(self.options.changed, self._on_options)
        self.links.connect(self.options.individual_changed, self._on_individual)
        self.load_button.clicked.connect(self._on_load)
        self.save_button.clicked.connect(self._on_save)
        self.toolbar.set_theme(viewer.theme)

    def _on_active(self) -> None:
        self._video_links.close()
        tracked = self._session.active
        if tracked is not None:
            self._video_links.connect(tracked.features_changed, self._on_features)
            self._video_links.connect(tracked.current_changed, self._on_current)
            self._video_links.connect(tracked.video_changed, self._on_video)
        self._on_features()

    def _on_features(self) -> None:
        """Show the features of the active video; those of a file that belong to none stay until there are some."""
        tracked = self._session.active
        if tracked is not None and tracked.features is not None:
            self._show(tracked.features, tracked.features_path, tracked)
        elif self._tracked is not None or self._features is None:
            self._show(None, None, None)

    def _show(self, features: Features | None, path: Path | None, tracked: TrackedVideo | None) -> None:
        self._features, self._path, self._tracked = features, path, tracked
        current = tracked.current if tracked is not None else None
        individual = individual_to_plot(features, current) if features is not None else None
        self.options.show_individuals(list(features or ()), individual)
        self.status.setText(self._describe())
        self._request(individual)

    def _describe(self) -> str:
        if self._features is None:
            return ""
        name = self._path.name if self._path is not None else "features in memory"
        if self._tracked is None:
            return f"{name}: belongs to no open video, so there is no cursor"
        current = self._tracked.current
        if current is not None and individual_of(self._features, current) is None:
            return f"{name}: has no features of {format_id(current)}"
        return f"{name}: of {self._tracked.name}; click or drag to move the video"

    def _request(self, individual: Id | None) -> None:
        """Draw an individual, after the heat map that is being computed."""
        self._pages.setCurrentIndex(0 if individual is None else 1)
        self.options.setEnabled(individual is not None)
        self.save_button.setEnabled(individual is not None)
        self.toolbar.setEnabled(individual is not None)
        if self._features is None or individual is None:
            self._requested = self._drawn = None
            self.canvas.clear()
            return
        self._requested = _Plot(self._features, individual, self.options.options)
        if self._drawing is None:
            self._draw(self._requested)

    def _draw(self, plot: _Plot) -> None:
        # A thread: for 100,000 rows it takes a second.
        rows = plot.features[plot.individual]
        worker = start(run_heat_map, rows, plot.options, text=None, on_outcome=self._on_drawn)
        self._drawing = plot, self._workers.add(worker)

    def _on_drawn(self, outcome: Outcome) -> None:
        plot = self._drawing[0] if self._drawing is not None else None
        self._drawing = None
        if self._requested is None or plot is None:
            return
        if plot is not self._requested:
            self._draw(self._requested)
        elif isinstance(outcome, Done):
            before, self._drawn = self._drawn, plot
            same = before is not None and before.features is plot.features and before.individual == plot.individual
            self.canvas.show_map(plot.features, plot.individual, outcome.value, self.canvas.limits if same else None)
            self.toolbar.update()
            self._on_time_axis()
            self._on_selection()
            self._on_frame()
        elif isinstance(outcome, Failed):
            show_error(outcome.message)

    def _on_frame(self) -> None:
        self.canvas.set_frame(self._session.frame if self._has_frames else None)

    @property
    def _time_axis(self) -> TimeAxis | None:
        """The axis shared with the ethogram, if both show the same video."""
        axis, rows = self._session.exploration.time_axis, self.canvas.axis
        same = self._tracked is not None and self._tracked is self._session.active
        return axis if same and axis.whole is not None and rows is not None and rows.known else None

    def _on_limits(self, limits: tuple[float, float]) -> None:
        if self._time_axis is not None:
            self._time_axis.limits = limits

    def _on_time_axis(self) -> None:
        if self._time_axis is not None and self._time_axis.limits is not None:
            self.canvas.limits = self._time_axis.limits

    def _on_home(self) -> None:
        axis, rows = self._time_axis, self.canvas.axis
        if axis is not None and axis.whole is not None:
            self.canvas.limits = axis.whole
        elif rows is not None:
            self.canvas.limits = rows.limits

    @property
    def _has_frames(self) -> bool:
        return self._tracked is not None and self._tracked.video is not None

    def _on_video(self) -> None:
        self._on_frame()

    def _on_selection(self) -> None:
        """Mark the selection of the Explore dock."""
        plot, tracked = self._drawn, self._tracked
        if plot is not None and tracked is not None and tracked.features is plot.features:
            self.canvas.mark(self._session.exploration.selected_frames(tracked, plot.individual))

    def _on_theme(self) -> None:
        theme = self._session.viewer.theme
        self.canvas.set_theme(theme)
        self.toolbar.set_theme(theme)

    def _on_current(self) -> None:
        current = self._tracked.current if self._tracked is not None else None
        if self._features is None or current is None or (self._requested and self._requested.individual == current):
            return
        individual = individual_to_plot(self._features, current)
        self.options.show_individuals(list(self._features), individual)
        self.status.setText(self._describe())
        self._request(individual)

    def _on_individual(self, individual: Id) -> None:
        self._request(individual)
        if self._tracked is not None and self._tracked.tracking is not None and individual in self._tracked.tracking:
            self._tracked.current = individual

    def _on_options(self) -> None:
        if self._requested is not None:
            self._request(self._requested.individual)

    def _on_load(self) -> None:
        folder = self._path.parent if self._path is not None else Path()
        chosen, _ = QFileDialog.getOpenFileName(self, "Load features", str(folder), OPEN_FILTER)
        if chosen and self._loading is None:
            self._loading = Path(chosen)
            text = f"reading {self._loading.name}"
            self._workers.add(start(run_reading, self._loading, text=text, on_outcome=self._on_loaded))

    def _on_loaded(self, outcome: Outcome) -> None:
        path, self._loading = self._loading, None
        if isinstance(outcome, Failed):
            show_error(outcome.message)
        elif isinstance(outcome, Done):
            features: Features = outcome.value
            active = self._session.active
            others = [tracked for tracked in self._session.videos if tracked is not active]
            owner = owner_of(features, [active, *others] if active is not None else others)
            if owner is None:
                self._show(features, path, None)
            else:
                owner.set_features(features, path)
                self._session.active = owner

    def _on_save(self) -> None:
        if self._features is None:
            return
        place = self._path.with_suffix("") if self._path is not None else Path("features")
        filters = ";;".join(form.filter for form in SAVE_FORMS)
        chosen, kind = QFileDialog.getSaveFileName(self, "Save features", str(place), filters)
        if not chosen:
            return
        form = form_of(kind)
        path = form.path(chosen)
        try:
            paths = output_paths(path, form.layout, list(self._features))
        except NapariI3DError as error:
            show_error(in_dock_words(error))
            return
        # The dialog has asked about the very name that was chosen.
        if may_replace(self, [target for target in paths if target != Path(chosen)]):
            self._saving = path
            arguments = (self._features, path, form.layout, form.metadata)
            self._workers.add(start(run_saving, *arguments, text=f"saving {path.name}", on_outcome=self._on_saved))

    def _close_warning(self) -> str:
        """Return what closing the viewer now would lose."""
        if self._saving is None:
            return ""
        return f"Features are being saved to {self._saving}; they may not be there if you close now."

    def _on_saved(self, outcome: Outcome) -> None:
        self._saving = None
        if isinstance(outcome, Failed):
            show_error(outcome.message)
        elif isinstance(outcome, Done):
            show_info(f"Saved {', '.join(path.name for path in outcome.value)} in {outcome.value[0].parent}.")

    def _on_save_figure(self) -> None:
        plot, shown = self._drawn, self.canvas.shown
        if plot is None or shown is None:
            return
        chosen, kind = QFileDialog.getSaveFileName(self, "Save the figure", f"{plot.individual}", FIGURE_FILTER)
        if not chosen:
            return
        path = figure_path(chosen, kind)
        try:
            save_heat_map(plot.features, plot.individual, shown, path, self.canvas.limits)
        except NapariI3DError as error:
            show_error(str(error))
        else:
            show_info(f"Saved {path}.")

    def closed(self) -> None:
        """End all connections: the dock was closed."""
        super().closed()
        self._video_links.close()
        self._workers.end()
