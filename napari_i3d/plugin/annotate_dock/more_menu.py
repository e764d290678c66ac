"""Menu of the Annotate dock: statistics, figures, and clips."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QDialog, QMenu, QToolButton, QVBoxLayout, QWidget

from napari_i3d.plugin.annotate_dock.export_clip import ClipContent, ExportClip
from napari_i3d.plugin.exploration import Exploration
from napari_i3d.plugin.jobs.workers import Workers
from napari_i3d.plugin.label_statistics.timed_labels import timed_labels
from napari_i3d.plugin.proposals.accept_dialog import open_accept_dialog
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.timeline.timeline_canvas import TimelineCanvas
from napari_i3d.plugin.widgets.dialogs import open_dock
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.save_as import FIGURE, save_as

if TYPE_CHECKING:
    from napari_i3d.plugin.label_statistics.statistics_dialog import StatisticsDialog

_WIDTH_INCH, _HEIGHT_INCH, _LANE_INCH = 9.0, 1.8, 0.4
_CLIP_PX = 420
_PAGES = ("Bout statistics…", "Transitions…", "Time budget…", "Agreement with another file…")
"""In the order of the pages of `StatisticsDialog`."""


class MoreMenu(QToolButton):
    """A button with a menu; it owns the windows that the menu opens.

    The dock calls `show_tracked` when the active video, its labels or what is current changes, and asks
    `close_warning` before it closes.

    Parameters
    ----------
    session
        The viewer's session.
    workers
        Workers of the dock.
    canvas
        The time line.
    """

    def __init__(self, session: Session, workers: Workers, canvas: TimelineCanvas) -> None:
        super().__init__()
        self._session, self._workers, self._canvas = session, workers, canvas
        self._statistics: StatisticsDialog | None = None
        self._clip: ClipWindow | None = None
        self.setText("More")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        for page, title in enumerate(_PAGES):
            menu.addAction(title, partial(self.show_statistics, page))
        menu.addSeparator()
        self.accept = menu.addAction("Accept proposals…", lambda: open_accept_dialog(session))
        menu.addAction("Learn behaviors…", lambda: open_dock(session.viewer, "Learn behaviors"))
        menu.addSeparator()
        self.save_labels = menu.addAction("Save figure of the labels…", self._on_save_labels)
        self.save_clusters = menu.addAction("Save figure of the clusters…", self._on_save_clusters)
        menu.addSeparator()
        self.export = menu.addAction("Export clip…", self.export_clip)
        menu.aboutToShow.connect(self._on_menu)
        self.setMenu(menu)

    def show_tracked(self) -> None:
        """Adapt what is open to what is active and labelled now."""
        if self._statistics is not None:
            self._statistics.later()
        if self._clip is not None:
            self._clip.panel.show_tracked()

    def set_theme(self, theme: str) -> None:
        """Use the colors of one of napari's themes, by its name."""
        if self._statistics is not None:
            self._statistics.set_theme(theme)

    def close_warning(self) -> str:
        """Return what closing the viewer now would lose; empty if nothing."""
        return "" if self._clip is None else self._clip.panel.close_warning()

    def closed(self) -> None:
        """Close the windows with the dock."""
        for window in (self._statistics, self._clip):
            if window is not None:
                window.close()

    def show_statistics(self, page: int) -> None:
        """Open the statistics at a page, by its number."""
        if self._statistics is None:
            # It loads matplotlib.
            from napari_i3d.plugin.label_statistics.statistics_dialog import StatisticsDialog

            self._statistics = StatisticsDialog(self._session, self._workers, self)
        self._statistics.open_at(page)

    def export_clip(self) -> None:
        """Open the window that exports a clip."""
        if self._clip is None:
            panel = ExportClip(self._session, self._workers, self._content)
            self._clip = ClipWindow(panel, self)
        self._clip.panel.unfold()
        self._clip.show()
        self._clip.raise_()

    def _content(self) -> ClipContent:
        tracked = self._session.active
        if tracked is None:
            return ClipContent()
        annotation = timed_labels(tracked)
        first, last = self._canvas.limits
        visible = int(first), int(-(-last // 1))
        return ClipContent(annotation if annotation.individuals else None, tracked.span, visible)

    def _on_menu(self) -> None:
        tracked = self._session.active
        video = None if tracked is None else tracked.video
        _enable(self.accept, tracked is not None and tracked.predictions.annotation is not None)
        _enable(self.save_labels, tracked is not None and bool(tracked.labels.editor.individuals))
        _enable(self.save_clusters, tracked is not None and bool(self._exploration.sequences_of(tracked)))
        _enable(self.export, video is not None)

    @property
    def _exploration(self) -> Exploration:
        return self._session.exploration

    def _on_save_labels(self) -> None:
        save_as(self, "Save the figure", "labels", FIGURE, self._save_labels)

    def _on_save_clusters(self) -> None:
        save_as(self, "Save the figure", "clusters", FIGURE, self._save_clusters)

    def _save_labels(self, path: Path) -> None:
        from matplotlib.figure import Figure

        from napari_i3d.plots import plot_bouts, save_figure

        tracked = self._session.active
        if tracked is None:
            return
        annotation = timed_labels(tracked)
        height = _HEIGHT_INCH + _LANE_INCH * len(annotation.individuals)
        figure = Figure(figsize=(_WIDTH_INCH, height), layout="constrained")
        first, last = self._canvas.limits
        plot_bouts(annotation, figure.subplots(), start=int(first), stop=int(-(-last // 1)))
        save_figure(figure, path)

    def _save_clusters(self, path: Path) -> None:
        from matplotlib.figure import Figure

        from napari_i3d.plots import plot_ethogram, save_figure

        tracked, explored = self._session.active, self._exploration.explored
        if tracked is None or explored is None:
            return
        table, labels = self._exploration.part_of(tracked)
        height = _HEIGHT_INCH + _LANE_INCH * len(table.sequences)
        figure = Figure(figsize=(_WIDTH_INCH, height), layout="constrained")
        plot_ethogram(table, labels, figure.subplots())
        save_figure(figure, path)


class ClipWindow(QDialog):
    """Window with the fields of a clip; closing it leaves a clip that is being written."""

    def __init__(self, panel: ExportClip, parent: QWidget) -> None:
        super().__init__(parent)
        self.panel = panel
        self.setWindowTitle("Export clip")
        self.setMinimumWidth(_CLIP_PX)
        fill(QVBoxLayout(self), panel, None).setContentsMargins(8, 8, 8, 8)
        panel.closed.connect(self._on_closed)

    def _on_closed(self) -> None:
        self.hide()


def _enable(action: object, enabled: bool) -> None:
    """Enable an entry of a menu; Qt's annotations allow that there is none."""
    if action is not None:
        action.setEnabled(enabled)  # type: ignore[attr-defined]
