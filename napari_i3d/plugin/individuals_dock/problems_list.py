"""The list of problems in the Individuals dock, with its buttons."""

from typing import Any

from psygnal import Signal
from qtpy.QtCore import QItemSelectionModel, QModelIndex, QObject, QRect, Qt
from qtpy.QtGui import QColor, QFontMetrics, QIcon, QPixmap, QResizeEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_i3d._utils.text import counted
from napari_i3d.individuals import format_id
from napari_i3d.plugin.corrections.fix_buttons import FixButtons
from napari_i3d.plugin.individuals_dock.individuals_table import RowTable
from napari_i3d.plugin.individuals_dock.rows_model import RowsModel
from napari_i3d.plugin.session.problems import in_order
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import TextLabel
from napari_i3d.tracking.checks import Level, Problem

_HEADERS = ("Frame", "Id", "Level", "What was found")
_LEVEL, _MESSAGE = 2, 3
_COLORS = {Level.ERROR: "#d55e00", Level.WARNING: "#8a8a8a"}
_MARK_PX = 10
_MOST_LINES = 6


class ProblemsModel(RowsModel):
    """The problems of one tracked video, by frame."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(_HEADERS, parent)
        self._tracked: TrackedVideo | None = None
        self._accepted: frozenset[Any] = frozenset()

    def set_tracked(self, tracked: TrackedVideo | None, *, with_accepted: bool = False) -> bool:
        """Show the problems of a video that are left, or all; return whether these are others than before."""
        problems = [] if tracked is None else in_order(tracked.problems if with_accepted else tracked.problems_left)
        accepted = frozenset() if tracked is None else tracked.accepted.marks
        if problems == self.rows and accepted == self._accepted:
            return False
        if tracked is self._tracked and accepted == self._accepted:
            self._replace_rows(problems)
            return True
        self.beginResetModel()
        self.rows, self._tracked, self._accepted = problems, tracked, accepted
        self.endResetModel()
        return True

    def _replace_rows(self, problems: list[Problem]) -> None:
        """Replace the rows between those that are equal at the beginning and at the end."""
        old, new = self.rows, problems
        first = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
        rest = min(len(old), len(new)) - first
        pairs = zip(reversed(old), reversed(new), strict=False)
        last = next((n for n, (a, b) in enumerate(pairs) if n == rest or a != b), rest)
        if len(old) - last > first:
            self.beginRemoveRows(QModelIndex(), first, len(old) - last - 1)
            self.rows = old[:first] + old[len(old) - last :]
            self.endRemoveRows()
        if len(new) - last > first:
            self.beginInsertRows(QModelIndex(), first, len(new) - last - 1)
            self.rows = list(new)
            self.endInsertRows()

    def message(self, row: int) -> str:
        """Return the message without its leading id, which has its own column."""
        problem: Problem = self.rows[row]
        return problem.message.removeprefix(f"{format_id(problem.id)}: ")

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the text of a cell; problems that stop the extraction are marked."""
        problem: Problem = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            accepted = self._tracked is not None and problem in self._tracked.accepted
            level = "fine" if accepted else str(problem.level)
            return (str(problem.frame), format_id(problem.id), level, self.message(index.row()))[index.column()]
        if role == Qt.ItemDataRole.DecorationRole and index.column() == _LEVEL:
            return _mark(problem.level)
        if role == Qt.ItemDataRole.ToolTipRole:
            what = "This stops the extraction." if problem.level is Level.ERROR else "The extraction runs nevertheless."
            return f"{problem.message}\n{what}"
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == 0:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None


def _mark(level: Level) -> QIcon:
    mark = QPixmap(_MARK_PX, _MARK_PX)
    mark.fill(QColor(_COLORS[level]))
    return QIcon(mark)


class ProblemsTable(RowTable):
    """A table with wrapped messages.

    All rows have the height of the longest message: fitting thousands one by one would take seconds.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._longest, self._lengths = "", [0, 0, 0]
        self.setWordWrap(True)
        self.setTextElideMode(Qt.TextElideMode.ElideNone)

    def fit(self) -> None:
        """Fit the widths of the columns and the height of the rows, if the lengths of the texts are others."""
        model = self.model()
        if not isinstance(model, ProblemsModel):
            return
        problems: list[Problem] = model.rows
        texts = (
            max((str(one.frame) for one in problems), key=len, default=""),
            max({format_id(one.id) for one in problems}, key=len, default=""),
            max({model.message(row) for row in range(len(problems))}, key=len, default=""),
        )
        lengths = [len(text) for text in texts]
        if lengths != self._lengths:
            # Qt takes long to measure all that it shows.
            self._lengths, self._longest = lengths, texts[-1]
            for column in range(_MESSAGE):
                self.resizeColumnToContents(column)
            self._set_height()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Wrap the messages again."""
        super().resizeEvent(event)
        self._set_height()

    def _set_height(self) -> None:
        rows = self.verticalHeader()
        if rows is None:
            return
        metrics = self.fontMetrics()
        # What is drawn is a little narrower than the column.
        room = max(1, self.columnWidth(_MESSAGE) - 10)
        height = _wrapped_height(metrics, self._longest, room)
        rows.setDefaultSectionSize(min(height, _MOST_LINES * metrics.lineSpacing()) + 8)


