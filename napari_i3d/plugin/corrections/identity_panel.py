"""The panel that asks which correction of an identity to make, and says in words what it would do."""

from psygnal import Signal
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QCheckBox, QComboBox, QFrame, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_i3d.individuals import Id
from napari_i3d.plugin.corrections.carry_out import carry_out, plan
from napari_i3d.plugin.session.connections import Connections
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.swatch import swatch
from napari_i3d.plugin.widgets.text_label import TextLabel
from napari_i3d.tracking.editing.scopes import Command, IdentityChoice, Scope, editable_id, others_nearby, parse_id
from napari_i3d.tracking.editing.tracking_edit import TrackingEdit, named

_LETTERS = {
    Command.SWAP: "S",
    Command.ASSIGN: "B",
    Command.MERGE: "M",
    Command.SPLIT: "T",
    Command.RENAME: "R",
    Command.DELETE_BOXES: "X",
    Command.DELETE: "D",
}
_NEXT, _REPLACE = "Q", "P"
_KEYS = "Enter: do it. Esc: leave. Q: next individual."


class _Choices(QComboBox):
    """A combo box that leaves letters, digits, Enter and Esc to the panel."""

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Leave keys to the panel."""
        ends = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)
        if event is not None and (event.text().isalnum() or event.key() in ends):
            event.ignore()
        else:
            super().keyPressEvent(event)


class IdentityPanel(QFrame):
    """Asks for a correction of the current individual; the sentence below follows every change.

    Parameters
    ----------
    session
        The viewer's session.
    parent
        The widget that it lies over.

    Attributes
    ----------
    left, refreshed
        Signals, without arguments: the user has done it or left; other words are shown.
    """

    left = Signal()
    refreshed = Signal()

    def __init__(self, session: Session, parent: QWidget | None) -> None:
        super().__init__(parent)
        self._session, self._links = session, Connections()
        self._listed: tuple[object, ...] = ()  # what the other individuals were listed for
        self._others: list[Id] = []
        self._picked = False  # whether the user chose the other individual, or it is only the nearest
        self._edit: TrackingEdit | None = None
        self.command, self.other, self.scope = _Choices(), _Choices(), _Choices()
        self.command.addItems([f"{_LETTERS[command]}: {command}" for command in Command])
        self.scope.addItems([f"{number}: {scope}" for number, scope in enumerate(Scope, 1)])
        for box in (self.command, self.other, self.scope):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(8)
            box.currentIndexChanged.connect(self.refresh)
        self.other.activated.connect(self._on_picked)
        self.new_id = QLineEdit()
        self.new_id.setToolTip("A whole number in quotes is text: '1' is another individual than 1")
        self.new_id.textChanged.connect(self.refresh)
        self.words = TextLabel()
        self.replaced = QCheckBox(f"Replace them ({_REPLACE})")
        self.replaced.setToolTip("Delete the boxes that are in the way; undo brings them back")
        self.replaced.toggled.connect(self.refresh)
        self.done = QPushButton("Do it")
        self.done.setToolTip("Enter")
        self.done.clicked.connect(self.carry_out)
        self.leave_button = QPushButton("Leave")
        self.leave_button.setToolTip("Esc")
        self.leave_button.clicked.connect(self.leave)
        self.destroyed.connect(self._links.close)
        self._build()

    def _build(self) -> None:
        self.setObjectName("identity_panel")
        self.setStyleSheet("#identity_panel { border: 1px solid palette(mid); border-radius: 4px; }")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        fields = fill(QHBoxLayout(), self.command, self.other, self.new_id, self.scope)
        for place in range(fields.count()):
            fields.setStretch(place, 1)
        self.keys = TextLabel(_KEYS)
        self.keys.setEnabled(False)
        below = fill(QHBoxLayout(), self.keys, self.replaced, self.done, self.leave_button, grow=self.keys)
        fill(QVBoxLayout(self), fields, self.words, below).setContentsMargins(8, 8, 8, 8)
        self.hide()

    @staticmethod
    def default_scope(tracked: TrackedVideo) -> Scope:
        """Return the scope to begin with: the span if one is marked, otherwise from here on."""
        return Scope.ONWARD if tracked.span is None else Scope.SPAN

    @property
    def choice(self) -> IdentityChoice | None:
        """What is chosen; None without a current individual."""
        tracked = self._session.active
        if tracked is None or tracked.current is None or tracked.tracking is None:
            return None
        command, other = list(Command)[self.command.currentIndex()], None
        if command is Command.RENAME:
            other = parse_id(self.new_id.text(), tracked.tracking)
        elif command.has_other and 0 <= self.other.currentIndex() < len(self._others):
            other = self._others[self.other.currentIndex()]
        scope = list(Scope)[self.scope.currentIndex()]
        return IdentityChoice(command, tracked.current, other, scope, self.replaced.isChecked())

    def ask(self, choice: IdentityChoice) -> None:
        """Show the panel with a choice; without another individual, with the nearest."""
        tracked = self._session.active
        if tracked is None or tracked.tracking is None:
            return
        self._listed, self._picked = (), False
        self._show_choice(choice.command, choice.scope)
        if choice.other in self._others and choice.other is not None:
            self._picked = True
            self.other.setCurrentIndex(self._others.index(choice.other))
        if not self.isVisible():
            self._connect()
        self.show()
        self.raise_()
        self.refresh()
        self._take_focus()

    def next_other(self) -> None:
        """Choose the next other individual; after the last comes the first."""
        if self.other.count() and self.other.isVisible():
            self._picked = True
            self.other.setCurrentIndex((self.other.currentIndex() + 1) % self.other.count())

    def carry_out(self) -> None:
        """Make the correction that the words say, and leave."""
        tracked, edit = self._session.active, self._edit
        if tracked is not None and edit is not None:
            self.leave()
            carry_out(self._session, tracked, edit)

    def leave(self) -> None:
        """Close the panel without a correction."""
        self._links.close()
        self.hide()
        self.left.emit()

    def refresh(self) -> None:
        """Show the words of what is chosen, as the frame, the individual and the boxes are now."""
        choice, tracked = self.choice, self._session.active
        if choice is None or tracked is None:
            if self.isVisible():
                self.leave()
            return
        self._list_others(tracked, choice)
        choice = self.choice or choice
        self.other.setVisible(choice.command.has_other)
        self.scope.setVisible(choice.command.has_scope)
        self.new_id.setVisible(choice.command is Command.RENAME)
        planned = plan(self._session, tracked, choice)
        self._edit = planned.edit
        self.replaced.setVisible(planned.replaceable or choice.replace)
        text = planned.problem if self._edit is None else f"{self._edit.words[0].upper()}{self._edit.words[1:]}"
        self.words.setText(text)
        self.words.setStyleSheet("" if self._edit is not None else "color: #d55e00;")
        self.done.setEnabled(self._edit is not None)
        self.refreshed.emit()

    def _on_picked(self) -> None:
        self._picked = True

    def _list_others(self, tracked: TrackedVideo, choice: IdentityChoice) -> None:
        """List the other individuals, the nearest first; not again for another frame, so that the choice stays."""
        tracking = tracked.tracking
        if tracking is None or not choice.command.has_other:
            return
        kept = choice.other
        listed = (tracked, choice.id, type(choice.id), choice.command, tuple((type(one), one) for one in tracking))
        if listed == self._listed:
            return
        kept = kept if self._picked and self._listed[:3] == listed[:3] else None
        self._listed = listed
        gives = choice.command is not Command.SWAP
        self._others = others_nearby(tracking, choice.id, self._session.frame, absent_first=gives)
        texts = [named(other) for other in self._others]
        if choice.command is Command.ASSIGN:
            self._others.append(tracked.editor.unused_id(choice.id))
            texts.append(f"a new individual, {named(self._others[-1])}")
        blocker = QSignalBlocker(self.other)
        self.other.clear()
        self.other.addItems(texts)
        colors = tracked.colors
        for place, other in enumerate(self._others):
            if other in colors:
                self.other.setItemIcon(place, swatch(colors[other]))
        self.other.setCurrentIndex(self._others.index(kept) if kept is not None and kept in self._others else 0)
        blocker.unblock()

    def _show_choice(self, command: Command, scope: Scope) -> None:
        tracked = self._session.active
        blockers = [QSignalBlocker(box) for box in (self.command, self.scope, self.replaced, self.new_id)]
        self.command.setCurrentIndex(list(Command).index(command))
        self.scope.setCurrentIndex(list(Scope).index(scope))
        self.replaced.setChecked(False)
        if tracked is not None and tracked.current is not None:
            self.new_id.setText(editable_id(tracked.current, tracked.tracking or ()))
        for blocker in blockers:
            blocker.unblock()
        self.refresh()

    def _take_focus(self) -> None:
        if self.new_id.isVisible():
            self.new_id.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.new_id.selectAll()
        else:
            self.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _connect(self) -> None:
        self._links.connect(self._session.viewer.dims.events.current_step, self.refresh)
        self._links.connect(self._session.active_changed, self.leave)
        tracked = self._session.active
        if tracked is not None:
            for signal in (tracked.current_changed, tracked.span_changed, tracked.tracking_changed):
                self._links.connect(signal, self.refresh)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Choose by letters and digits; keys that mean nothing here go to napari."""
        if event is None:
            return
        text = event.text().upper()
        command = next((command for command, letter in _LETTERS.items() if letter == text), None)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.carry_out()
        elif event.key() == Qt.Key.Key_Escape:
            self.leave()
        elif command is not None:
            self.command.setCurrentIndex(list(Command).index(command))
            self._take_focus()
        elif text in "1234" and text:
            self.scope.setCurrentIndex(int(text) - 1)
        elif text == _NEXT:
            self.next_other()
        elif text == _REPLACE and self.replaced.isVisible():
            self.replaced.toggle()
        else:
            super().keyPressEvent(event)
