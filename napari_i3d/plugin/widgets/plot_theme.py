"""Figures in the colors of napari's themes."""

from typing import Any

from matplotlib.figure import Figure
from napari.utils.theme import get_theme
from qtpy.QtWidgets import QSizePolicy

# Smaller than in a figure: docks are low.
_TITLE_PT, _TEXT_PT = 9, 8
CURSOR = "#ff4b3e"
"""Of the frame that is shown."""


def fill_room(native: Any, least_px: tuple[int, int]) -> None:
    """Let a canvas take the room that there is; its own size hint is the size it has, so that it could only grow."""
    native.setMinimumSize(*least_px)
    native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)


def paint_figure(figure: Figure, theme: str) -> None:
    """Give a figure and all that is in it the colors of a theme, by its name."""
    colors = get_theme(theme)
    text, ground = colors.text.as_hex(format="long"), colors.background.as_hex(format="long")
    figure.set_facecolor(ground)
    for axes in figure.axes:
        axes.set_facecolor(ground)
        axes.set_title(axes.get_title(loc="left"), loc="left", color=text, fontsize=_TITLE_PT)
        for part in (axes, *axes.child_axes):
            part.tick_params(colors=text, which="both", labelsize=_TEXT_PT)
            for axis in (part.xaxis, part.yaxis):
                axis.label.set(color=text, fontsize=_TEXT_PT)
            for spine in part.spines.values():
                spine.set_color(colors.secondary.as_hex(format="long"))
        legend = axes.get_legend()
        for line in legend.get_texts() if legend is not None else ():
            line.set(color=text, fontsize=_TEXT_PT)
