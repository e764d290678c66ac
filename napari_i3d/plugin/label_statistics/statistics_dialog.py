"""Window with the statistics of the labels of the active video; it follows their changes."""

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QDialog, QTabWidget, QVBoxLayout, QWidget

from napari_i3d.annotations.annotation import Annotation
from napari_i3d.plugin.jobs.workers import Workers
from napari_i3d.plugin.label_statistics.agreement_tab import AgreementTab
from napari_i3d.plugin.label_statistics.tabs import BoutsTab, StatisticsTab, TimeBudgetTab, TransitionsTab
from napari_i3d.plugin.label_statistics.timed_labels import timed_labels
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.widgets.layouts import fill

_SIZE_PX = 860, 480
_SETTLE_MS = 250


class StatisticsDialog(QDialog):
    """Shows one page of statistics at a time.

    Parameters
    ----------
    session
        The viewer's session.
    workers
        Workers of the dock.
    parent
        The dock.
    """

    def __init__(self, session: Session, workers: Workers, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        theme = session.viewer.theme
        self.bouts, self.agreement = BoutsTab(), AgreementTab(session, workers)
        self.transitions, self.budget = TransitionsTab(theme), TimeBudgetTab(theme)
        self.pages: tuple[StatisticsTab, ...] = (self.bouts, self.transitions, self.budget, self.agreement)
        self.tabs = QTabWidget()
        for page in self.pages:
            self.tabs.addTab(page, page.NAME)
        fill(QVBoxLayout(self), self.tabs).setContentsMargins(6, 6, 6, 6)
        self.resize(*_SIZE_PX)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self._timer.timeout.connect(self.refresh)
        self.tabs.currentChanged.connect(self.refresh)

    def open_at(self, page: int) -> None:
        """Show a page, by its number."""
        self.tabs.setCurrentIndex(page)
        self.show()
        self.raise_()
        self.refresh()

    def later(self) -> None:
        """Show the labels as they are now, once no more changes follow."""
        if self.isVisible():
            self._timer.start()

    def set_theme(self, theme: str) -> None:
        """Use the colors of one of napari's themes, by its name."""
        for page in self.pages:
            page.set_theme(theme)

    def refresh(self) -> None:
        """Show the labels as they are now."""
        tracked = self._session.active
        self.setWindowTitle("Statistics of labels" if tracked is None else f"Statistics of labels: {tracked.name}")
        labels = Annotation() if tracked is None else timed_labels(tracked)
        self.pages[self.tabs.currentIndex()].show_labels(labels)
