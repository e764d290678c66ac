"""Statistics as CSV, for other programs."""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import atomic_writer
from napari_i3d.annotations.agreement import OVERLAPS, Agreement, BehaviorAgreement
from napari_i3d.annotations.statistics import BehaviorStatistics, Transitions

_NUMBERS = (
    "count",
    "total_frames",
    "total_s",
    "mean_frames",
    "mean_s",
    "median_frames",
    "median_s",
    "sd_frames",
    "sd_s",
    "latency_frames",
    "latency_s",
    "rate_per_min",
    "share",
    "assessed_frames",
)


def write_statistics(path: str | Path, statistics: Iterable[BehaviorStatistics]) -> None:
    """Write statistics of behaviors to a CSV file, a line for each individual and behavior.

    Columns are named as the attributes; what does not exist is empty.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    rows = ([one.individual, one.behavior, *(getattr(one, name) for name in _NUMBERS)] for one in statistics)
    _write(path, ["individual", "behavior", *_NUMBERS], rows)


def write_transitions(path: str | Path, transitions: Transitions) -> None:
    """Write transitions to a CSV file, a line for each pair of behaviors.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    counts, probabilities = transitions.counts.tolist(), transitions.probabilities.tolist()
    rows = (
        [before, after, counts[row][column], None if sum(counts[row]) == 0 else probabilities[row][column]]
        for row, before in enumerate(transitions.behaviors)
        for column, after in enumerate(transitions.behaviors)
    )
    _write(path, ["behavior", "next_behavior", "count", "probability"], rows)


def write_agreement(path: str | Path, agreement: Agreement) -> None:
    """Write an agreement to a CSV file: a line for each behavior, then one with an empty name for all together.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    header = ["behavior", "kappa", "frame_f1", *(f"bout_f1_at_{overlap:g}" for overlap in OVERLAPS), "edit_score"]
    counts = ["true_frames", "other_frames", "true_bouts", "other_bouts"]
    _write(path, [*header, *counts, "frames"], _agreement_rows(agreement, counts))


def _agreement_rows(agreement: Agreement, counts: list[str]) -> Iterator[list[Any]]:
    def scores(one: Agreement | BehaviorAgreement) -> list[float | None]:
        return [one.kappa, one.frame_f1, *(one.bout_f1[overlap] for overlap in OVERLAPS)]

    for one in agreement.behaviors:
        yield [one.behavior, *scores(one), None, *(getattr(one, name) for name in counts), agreement.frames]
    yield ["", *scores(agreement), agreement.edit_score, *[None] * len(counts), agreement.frames]


def _write(path: str | Path, header: list[str], rows: Iterable[list[Any]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([f"{value:.6g}" if isinstance(value, float) else value for value in row] for row in rows)
    with atomic_writer(Path(path)) as file:
        file.write(text.getvalue().encode("utf-8", "surrogateescape"))
