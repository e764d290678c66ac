"""Honest scores of a probe: table, sentences, and figures."""

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QApplication, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_i3d._utils.files import atomic_writer
from napari_i3d.learning import Evaluation
from napari_i3d.plugin.label_statistics.number_table import Cell, NumberTable
from napari_i3d.plugin.learning.learned import Scores
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.save_as import FIGURE, TABLE, save_as
from napari_i3d.plugin.widgets.text_label import TextLabel

if TYPE_CHECKING:
    from napari_i3d.plugin.learn_dock.scores_canvas import ScoresCanvas

_COLUMNS = (
    ("behavior", "What; below, the mean of all, and what chance gives"),
    ("frame F1", "F1 of the frames that show it, 0 to 1, in what was held back"),
    ("bouts", "Labelled bouts; with few, a score says little"),
)
_BEFORE = (
    "How well does a probe find the behaviors in videos, individuals or bouts that it was not trained on? "
    "Evaluate holds them back in turn."
)
_TEXT = "Text (*.txt)"
_TABLE_PX, _FIGURE_PX = 150, 430
_NO_ESTIMATE = (
    "Nobody knows yet how good the probe is in the rest of the videos: label the stretches that are marked random, "
    "throughout."
)


class ScoresPanel(QWidget):
    """Shows an evaluation.

    Parameters
    ----------
    theme
        Name of one of napari's themes.

    Attributes
    ----------
    evaluate
        The button that starts one.
    scores
        What is shown; None: nothing yet.
    """

    def __init__(self, theme: str) -> None:
        super().__init__()
        self._theme = theme
        self.scores: Scores | None = None
        self._outdated = False
        self.evaluate = QPushButton("Evaluate")
        self.copy, self.save = QPushButton("Copy"), QPushButton("Save…")
        self.copy.setToolTip("Copy the scores as text")
        self.save.setToolTip("Save the scores as text or table, or the figures")
        self.title, self.text = TextLabel(_BEFORE), TextLabel()
        self.table = NumberTable(_COLUMNS, sortable=False)
        self.table.setMinimumHeight(_TABLE_PX)
        self.canvas: ScoresCanvas | None = None
        self._figures = QVBoxLayout()
        tools = fill(QHBoxLayout(), self.evaluate, self.copy, self.save)
        fill(QVBoxLayout(self), tools, self.title, self.table, self.text, self._figures, None)
        for widget in (self.table, self.text):
            widget.hide()
        for button in (self.copy, self.save):
            button.setEnabled(False)
        self.copy.clicked.connect(self._on_copy)
        self.save.clicked.connect(self._on_save)

    def show_scores(self, scores: Scores) -> None:
        """Show scores."""
        self.scores, self._outdated = scores, False
        if self.canvas is None:
            # It loads matplotlib.
            from napari_i3d.plugin.learn_dock.scores_canvas import ScoresCanvas

            self.canvas = ScoresCanvas(self._theme)
            self.canvas.native.setMinimumHeight(_FIGURE_PX)
            self._figures.addWidget(self.canvas.native)
        self._show_title()
        self.table.show_rows(_rows(scores.evaluation))
        self.text.setText("\n".join(_lines(scores)))
        self.canvas.show_evaluation(scores.evaluation)
        for widget in (self.table, self.text):
            widget.show()
        for button in (self.copy, self.save):
            button.setEnabled(True)

    def labels_changed(self) -> None:
        """Say that the scores are about labels of before."""
        if self.scores is not None and not self._outdated:
            self._outdated = True
            self._show_title()

    def set_theme(self, theme: str) -> None:
        """Use the colors of one of napari's themes, by its name."""
        self._theme = theme
        if self.canvas is not None:
            self.canvas.set_theme(theme)

    def _show_title(self) -> None:
        if self.scores is not None:
            evaluation = self.scores.evaluation
            old = " The labels have changed since." if self._outdated else ""
            self.title.setText(f"Tested on {evaluation.fold_unit}s held back, {evaluation.n_folds} folds.{old}")

    def _on_copy(self) -> None:
        clipboard = QApplication.clipboard()
        if self.scores is not None and clipboard is not None:
            clipboard.setText(self.scores.report())

    def _on_save(self) -> None:
        save_as(self, "Save the scores", "scores", f"{_TEXT};;{TABLE};;{FIGURE}", self._write)

    def _write(self, path: Path) -> None:
        if self.scores is None:
            return
        if path.suffix.lower() in (".txt", ".csv"):
            text = self.scores.as_csv() if path.suffix.lower() == ".csv" else f"{self.scores.report()}\n"
            with atomic_writer(path) as file:
                file.write(text.encode())
        else:
            from napari_i3d.plots import save_figure, scores_figure

            save_figure(scores_figure(self.scores.evaluation), path)


def _rows(evaluation: Evaluation) -> list[tuple[Cell, ...]]:
    each: list[tuple[Cell, ...]] = [
        (name, score, evaluation.bouts[name]) for name, score in evaluation.frame_f1.items()
    ]
    return [
        *each,
        ("mean (macro)", evaluation.macro_f1, sum(evaluation.bouts.values())),
        ("always the most frequent", evaluation.majority_macro_f1, None),
        ("trained in random order", evaluation.shuffled_macro_f1, None),
    ]


def _lines(scores: Scores) -> list[str]:
    evaluation = scores.evaluation
    overlaps = ", ".join(f"{score:.2f} at {overlap} %" for overlap, score in evaluation.segmental_f1.items())
    lines = [f"F1 of bouts by overlap: {overlaps}."]
    if evaluation.edit_score is not None:
        lines.append(f"Edit score of the order of bouts: {evaluation.edit_score:.2f}.")
    lines += [evaluation.advice] if evaluation.advice else []
    lines += [f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in evaluation.notes]
    return [*lines, _NO_ESTIMATE if scores.estimate is None else scores.estimate.report()]
