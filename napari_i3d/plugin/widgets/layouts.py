"""Filling of Qt's layouts."""

from typing import TypeVar

from qtpy.QtWidgets import QBoxLayout, QLayout, QWidget

L = TypeVar("L", bound=QBoxLayout)


def fill(layout: L, *items: QWidget | QLayout | None, grow: QWidget | QLayout | None = None) -> L:
    """Remove the margins of a layout and add items to it.

    Parameters
    ----------
    layout
        A row or column.
    *items
        Widgets and layouts in their order; None is empty space that grows.
    grow
        The one of the items that takes the room that the others leave.

    Returns
    -------
    QBoxLayout
        The same layout.
    """
    layout.setContentsMargins(0, 0, 0, 0)
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, QLayout):
            layout.addLayout(item, int(item is grow))
        else:
            layout.addWidget(item, int(item is grow))
    return layout
