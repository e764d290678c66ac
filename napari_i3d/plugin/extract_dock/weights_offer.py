"""An offer to download weights, with their license."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QMessageBox, QPushButton, QVBoxLayout

from napari_i3d.backbones.pretrained import SOURCES, WeightsSource
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import TextLabel

_MEGABYTES = 112


class DownloadOffer(QFrame):
    """Shown if published weights are chosen that are not on this machine."""

    def __init__(self) -> None:
        super().__init__()
        self.text = TextLabel()
        self.button = QPushButton()
        fill(QVBoxLayout(self), self.text, self.button)
        self.hide()

    def show_for(self, name: str | None) -> None:
        """Offer the weights of a name; None: nothing to offer."""
        self.setVisible(name is not None)
        if name is not None:
            source = SOURCES[name]
            self.text.setText(f"These weights are published by others, under {source.license}; get them once:")
            self.button.setText(f"Download ({_MEGABYTES} MB, {source.license})")

    def license_accepted(self, source: WeightsSource) -> bool:
        """Show license and source, and ask."""
        box = QMessageBox(self)
        box.setWindowTitle("Download weights?")
        box.setTextFormat(Qt.TextFormat.RichText)
        box.setText(
            f"<p><b>{source.name}</b>, {_MEGABYTES} MB</p>"
            f"<p>License: <b>{source.license}</b>. You may not use them for commercial purposes.</p>"
            f"<p>Source: {source.page}<br>File: {source.url}</p>"
            f"<p>Please cite: {source.citation}</p>"
            f"<p>They are kept in {source.path.parent}.</p>"
        )
        box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        accept = box.addButton("Download", QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        return box.clickedButton() is accept
