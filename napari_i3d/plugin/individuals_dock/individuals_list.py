"""The table of individuals with its filter, and what clicks, keys and the menu do in it."""

from qtpy.QtCore import QItemSelectionModel, QModelIndex, QPoint, Qt, QTimer
from qtpy.QtWidgets import QLineEdit, QMenu, QVBoxLayout, QWidget

from napari_i3d.individuals import Id
from napari_i3d.plugin import navigation
from napari_i3d.plugin.corrections.carry_out import carry_out
from napari_i3d.plugin.corrections.identity_menu import fill_identity_menu
from napari_i3d.plugin.individuals_dock.individuals_model import TICKS, Column, IndividualsModel
from napari_i3d.plugin.individuals_dock.individuals_table import IndividualsProxy, IndividualsTable
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.tracking.editing.identity_edits import Rename
from napari_i3d.tracking.editing.tracking_change import TrackingChange


class IndividualsList(QWidget):
    """Lists the individuals of the active video.

    Parameters
    ----------
    session
        The viewer's session.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._following = False
        self.model = IndividualsModel(self)
        self.proxy = IndividualsProxy(self)
        self.proxy.setSourceModel(self.model)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter by id")
        self.filter.setClearButtonEnabled(True)
        self.table = IndividualsTable()
        self.table.setModel(self.proxy)
        fill(QVBoxLayout(self), self.filter, self.table, grow=self.table)
        self.filter.textChanged.connect(self._on_filter)
        self.model.id_typed.connect(self._on_id_typed)
        self.table.tick_clicked.connect(self._on_tick)
        self.table.space_pressed.connect(self._on_space)
        self.table.doubleClicked.connect(self._on_double_click)
        self.table.customContextMenuRequested.connect(self._on_menu)
        self.table.tick_header.toggled.connect(self._on_header_tick)
        self.table.tick_header.sectionClicked.connect(self._on_sort)
        selection = self.table.selectionModel()
        if selection is not None:
            selection.currentRowChanged.connect(self._on_row)

    def show_tracking(self) -> None:
        """List the individuals of the active video."""
        self.model.set_tracked(self._session.active)
        self._sort()
        self.table.fit_columns()
        self.show_current()

    def follow(self, change: TrackingChange) -> None:
        """Show what a correction changed: selection, filter, sorting and the place in the list stay."""
        if not self.model.rows:
            self.show_tracking()
            return
        self._following = True
        try:
            self.model.follow(change)
            if not self.proxy.is_sorted:
                self._sort()
        finally:
            self._following = False
        self.show_current()

    def show_current(self) -> None:
        """Select the row of the current individual."""
        tracked, selection = self._session.active, self.table.selectionModel()
        place = self.model.place(tracked.current if tracked else None)
        if selection is None:
            return
        source = self.model.index(place, Column.ID) if place is not None else QModelIndex()
        index = self.proxy.mapFromSource(source)
        if not index.isValid():
            selection.clear()
        elif selection.currentIndex().row() != index.row() or not selection.hasSelection():
            both = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            selection.setCurrentIndex(index, both)
            self.table.scrollTo(index)

    def _on_row(self, index: QModelIndex) -> None:
        # Rows that are inserted or removed move Qt's current row.
        if self._session.active is not None and index.isValid() and not self._following:
            self._session.active.current = self.proxy.individual(index.row())

    def _on_double_click(self, index: QModelIndex) -> None:
        tracked, individual = self._session.active, self.proxy.individual(index.row())
        if tracked is not None and tracked.tracking is not None:
            navigation.go_to(self._session, tracked, individual, tracked.tracking[individual].start)

    def _on_id_typed(self, individual: Id, new: Id) -> None:
        # Later: Qt is in the middle of closing the editor.
        QTimer.singleShot(0, lambda: self._rename(individual, new))

    def _rename(self, individual: Id, new: Id) -> None:
        tracked = self._session.active
        if tracked is not None:
            carry_out(self._session, tracked, Rename(individual, new))

    def _on_tick(self, index: QModelIndex) -> None:
        individual, selected = self.proxy.individual(index.row()), self._selected()
        on = individual not in self.model.ticked(index.column())
        self.model.tick(index.column(), selected if individual in selected else [individual], on)

    def _on_space(self) -> None:
        selected = self._selected()
        self.model.tick(Column.EXTRACT, selected, not self.model.ticked(Column.EXTRACT).issuperset(selected))

    def _on_header_tick(self, column: int, on: bool) -> None:
        self.model.tick(column, self.proxy.individuals(), on)

    def _on_menu(self, position: QPoint) -> None:
        selected = self._selected()
        viewport = self.table.viewport()
        if not selected or viewport is None:
            return
        menu = QMenu(self)
        tracked = self._session.active
        if tracked is not None and tracked.current is not None:
            fill_identity_menu(menu, self._session, tracked, tracked.current, selected)
            menu.addSeparator()
        for column, verbs in zip(TICKS, (("Show", "Hide"), ("Extract", "Do not extract")), strict=True):
            for on, verb in zip((True, False), verbs, strict=True):
                menu.addAction(verb, lambda column=column, on=on: self.model.tick(column, selected, on))
            menu.addAction(f"{verbs[0]} only these", lambda column=column: self._tick_only(column, selected))
            menu.addSeparator()
        menu.addAction(
            self._with_key("Go to the first frame", "first_frame"),
            lambda: navigation.go_to_end(self._session, last=False),
        )
        menu.addAction(
            self._with_key("Go to the last frame", "last_frame"), lambda: navigation.go_to_end(self._session, last=True)
        )
        menu.popup(viewport.mapToGlobal(position))

    def _with_key(self, text: str, name: str) -> str:
        """Return the text of a menu with the key of an action in its column of keys."""
        key = self._session.keys.shown_key(name)
        return f"{text}\t{key}" if key else text

    def _tick_only(self, column: int, individuals: list[Id]) -> None:
        self.model.tick(column, self.model.ticked(column) - frozenset(individuals), False)
        self.model.tick(column, individuals, True)

    def _selected(self) -> list[Id]:
        selection = self.table.selectionModel()
        return [self.proxy.individual(index.row()) for index in selection.selectedRows()] if selection else []

    def _on_filter(self, text: str) -> None:
        self.proxy.setFilterFixedString(text)
        self.model.ticks_changed()
        self.show_current()

    def _on_sort(self, column: int) -> None:
        if column in TICKS:
            self.table.tick_header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self._sort()

    def _sort(self) -> None:
        header = self.table.tick_header
        self.proxy.sort(header.sortIndicatorSection(), header.sortIndicatorOrder())
