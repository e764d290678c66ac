"""Pages of the statistics: bouts as a table, transitions and time budgets as figures."""

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSpinBox, QStackedWidget, QVBoxLayout, QWidget

from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.statistics import BehaviorStatistics, behavior_statistics, behavior_transitions
from napari_i3d.annotations.statistics_table import write_statistics, write_transitions
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import format_id
from napari_i3d.plugin.label_statistics.number_table import Cell, NumberTable
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.plotting.plot_canvas import PlotCanvas
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.save_as import FIGURE, TABLE, save_as
from napari_i3d.plugin.widgets.text_label import TextLabel

_INCH = 8, 4.5


class StatisticsTab(QWidget):
    """A page about the labels; `show_labels` is called when it is seen, and after each change."""

    NAME: str

    def show_labels(self, annotation: Annotation) -> None:
        """Show the statistics of labels."""

    def set_theme(self, theme: str) -> None:
        """Use the colors of one of napari's themes, by its name."""


class BoutsTab(StatisticsTab):
    """Number, length, latency and rate of the bouts of each individual and behavior."""

    NAME = "Bouts"

    def __init__(self) -> None:
        super().__init__()
        self._statistics: tuple[BehaviorStatistics, ...] = ()
        self.table = NumberTable(_COLUMNS)
        self.save = QPushButton("Save table…")
        fill(QVBoxLayout(self), self.table, fill(QHBoxLayout(), None, self.save), grow=self.table)
        self.save.clicked.connect(self._on_save)

    def show_labels(self, annotation: Annotation) -> None:
        """Show the statistics of labels."""
        self._statistics = behavior_statistics(annotation)
        self.table.show_rows(map(_row, self._statistics))
        self.save.setEnabled(bool(self._statistics))

    def _on_save(self) -> None:
        statistics = self._statistics
        save_as(self, "Save the statistics", "bouts.csv", TABLE, lambda path: write_statistics(path, statistics))


_COLUMNS = (
    ("individual", "Who"),
    ("behavior", "What"),
    ("bouts", "Number of bouts"),
    ("share, %", "Share of the assessed frames that show it"),
    ("total, s", "Total time"),
    ("mean, s", "Mean length of a bout"),
    ("median, s", "Median length of a bout"),
    ("SD, s", "Standard deviation of the lengths"),
    ("latency, s", "From the first assessed frame to the first bout"),
    ("per min", "Bouts per minute of assessed time"),
    ("assessed, frames", "Frames that were looked at"),
)


def _row(one: BehaviorStatistics) -> list[Cell]:
    share = None if one.share is None else 100 * one.share
    times = [one.total_s, one.mean_s, one.median_s, one.sd_s, one.latency_s]
    who = format_id(one.individual)
    return [who, one.behavior, one.count, share, *times, one.rate_per_min, one.assessed_frames]


class _Canvas(PlotCanvas):
    def __init__(self, theme: str) -> None:
        from matplotlib.figure import Figure

        super().__init__(theme, Figure(figsize=_INCH, layout="constrained"), (300, 160))

    def show(self, draw: Any) -> None:
        """Draw on new Axes."""
        self.clear()
        self._axes = self.figure.add_subplot()
        draw(self._axes)
        self._paint()


class _FigureTab(StatisticsTab):
    """A figure, or a sentence that says why there is none."""

    def __init__(self, theme: str) -> None:
        super().__init__()
        self.canvas = _Canvas(theme)
        self.reason = TextLabel()
        self.pages = QStackedWidget()
        self.pages.addWidget(self.canvas.native)
        self.pages.addWidget(self.reason)
        self.save = QPushButton("Save figure…")
        self.tools = fill(QHBoxLayout(), None, self.save)
        fill(QVBoxLayout(self), self.pages, self.tools, grow=self.pages)
        self.save.clicked.connect(self._on_save)
        self._annotation = Annotation()

    def set_theme(self, theme: str) -> None:
        """Use the colors of one of napari's themes, by its name."""
        self.canvas.set_theme(theme)

    def show_labels(self, annotation: Annotation) -> None:
        """Draw the statistics of labels."""
        self._annotation = annotation
        try:
            self.canvas.show(self.draw)
        except AnnotationError as error:
            self.canvas.clear()
            self.reason.setText(dock_text(error))
        drawn = self.canvas.axes is not None
        self.pages.setCurrentIndex(0 if drawn else 1)
        self.save.setEnabled(drawn)

    def draw(self, axes: Any) -> None:
        """Draw the figure on Axes."""

    def _on_save(self) -> None:
        save_as(self, "Save the figure", self.NAME.lower().replace(" ", "_"), FIGURE, self._save_figure)

    def _save_figure(self, path: Path) -> None:
        from matplotlib.figure import Figure

        from napari_i3d.plots import save_figure

        figure = Figure(figsize=_INCH, layout="constrained")
        self.draw(figure.subplots())
        save_figure(figure, path)


class TransitionsTab(_FigureTab):
    """How often behaviors follow each other."""

    NAME = "Transitions"

    def __init__(self, theme: str) -> None:
        super().__init__(theme)
        self.gap = QSpinBox()
        self.gap.setRange(0, 1_000_000)
        self.gap.setSuffix(" frames")
        self.gap.setToolTip("The largest number of frames without behavior between two bouts that follow each other")
        self.save_table = QPushButton("Save table…")
        self.tools.insertWidget(0, QLabel("at most"))
        self.tools.insertWidget(1, self.gap)
        self.tools.insertWidget(2, QLabel("apart"))
        self.tools.addWidget(self.save_table)
        self.gap.valueChanged.connect(self._on_gap)
        self.save_table.clicked.connect(self._on_save_table)

    def draw(self, axes: Any) -> None:
        """Draw the figure on Axes."""
        from napari_i3d.plots import plot_transitions

        plot_transitions(behavior_transitions(self._annotation, max_gap_frames=self.gap.value()), axes)

    def _on_gap(self) -> None:
        self.show_labels(self._annotation)

    def _on_save_table(self) -> None:
        found = behavior_transitions(self._annotation, max_gap_frames=self.gap.value())
        save_as(self, "Save the transitions", "transitions.csv", TABLE, lambda path: write_transitions(path, found))


class TimeBudgetTab(_FigureTab):
    """What individuals do with their assessed time."""

    NAME = "Time budget"

    def draw(self, axes: Any) -> None:
        """Draw the figure on Axes."""
        from napari_i3d.plots import plot_time_budget

        plot_time_budget(self._annotation, axes)
