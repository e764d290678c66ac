"""Lanes of annotations."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from napari_i3d._utils.frame_ranges import Range
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.editing.editor import AnnotationEditor
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.annotations.proposals import shown_ethogram
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


def bouts_in(bouts: Sequence[Bout], styles: Sequence[Style]) -> BoutArrays:
    """Return bouts as arrays; `index` is their place among `bouts`. Each behavior is the name of a style."""
    places = {style.name: place for place, style in enumerate(styles)}
    return BoutArrays.make(
        [bout.start for bout in bouts],
        [bout.stop for bout in bouts],
        [places[bout.behavior] for bout in bouts],
        [1.0 if bout.confidence is None else bout.confidence for bout in bouts],
    )


def labels_group(
    annotation: Annotation,
    individual: Id,
    color: str,
    *,
    predictions: Annotation | None = None,
    source: str = "",
    outdated: bool = False,
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
        Bouts whose confidence is shown as opacity. Behaviors that the labels lack come after theirs. None: no lane.
    source
        What predicted them.
    outdated
        Whether the boxes are others than those that they were predicted from.
    present
        Frames in which it is tracked; None: all.
    others
        More lanes, such as clusters.
    """
    ethogram = annotation.ethogram
    if predictions is not None:
        ethogram = shown_ethogram(ethogram, predictions.ethogram)
    styles = behavior_styles(ethogram)
    lanes = [Lane(LaneKind.LABELS, styles, _labels_in(annotation, individual, styles))]
    if predictions is not None:
        bouts = bouts_in(predictions.of(individual), styles)
        lanes.append(Lane(LaneKind.PREDICTIONS, styles, bouts, source, outdated=outdated))
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
    own = behavior_styles(annotation.ethogram)
    for individual in individuals:
        group = data.group(individual)
        if group is None:
            continue
        predicted = group.lane(LaneKind.PREDICTIONS)
        known = () if predicted is None else predicted.styles
        styles = (*own, *(style for style in known if style.name not in annotation.ethogram))
        lanes = [
            Lane(lane.kind, styles, _labels_in(annotation, individual, styles))
            if lane.kind is LaneKind.LABELS
            else _restyled(lane, styles)
            if lane.kind is LaneKind.PREDICTIONS
            else lane
            for lane in group.lanes
        ]
        assessed = as_ranges(annotation.assessed.get(individual, ()))
        data = data.with_group(replace(group, lanes=tuple(lanes), assessed=assessed))
    return data


def with_predictions(data: TimelineData, editor: AnnotationEditor, individuals: Iterable[Id]) -> TimelineData:
    """Return the data with the predictions of some individuals replaced, as after an edit of them."""
    for individual in individuals:
        group = data.group(individual)
        lane = None if group is None else group.lane(LaneKind.PREDICTIONS)
        if group is None or lane is None:
            continue
        bouts = bouts_in(editor.bouts_of(individual), lane.styles)
        data = data.with_group(group.with_bouts(LaneKind.PREDICTIONS, bouts))
    return data


def _labels_in(annotation: Annotation, individual: Id, styles: Sequence[Style]) -> BoutArrays:
    labels = bouts_in(annotation.of(individual), styles)
    return replace(labels, opacity=np.ones_like(labels.opacity))


def _restyled(lane: Lane, styles: tuple[Style, ...]) -> Lane:
    """Return a lane with other styles, which have its own ones in another order, and more."""
    if lane.styles == styles:
        return lane
    places = {style.name: place for place, style in enumerate(styles)}
    numbers = np.array([places[style.name] for style in lane.styles], np.int64)[lane.bouts.style]
    return replace(lane, styles=styles, bouts=replace(lane.bouts, style=numbers))
