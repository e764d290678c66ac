"""Figures of the scores in the Learn dock; loads matplotlib."""

from matplotlib.figure import Figure

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
        upper, *lower = self.figure.subplots(2 if evaluation.confusion else 1, 1, squeeze=False)[:, 0]
        plot_learning_curve(evaluation, upper)
        upper.set_ylabel("macro F1")  # the line above the table says what was held back
        for axes in lower:
            plot_confusion(evaluation, axes)
        self._axes = upper
        self._paint()
