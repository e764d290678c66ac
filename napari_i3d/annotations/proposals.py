"""Bouts that a program proposes: a person accepts them as labels or rejects them, one by one or many at once."""

import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.colors import CATEGORY_COLORS
from napari_i3d._utils.frame_ranges import Range, Ranges, count_frames, merge_ranges
from napari_i3d._utils.history import History
from napari_i3d._utils.text import counted
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, Origin, trusted_bout
from napari_i3d.annotations.editing.annotation_edit import AnnotationEdit, words_of
from napari_i3d.annotations.editing.bout_edits import DeleteBouts
from napari_i3d.annotations.editing.editor import AnnotationEditor
from napari_i3d.annotations.editing.ethogram_edits import AddBehavior
from napari_i3d.annotations.editing.painting import AddBouts, Assess
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id

MOSTLY = 0.5
"""Share of its frames from which a proposal counts as rejected before, or as labelled already."""


@dataclass(frozen=True)
class Accepted:
    """What became of proposals that were accepted.

    Attributes
    ----------
    n_bouts
        Number of proposals that became labels, at least in part.
    n_frames
        Number of frames that were labelled.
    n_kept
        Number of frames of the proposals that keep what a person labelled.
    """

    n_bouts: int
    n_frames: int
    n_kept: int


class Proposals:
    """Proposed bouts of the individuals of a video, apart from its labels.

    What is accepted or rejected is a step of the history that the labels share: one undo takes back the label, and the
    proposal is there again. Rejected bouts are remembered: later proposals that lie mostly on them are left out.

    Parameters
    ----------
    history
        The history of the labels.

    Attributes
    ----------
    editor
        The proposals that are left. Another one after each `propose`.
    rejected
        What was rejected: automated bouts, none of whose behaviors excludes another.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self.editor = AnnotationEditor(Annotation(), history)
        self.rejected = AnnotationEditor(Annotation(), history)

    def propose(self, annotation: Annotation) -> None:
        """Replace all proposals, which is no step; bouts that were mostly rejected before are left out."""
        left = tuple(self._not_rejected(annotation.bouts))
        self.editor.close()
        self.editor = AnnotationEditor(replace(annotation, bouts=left), self._history)

    def close(self) -> None:
        """Follow the history no more."""
        self.editor.close()
        self.rejected.close()

    def _not_rejected(self, bouts: Iterable[Bout]) -> Iterator[Bout]:
        rejected: dict[tuple[Id, str], list[Range]] = {}
        for one in self.rejected.individuals:
            for bout in self.rejected.bouts_of(one):
                rejected.setdefault((one, bout.behavior), []).append((bout.start, bout.stop))
        groups: dict[tuple[Id, str], list[Bout]] = {}
        for bout in bouts:
            groups.setdefault((bout.individual, bout.behavior), []).append(bout)
        for place, own in groups.items():
            yield from itertools.compress(own, are_outside(own, merge_ranges(rejected.get(place, ()))).tolist())

    def accept(self, labels: AnnotationEditor, bouts: Sequence[Bout], behavior: str | None = None) -> Accepted:
        """Make proposals curated labels, with their confidence, as one step; what a person labelled is kept.

        Frames that a person labelled with the behavior, or with one that excludes it, are left out. Automated labels
        give way. A behavior that the ethogram lacks is added to it.

        Parameters
        ----------
        labels
            The labels; they share the history.
        bouts
            Proposals that are left.
        behavior
            What they are labelled as instead, then without a confidence.

        Raises
        ------
        AnnotationError
            None of their frames is free, or a bout is no proposal; nothing is changed.
        """
        ethogram = shown_ethogram(labels.ethogram, self.editor.ethogram)
        near = min((bout.start for bout in bouts), default=0), max((bout.stop for bout in bouts), default=0)
        free = Free(labels, ethogram, near)
        added: list[Bout] = []
        taken: list[Bout] = []
        n_kept = 0
        for bout in bouts:
            if behavior is None or behavior == bout.behavior:
                new = _curated(bout, bout.start, bout.stop)
            else:
                new = replace(bout, behavior=behavior, origin=Origin.CURATED, confidence=None)
            pieces = free.of(new)
            n_kept += len(bout) - count_frames(pieces)
            if pieces:
                taken.append(bout)
                added += [_curated(new, start, stop) for start, stop in pieces]
                free.take(new, pieces)
        if not taken:
            what = f"{bouts[0]}" if len(bouts) == 1 else counted(len(bouts), "proposal")
            raise AnnotationError(
                f"{what}: expected frames that are not labelled yet, found labels in all of them",
                hint="delete or shorten the label first, or reject the proposal",
            )
        wanted = dict.fromkeys(bout.behavior for bout in added)
        what = words_of(taken[0]) if len(taken) == 1 else counted(len(taken), "proposal")
        relabel = f" as {behavior}" if behavior is not None else ""
        with self._history.group(f"accept {what}{relabel}"):
            for name in wanted:
                if name not in labels.ethogram:
                    labels.do(AddBehavior(ethogram.at(name)))
            labels.do(AddBouts(tuple(added)))
            self.editor.do(DeleteBouts(tuple(taken)))
        return Accepted(len(taken), sum(map(len, added)), n_kept)

    def reject(self, labels: AnnotationEditor, bouts: Sequence[Bout], *, assess: bool = False) -> None:
        """Remove proposals and remember that they were rejected, as one step.

        Nothing is known of their frames by that alone. `assess`: a person looked, and they show no behavior but what is
        labelled in them.

        Raises
        ------
        AnnotationError
            A bout is no proposal; nothing is changed.
        """
        what = words_of(bouts[0]) if len(bouts) == 1 else counted(len(bouts), "proposal")
        nothing = " and all other behaviors" if assess else ""
        remembered = tuple(replace(bout, target=None, origin=Origin.AUTOMATED, note="") for bout in bouts)
        with self._history.group(f"reject {what}{nothing}"):
            for name in dict.fromkeys(bout.behavior for bout in remembered):
                if name not in self.rejected.ethogram:
                    self.rejected.do(AddBehavior(Behavior(name, exclusive=False)))
            self.rejected.do(AddBouts(remembered))
            edits: list[AnnotationEdit] = [Assess(bout.individual, bout.start, bout.stop) for bout in bouts]
            for edit in edits if assess else ():
                labels.do(edit)
            self.editor.do(DeleteBouts(tuple(bouts)))

    def left(self, labels: AnnotationEditor, individual: Id) -> tuple[Bout, ...]:
        """Return the proposals of an individual that are to be reviewed, in time: those not mostly labelled by now."""
        free = Free(labels, shown_ethogram(labels.ethogram, self.editor.ethogram))
        return tuple(free.unlabelled(self.editor.bouts_of(individual)))


def _curated(bout: Bout, start: int, stop: int) -> Bout:
    """Return a valid bout as a person accepts it, with frames of its own; many thousands are made at once."""
    return trusted_bout(
        bout.individual, bout.behavior, start, stop, bout.target, Origin.CURATED, bout.confidence, bout.note
    )


class Free:
    """The frames in which a person labelled nothing that keeps a behavior out.

    Parameters
    ----------
    labels
        The labels.
    ethogram
        Their behaviors, and those of the proposals.
    near
        The frames that are asked for. Default: all.
    """

    def __init__(self, labels: AnnotationEditor, ethogram: Ethogram, near: Range = (0, sys.maxsize)) -> None:
        self._labels, self._near = labels, near
        self._exclusive = {name for name, behavior in ethogram.items() if behavior.exclusive}
        self._ranges: dict[Id, dict[_Place, Ranges]] = {}
        self._masks: dict[_Place, NDArray[np.bool_]] = {}

    def of(self, bout: Bout) -> Ranges:
        """Return the frames of a bout that are free."""
        place = self._place(bout)
        taken = self._mask(place, bout.stop)[bout.start : bout.stop]
        if not taken.any():
            return ((bout.start, bout.stop),)
        edges = np.flatnonzero(np.diff(~taken, prepend=False, append=False)) + bout.start
        return tuple((start, stop) for start, stop in edges.reshape(-1, 2).tolist())

    def take(self, bout: Bout, pieces: Ranges) -> None:
        """Count frames as labelled with the behavior of a bout from now on."""
        place = self._place(bout)
        for one in {place, (*place[:2], None)}:
            mask = self._mask(one, bout.stop)
            for start, stop in pieces:
                mask[start:stop] = True

    def unlabelled(self, bouts: Sequence[Bout]) -> list[Bout]:
        """Return the bouts, in their order, that do not lie mostly in frames that are taken."""
        groups: dict[_Place, list[int]] = {}
        for number, bout in enumerate(bouts):
            groups.setdefault(self._place(bout), []).append(number)
        kept = np.zeros(len(bouts), np.bool_)
        for place, own in groups.items():
            kept[own] = are_outside([bouts[number] for number in own], self._taken(place))
        return [bout for bout, is_kept in zip(bouts, kept.tolist(), strict=True) if is_kept]

    def _place(self, bout: Bout) -> "_Place":
        # All exclusive behaviors of an individual keep each other out.
        if bout.behavior in self._exclusive:
            return bout.individual, None, None
        return bout.individual, bout.behavior, bout.target

    def _taken(self, place: "_Place") -> Ranges:
        individual = place[0]
        if individual not in self._ranges:
            found: dict[_Place, list[Range]] = {(individual, None, None): []}
            exclusive = found[individual, None, None]
            for label in self._labels.bouts_of(individual):
                if label.origin is Origin.AUTOMATED or not label.overlaps(*self._near):
                    continue
                frames = label.start, label.stop
                if label.behavior in self._exclusive:
                    exclusive.append(frames)
                    continue
                for target in {None, label.target}:  # a proposal without a target is labelled by one with any
                    found.setdefault((individual, label.behavior, target), []).append(frames)
            self._ranges[individual] = {one: merge_ranges(ranges) for one, ranges in found.items()}
        return self._ranges[individual].get(place, ())

    def _mask(self, place: "_Place", stop: int) -> NDArray[np.bool_]:
        """Return which frames are taken, up to at least `stop`: (frames,)."""
        mask = self._masks.get(place)
        if mask is None:
            ranges = self._taken(place)
            mask = np.zeros(max([stop, *(end for _, end in ranges[-1:])]), np.bool_)
            for low, high in ranges:
                mask[low:high] = True
        elif len(mask) < stop:
            mask = np.concatenate([mask, np.zeros(stop - len(mask), np.bool_)])
        self._masks[place] = mask
        return mask


_Place = tuple[Id, str | None, Id | None]
"""Individual, behavior and target of bouts that keep each other out; no behavior: all exclusive ones."""


def are_outside(bouts: Sequence[Bout], ranges: Ranges) -> NDArray[np.bool_]:
    """Return which bouts do not lie mostly in merged ranges: (bouts,)."""
    edges = np.array([(bout.start, bout.stop) for bout in bouts], np.int64).reshape(-1, 2)
    return np.asarray(_covered(ranges, edges) <= MOSTLY * (edges[:, 1] - edges[:, 0]))


def shown_ethogram(ethogram: Ethogram, proposed: Ethogram) -> Ethogram:
    """Return the behaviors of labels, followed by those that are proposed only, in the colors they would be added in.

    The latter have no key if another behavior has it.
    """
    behaviors = list(ethogram.behaviors)
    used = [color for color, _ in map(ethogram.style_of, range(len(ethogram)))]
    keys = {behavior.key for behavior in behaviors}
    for behavior in proposed.values():
        if behavior.name in ethogram:
            continue
        color = behavior.color or min(CATEGORY_COLORS, key=used.count)
        behaviors.append(replace(behavior, color=color, key="" if behavior.key in keys else behavior.key))
        used.append(color)
        keys.add(behaviors[-1].key)
    return Ethogram(tuple(behaviors))


def _covered(ranges: Ranges, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many frames of each of some ranges, (N, 2), lie in merged ranges: (N,)."""
    if not ranges:
        return np.zeros(len(edges), np.int64)
    starts, stops = np.array(ranges, np.int64).T
    before = np.concatenate([[0], np.cumsum(stops - starts)])
    at = np.searchsorted(starts, edges, "right")
    last = np.maximum(at - 1, 0)
    inside = np.where(at > 0, before[last] + np.clip(edges, starts[last], stops[last]) - starts[last], 0)
    return np.asarray(inside[:, 1] - inside[:, 0])
