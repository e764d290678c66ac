"""The table of individuals as Qt models: rows are individuals, two columns are tick boxes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QModelIndex, QObject, Qt

from napari_i3d.individuals import Id, named
from napari_i3d.plugin.individuals_dock.rows_model import RowsModel
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.swatch import swatch
from napari_i3d.tracking.editing.scopes import editable_id, parse_id
from napari_i3d.tracking.editing.tracking_change import TrackingChange
from napari_i3d.tracking.tracklets import Tracklet

_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_CENTER = int(Qt.AlignmentFlag.AlignCenter)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

ID_ROLE = Qt.ItemDataRole.UserRole
SORT_ROLE = Qt.ItemDataRole.UserRole + 1


class Column(IntEnum):
    """Columns of the table."""

    SHOW = 0
    EXTRACT = 1
    ID = 2
    FIRST = 3
    LAST = 4
    LENGTH = 5
    SIZE = 6
    PROBLEMS = 7


TICKS = (Column.SHOW, Column.EXTRACT)
HEADERS = ("Show", "Extract", "Id", "First", "Last", "Frames", "Box", "Problems")
_HINTS = (
    "Whether the box is drawn. The tick box here is for all rows that are listed.",
    "Whether features are extracted. The tick box here is for all rows that are listed.",
    "As in the tracking file.",
    "The first frame that has a box.",
    "The last frame that has a box.",
    "Frames from the first to the last box.",
    "Mean width x height of the boxes, in pixels.",
    "What the checks of the tracking found; see the list below.",
)


@dataclass(frozen=True)
class Row:
    """A row of the table: one individual.

    Parameters
    ----------
    id, color
        The individual and its color, ``#rrggbb``.
    first, last
        Video frames, inclusive.
    width_px, height_px
        Means over all boxes with finite sides; NaN if there is none.
    """

    id: Id
    color: str
    first: int
    last: int
    width_px: float
    height_px: float

    @property
    def length(self) -> int:
        """Number of frames from the first to the last."""
        return self.last - self.first + 1

    @property
    def size(self) -> str:
        """Mean size as text."""
        return "" if np.isnan(self.width_px) else f"{self.width_px:.0f} x {self.height_px:.0f}"


def rows_of(tracked: TrackedVideo | None) -> list[Row]:
    """Return a row for each individual of a video, in the order of the file."""
    if tracked is None or tracked.tracking is None:
        return []
    colors = tracked.colors
    return [_row(tracklet, colors[individual]) for individual, tracklet in tracked.tracking.items()]


def _row(tracklet: Tracklet, color: str) -> Row:
    left, upper, right, lower = tracklet.boxes.T
    with np.errstate(invalid="ignore"):  # sides may be infinite
        sides = [right - left, lower - upper]
    finite = np.isfinite(sides[0]) & np.isfinite(sides[1])
    means = [float(side[finite].mean()) if finite.any() else np.nan for side in sides]
    return Row(tracklet.id, color, tracklet.start, tracklet.stop - 1, *means)


class IndividualsModel(RowsModel):
    """The individuals of one tracked video; ticks are read from and written to the video's `shown` and `chosen`.

    Attributes
    ----------
    id_typed
        Signal (individual, id): the user typed another id for an individual.
    """

    id_typed = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(HEADERS, parent)
        self._tracked: TrackedVideo | None = None
        self._problems: Counter[Id] = Counter()  # number for each individual
        self._places: dict[Id, int] = {}

    def set_tracked(self, tracked: TrackedVideo | None) -> None:
        """Show another video, or the same one with other tracking."""
        self.beginResetModel()
        self._tracked = tracked
        self.rows = rows_of(tracked)
        self._places = {row.id: place for place, row in enumerate(self.rows)}
        self._count_problems()
        self.endResetModel()

    def follow(self, change: TrackingChange) -> None:
        """Show what a correction changed; other rows stay."""
        if self._tracked is None or self._tracked.tracking is None:
            return
        tracking, colors = self._tracked.tracking, self._tracked.colors
        for place in reversed([place for place, row in enumerate(self.rows) if row.id in change.removed]):
            self.beginRemoveRows(QModelIndex(), place, place)
            del self.rows[place]
            self.endRemoveRows()
        self.rows = [replace(row, id=change.renamed.get(row.id, row.id)) for row in self.rows]
        for place, (individual, tracklet) in enumerate(tracking.items()):
            if place == len(self.rows) or self.rows[place].id != individual:
                self.beginInsertRows(QModelIndex(), place, place)
                self.rows.insert(place, _row(tracklet, colors[individual]))
                self.endInsertRows()
            elif individual in change.ranges:
                self.rows[place] = _row(tracklet, colors[individual])
                self.dataChanged.emit(self.index(place, 0), self.index(place, len(HEADERS) - 1))
        self._places = {row.id: place for place, row in enumerate(self.rows)}
        self.problems_changed()

    def ticks_changed(self) -> None:
        """Update the ticks."""
        if self.rows:
            self.dataChanged.emit(self.index(0, Column.SHOW), self.index(len(self.rows) - 1, Column.EXTRACT))
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, Column.SHOW, Column.EXTRACT)

    def problems_changed(self) -> None:
        """Update the numbers of problems."""
        self._count_problems()
        if self.rows:
            self.dataChanged.emit(self.index(0, Column.PROBLEMS), self.index(len(self.rows) - 1, Column.PROBLEMS))

    def _count_problems(self) -> None:
        self._problems = Counter(problem.id for problem in (self._tracked.problems_left if self._tracked else ()))

    def place(self, individual: Id | None) -> int | None:
        """Return the row of an individual."""
        return None if individual is None else self._places.get(individual)

    def individual(self, place: int) -> Id:
        """Return the individual of a row."""
        individual: Id = self.rows[place].id
        return individual

    def ticked(self, column: int) -> frozenset[Id]:
        """Return the individuals whose box is ticked in a column."""
        if self._tracked is None:
            return frozenset()
        return self._tracked.shown if column == Column.SHOW else self._tracked.chosen

    def tick(self, column: int, individuals: Iterable[Id], on: bool) -> None:
        """Tick or untick the boxes of some individuals in a column, all at once."""
        if self._tracked is None:
            return
        ticked = self.ticked(column) | frozenset(individuals) if on else self.ticked(column) - frozenset(individuals)
        if column == Column.SHOW:
            self._tracked.shown = ticked
        else:
            self._tracked.chosen = ticked

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Return what can be done with a cell."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.column() == Column.ID:
            return flags | Qt.ItemFlag.ItemIsEditable
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() in TICKS else flags

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        """Pass on the id that the user typed; the row follows the correction."""
        if role != Qt.ItemDataRole.EditRole or index.column() != Column.ID or self._tracked is None:
            return False
        individual, ids = self.individual(index.row()), self._tracked.tracking or ()
        if value == editable_id(individual, ids):
            return False
        self.id_typed.emit(individual, parse_id(value, ids))
        return True

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the title of a column, and what it means."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.ToolTipRole:
            return _HINTS[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            if section in TICKS:
                return _CENTER  # the tick box for all rows stands at the left
            return _LEFT if section == Column.ID else _RIGHT
        return super().headerData(section, orientation, role)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the text, tick, color, alignment or value for sorting of a cell."""
        row: Row = self.rows[index.row()]
        column = index.column()
        if role == ID_ROLE:
            return row.id
        if role == SORT_ROLE:
            return self._value(row, column)
        if role == Qt.ItemDataRole.CheckStateRole and column in TICKS:
            return Qt.CheckState.Checked if row.id in self.ticked(column) else Qt.CheckState.Unchecked
        if column in TICKS:
            return None
        if role == Qt.ItemDataRole.EditRole:
            return editable_id(row.id, self._places)
        if role == Qt.ItemDataRole.DisplayRole:
            if column == Column.SIZE:
                return row.size
            if column == Column.ID:
                return named(row.id) if self._is_twice(row.id) else str(row.id)
            number = self._value(row, column)
            return "" if column == Column.PROBLEMS and not number else str(number)
        if role == Qt.ItemDataRole.DecorationRole and column == Column.ID:
            return swatch(row.color)
        if role == Qt.ItemDataRole.TextAlignmentRole and column > Column.ID:
            return _RIGHT
        if role == Qt.ItemDataRole.ToolTipRole and column == Column.ID:
            return f"{row.id}: frames {row.first} to {row.last}. Double click goes to the first; F2 renames it."
        return None

    def _is_twice(self, individual: Id) -> bool:
        """Return whether a number and a text are written alike."""
        other: Id = str(individual)
        if isinstance(individual, str):
            other = int(individual) if individual.isascii() and individual.isdecimal() else individual
        return type(other) is not type(individual) and other in self._places

    def _value(self, row: Row, column: int) -> Any:
        if column in TICKS:
            return int(row.id in self.ticked(column))
        return {
            Column.ID: row.id,
            Column.FIRST: row.first,
            Column.LAST: row.last,
            Column.LENGTH: row.length,
            Column.SIZE: row.width_px * row.height_px,
            Column.PROBLEMS: self._problems[row.id],
        }[Column(column)]
