"""Figures of the scores in the Learn dock; loads matplotlib."""

from matplotlib.figure import Figure

from napari_i3d.errors import AnnotationError
from napari_i3d.learning import Evaluation
from napari_i3d.plots import plot_confusion, plot_learning_curve
from napari_i3d.plugin.plotting.plot_canvas import PlotCanvas

_INCH = 3.6, 4.6


class ScoresCanvas(PlotCanvas):
    """The learning curve above the confusion matrix.

    Parameters
    ----------
    theme
        Name of one of napari's themes.
    """

    def __init__(self, theme: str) -> None:
        super().__init__(theme, Figure(figsize=_INCH, layout="constrained"), (200, 160))

    def show_evaluation(self, evaluation: Evaluation) -> None:
        """Draw the figures."""
        self.clear()
        draw_scores(evaluation, self.figure)
        self._axes = self.figure.axes[0]
        self._paint()


def draw_scores(evaluation: Evaluation, figure: Figure) -> None:
    """Draw the learning curve, and the confusion matrix if behaviors are exclusive."""
    upper, lower = figure.subplots(2, 1)
    plot_learning_curve(evaluation, upper)
    try:
        plot_confusion(evaluation, lower)
    except AnnotationError:
        lower.remove()