def _wrapped_height(metrics: QFontMetrics, text: str, width_px: int) -> int:
    room = QRect(0, 0, width_px, 10_000)
    return max(metrics.height(), metrics.boundingRect(room, int(Qt.TextFlag.TextWordWrap.value), text).height())


class ProblemsList(QWidget):
    """List of the problems that are left, the message of the selected one, what mends it, and previous and next.

    Parameters
    ----------
    session
        The viewer's session.

    Attributes
    ----------
    chosen
        Signal (problem): the user clicked one, or went to it with the arrow keys.
    stepped
        Signal (1 or -1): the user pressed next or previous.
    """

    chosen = Signal(object)
    stepped = Signal(int)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._tracked: TrackedVideo | None = None
        self.model = ProblemsModel(self)
        self.fixes = FixButtons(session)
        self.accepted = QCheckBox()
        self.accepted.setToolTip("List also the problems that were marked as fine")
        self.title = QLabel()
        self.previous = QPushButton("Previous")
        self.next = QPushButton("Next")
        self._session = session
        self.show_keys()
        self.table = ProblemsTable()
        self.table.setModel(self.model)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.table.horizontalHeader()
        if header is not None:
            header.setHighlightSections(False)
            header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            header.setSectionResizeMode(_MESSAGE, QHeaderView.ResizeMode.Stretch)
        self.message = TextLabel()
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        # Room for two lines, so that the list does not jump when a message is longer.
        self.message.setMinimumHeight(2 * self.message.fontMetrics().lineSpacing())
        self.message.setAlignment(Qt.AlignmentFlag.AlignTop)

        top = fill(QHBoxLayout(), self.title, self.previous, self.next, grow=self.title)
        fill(QVBoxLayout(self), top, self.table, self.accepted, self.message, self.fixes, grow=self.table)
        self._showing = False
        self.table.clicked.connect(self._on_clicked)
        self.table.activated.connect(self._on_clicked)
        selection = self.table.selectionModel()
        if selection is not None:
            selection.selectionChanged.connect(self._on_selected)
        self.previous.clicked.connect(lambda: self.stepped.emit(-1))
        self.next.clicked.connect(lambda: self.stepped.emit(1))
        self.accepted.toggled.connect(lambda: self.show_tracked(self._tracked))

    def show_tracked(self, tracked: TrackedVideo | None) -> None:
        """List the problems of a video."""
        self._tracked = tracked
        changed = self.model.set_tracked(tracked, with_accepted=self.accepted.isChecked())
        n_accepted = len(tracked.problems) - len(tracked.problems_left) if tracked else 0
        self.accepted.setText(f"Show {n_accepted} marked as fine")
        self.accepted.setVisible(n_accepted > 0)
        number = len(self.model.rows)
        for button in (self.previous, self.next):
            button.setEnabled(number > 0)
        for widget in (self.table, self.message):
            widget.setVisible(number > 0)  # else the individuals have the room
        if changed:
            self.table.fit()
        self.show_problem(tracked.problem if tracked else None)

    def show_keys(self) -> None:
        """Show the keys of the buttons."""
        for button, name, text in (
            (self.previous, "previous_problem", "Previous problem"),
            (self.next, "next_problem", "Next problem"),
        ):
            key = self._session.keys.shown_key(name)
            button.setToolTip(f"{text} ({key})" if key else text)

    def show_problem(self, problem: Problem | None) -> None:
        """Select a problem."""
        self.message.setText(problem.message if problem else "")
        self.fixes.show_tracked(self._tracked)
        self._show_title(problem)
        selection = self.table.selectionModel()
        if selection is None:
            return
        self._showing = True
        try:
            if problem not in self.model.rows:
                selection.clear()
                return
            index = self.model.index(self.model.rows.index(problem), 0)
            both = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            selection.setCurrentIndex(index, both)
            self.table.scrollTo(index)
        finally:
            self._showing = False

    def _show_title(self, problem: Problem | None) -> None:
        left = in_order(self._tracked.problems_left) if self._tracked else []
        stops = sum(one.level is Level.ERROR for one in left)
        text = f"{counted(len(left), 'problem')} left" if left else "No problems left"
        if self._tracked is None or not self._tracked.problems:
            text = "No problems found"
        elif problem in left:
            text = f"Problem {left.index(problem) + 1} of {len(left)}"
        if stops:
            text += f", {stops} {'stops' if stops == 1 else 'stop'} extraction"
        self.title.setText(text)

    def _on_selected(self) -> None:
        """Go to the problem selected with the arrow keys or the mouse."""
        selection = self.table.selectionModel()
        if selection is not None and not self._showing:
            for index in selection.selectedRows():
                self._on_clicked(index)

    def _on_clicked(self, index: QModelIndex) -> None:
        self.chosen.emit(self.model.rows[index.row()])
