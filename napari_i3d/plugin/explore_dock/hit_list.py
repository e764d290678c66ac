"""List of similar moments, with thumbnails that are read in the background."""

from weakref import WeakKeyDictionary

import numpy as np
from napari.utils.notifications import show_error
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QListView, QListWidget, QListWidgetItem

from napari_i3d.errors import FeaturesError
from napari_i3d.explore import Hit, Span
from napari_i3d.individuals import Id, format_id
from napari_i3d.plugin.exploration import Exploration
from napari_i3d.plugin.jobs.explore_job import Thumbnail, run_thumbnails
from napari_i3d.plugin.jobs.job_results import Cancelled, Result
from napari_i3d.plugin.jobs.workers import StoppableWorker, Workers
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.session.tracked_video import TrackedVideo

_THUMBNAIL_PX = 72


class _Crops:
    """Crops read from one video; None if an individual has no crop in a frame."""

    def __init__(self, tracked: TrackedVideo) -> None:
        self._made_of = self._facts(tracked)
        self.icons: dict[tuple[Id, int], QIcon | None] = {}

    def are_of(self, tracked: TrackedVideo) -> bool:
        """Whether they were read from the current video and boxes."""
        return all(was is now for was, now in zip(self._made_of, self._facts(tracked), strict=True))

    @staticmethod
    def _facts(tracked: TrackedVideo) -> tuple[object, object, object]:
        return tracked.video, tracked.tracking, tracked.boxes_size


class HitList(QListWidget):
    """Lists hits with their crops; the viewer goes to the one that is selected.

    Parameters
    ----------
    exploration
        The viewer's exploration.
    workers
        Workers of the dock.

    Attributes
    ----------
    hits
        The hits listed.
    crops_read
        Signal, with the number of crops that were read and the number of all; both 0 when reading ends.
    """

    crops_read = Signal(int, int)

    def __init__(self, exploration: Exploration, workers: Workers) -> None:
        super().__init__()
        self._exploration = exploration
        self._workers = workers
        self._reader: StoppableWorker | None = None
        self._crops: WeakKeyDictionary[TrackedVideo, _Crops] = WeakKeyDictionary()
        self._read = 0
        self.hits: tuple[Hit, ...] = ()
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setIconSize(QSize(_THUMBNAIL_PX, _THUMBNAIL_PX))
        self.setMinimumHeight(_THUMBNAIL_PX + 60)
        self.currentRowChanged.connect(self._on_hit)
        self.itemClicked.connect(lambda item: self._on_hit(self.row(item)))

    def show_hits(self, hits: tuple[Hit, ...]) -> None:
        """List hits, without crops."""
        self._end_reader()
        self.hits = hits
        self.clear()
        empty = QPixmap(_THUMBNAIL_PX, _THUMBNAIL_PX)
        empty.fill(Qt.GlobalColor.transparent)
        for hit in hits:
            item = QListWidgetItem(QIcon(empty), self._caption(hit))
            item.setToolTip(f"{format_span(hit)}: cosine {hit.similarity:.3f}")
            self.addItem(item)
        self.setVisible(bool(hits))  # else the map has the room

    def read_crops(self) -> None:
        """Show the crops that are known, and read the others."""
        explored = self._exploration.explored
        if explored is None:
            return
        missing = []
        for number, hit in enumerate(self.hits):
            icons = self._crops_of(explored.owners[hit.video]).icons
            if _place_of(hit) in icons:
                self._set_icon(number, icons[_place_of(hit)])
            else:
                missing.append(hit)
        self._read = len(self.hits) - len(missing)
        if missing:
            self.crops_read.emit(self._read, len(self.hits))
            self._reader = self._workers.start(
                run_thumbnails,
                tuple(missing),
                explored.owners,
                on_end=self._on_read,
                on_progress=self._on_thumbnail,
            )

    def step(self, step: int) -> None:
        """Go to the next (1) or previous (-1) hit."""
        if self.hits:
            self.setCurrentRow((self.currentRow() + step) % len(self.hits))

    def _crops_of(self, tracked: TrackedVideo) -> _Crops:
        if tracked not in self._crops or not self._crops[tracked].are_of(tracked):
            self._crops[tracked] = _Crops(tracked)
        return self._crops[tracked]

    def _set_icon(self, number: int, icon: QIcon | None) -> None:
        item = self.item(number)
        if item is not None and icon is not None:
            item.setIcon(icon)

    def _caption(self, hit: Hit) -> str:
        """Return the video (if there are several), the individual, the frame and the cosine."""
        explored = self._exploration.explored
        lines = [hit.video] if explored is not None and len(explored.owners) > 1 else []
        if hit.individual != "":
            lines.append(format_id(hit.individual))
        return "\n".join([*lines, f"{hit.middle_frame} \u00b7 {hit.similarity:.2f}"])

    def _on_thumbnail(self, thumbnail: Thumbnail) -> None:
        explored, hit = self._exploration.explored, thumbnail.span
        if explored is None or self._reader is None or self._reader.stop.requested or hit not in self.hits:
            return
        icon = None if thumbnail.image is None else QIcon(_pixmap(thumbnail.image))
        self._crops_of(explored.owners[hit.video]).icons[_place_of(hit)] = icon
        self._set_icon(self.hits.index(hit), icon)
        self._read += 1
        self.crops_read.emit(self._read, len(self.hits))

    def _on_read(self, result: Result) -> None:
        if not isinstance(result, Cancelled):  # else another worker may read by now
            self._reader = None
            self.crops_read.emit(0, 0)

    def _end_reader(self) -> None:
        self.crops_read.emit(0, 0)
        if self._reader is not None:
            self._reader.quit()
            self._reader = None

    def _on_hit(self, number: int) -> None:
        if 0 <= number < len(self.hits):
            try:
                self._exploration.go_to(self.hits[number])
            except FeaturesError as error:
                show_error(dock_text(error))


def format_span(span: Span) -> str:
    """Return the individual and the frames of a span."""
    if span.first_frame == span.last_frame:
        return f"{span.name}, frame {span.middle_frame}"
    return f"{span.name}, frames {span.first_frame:g} to {span.last_frame:g}"


def _place_of(hit: Hit) -> tuple[Id, int]:
    return hit.individual, hit.middle_frame


def _pixmap(image: NDArray[np.uint8]) -> QPixmap:
    height, width, _ = image.shape
    qimage = QImage(np.ascontiguousarray(image).tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return QPixmap.fromImage(qimage).scaled(_THUMBNAIL_PX, _THUMBNAIL_PX, keep, smooth)
