"""What a person labelled: bouts that a program found teach nothing until they are reviewed."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.frame_ranges import Range, Ranges, common_ranges, merge_ranges, remove_range
from napari_i3d.annotations.annotation import NOT_ASSESSED, Annotation
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.individuals import Id

PROBE_ANNOTATOR = "napari_i3d probe"
"""Annotator of predictions, whose assessed frames nobody looked at."""


def reviewed(annotation: Annotation) -> Annotation:
    """Return the manual and curated bouts of an annotation, and the frames that a person looked at.

    An annotation does not say who assessed a frame. Not looked at are the frames of automated bouts, and the frames
    without a bout up to the reviewed bout before and after them. In predictions of a probe, and in files all of whose
    bouts are automated, only reviewed bouts were looked at.
    """
    kept = tuple(bout for bout in annotation.bouts if not is_automated(bout))
    predicted = annotation.annotator == PROBE_ANNOTATOR or (not kept and bool(annotation.bouts))
    if len(kept) == len(annotation.bouts) and not predicted:
        return annotation
    assessed = {}
    for individual, ranges in annotation.assessed.items():
        own = annotation.of(individual)
        seen = _frames_of(bout for bout in own if not is_automated(bout))
        found = _frames_of(bout for bout in own if is_automated(bout))
        assessed[individual] = seen if predicted else merge_ranges((*seen, *_looked_at(ranges, seen, found)))
    return replace(annotation, bouts=kept, assessed={one: own for one, own in assessed.items() if own})


def is_automated(bout: Bout) -> bool:
    """Return whether a program found a bout, and nobody reviewed it."""
    return bout.origin is Origin.AUTOMATED


def person_table(annotation: Annotation, person: Annotation, individual: Id, frames: Range) -> NDArray[np.int8]:
    """Return the table of frames of what a person labelled, see `Annotation.to_table`.

    Parameters
    ----------
    annotation, person
        An annotation, and what `reviewed` returns for it.
    individual, frames
        The rows.

    Returns
    -------
    (frames, behaviors) int8
        As that of `person`, but automated bouts beside reviewed ones are unknown (-1), unless they exclude each other.
    """
    start, stop = frames
    table = person.to_table(individual, start, stop)
    if person is annotation:
        return table
    exclusive = np.array([behavior.exclusive for behavior in annotation.ethogram.behaviors], bool)
    shows_exclusive = (table[:, exclusive] == 1).any(axis=1)
    for bout in annotation.of(individual):
        if is_automated(bout) and bout.overlaps(start, stop):
            own = slice(max(bout.start - start, 0), bout.stop - start)
            index = annotation.ethogram.index(bout.behavior)
            excluded = shows_exclusive[own] & exclusive[index]
            column = table[own, index]
            column[(column == 0) & ~excluded] = NOT_ASSESSED
    return table


def _frames_of(bouts: Iterable[Bout]) -> Ranges:
    return merge_ranges((bout.start, bout.stop) for bout in bouts)


def _looked_at(assessed: Ranges, seen: Ranges, found: Ranges) -> Ranges:
    """Return the stretches between reviewed bouts without an automated bout."""
    between = assessed
    for start, stop in seen:
        between = remove_range(between, start, stop)
    return tuple(one for one in between if not common_ranges((one,), found))
