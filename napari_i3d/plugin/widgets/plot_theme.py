"""Figures in the colours of napari's themes."""

from matplotlib.figure import Figure
from napari.utils.theme import get_theme

# Smaller than in a figure: docks are low.
_TITLE_PT, _TEXT_PT = 9, 8
CURSOR = "#ff4b3e"
"""Of the frame that is shown."""


def paint_figure(figure: Figure, theme: str) -> None:
    """Give a figure and all that is in it the colours of a theme, by its name."""
    colours = get_theme(theme)
    text, ground = colours.text.as_hex(format="long"), colours.background.as_hex(format="long")
    figure.set_facecolor(ground)
    for axes in figure.axes:
        axes.set_facecolor(ground)
        axes.set_title(axes.get_title(loc="left"), loc="left", color=text, fontsize=_TITLE_PT)
        for part in (axes, *axes.child_axes):
            part.tick_params(colors=text, which="both", labelsize=_TEXT_PT)
            for axis in (part.xaxis, part.yaxis):
                axis.label.set(color=text, fontsize=_TEXT_PT)
            for spine in part.spines.values():
                spine.set_color(colours.secondary.as_hex(format="long"))
        legend = axes.get_legend()
        for line in legend.get_texts() if legend is not None else ():
            line.set(color=text, fontsize=_TEXT_PT)
