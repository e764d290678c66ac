"""Search for moments similar to a frame or span; results with thumbnails."""

from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np
from napari.utils.notifications import show_error
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QListView,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_i3d._utils.text import counted
from napari_i3d.errors import FeaturesError
from napari_i3d.explore import Hit, SimilarMoments, Span
from napari_i3d.explore.retrieval import APART_S
from napari_i3d.individuals import Id, format_id
from napari_i3d.plugin.exploration import Exploration
from napari_i3d.plugin.jobs.explore_job import Thumbnail, run_similar, run_thumbnails
from napari_i3d.plugin.jobs.job_results import Cancelled, Done, Failed, Outcome
from napari_i3d.plugin.jobs.workers import StoppableWorker, WorkerGroup, start
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.text_label import LineLabel
from napari_i3d.tracking.tracklets import Tracking

_HITS = 24
_THUMBNAIL_PX = 72
_LONGEST_GAP_S = 3600.0


class _Crops:
    """Crops read from one video; None if an individual has no crop in a frame."""

    def __init__(self, tracked: TrackedVideo) -> None:
        self._made_of = self._facts(tracked)
        self.icons: dict[tuple[Id, int], QIcon | None] = {}

    def are_of(self, tracked: TrackedVideo) -> bool:
        """Whether they were read from the current video and boxes."""
        return all(was is now for was, now in zip(self._made_of, self._facts(tracked), strict=True))

    @staticmethod
    def _facts(tracked: TrackedVideo) -> tuple[object, Tracking | None, object]:
        return tracked.video, tracked.tracking, tracked.boxes_size


