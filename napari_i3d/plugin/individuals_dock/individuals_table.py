"""Table views of the Individuals dock: sorted rows, tick boxes for several at once, and keys that reach napari."""

from psygnal import Signal
from qtpy.QtCore import QModelIndex, QObject, QRect, QSize, QSortFilterProxyModel, Qt
from qtpy.QtGui import QKeyEvent, QMouseEvent, QPainter
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QStyle, QStyleOptionButton, QTableView, QWidget

from napari_i3d.individuals import Id
from napari_i3d.plugin.individuals_dock.individuals_model import (
    HEADERS,
    ID_ROLE,
    SORT_ROLE,
    TICKS,
    Column,
    IndividualsModel,
)
from napari_i3d.plugin.individuals_dock.rows_model import sortable

_BOX_PX = 14
_FEWEST_ROWS = 3


class IndividualsProxy(QSortFilterProxyModel):
    """The rows whose id holds a text, sorted by any column."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setFilterKeyColumn(Column.ID)
        self.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setSortRole(SORT_ROLE)
        # A click on a tick box must not move its row away from under the mouse.
        self.setDynamicSortFilter(False)

    @property
    def is_sorted(self) -> bool:
        """Whether the rows are in the order of the column that they were sorted by."""
        column, places = self.sortColumn(), range(self.rowCount())
        if column < 0:
            values = [(0, float(self.mapToSource(self.index(place, 0)).row()), "") for place in places]
        else:
            values = [sortable(self.index(place, column).data(SORT_ROLE)) for place in places]
        return values == sorted(values, reverse=self.sortOrder() == Qt.SortOrder.DescendingOrder and column >= 0)

    def individuals(self) -> list[Id]:
        """Return the individuals listed, in their order."""
        return [self.individual(place) for place in range(self.rowCount())]

    def individual(self, place: int) -> Id:
        """Return the individual of a row as listed."""
        individual: Id = self.index(place, Column.ID).data(ID_ROLE)
        return individual

    def lessThan(self, left: QModelIndex, right: QModelIndex) -> bool:  # noqa: N802
        """Sort ids as people do: 2 before 10, numbers before text."""
        values = [sortable(index.data(SORT_ROLE)) for index in (left, right)]
        return bool(values[0] < values[1])


class RowTable(QTableView):
    """A table that selects whole rows, and leaves the keys of the plugin to napari."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        rows = self.verticalHeader()
        if rows is not None:
            rows.hide()
            rows.setDefaultSectionSize(rows.fontMetrics().height() + 8)
            rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Leave letters and signs to napari; a table would look for a row that begins with them."""
        if event is not None and event.text().isprintable() and event.text().strip():
            event.ignore()
        else:
            super().keyPressEvent(event)


class TickHeader(QHeaderView):
    """A header with a tick box for all rows that are listed, in the columns that have tick boxes.

    Attributes
    ----------
    toggled
        Signal (column, whether to tick).
    """

    toggled = Signal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        self.setSortIndicatorShown(True)
        self.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.sectionClicked.connect(self._on_clicked)

    def tick_state(self, column: int) -> Qt.CheckState:
        """Return whether all, some or none of the rows listed are ticked."""
        proxy = self.model()
        if not isinstance(proxy, IndividualsProxy):
            return Qt.CheckState.Unchecked
        source = proxy.sourceModel()
        listed = proxy.individuals()
        ticked = source.ticked(column) if isinstance(source, IndividualsModel) else frozenset()
        number = sum(individual in ticked for individual in listed)
        if number == 0:
            return Qt.CheckState.Unchecked
        return Qt.CheckState.Checked if number == len(listed) else Qt.CheckState.PartiallyChecked

    def paintSection(self, painter: QPainter | None, rect: QRect, logicalIndex: int) -> None:  # noqa: N802, N803
        """Draw a title, and its tick box."""
        if painter is None:
            return
        painter.save()
        super().paintSection(painter, rect, logicalIndex)
        painter.restore()
        style = self.style()
        if logicalIndex not in TICKS or style is None:
            return
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect = QRect(rect.left() + 4, rect.center().y() - _BOX_PX // 2, _BOX_PX, _BOX_PX)
        option.state |= {
            Qt.CheckState.Checked: QStyle.StateFlag.State_On,
            Qt.CheckState.Unchecked: QStyle.StateFlag.State_Off,
            Qt.CheckState.PartiallyChecked: QStyle.StateFlag.State_NoChange,
        }[self.tick_state(logicalIndex)]
        style.drawPrimitive(QStyle.PrimitiveElement.PE_IndicatorCheckBox, option, painter, self)

    def _on_clicked(self, column: int) -> None:
        if column in TICKS:
            self.toggled.emit(column, self.tick_state(column) != Qt.CheckState.Checked)


class IndividualsTable(RowTable):
    """The table of individuals.

    Attributes
    ----------
    tick_clicked
        Signal (index as listed): the tick box of a cell was clicked.
    space_pressed
        Signal, without arguments.
    """

    tick_clicked = Signal(QModelIndex)
    space_pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        # Empty tick boxes are hardly to be seen on the dark theme otherwise.
        self.setStyleSheet("QTableView::indicator:unchecked { border: 1px solid #8a8a8a; }")
        self.setIconSize(QSize(12, 12))
        self.setMinimumHeight(_FEWEST_ROWS * self.fontMetrics().height() * 2)
        self.tick_header = TickHeader(self)
        self.setHorizontalHeader(self.tick_header)

    @property
    def full_height_px(self) -> int:
        """The height that shows all rows."""
        rows = self.verticalHeader()
        height = rows.length() if rows is not None else 0
        bar = self.horizontalScrollBar()
        return int(self.tick_header.sizeHint().height() + height + (bar.sizeHint().height() if bar else 0) + 2)

    def fit_columns(self) -> None:
        """Fit the widths of the columns."""
        self.resizeColumnsToContents()
        titles = self.tick_header.fontMetrics()
        for column in TICKS:
            self.setColumnWidth(column, titles.horizontalAdvance(HEADERS[column]) + 2 * (_BOX_PX + 8))
        self.setColumnWidth(Column.ID, min(max(self.columnWidth(Column.ID), 70), 160))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Keep a click on a tick box from changing which rows are selected."""
        if not self._click_tick(event):
            super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Treat the second of two quick clicks on a tick box as a click."""
        if not self._click_tick(event):
            super().mouseDoubleClickEvent(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Emit a signal for the space key; edit the id for F2, whatever the column."""
        if event is not None and event.key() == Qt.Key.Key_Space:
            self.space_pressed.emit()
        elif event is not None and event.key() == Qt.Key.Key_F2:
            self.edit(self.currentIndex().siblingAtColumn(Column.ID))
        else:
            super().keyPressEvent(event)

    def _click_tick(self, event: QMouseEvent | None) -> bool:
        if event is None or event.button() != Qt.MouseButton.LeftButton or event.modifiers():
            return False
        index = self.indexAt(event.position().toPoint())
        if not index.isValid() or index.column() not in TICKS:
            return False
        self.tick_clicked.emit(index)
        return True
