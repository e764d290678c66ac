"""The scores of a probe, as text and as values for a file."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from napari_i3d._utils.text import counted

FEW_BOUTS = 5
"""With fewer bouts of a behavior than this, its scores say next to nothing."""
HARDLY, CLEARLY = 0.02, 0.05
"""What the last doubling of labels must add to be worth as much again."""
SCORES_FORMAT = "napari_i3d scores 1"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of a probe on labels that it was not trained on.

    Attributes
    ----------
    fold_unit, n_folds
        What was kept together in a fold: ``"video"``, ``"individual"`` or ``"bout"``; number of folds.
    frame_f1
        {behavior: F1 of its frames}.
    macro_f1
        Mean of these.
    segmental_f1
        {10, 25, 50: F1 of bouts that overlap by at least so many percent of both together}.
    edit_score
        0 to 1: how well the order of bouts is found; None without bouts.
    majority_macro_f1
        The same mean if every frame had the most frequent behavior.
    shuffled_macro_f1
        The same mean of a probe trained on the same bouts in a random order: what chance gives.
    bouts
        {behavior: number of labelled bouts}.
    confusion
        Frames by (labelled, predicted) of exclusive behaviors, ``""`` for none of them.
    learning_curve
        (number of bouts trained on, mean F1), from few bouts to all.
    notes
        Sentences on what the scores are worth.
    provenance
        As JSON values: settings, and what the features were computed with.
    """

    fold_unit: str
    n_folds: int
    frame_f1: Mapping[str, float]
    macro_f1: float
    segmental_f1: Mapping[int, float]
    edit_score: float | None
    majority_macro_f1: float
    shuffled_macro_f1: float
    bouts: Mapping[str, int]
    confusion: Mapping[tuple[str, str], int]
    learning_curve: tuple[tuple[int, float], ...]
    notes: tuple[str, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def report(self) -> str:
        """Return the scores as lines of text."""
        width = max(len("macro"), *(len(name) for name in self.frame_f1))
        lines = [f"Tested on {self.fold_unit}s held back, {self.n_folds} folds; scores are 0 to 1."]
        lines += [f"  {'behavior':{width}}  frame F1  bouts"]
        lines += [f"  {name:{width}}  {score:8.2f}  {self.bouts[name]:5}" for name, score in self.frame_f1.items()]
        lines += [f"  {'macro':{width}}  {self.macro_f1:8.2f}"]
        lines += [f"Always the most frequent behavior: {self.majority_macro_f1:.2f}"]
        lines += [f"Trained on bouts in a random order: {self.shuffled_macro_f1:.2f}"]
        overlaps = ", ".join(f"{score:.2f} at {overlap} %" for overlap, score in self.segmental_f1.items())
        lines += [f"F1 of bouts by overlap: {overlaps}"]
        if self.edit_score is not None:
            lines += [f"Edit score of the order of bouts: {self.edit_score:.2f}"]
        curve = ", ".join(f"{score:.2f} from {counted(bouts, 'bout')}" for bouts, score in self.learning_curve)
        lines += [f"Macro F1 by labels trained on: {curve}"]
        lines += [self.advice] if self.advice else []
        lines += self._confusion_lines()
        return "\n".join((*lines, *self.notes))

    def _confusion_lines(self) -> list[str]:
        names = self.confused
        shown = [name or "(none)" for name in names]
        width = max((len(name) for name in shown), default=0) + 2
        if not names:
            return []
        lines = ["Frames by labelled (down) and predicted behavior (across):"]
        lines += [" " * width + "".join(f"{name:>{width}}" for name in shown)]
        for title, true in zip(shown, names, strict=True):
            cells = "".join(f"{self.confusion.get((true, other), 0):>{width}}" for other in names)
            lines.append(f"{title:>{width}}{cells}")
        return lines

    @property
    def confused(self) -> list[str]:
        """The behaviors of `confusion`, ``""`` for none, without those that are neither labelled nor predicted."""
        shown = {name for pair, frames in self.confusion.items() if frames for name in pair}
        return list(dict.fromkeys(name for pair in self.confusion for name in pair if name in shown))

    @property
    def advice(self) -> str:
        """A sentence on whether more labels help, by what the last doubling added; empty if nothing was doubled."""
        if len(self.learning_curve) < 2:
            return ""
        (fewer, before), (more, after) = self.learning_curve[-2:]
        if more < 1.5 * fewer:
            return ""
        gain = after - before
        # The least that is trained on is two bouts, which may be less than half.
        what = "doubling of labels" if more <= 2.5 * fewer else "step"
        said = f"The last {what}, from {fewer} to {counted(more, 'bout')}, added {max(gain, 0):.2f}"
        if min(self.bouts.values(), default=0) < FEW_BOUTS:
            return f"{said}: with so few bouts, that says little."
        if gain < HARDLY:
            return f"{said}: more labels of these videos will hardly help."
        return f"{said}: more labels will {'help' if gain >= CLEARLY else 'help a little'}."

    def as_json(self) -> dict[str, Any]:
        """Return all scores as JSON values."""
        names = list(dict.fromkeys(name for pair in self.confusion for name in pair))
        return {
            "format": SCORES_FORMAT,
            "tested_on": self.fold_unit,
            "folds": self.n_folds,
            "behaviors": [
                {"behavior": name, "frame_f1": score, "bouts": self.bouts[name]}
                for name, score in self.frame_f1.items()
            ],
            "macro_f1": self.macro_f1,
            "majority_macro_f1": self.majority_macro_f1,
            "shuffled_macro_f1": self.shuffled_macro_f1,
            "segmental_f1": {str(overlap): score for overlap, score in self.segmental_f1.items()},
            "edit_score": self.edit_score,
            "confusion": {
                "behaviors": names,
                "frames": [[self.confusion.get((true, other), 0) for other in names] for true in names],
            },
            "learning_curve": [{"bouts": bouts, "macro_f1": score} for bouts, score in self.learning_curve],
            "advice": self.advice,
            "notes": list(self.notes),
            "provenance": dict(self.provenance),
        }

    def as_csv(self) -> str:
        """Return all scores as lines of ``score,of,value``, with a heading; confusions ``labelled > predicted``."""
        rows: list[tuple[str, object, object]] = [("tested_on", "", self.fold_unit), ("folds", "", self.n_folds)]
        rows += [("frame_f1", name, score) for name, score in self.frame_f1.items()]
        rows += [("bouts", name, number) for name, number in self.bouts.items()]
        rows += [("macro_f1", "", self.macro_f1), ("majority_macro_f1", "", self.majority_macro_f1)]
        rows += [("shuffled_macro_f1", "", self.shuffled_macro_f1)]
        rows += [("segmental_f1", f"{overlap} %", score) for overlap, score in self.segmental_f1.items()]
        rows += [("edit_score", "", self.edit_score)] if self.edit_score is not None else []
        rows += [("learning_curve", f"{bouts} bouts", score) for bouts, score in self.learning_curve]
        rows += [
            ("confusion", f"{true or '(none)'} > {other or '(none)'}", frames)
            for (true, other), frames in self.confusion.items()
        ]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("score", "of", "value"), *rows])
        return text.getvalue()
