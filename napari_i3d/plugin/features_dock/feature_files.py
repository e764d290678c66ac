"""Buttons that load features from a file and save them, for the Plot dock."""

from pathlib import Path

from napari.utils.notifications import show_error, show_info
from psygnal import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from napari_i3d.errors import NapariI3DError
from napari_i3d.features.features import Features
from napari_i3d.features.io.output_format import output_paths
from napari_i3d.features.io.store import FACTS_NAME
from napari_i3d.plugin.features_dock.save_formats import OPEN_FILTER, SAVE_FORMATS, format_of
from napari_i3d.plugin.jobs.file_jobs import run_reading, run_saving
from napari_i3d.plugin.jobs.job_results import Done, Failed, Result
from napari_i3d.plugin.jobs.workers import Workers
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.widgets.dialogs import Reply, ask_replace
from napari_i3d.plugin.widgets.layouts import fill


class FeatureFiles(QWidget):
    """Loads features from a file, and saves those that are shown.

    Parameters
    ----------
    workers
        Workers of the dock.

    Attributes
    ----------
    load, save
        The buttons.
    saving
        The file that is being saved.
    loaded
        Signal, with the features of a file and its path.
    """

    loaded = Signal(object, object)

    def __init__(self, workers: Workers) -> None:
        super().__init__()
        self._workers = workers
        self._features: Features | None = None
        self._path: Path | None = None
        self._loading: Path | None = None
        self.saving: Path | None = None
        self.load = QPushButton("Load...")
        self.load.setToolTip("Show features of a file.")
        self.save = QPushButton("Save as...")
        self.save.setToolTip("Save these features to a file, for one of several programs.")
        fill(QHBoxLayout(self), self.load, self.save)
        self.load.clicked.connect(self._on_load)
        self.save.clicked.connect(self._on_save)

    def set_features(self, features: Features | None, path: Path | None) -> None:
        """Set the features to save, and the file that they are from."""
        self._features, self._path = features, path

    def _on_load(self) -> None:
        folder = self._path.parent if self._path is not None else Path()
        chosen, _ = QFileDialog.getOpenFileName(self, "Load features", str(folder), OPEN_FILTER)
        if chosen and self._loading is None:
            path = Path(chosen)
            self._loading = path.parent if path.name == FACTS_NAME else path  # of a store, a file dialog opens a file
            text = f"reading {self._loading.name}"
            self._workers.start(run_reading, self._loading, on_end=self._on_loaded, text=text)

    def _on_loaded(self, result: Result) -> None:
        path, self._loading = self._loading, None
        if isinstance(result, Failed):
            show_error(result.message)
        elif isinstance(result, Done):
            self.loaded.emit(result.value, path)

    def _on_save(self) -> None:
        if self._features is None:
            return
        place = self._path.with_suffix("") if self._path is not None else Path("features")
        filters = ";;".join(form.filter for form in SAVE_FORMATS)
        chosen, kind = QFileDialog.getSaveFileName(self, "Save features", str(place), filters)
        if not chosen:
            return
        form = format_of(kind)
        path = form.path(chosen)
        try:
            paths = output_paths(path, form.layout, list(self._features))
        except NapariI3DError as error:
            show_error(dock_text(error))
            return
        # The dialog has asked about the very name that was chosen.
        existing = [target for target in paths if target != Path(chosen) and target.exists()]
        if not existing or ask_replace(self, existing) is Reply.REPLACE:
            self.saving = path
            arguments = self._features, path, form.layout, form.metadata, form.store_dtype
            self._workers.start(run_saving, *arguments, on_end=self._on_saved, text=f"saving {path.name}")

    def _on_saved(self, result: Result) -> None:
        self.saving = None
        if isinstance(result, Failed):
            show_error(result.message)
        elif isinstance(result, Done):
            show_info(f"Saved {', '.join(path.name for path in result.value)} in {result.value[0].parent}.")
