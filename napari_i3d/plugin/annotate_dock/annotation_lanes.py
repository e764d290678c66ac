"""Lanes of annotations."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from napari_i3d._utils.frame_ranges import Range
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.individuals import Id, format_id
from napari_i3d.plugin.timeline.lanes import (
    HATCHES,
    BoutArrays,
    Lane,
    LaneGroup,
    LaneKind,
    Ranges,
    Style,
    TimelineData,
)


def behavior_styles(ethogram: Ethogram) -> tuple[Style, ...]:
    """Return the styles of behaviors, in the order of the ethogram."""
    looks = [ethogram.style_of(index) for index in range(len(ethogram))]
    return tuple(Style(name, color, hatch % HATCHES) for name, (color, hatch) in zip(ethogram, looks, strict=True))


def as_ranges(ranges: Iterable[Range]) -> Ranges:
    """Return ranges of frames as an array: (N, 2)."""
    return np.array(list(ranges), np.int64).reshape(-1, 2)


def bouts_in(annotation: Annotation, individual: Id, ethogram: Ethogram) -> BoutArrays:
    """Return the bouts of an individual; `index` is their place in ``annotation.of(individual)``.

    Raises
    ------
    AnnotationError
        A behavior is not in the ethogram.
    """
    bouts = annotation.of(individual)
    return BoutArrays.make(
        [bout.start for bout in bouts],
        [bout.stop for bout in bouts],
        [ethogram.index(bout.behavior) for bout in bouts],
        [1.0 if bout.confidence is None else bout.confidence for bout in bouts],
    )


def labels_group(
    annotation: Annotation,
    individual: Id,
    color: str,
    *,
    predictions: Annotation | None = None,
    present: Iterable[Range] | None = None,
    others: Iterable[Lane] = (),
) -> LaneGroup:
    """Return the lanes of one individual: its labels, predictions and others.

    Parameters
    ----------
    annotation
        The labels.
    individual
        The individual.
    color
        Its color in the viewer.
    predictions
        Bouts whose confidence is shown as opacity; their behaviors are in the ethogram of the labels.
    present
        Frames in which it is tracked; None: all.
    others
        More lanes, such as clusters.
    """
    styles = behavior_styles(annotation.ethogram)
    labels = bouts_in(annotation, individual, annotation.ethogram)
    opaque = replace(labels, opacity=np.ones_like(labels.opacity))
    lanes = [Lane(LaneKind.LABELS, styles, opaque)]
    if predictions is not None:
        lanes.append(Lane(LaneKind.PREDICTIONS, styles, bouts_in(predictions, individual, annotation.ethogram)))
    return LaneGroup(
        individual,
        format_id(individual),
        color,
        (*lanes, *others),
        assessed=as_ranges(annotation.assessed.get(individual, ())),
        present=None if present is None else as_ranges(present),
    )


def with_labels(data: TimelineData, annotation: Annotation, individuals: Iterable[Id]) -> TimelineData:
    """Return the data with the labels and assessed ranges of some individuals replaced, as after an edit."""
    styles: Mapping[str, int] = {name: place for place, name in enumerate(annotation.ethogram)}
    for individual in individuals:
        group = data.group(individual)
        lane = None if group is None else group.lane(LaneKind.LABELS)
        if group is None or lane is None or len(lane.styles) != len(styles):
            continue
        labels = bouts_in(annotation, individual, annotation.ethogram)
        group = group.with_bouts(LaneKind.LABELS, replace(labels, opacity=np.ones_like(labels.opacity)))
        data = data.with_group(replace(group, assessed=as_ranges(annotation.assessed.get(individual, ()))))
    return data
