"""Honest scores of a probe: table, sentences, and figures."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QApplication, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_i3d._utils.files import atomic_writer
from napari_i3d.learning import Evaluation
from napari_i3d.plugin.label_statistics.number_table import Cell, NumberTable
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
_TABLE_PX, _FIGURE_PX = 150, 330
_FLAT = 0.02
"""A rise of the mean F1 that is not worth more labels."""


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
    evaluation
        What is shown; None: nothing yet.
    """

    def __init__(self, theme: str) -> None:
        super().__init__()
        self._theme = theme
        self.evaluation: Evaluation | None = None
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

    def show_evaluation(self, evaluation: Evaluation) -> None:
        """Show scores."""
        self.evaluation, self._outdated = evaluation, False
        if self.canvas is None:
            # It loads matplotlib.
            from napari_i3d.plugin.learn_dock.scores_canvas import ScoresCanvas

            self.canvas = ScoresCanvas(self._theme)
            self.canvas.native.setMinimumHeight(_FIGURE_PX)
            self._figures.addWidget(self.canvas.native)
        self._show_title()
        self.table.show_rows(_rows(evaluation))
        self.text.setText("\n".join(_lines(evaluation)))
        self.canvas.show_evaluation(evaluation)
        for widget in (self.table, self.text):
            widget.show()
        for button in (self.copy, self.save):
            button.setEnabled(True)

    def labels_changed(self) -> None:
        """Say that the scores are about labels of before."""
        if self.evaluation is not None and not self._outdated:
            self._outdated = True
            self._show_title()

    def set_theme(self, theme: str) -> None:
        """Use the colors of one of napari's themes, by its name."""
        self._theme = theme
        if self.canvas is not None:
            self.canvas.set_theme(theme)

    def _show_title(self) -> None:
        if self.evaluation is not None:
            old = " The labels have changed since." if self._outdated else ""
            self.title.setText(
                f"Tested on {self.evaluation.fold_unit}s held back, {self.evaluation.n_folds} folds.{old}"
            )

    def _on_copy(self) -> None:
        clipboard = QApplication.clipboard()
        if self.evaluation is not None and clipboard is not None:
            clipboard.setText(self.evaluation.report())

    def _on_save(self) -> None:
        save_as(self, "Save the scores", "scores", f"{_TEXT};;{TABLE};;{FIGURE}", self._write)

    def _write(self, path: Path) -> None:
        if self.evaluation is None:
            return
        ending = path.suffix.lower()
        if ending == ".txt":
            _write_text(path, self.evaluation.report() + "\n")
        elif ending == ".csv":
            lines = [("score", "value", "bouts"), *_rows(self.evaluation), *_more_rows(self.evaluation)]
            _write_table(path, lines)
        else:
            self._save_figure(path)

    def _save_figure(self, path: Path) -> None:
        from matplotlib.figure import Figure

        from napari_i3d.plots import save_figure
        from napari_i3d.plugin.learn_dock.scores_canvas import draw_scores

        if self.evaluation is not None:
            figure = Figure(figsize=(5.5, 7.5), layout="constrained")
            draw_scores(self.evaluation, figure)
            save_figure(figure, path)


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


def _more_rows(evaluation: Evaluation) -> list[tuple[Cell, ...]]:
    return [
        *((f"F1 of bouts at {overlap} %", score, None) for overlap, score in evaluation.segmental_f1.items()),
        ("edit score", evaluation.edit_score, None),
        *(("macro F1 by bouts trained on", score, bouts) for bouts, score in evaluation.learning_curve),
        *(
            (f"frames labelled {one or '(none)'} predicted {other or '(none)'}", frames, None)
            for (one, other), frames in evaluation.confusion.items()
        ),
    ]


def _lines(evaluation: Evaluation) -> list[str]:
    overlaps = ", ".join(f"{score:.2f} at {overlap} %" for overlap, score in evaluation.segmental_f1.items())
    lines = [f"F1 of bouts by overlap: {overlaps}."]
    if evaluation.edit_score is not None:
        lines.append(f"Edit score of the order of bouts: {evaluation.edit_score:.2f}.")
    notes = (f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in evaluation.notes)
    return [*lines, describe_curve(evaluation), *notes]


def describe_curve(evaluation: Evaluation) -> str:
    """Return a sentence on whether more labels help."""
    (few, before), (many, now) = evaluation.learning_curve[-2:]
    change = f"From {few} to {many} bouts the mean F1 went from {before:.2f} to {now:.2f}"
    if few == many:
        return "Too few bouts to see whether more labels help."
    if now - before > _FLAT:
        return f"{change}: more labels help."
    return f"{change}: more labels of this kind bring little."


def _write_text(path: Path, text: str) -> None:
    with atomic_writer(path) as file:
        file.write(text.encode())


def _write_table(path: Path, rows: list[tuple[Cell, ...]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    _write_text(path, text.getvalue())