class SimilarPanel(QWidget):
    """Searches for moments similar to the current frame or a marked span, and lists them.

    Parameters
    ----------
    exploration
        The viewer's exploration.
    crew
        Workers of the dock, which end with it.
    query
        Returns the row of the current frame and individual; None if there is none.
    """

    def __init__(self, exploration: Exploration, crew: WorkerGroup, query: Callable[[], int | None]) -> None:
        super().__init__()
        self._exploration = exploration
        self._workers = crew
        self._query = query
        self._first: int | None = None  # rows of the table that the marked span begins and ends with
        self._last: int | None = None
        self._search: StoppableWorker | None = None
        self._sought: Span | None = None
        self._reader: StoppableWorker | None = None
        self._crops: WeakKeyDictionary[TrackedVideo, _Crops] = WeakKeyDictionary()
        self.hits: tuple[Hit, ...] = ()
        self.text = LineLabel()
        self.apart = QDoubleSpinBox()
        self.others_only = QCheckBox("other individuals only")
        self.progress = QProgressBar()
        self.search = QPushButton("Find similar")
        self.first = QPushButton("From here")
        self.last = QPushButton("To here")
        self.unmark = QPushButton("Unmark")
        self.previous = QPushButton("Previous")
        self.next = QPushButton("Next")
        self.list = QListWidget()
        self._build()
        self.search.clicked.connect(self._on_find)
        self.first.clicked.connect(self._on_first)
        self.last.clicked.connect(self._on_last)
        self.unmark.clicked.connect(self.clear_marks)
        self.previous.clicked.connect(lambda: self._step(-1))
        self.next.clicked.connect(lambda: self._step(1))
        self.list.currentRowChanged.connect(self._on_hit)
        self.list.itemClicked.connect(lambda item: self._on_hit(self.list.row(item)))
        self.clear()

    def _build(self) -> None:
        self.search.setToolTip("The moments most like this frame, or the marked span, over all individuals on the map.")
        self.first.setToolTip("Mark the current frame as the first of a span of this individual.")
        self.last.setToolTip("Mark the current frame as the last of the span.")
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setUniformItemSizes(True)
        self.list.setIconSize(QSize(_THUMBNAIL_PX, _THUMBNAIL_PX))
        self.list.setMinimumHeight(_THUMBNAIL_PX + 60)
        self.apart.setRange(0.0, _LONGEST_GAP_S)
        self.apart.setDecimals(1)
        self.apart.setValue(APART_S)
        self.apart.setSuffix(" s apart")
        self.apart.setToolTip(
            "Seconds between two moments of an individual, and to the one looked for: what is nearer is the same one."
        )
        self.others_only.setToolTip("Leave out the individual of the moment that is looked for.")
        self.progress.setFormat("crops: %v of %m")
        self.progress.hide()
        marks, ways, options = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        options.addWidget(self.apart)
        options.addWidget(self.others_only)
        options.addStretch(1)
        for button in (self.first, self.last, self.unmark, self.search):
            marks.addWidget(button)
        ways.addWidget(self.text, 1)
        for button in (self.previous, self.next):
            ways.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(marks)
        layout.addLayout(options)
        layout.addLayout(ways)
        layout.addWidget(self.progress)
        layout.addWidget(self.list, 1)

    def clear(self) -> None:
        """Remove marks and results, which belong to the previous map."""
        self._end_reader()
        if self._search is not None:
            self._search.quit()
        self._search = self._sought = None
        self._show_hits(())
        self.clear_marks()

    def clear_marks(self) -> None:
        """Remove the marked span."""
        self._first = self._last = None
        self.refresh()

    def refresh(self) -> None:
        """Show the moment that a search would use."""
        query = self.query_span()
        ready = self._exploration.explored is not None and self._query() is not None
        self.first.setEnabled(ready)
        self.last.setEnabled(ready)
        self.unmark.setEnabled(self._first is not None or self._last is not None)
        self.search.setEnabled(query is not None and self._search is None)
        if not self.hits and self._search is None:
            self.text.setText(self._half_marked() or ("" if query is None else _format(query)))

    def _half_marked(self) -> str:
        """Return the next step if only one end of a span is marked."""
        explored = self._exploration.explored
        if explored is None or (self._first is None) == (self._last is None):
            return ""
        row, other = (self._first, "To here") if self._first is not None else (self._last, "From here")
        return f"marked frame {explored.table.frames[row]:g}; go to the other end and press {other}"

    def query_span(self) -> Span | None:
        """Return the query: the marked span, else the current frame; None if there is neither."""
        explored = self._exploration.explored
        if explored is None:
            return None
        if self._first is not None and self._last is not None:
            return explored.table.span(self._first, self._last + 1)
        row = self._query()
        return None if row is None else explored.table.span(row)

    def _on_first(self) -> None:
        self._mark(self._query(), self._last)

    def _on_last(self) -> None:
        self._mark(self._first, self._query())

    def _mark(self, first: int | None, last: int | None) -> None:
        """Mark a span; an end that does not fit the new one is removed."""
        explored, fresh = self._exploration.explored, self._query()
        if explored is None:
            return
        if first is not None and last is not None:
            sequences = explored.table.sequence_of_row
            if first > last or sequences[first] != sequences[last]:
                first, last = (first, None) if fresh == first else (None, last)
        self._first, self._last = first, last
        self._show_hits(())
        self.refresh()

    def _on_find(self) -> None:
        explored, query = self._exploration.explored, self.query_span()
        if explored is None or query is None:
            return
        self._end_reader()
        self._sought = query
        self.search.setEnabled(False)
        self.text.setText("looking ...")
        self._search = self._workers.add(
            start(
                run_similar,
                explored.table,
                query,
                _HITS,
                self.apart.value(),
                self.others_only.isChecked(),
                text=None,
                on_outcome=self._on_found,
            )
        )

    def _on_found(self, outcome: Outcome) -> None:
        if isinstance(outcome, Cancelled) or (isinstance(outcome, Done) and outcome.value.query != self._sought):
            return  # of a map that is gone
        self._search = self._sought = None
        if isinstance(outcome, Failed):
            self.refresh()
            show_error(outcome.message)
        else:
            self._list(outcome.value)
            self.refresh()

    def _list(self, found: SimilarMoments) -> None:
        """List hits, and begin to read their crops."""
        self._show_hits(found.hits)
        self.text.setText(
            f"{counted(len(found.hits), 'moment')} like {_format(found.query)}" if found.hits else "none found"
        )
        explored = self._exploration.explored
        if explored is None:
            return
        missing = []
        for number, hit in enumerate(found.hits):
            if _place_of(hit) in self._crops_of(hit).icons:
                self._set_icon(number, self._crops_of(hit).icons[_place_of(hit)])
            else:
                missing.append(hit)
        if missing:
            self.progress.setRange(0, len(found.hits))
            self.progress.setValue(len(found.hits) - len(missing))
            self.progress.show()
            self._reader = self._workers.add(
                start(
                    run_thumbnails,
                    tuple(missing),
                    explored.owners,
                    text=None,
                    on_outcome=self._on_read,
                    on_record=self._on_thumbnail,
                )
            )

    def _crops_of(self, hit: Hit) -> _Crops:
        """Return the crops kept of the video of a hit."""
        explored = self._exploration.explored
        if explored is None:
            raise FeaturesError("nothing is explored: compute a map first")
        tracked = explored.owners[hit.video]
        if tracked not in self._crops or not self._crops[tracked].are_of(tracked):
            self._crops[tracked] = _Crops(tracked)
        return self._crops[tracked]

    def _set_icon(self, number: int, icon: QIcon | None) -> None:
        item = self.list.item(number)
        if item is not None and icon is not None:
            item.setIcon(icon)

    def _show_hits(self, hits: tuple[Hit, ...]) -> None:
        self.hits = hits
        self.list.clear()
        empty = QPixmap(_THUMBNAIL_PX, _THUMBNAIL_PX)
        empty.fill(Qt.GlobalColor.transparent)
        for hit in hits:
            item = QListWidgetItem(QIcon(empty), self._caption(hit))
            item.setToolTip(f"{hit.name}, {_frames(hit)}: cosine {hit.similarity:.3f}")
            self.list.addItem(item)
        self.list.setVisible(bool(hits))  # else the map has the room
        for button in (self.previous, self.next):
            button.setEnabled(bool(hits))

    def _caption(self, hit: Hit) -> str:
        """Return the video (if there are several), the individual, the frame and the cosine."""
        explored = self._exploration.explored
        lines = [hit.video] if explored is not None and len(explored.owners) > 1 else []
        if hit.individual != "":
            lines.append(format_id(hit.individual))
        return "\n".join([*lines, f"{hit.middle_frame} \u00b7 {hit.similarity:.2f}"])

    def _on_thumbnail(self, thumbnail: Thumbnail) -> None:
        if self._reader is None or self._reader.stop.asked or thumbnail.span not in self.hits:
            return
        icon = None if thumbnail.image is None else QIcon(_pixmap(thumbnail.image))
        self._crops_of(thumbnail.span).icons[_place_of(thumbnail.span)] = icon
        self._set_icon(self.hits.index(thumbnail.span), icon)
        self.progress.setValue(self.progress.value() + 1)

    def _on_read(self, outcome: Outcome) -> None:
        if isinstance(outcome, Cancelled):
            return  # another one may read by now
        self._reader = None
        self.progress.hide()

    def _end_reader(self) -> None:
        self.progress.hide()
        if self._reader is not None:
            self._reader.quit()
            self._reader = None

    def _step(self, step: int) -> None:
        if self.hits:
            self.list.setCurrentRow((self.list.currentRow() + step) % len(self.hits))

    def _on_hit(self, number: int) -> None:
        if 0 <= number < len(self.hits):
            try:
                self._exploration.go_to(self.hits[number])
            except FeaturesError as error:
                show_error(str(error))


def _place_of(hit: Hit) -> tuple[Id, int]:
    return hit.individual, hit.middle_frame


def _format(span: Span) -> str:
    return f"{span.name}, {_frames(span)}"


def _frames(span: Span) -> str:
    if span.first_frame == span.last_frame:
        return f"frame {span.middle_frame}"
    return f"frames {span.first_frame:g} to {span.last_frame:g}"


def _pixmap(image: NDArray[np.uint8]) -> QPixmap:
    height, width, _ = image.shape
    qimage = QImage(np.ascontiguousarray(image).tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(qimage).scaled(
        _THUMBNAIL_PX,
        _THUMBNAIL_PX,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
