"""The bar of corrections at the top of the Individuals dock: edit, undo, redo, history, save, and the marked span."""

from collections.abc import Callable, Iterable

from qtpy.QtCore import QSize
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from napari_i3d._utils.history import History
from napari_i3d._utils.text import counted
from napari_i3d.plugin.corrections.carry_out import go_to_step
from napari_i3d.plugin.corrections.history_list import HistoryList
from napari_i3d.plugin.keyboard.actions import Action
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import LineLabel
from napari_i3d.tracking.editing.scopes import format_span

_UNSAVED = "\nThere are corrections that are not saved."
_SHORT = {"Edit": "✎", "Undo": "↶", "Redo": "↷", "History ▾": "☰", "History ▴": "☰", "Save…": "⤓"}


class CorrectionBar(QWidget):
    """Buttons for corrections of the active video, and the list of those that were made.

    Parameters
    ----------
    session
        The viewer's session.
    actions
        All actions.
    """

    def __init__(self, session: Session, actions: Iterable[Action]) -> None:
        super().__init__()
        self._session = session
        self._actions = {action.name: action for action in actions}
        self._link = _HistoryLink(self.refresh)
        self.edit = self._button("Edit", "edit_boxes")
        self.undo = self._button("Undo", "undo")
        self.redo = self._button("Redo", "redo")
        self.fold = self._button("History ▾", None)
        self.save = self._button("Save…", "save_tracking")
        self.edit.setCheckable(True)
        self.fold.setCheckable(True)
        self.steps = HistoryList()
        self.steps.hide()
        self.span = LineLabel()
        self.clear = QToolButton()
        self.clear.setText("✕")
        self.span_row = QWidget()
        fill(QHBoxLayout(self.span_row), self.span, self.clear, grow=self.span)
        self._buttons = (self.edit, self.undo, self.redo, self.fold, self.save)
        self.row = fill(QHBoxLayout(), *self._buttons)
        self.row.setSpacing(2)
        fill(QVBoxLayout(self), self.row, self.steps, self.span_row)
        self.fold.toggled.connect(self._on_fold)
        self.steps.chosen.connect(self._on_chosen)
        self.clear.clicked.connect(self._on_clear)
        # Not a method of self, which Qt would disconnect before it destroys the widget.
        self.destroyed.connect(self._link.close)
        self.show_tracked()

    def _hint(self, name: str) -> str:
        return self._session.keys.tooltip(self._actions[name])

    def show_tracked(self) -> None:
        """Follow the history and the span of the active video."""
        tracked = self._session.active
        self._link.follow(tracked.history if tracked is not None else None)
        self.refresh()
        self.show_span()

    def refresh(self) -> None:
        """Show what can be undone and redone, whether boxes are saved, and the keys."""
        history = self._link.history
        undo, redo = (history.undo_words, history.redo_words) if history is not None else ("", "")
        for button, name, words in ((self.undo, "Undo", undo), (self.redo, "Redo", redo)):
            keys = self._session.keys.shown_keys(name.lower())
            button.setEnabled(bool(words))
            button.setToolTip(f"{name}: {words} ({keys})" if words else f"Nothing to {name.lower()} ({keys})")
        n_done, n_all = (history.position, len(history.steps)) if history is not None else (0, 0)
        undone = f", {n_all - n_done} undone" if n_all > n_done else ""
        self.fold.setToolTip(f"The list of corrections: {counted(n_done, 'step')}{undone}")
        self.fold.setEnabled(history is not None)
        if "edit_boxes" in self._actions:
            self.edit.setToolTip(self._hint("edit_boxes"))
        self.clear.setToolTip(self._hint("clear_span"))
        if "save_tracking" in self._actions:
            saved = self._session.active is None or self._session.active.is_saved
            self.save.setToolTip(self._hint("save_tracking") + ("" if saved else "\nThere are unsaved changes."))
        if history is not None and self.fold.isChecked():
            self.steps.show_history(history)

    def show_saved(self) -> None:
        """Show whether there are corrections to save."""
        tracked = self._session.active
        unsaved = tracked is not None and not tracked.is_saved
        self.save.setEnabled(tracked is not None and tracked.tracking is not None)
        self.save.setToolTip(f"{self._hint('save_tracking')}{_UNSAVED if unsaved else ''}")

    def show_editing(self) -> None:
        """Show whether boxes are being edited in the canvas."""
        self.edit.setChecked(self._session.box_editor.is_on)

    def show_span(self) -> None:
        """Show the marked span in words."""
        tracked = self._session.active
        span = tracked.span if tracked is not None else None
        self.span_row.setVisible(span is not None)
        if span is not None:
            self.span.setText(f"Marked: {format_span(span)}")

    def release(self) -> None:
        """Disconnect from the history."""
        self._link.close()

    def _button(self, text: str, name: str | None) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("whole_text", text)
        button.setMinimumWidth(1)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        if name is not None:
            action = self._actions[name]
            button.setToolTip(self._hint(action.name))
            button.clicked.connect(lambda: self._run(action))
        return button

    def _run(self, action: Action) -> None:
        action.run(self._session)
        self.show_editing()  # the button is pressed also where editing could not begin

    def _on_fold(self, unfolded: bool) -> None:
        self.fold.setProperty("whole_text", "History ▴" if unfolded else "History ▾")
        self.steps.setVisible(unfolded)
        self._fit()
        self.refresh()

    def _on_chosen(self, position: int) -> None:
        go_to_step(self._session, position)

    def _on_clear(self) -> None:
        self._actions["clear_span"].run(self._session)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the size with signs instead of words."""
        return QSize(len(self._buttons) * self.fontMetrics().height() * 2, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Show signs instead of words where there is no room for words."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        buttons, metrics = self._buttons, self.fontMetrics()
        texts = [str(button.property("whole_text")) for button in buttons]
        room = sum(metrics.horizontalAdvance(text) + metrics.height() for text in texts)
        for button, text in zip(buttons, texts, strict=True):
            button.setText(text if room <= self.width() else _SHORT[text])


class _HistoryLink:
    """A connection to the history of one video at a time; ends also when the widget was destroyed before."""

    def __init__(self, slot: Callable[[], None]) -> None:
        self._slot = slot
        self._disconnect: Callable[[], None] | None = None
        self.history: History | None = None

    def follow(self, history: History | None) -> None:
        """Connect to another history; None: to none."""
        if history is self.history:
            return
        if self._disconnect is not None:
            self._disconnect()
        self.history = history
        self._disconnect = history.connect(self._slot) if history is not None else None

    def close(self) -> None:
        """Disconnect."""
        self.follow(None)
