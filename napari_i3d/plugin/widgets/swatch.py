"""A small square of a color, the sign of an individual in lists and menus."""

from qtpy.QtGui import QColor, QIcon, QPixmap

_SIDE_PX = 12


def swatch(color: str) -> QIcon:
    """Return a square of a color, ``#rrggbb``."""
    pixmap = QPixmap(_SIDE_PX, _SIDE_PX)
    pixmap.fill(QColor(color))
    icon = QIcon(pixmap)
    # Otherwise Qt blends in the selection color, and takes the color away where an entry is disabled.
    for mode in (QIcon.Mode.Selected, QIcon.Mode.Disabled):
        icon.addPixmap(pixmap, mode)
    return icon
