"""Lanes of annotations."""

from collections.abc import Iterable
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
    """Return the data with the labels and assessed ranges of some individuals replaced, as after an edit.

    After a change of the ethogram, replace those of all individuals: labels and predictions take over its behaviors.
    """
    styles = behavior_styles(annotation.ethogram)
    for individual in individuals:
        group = data.group(individual)
        if group is None:
            continue
        labels = bouts_in(annotation, individual, annotation.ethogram)
        opaque = replace(labels, opacity=np.ones_like(labels.opacity))
        lanes = [
            Lane(lane.kind, styles, opaque)
            if lane.kind is LaneKind.LABELS
            else _restyled(lane, styles)
            if lane.kind is LaneKind.PREDICTIONS
            else lane
            for lane in group.lanes
        ]
        assessed = as_ranges(annotation.assessed.get(individual, ()))
        data = data.with_group(replace(group, lanes=tuple(lanes), assessed=assessed))
    return data


def _restyled(lane: Lane, styles: tuple[Style, ...]) -> Lane:
    """Return a lane with other styles, by name; bouts of a style that is gone are left out."""
    if lane.styles == styles:
        return lane
    places = {style.name: place for place, style in enumerate(styles)}
    numbers = np.array([places.get(style.name, -1) for style in lane.styles], np.int64)[lane.bouts.style]
    kept = numbers >= 0
    bouts = lane.bouts
    return Lane(
        lane.kind,
        styles,
        BoutArrays(bouts.start[kept], bouts.stop[kept], numbers[kept], bouts.opacity[kept], bouts.index[kept]),
    )
