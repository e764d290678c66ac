"""The behaviors of a video as rows of a table."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from qtpy.QtGui import QBrush, QColor, QFont, QIcon, QImage, QPixmap

from napari_i3d._utils.colors import hatch_color, pack
from napari_i3d._utils.pixels import hatch_pattern
from napari_i3d._utils.text import counted
from napari_i3d.annotations.ethogram import Behavior
from napari_i3d.individuals import format_id
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.timeline.lanes import HATCHES

RUNNING_COLOR = "#d55e00"
"""Ground of behaviors whose bouts are open."""
_SWATCH_PX = (16, 14)
_Index = QModelIndex | None


class Column(IntEnum):
    """Columns of the table."""

    KEY = 0
    NAME = 1
    PARALLEL = 2
    AMOUNT = 3
    MENU = 4


@dataclass(frozen=True)
class BehaviorRow:
    """A behavior, its look, and how much of it the labelled individual shows.

    Attributes
    ----------
    behavior
        The behavior.
    color, hatch
        As in `Ethogram.style_of`.
    n_bouts
        Number of bouts of the labelled individual.
    seconds
        Their length; None if the frame rate is not known.
    is_open
        Whether a bout of it has begun and not ended.
    """

    behavior: Behavior
    color: str
    hatch: int
    n_bouts: int
    seconds: float | None
    is_open: bool

    @property
    def amount(self) -> str:
        """The number of bouts and their length, short."""
        if not self.n_bouts:
            return ""
        return f"{self.n_bouts}×" if self.seconds is None else f"{self.n_bouts}×  {_short_time(self.seconds)}"


def rows_of(tracked: TrackedVideo) -> list[BehaviorRow]:
    """Return the behaviors of a video, in their order."""
    labels = tracked.labels
    ethogram, individual = labels.editor.ethogram, tracked.labelled
    counts, frames = dict.fromkeys(ethogram, 0), dict.fromkeys(ethogram, 0)
    for bout in labels.editor.bouts_of(individual):
        counts[bout.behavior] += 1
        frames[bout.behavior] += len(bout)
    fps = tracked.video.fps if tracked.video is not None else None
    opened = {bout.behavior for bout in labels.open_bouts.bouts if bout.individual == individual}
    return [
        BehaviorRow(
            behavior,
            *ethogram.style_of(index),
            counts[behavior.name],
            frames[behavior.name] / fps if fps else None,
            behavior.name in opened,
        )
        for index, behavior in enumerate(ethogram.values())
    ]


class BehaviorsModel(QAbstractTableModel):
    """Rows of behaviors; see `show_rows`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[BehaviorRow] = []
        self._who = ""

    @property
    def rows(self) -> list[BehaviorRow]:
        """The rows."""
        return self._rows

    def show_rows(self, rows: list[BehaviorRow], who: str) -> None:
        """Show rows, in which bouts of one individual are counted."""
        before, self._who = self._rows, who
        if [row.behavior.name for row in rows] == [row.behavior.name for row in before]:
            self._rows = rows
            if rows != before:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(Column) - 1))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def rowCount(self, parent: _Index = None) -> int:  # noqa: N802
        """Return the number of behaviors."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = None) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(Column)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows; running behaviors stand out."""
        row, column = self._rows[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return {
                Column.KEY: row.behavior.key,
                Column.NAME: f"● {row.behavior.name}" if row.is_open else row.behavior.name,
                Column.PARALLEL: "" if row.behavior.exclusive else "∥",
                Column.AMOUNT: row.amount,
                Column.MENU: "⋯",
            }[column]
        if role == Qt.ItemDataRole.DecorationRole and column is Column.KEY:
            return hatched_swatch(row.color, row.hatch)
        if role == Qt.ItemDataRole.ToolTipRole:
            return "Change this behavior" if column is Column.MENU else self._tip(row)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (Column.AMOUNT, Column.MENU, Column.PARALLEL):
            right = column is Column.AMOUNT
            side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignHCenter
            return side | Qt.AlignmentFlag.AlignVCenter
        if row.is_open and role == Qt.ItemDataRole.BackgroundRole:
            return QBrush(QColor(RUNNING_COLOR))
        if row.is_open and role == Qt.ItemDataRole.ForegroundRole:
            return QBrush(QColor("white"))
        if row.is_open and role == Qt.ItemDataRole.FontRole:
            font = QFont()
            font.setBold(True)
            return font
        return None

    def _tip(self, row: BehaviorRow) -> str:
        behavior = row.behavior
        action = "Click: end the bout in this frame" if row.is_open else "Click: begin a bout in this frame"
        key = f" (key {behavior.key} while labelling)" if behavior.key else ""
        length = "" if row.seconds is None else f", {row.seconds:.1f} s"
        lines = [
            behavior.name,
            behavior.description,
            f"{counted(row.n_bouts, 'bout')} of {self._who}{length}",
            "" if behavior.exclusive else "∥ may be shown together with other behaviors",
            action + key,
        ]
        return "\n".join(line for line in lines if line)


def hatched_swatch(color: str, hatch: int) -> QIcon:
    """Return a rectangle of the color and the hatch that the behavior has on the time line."""
    width, height = _SWATCH_PX
    pixels = np.full((height, width), pack(color), np.uint32)
    if hatch % HATCHES:
        pattern = hatch_pattern(hatch % HATCHES, np.arange(width), 1.0)
        covered = np.tile(pattern, (-(-height // len(pattern)), 1))[:height]
        pixels[covered] = pack(hatch_color(color))
    image = QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGB32)
    pixmap = QPixmap.fromImage(image.copy())
    icon = QIcon(pixmap)
    for mode in (QIcon.Mode.Selected, QIcon.Mode.Disabled):
        icon.addPixmap(pixmap, mode)
    return icon


def individual_name(tracked: TrackedVideo) -> str:
    """Return the name of the labelled individual."""
    return format_id(tracked.labelled)


def _short_time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
