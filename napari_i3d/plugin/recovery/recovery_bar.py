"""A bar above the canvas that offers corrections which a crashed session left."""

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QFrame, QHBoxLayout, QMainWindow, QMessageBox, QPushButton, QWidget

from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import TextLabel

_STYLE = "QFrame#recovery_bar { border: 1px solid #d8a22c; border-radius: 4px; }"


class RecoveryBar(QFrame):
    """A line of text with Restore, Discard and Later; it blocks nothing.

    Attributes
    ----------
    restored, discarded, postponed
        Signals of the buttons.
    """

    restored = Signal()
    discarded = Signal()
    postponed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("recovery_bar")
        self.setStyleSheet(_STYLE)
        self.text = TextLabel()
        self.restore = QPushButton("Restore")
        self.discard = QPushButton("Discard")
        self.later = QPushButton("Later")
        self.discard.setToolTip("Remove these corrections for good")
        self.later.setToolTip("Keep them, and ask when the video is opened again")
        fill(QHBoxLayout(self), self.text, self.restore, self.discard, self.later, grow=self.text)
        self.restore.clicked.connect(lambda: self.restored.emit())
        self.discard.clicked.connect(lambda: self.discarded.emit())
        self.later.clicked.connect(lambda: self.postponed.emit())

    def show_offer(self, text: str, can_restore: bool) -> None:
        """Show what was found, and whether it can be restored."""
        self.text.setText(text)
        self.restore.setVisible(can_restore)
        self.show_busy(False)

    def show_blocked(self, reason: str) -> None:
        """Disable Restore for a reason; enable it if that is empty."""
        self.restore.setEnabled(not reason)
        self.restore.setToolTip(reason or "Do these corrections again; each can be undone")

    def show_busy(self, busy: bool) -> None:
        """Disable all buttons while corrections are restored."""
        for button in (self.restore, self.discard, self.later):
            button.setDisabled(busy)


def ask_discard(parent: QWidget, text: str) -> bool:
    """Ask whether what was found shall be removed for good."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle("Discard for good?")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(f"{text}\n\nWhat is discarded cannot be restored any more.")
    discard = box.addButton("Discard", QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.exec()
    return box.clickedButton() is discard


def add_bar(window: QMainWindow, bar: RecoveryBar) -> QDockWidget:
    """Show a bar above all that a window holds."""
    dock = QDockWidget(window)
    dock.setObjectName("napari_i3d_recovery")
    dock.setTitleBarWidget(QWidget(dock))
    dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
    dock.setWidget(bar)
    window.addDockWidget(Qt.DockWidgetArea.TopDockWidgetArea, dock)
    return dock
