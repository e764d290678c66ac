"""The behaviors that can be labelled, beside the time line: a click labels, a menu changes them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from qtpy.QtCore import QModelIndex, QSize, Qt
from qtpy.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_i3d._utils.text import counted
from napari_i3d.annotations.editing.annotation_edit import AnnotationEdit
from napari_i3d.annotations.editing.ethogram_edits import (
    AddBehavior,
    ChangeBehavior,
    DeleteBehavior,
    MoveBehavior,
    RenameBehavior,
)
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.errors import AnnotationError
from napari_i3d.plugin.annotate_dock.annotation_files import file_filter
from napari_i3d.plugin.annotate_dock.behavior_dialog import BehaviorDialog
from napari_i3d.plugin.annotate_dock.behaviors_model import BehaviorsModel, Column, individual_name, rows_of
from napari_i3d.plugin.individuals_dock.individuals_table import RowTable
from napari_i3d.plugin.labels import label_actions
from napari_i3d.plugin.labels.known_behaviors import known_behaviors, remember_behaviors
from napari_i3d.plugin.labels.label_opening import read_ethogram
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import TextLabel

_WIDTH_PX = 250
_EMPTY = "No behaviors yet: add one, or open an ethogram or annotation."
_NO_VIDEO = "Open a video to label it."
_MOST_NAMED = 3


class BehaviorsPanel(QWidget):
    """The behaviors of the active video.

    Parameters
    ----------
    session
        The viewer's session.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.model = BehaviorsModel(self)
        self.table = RowTable()
        self.table.setModel(self.model)
        self.table.setIconSize(QSize(16, 14))
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # letters stay those of the viewer
        self.table.setSelectionMode(RowTable.SelectionMode.NoSelection)
        self.empty = TextLabel(_EMPTY)
        self.add, self.take, self.last = QPushButton("Add…"), QPushButton("From file…"), QPushButton()
        self._build()
        self.table.clicked.connect(self._on_clicked)
        self.table.customContextMenuRequested.connect(lambda place: self._show_menu(self.table.indexAt(place)))
        self.add.clicked.connect(self.add_behavior)
        self.take.clicked.connect(self.take_from_file)
        self.last.clicked.connect(self.take_last)
        self.refresh()

    def _build(self) -> None:
        self.add.setToolTip("Add a behavior")
        self.take.setToolTip("Take the behaviors from a file of labels of any format")
        rows, columns = self.table.verticalHeader(), self.table.horizontalHeader()
        if rows is not None:
            rows.setDefaultSectionSize(self.fontMetrics().height() + 4)
        if columns is not None:
            columns.hide()
            columns.setMinimumSectionSize(8)
            for column in Column:
                columns.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
            columns.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        self._buttons = fill(QHBoxLayout(), self.add, self.take)
        self._buttons.setSpacing(2)
        fill(QVBoxLayout(self), self.empty, self.table, self.last, self._buttons, grow=self.table).setSpacing(2)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setFixedWidth(_WIDTH_PX)
        self.setMinimumHeight(1)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return a small height: the dock may be low."""
        return QSize(_WIDTH_PX, 60)

    @property
    def _tracked(self) -> TrackedVideo | None:
        tracked = self._session.active
        return tracked if tracked is not None and tracked.video is not None else None

    def refresh(self) -> None:
        """Show the behaviors, and the bouts of the labelled individual."""
        tracked = self._tracked
        rows = [] if tracked is None else rows_of(tracked)
        self.model.show_rows(rows, "" if tracked is None else individual_name(tracked))
        self.table.setVisible(bool(rows))
        self.empty.setVisible(not rows)
        self.empty.setText(_NO_VIDEO if tracked is None else _EMPTY)
        for button in (self.add, self.take):
            button.setEnabled(tracked is not None)
        known = known_behaviors() if tracked is not None and not rows else Ethogram()
        self.last.setVisible(bool(known))
        names = list(known)
        more = f" + {len(names) - _MOST_NAMED}" if len(names) > _MOST_NAMED else ""
        text = ", ".join(names[:_MOST_NAMED])
        self.last.setText(self.fontMetrics().elidedText(f"Last: {text}{more}", Qt.TextElideMode.ElideRight, 220))
        self.last.setToolTip(f"Use the behaviors that were used last: {', '.join(names)}")

    def add_behavior(self) -> None:
        """Ask for a new behavior."""
        tracked = self._tracked
        if tracked is None:
            return
        dialog = BehaviorDialog(self._window, tracked.labels.editor.ethogram)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self._do([AddBehavior(dialog.behavior)])

    def take_from_file(self) -> None:
        """Ask for a file of labels, and add its behaviors."""
        tracked = self._tracked
        if tracked is None or tracked.video is None:
            return
        chosen, _ = QFileDialog.getOpenFileName(
            self, "Take behaviors from file", str(tracked.video.path.parent), file_filter()
        )
        ethogram = read_ethogram(tracked, Path(chosen)) if chosen else None
        if ethogram is not None:
            self._add_all(tracked, ethogram, f"take the behaviors of {Path(chosen).name}")

    def take_last(self) -> None:
        """Add the behaviors that were used last."""
        if self._tracked is not None:
            self._add_all(self._tracked, known_behaviors(), "take the behaviors used last")

    def change(self, name: str) -> None:
        """Ask for changes of a behavior."""
        tracked = self._tracked
        if tracked is None:
            return
        ethogram = tracked.labels.editor.ethogram
        before = ethogram.at(name)
        dialog = BehaviorDialog(self._window, ethogram, before)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self._do(changes_of(before, dialog.behavior))

    def delete(self, name: str) -> None:
        """Delete a behavior; ask if it has bouts."""
        tracked = self._tracked
        if tracked is None:
            return
        bouts = [bout for bout in tracked.labels.annotation.bouts if bout.behavior == name]
        if bouts and not self._ask_delete(name, len(bouts), len({bout.individual for bout in bouts})):
            return
        self._do([DeleteBehavior(name)])

    def _add_all(self, tracked: TrackedVideo, ethogram: Ethogram, words: str) -> None:
        editor = tracked.labels.editor
        taken = {behavior.key for behavior in editor.ethogram.values()}
        new = [behavior for behavior in ethogram.values() if behavior.name not in editor.ethogram]
        self._session.labelling.end_bouts()
        try:
            with editor.group(words):
                for behavior in new:
                    editor.do(AddBehavior(replace(behavior, key="" if behavior.key in taken else behavior.key)))
        except AnnotationError as error:
            self._session.viewer.status = dock_text(error)
            return
        self._session.viewer.status = f"{counted(len(new), 'behavior')} added"
        remember_behaviors(editor.ethogram)

    def _do(self, edits: Sequence[AnnotationEdit]) -> None:
        # The open bouts refer to behaviors by name.
        self._session.labelling.end_bouts()
        label_actions.do(self._session, edits)
        if self._tracked is not None:
            remember_behaviors(self._tracked.labels.editor.ethogram)

    def _on_clicked(self, index: QModelIndex) -> None:
        if index.column() == Column.MENU:
            self._show_menu(index)
        elif index.isValid():
            self._session.labelling.press(self.model.rows[index.row()].behavior)

    def _show_menu(self, index: QModelIndex) -> None:
        if not index.isValid():
            return
        menu = self.menu_of(index.row())
        view = self.table.viewport()
        if view is not None:
            menu.popup(view.mapToGlobal(self.table.visualRect(index).bottomLeft()))

    def menu_of(self, row: int) -> QMenu:
        """Return the menu of a behavior."""
        behavior = self.model.rows[row].behavior
        name, last = behavior.name, len(self.model.rows) - 1
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        entries: list[tuple[str, Callable[[], None], bool]] = [
            ("Change…", partial(self.change, name), True),
            ("Move up", partial(self._do, [MoveBehavior(name, max(row - 1, 0))]), row > 0),
            ("Move down", partial(self._do, [MoveBehavior(name, row + 1)]), row < last),
        ]
        for text, slot, enabled in entries:
            action = menu.addAction(text, slot)
            if action is not None:
                action.setEnabled(enabled)
        exclusive = menu.addAction("Excludes others")
        if exclusive is not None:
            exclusive.setCheckable(True)
            exclusive.setChecked(behavior.exclusive)
            exclusive.triggered.connect(lambda checked: self._do([ChangeBehavior(name, exclusive=bool(checked))]))
        menu.addSeparator()
        menu.addAction("Delete…", partial(self.delete, name))
        return menu

    def _ask_delete(self, name: str, n_bouts: int, n_individuals: int) -> bool:
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Delete the behavior?")
        box.setTextFormat(Qt.TextFormat.PlainText)
        bouts, individuals = counted(n_bouts, "bout"), counted(n_individuals, "individual")
        box.setText(f"{name} has {bouts} of {individuals}, which would be deleted with it. It can be undone.")
        delete = box.addButton(f"Delete {bouts}", QMessageBox.ButtonRole.DestructiveRole)
        keep = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(keep)
        box.setEscapeButton(keep)
        box.exec()
        return box.clickedButton() is delete

    @property
    def _window(self) -> QWidget:
        window: QWidget = self._session.viewer.window._qt_window
        return window


def changes_of(before: Behavior, after: Behavior) -> list[AnnotationEdit]:
    """Return the edits that make one behavior of another."""
    edits: list[AnnotationEdit] = []
    if after.name != before.name:
        edits.append(RenameBehavior(before.name, after.name))
    changed = {
        field: getattr(after, field)
        for field in ("key", "color", "description", "exclusive")
        if getattr(after, field) != getattr(before, field)
    }
    if changed:
        edits.append(ChangeBehavior(after.name, **changed))
    return edits
