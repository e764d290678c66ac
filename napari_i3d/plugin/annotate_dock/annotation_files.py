"""The File button of the Annotate dock: open, save and import labels."""

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QMenu, QToolButton

from napari_i3d.annotations.io.formats import READ
from napari_i3d.plugin.labels import label_saving
from napari_i3d.plugin.labels.label_opening import import_labels, open_labels, open_proposals
from napari_i3d.plugin.session.session import Session

_TIP = "Open, save and import labels"


def file_filter() -> str:
    """Return the filter of a dialog that opens files of labels of any format."""
    endings = sorted({ending for known in READ for ending in known.endings})
    return f"Labels ({' '.join(f'*{ending}' for ending in endings)});;All files (*)"


class FileButton(QToolButton):
    """A menu of what can be done with files of labels; a dot tells that there are unsaved labels.

    Parameters
    ----------
    session
        The viewer's session.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        menu = QMenu(self)
        self.open = menu.addAction("Open…", self._on_open)
        self.add = menu.addAction("Import into these labels…", self._on_import)
        menu.addSeparator()
        self.save = menu.addAction("Save", lambda: label_saving.save(session))
        self.save_as = menu.addAction("Save as…", lambda: label_saving.save_as(session))
        menu.addSeparator()
        self.propose = menu.addAction("Open as proposals…", self._on_propose)
        self.save_proposals = menu.addAction("Save proposals…", lambda: label_saving.save_proposals(session))
        self.setMenu(menu)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setStyleSheet("QToolButton::menu-indicator { image: none; }")  # it would lie over the dot
        self.refresh()

    def refresh(self) -> None:
        """Show whether the labels of the active video are saved."""
        tracked = self._session.active
        video = tracked is not None and tracked.video is not None
        unsaved = tracked is not None and not tracked.labels.editor.is_saved
        has_any = tracked is not None and bool(tracked.labels.editor.ethogram)
        proposed = tracked is not None and tracked.predictions.annotation is not None
        for action, enabled in (
            (self.open, video),
            (self.add, video),
            (self.save, has_any),
            (self.save_as, has_any),
            (self.propose, video),
            (self.save_proposals, proposed),
        ):
            if action is not None:
                action.setEnabled(enabled)
        self.setText("File • ▾" if unsaved else "File ▾")
        path = None if tracked is None else tracked.labels.path
        lines = [_TIP, "" if path is None else f"They are in {path}", "There are unsaved labels." if unsaved else ""]
        self.setToolTip("\n".join(line for line in lines if line))

    def _on_open(self) -> None:
        tracked, path = self._session.active, self._ask("Open labels")
        if path is not None and tracked is not None:
            open_labels(self._session, path, tracked)

    def _on_import(self) -> None:
        tracked, path = self._session.active, self._ask("Import labels")
        if path is not None and tracked is not None:
            import_labels(self._session, tracked, path)

    def _on_propose(self) -> None:
        tracked, path = self._session.active, self._ask("Open proposals")
        if path is not None and tracked is not None:
            open_proposals(self._session, tracked, path)

    def _ask(self, title: str) -> Path | None:
        tracked = self._session.active
        video = None if tracked is None else tracked.video
        folder = "" if video is None else str(video.path.parent)
        chosen, _ = QFileDialog.getOpenFileName(self, title, folder, file_filter())
        return Path(chosen) if chosen else None
