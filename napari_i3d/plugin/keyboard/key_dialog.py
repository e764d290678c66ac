"""Dialog to change the keys of all actions."""

from app_model.backends.qt import qkeysequence2modelkeybinding
from napari.utils.notifications import show_error
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QKeySequenceEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin.keyboard.bindings import KeyBindings, change_keys, shown_key
from napari_i3d.plugin.keyboard.key_file import keys_path, parse_key
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.widgets.text_label import TextLabel

_SIZE_PX = (560, 520)
_HINT = "Double click on a key, then press the new one. Backspace or Delete takes it away, Escape keeps it."


class KeyDialog(QDialog):
    """Lists the actions with their keys; a key that something else has is refused.

    Parameters
    ----------
    parent
        The dock.
    bindings
        The keys of the viewer.
    """

    def __init__(self, parent: QWidget, bindings: KeyBindings) -> None:
        super().__init__(parent)
        self.setWindowTitle("Change keys")
        self.resize(*_SIZE_PX)
        self._bindings = bindings
        self.keys = {action.name: bindings.key(action.name) for action in self._bindings.actions}
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(["Action", "Key"])
        self.tree.setRootIsDecorated(False)
        self.items: dict[str, QTreeWidgetItem] = {}
        self.edit: KeyEdit | None = None
        self.message = TextLabel(_HINT)
        self.place = TextLabel(f"The keys are kept in {keys_path()}.")
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok
            | QDialogButtonBox.StandardButton.Cancel
            | QDialogButtonBox.StandardButton.RestoreDefaults
        )
        layout = QVBoxLayout(self)
        for widget in (self.tree, self.message, self.place, self.buttons):
            layout.addWidget(widget)
        self._fill()
        self.tree.itemDoubleClicked.connect(self._on_double_click)
        self.buttons.accepted.connect(self._on_accept)
        self.buttons.rejected.connect(self.reject)
        self.buttons.clicked.connect(self._on_button)

    def capture(self, name: str) -> "KeyEdit":
        """Let the user press a key for an action."""
        self.end_capture()
        self.edit = KeyEdit(self, name)
        self.tree.setItemWidget(self.items[name], 1, self.edit)
        self.edit.setFocus()
        self.message.setText(_HINT)
        return self.edit

    def choose(self, name: str, key: str) -> None:
        """Give an action a key, or none, unless something else has it."""
        self.end_capture()
        who = self._bindings.taken(key, self.keys, name)
        if who:
            self.message.setText(f"{shown_key(key)} is taken: {who}. '{self.items[name].text(0)}' keeps its key.")
            return
        self.keys[name] = key
        self.items[name].setText(1, shown_key(key))
        self.message.setText(_HINT)

    def end_capture(self) -> None:
        """Show the key of the action whose new one was to be pressed."""
        edit, self.edit = self.edit, None
        if edit is not None:
            self.tree.removeItemWidget(self.items[edit.name], 1)

    def _fill(self) -> None:
        groups: dict[str, QTreeWidgetItem] = {}
        for action in self._bindings.actions:
            if action.group not in groups:
                groups[action.group] = QTreeWidgetItem(self.tree, [action.group])
                groups[action.group].setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.items[action.name] = QTreeWidgetItem(groups[action.group], [action.text])
            self.items[action.name].setText(1, shown_key(self.keys[action.name]))
        self.tree.expandAll()
        header = self.tree.header()
        if header is not None:
            header.setStretchLastSection(False)
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
            header.resizeSection(1, 150)

    def _on_double_click(self, item: QTreeWidgetItem) -> None:
        name = next((name for name, known in self.items.items() if known is item), None)
        if name is not None:
            self.capture(name)

    def _on_button(self, button: object) -> None:
        if button is self.buttons.button(QDialogButtonBox.StandardButton.RestoreDefaults):
            self.end_capture()
            self.keys = dict(self._bindings.defaults)
            for name, item in self.items.items():
                item.setText(1, shown_key(self.keys[name]))

    def _on_accept(self) -> None:
        try:
            change_keys(self.keys)
        except NapariI3DError as error:
            show_error(dock_text(error))
        else:
            self.accept()


class KeyEdit(QKeySequenceEdit):
    """Takes the next key that is pressed.

    Parameters
    ----------
    dialog
        Gets the key.
    name
        The action that it is for.
    """

    def __init__(self, dialog: KeyDialog, name: str) -> None:
        super().__init__()
        self.name = name
        self._dialog = dialog

    def keyPressEvent(self, event) -> None:  # type: ignore[no-untyped-def]  # noqa: N802
        """Take a key."""
        key, modifiers = event.key(), event.modifiers()
        if key in (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr):
            return
        plain = modifiers == Qt.KeyboardModifier.NoModifier
        if plain and key == Qt.Key.Key_Escape:
            self._dialog.end_capture()
        elif plain and key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self._dialog.choose(self.name, "")
        else:
            binding = qkeysequence2modelkeybinding(QKeySequence(event.keyCombination()))
            text = str(binding)
            if parse_key(text) is None:
                self._dialog.end_capture()
                self._dialog.message.setText("This key cannot be used.")
            else:
                self._dialog.choose(self.name, text)
