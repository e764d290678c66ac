"""Search for moments similar to a frame or a marked span."""

from napari.utils.notifications import show_error
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_i3d._utils.text import counted
from napari_i3d.explore import Hit, Span
from napari_i3d.explore.retrieval import APART_S
from napari_i3d.plugin.exploration import Exploration
from napari_i3d.plugin.explore_dock.hit_list import HitList, format_span
from napari_i3d.plugin.jobs.explore_job import run_similar
from napari_i3d.plugin.jobs.job_results import Cancelled, Done, Failed, Result
from napari_i3d.plugin.jobs.workers import StoppableWorker, Workers
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import LineLabel

_HITS = 24
_LONGEST_GAP_S = 3600.0


class SimilarPanel(QWidget):
    """Searches for moments similar to the current frame or a marked span, and lists them.

    Parameters
    ----------
    exploration
        The viewer's exploration.
    workers
        Workers of the dock.
    """

    def __init__(self, exploration: Exploration, workers: Workers) -> None:
        super().__init__()
        self._exploration = exploration
        self._workers = workers
        self._first: int | None = None  # rows of the table that the marked span begins and ends with
        self._last: int | None = None
        self._search: StoppableWorker | None = None
        self._query: Span | None = None  # of the search that runs
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
        self.list = HitList(exploration, workers)
        self._build()
        self.search.clicked.connect(self._on_find)
        self.first.clicked.connect(lambda: self._mark(self._exploration.current_row(), self._last))
        self.last.clicked.connect(lambda: self._mark(self._first, self._exploration.current_row()))
        self.unmark.clicked.connect(self.clear_marks)
        self.previous.clicked.connect(lambda: self.list.step(-1))
        self.next.clicked.connect(lambda: self.list.step(1))
        self.list.crops_read.connect(self._on_crops_read)
        self.clear()

    def _build(self) -> None:
        self.search.setToolTip("The moments most like this frame, or the marked span, over all individuals on the map.")
        self.first.setToolTip("Mark the current frame as the first of a span of this individual.")
        self.last.setToolTip("Mark the current frame as the last of the span.")
        self.apart.setRange(0.0, _LONGEST_GAP_S)
        self.apart.setDecimals(1)
        self.apart.setValue(APART_S)
        self.apart.setSuffix(" s apart")
        self.apart.setToolTip("Least time between two moments of an individual, and from the one searched for.")
        self.others_only.setToolTip("Leave out the individual of the moment searched for.")
        self.progress.setFormat("crops: %v of %m")
        marks = fill(QHBoxLayout(), self.first, self.last, self.unmark, self.search)
        options = fill(QHBoxLayout(), self.apart, self.others_only, None)
        steps = fill(QHBoxLayout(), self.text, self.previous, self.next, grow=self.text)
        fill(QVBoxLayout(self), marks, options, steps, self.progress, self.list, grow=self.list)

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The hits listed."""
        return self.list.hits

    def clear(self) -> None:
        """Remove marks and results, which belong to the previous map."""
        if self._search is not None:
            self._search.quit()
        self._search = self._query = None
        self._show_hits(())
        self.clear_marks()

    def clear_marks(self) -> None:
        """Remove the marked span."""
        self._first = self._last = None
        self.refresh()

    def refresh(self) -> None:
        """Show the moment that a search would use."""
        query = self.query_span()
        ready = self._exploration.current_row() is not None
        self.first.setEnabled(ready)
        self.last.setEnabled(ready)
        self.unmark.setEnabled(self._first is not None or self._last is not None)
        self.search.setEnabled(query is not None and self._search is None)
        if not self.hits and self._search is None:
            self.text.setText(self._half_marked() or ("" if query is None else format_span(query)))

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
        row = self._exploration.current_row()
        return None if row is None else explored.table.span(row)

    def _mark(self, first: int | None, last: int | None) -> None:
        """Mark a span; an end that does not fit the new one is removed."""
        explored, fresh = self._exploration.explored, self._exploration.current_row()
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
        self._query = query
        self.search.setEnabled(False)
        self.text.setText("searching ...")
        arguments = explored.table, query, _HITS, self.apart.value(), self.others_only.isChecked()
        self._search = self._workers.start(run_similar, *arguments, on_end=self._on_found)

    def _on_found(self, result: Result) -> None:
        if isinstance(result, Cancelled) or (isinstance(result, Done) and result.value.query != self._query):
            return  # of a map that is gone
        self._search = self._query = None
        if isinstance(result, Failed):
            show_error(result.message)
        else:
            found = result.value
            self._show_hits(found.hits)
            what = counted(len(found.hits), "moment")
            self.text.setText(f"{what} like {format_span(found.query)}" if found.hits else "none found")
            self.list.read_crops()
        self.refresh()

    def _show_hits(self, hits: tuple[Hit, ...]) -> None:
        self.list.show_hits(hits)
        for button in (self.previous, self.next):
            button.setEnabled(bool(hits))

    def _on_crops_read(self, read: int, total: int) -> None:
        self.progress.setVisible(read < total)
        self.progress.setRange(0, total)
        self.progress.setValue(read)
