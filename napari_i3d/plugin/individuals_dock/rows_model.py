"""Base of the tables of the Individuals dock."""

import math
from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt


class RowsModel(QAbstractTableModel):
    """A Qt model whose rows are objects; subclasses override `data`.

    Parameters
    ----------
    headers
        Titles of the columns.
    parent
        Its owner.

    Attributes
    ----------
    rows
        The objects.
    """

    def __init__(self, headers: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._headers = headers
        self.rows: list[Any] = []

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802
        """Return the number of rows."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(self._headers)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the title of a column."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._headers[section]
        return None


def sortable(value: Any) -> tuple[int, float, str]:
    """Return what sorts as people do: 2 before 10, numbers before text, no number before all."""
    text = str(value)
    if isinstance(value, str) and not (text.isascii() and text.isdecimal()):
        return 1, 0.0, text.casefold()
    number = float(value)
    return 0, -1.0 if math.isnan(number) else number, text
