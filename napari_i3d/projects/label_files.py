"""Files of the labels of a video: their names, the individuals in them, and merging them into other labels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from napari_i3d._utils.frame_ranges import Range, merge_ranges
from napari_i3d._utils.text import counted
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, merge_overlapping
from napari_i3d.annotations.editing.annotation_edit import AnnotationEdit
from napari_i3d.annotations.editing.ethogram_edits import AddBehavior
from napari_i3d.annotations.editing.painting import AddBouts, Assess
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.annotations.io.bout_formats import own_json
from napari_i3d.annotations.io.format import OTHER_VIDEO, UNNAMED, AnnotatedVideo
from napari_i3d.annotations.io.reading import AnnotationFile, read_annotation_file
from napari_i3d.annotations.io.recognition import head_of
from napari_i3d.annotations.io.writing import write_annotation
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id


def labels_path(video: Path, ending: str = ".json", what: str = "labels") -> Path:
    """Return the usual file of the labels, or of something else, of a video: beside it, named after it."""
    return video.with_name(f"{video.stem}_{what}{ending}")


def find_labels(video: Path) -> Path | None:
    """Return the file of labels that is opened together with a video; None if there is none."""
    path = labels_path(video)
    return path if path.is_file() and is_ours(path) else None


def is_ours(path: Path) -> bool:
    """Return whether a file is one of our JSON of labels, by its beginning."""
    try:
        return own_json.FORMAT.recognize(path, head_of(path))
    except AnnotationError:
        return False


def doubts(file: AnnotationFile) -> list[str]:
    """Return the notes that say that a file may be of another video."""
    return [note for note in file.notes if note.startswith(OTHER_VIDEO)]


def untracked(annotation: Annotation, tracked: Iterable[Id]) -> list[Id]:
    """Return the individuals of an annotation, also those that bouts are directed at, that are not tracked."""
    known = set(tracked)
    targets = (bout.target for bout in annotation.bouts if bout.target is not None)
    return [one for one in dict.fromkeys([*annotation.individuals, *targets]) if one not in known]


def suggested_names(annotation: Annotation, tracked: Iterable[Id]) -> dict[Id, Id]:
    """Return who individuals of a file may be in the tracking: by their text, or the only one that is left."""
    known = list(tracked)
    strange = untracked(annotation, known)
    left = [one for one in known if one not in annotation.individuals]
    if len(strange) == len(left) == 1 and (strange[0] == UNNAMED or len(known) == 1):
        return {strange[0]: left[0]}
    by_text = {str(one).strip().casefold(): one for one in left}
    return {one: by_text[text] for one in strange if (text := str(one).strip().casefold()) in by_text}


def with_names(annotation: Annotation, names: Mapping[Id, Id | None]) -> Annotation:
    """Return an annotation with other ids for some individuals; those that become None are left out.

    Individuals that get the same id become one: overlapping bouts of the same behavior are merged.
    """
    out = {one for one, name in names.items() if name is None}

    def named(individual: Id) -> Id:
        name = names.get(individual)
        return individual if name is None else name

    bouts = [
        replace(
            bout,
            individual=named(bout.individual),
            target=None if bout.target is None or bout.target in out else named(bout.target),
        )
        for bout in annotation.bouts
        if bout.individual not in out
    ]
    assessed: dict[Id, list[Range]] = {}
    for individual, ranges in annotation.assessed.items():
        if individual not in out:
            assessed.setdefault(named(individual), []).extend(ranges)
    return replace(
        annotation,
        bouts=merge_overlapping(bouts),
        assessed={one: merge_ranges(ranges) for one, ranges in assessed.items()},
        individuals=tuple(dict.fromkeys(named(one) for one in annotation.individuals if one not in out)),
    )


@dataclass(frozen=True)
class SavedLabels:
    """What became of labels in a file.

    Attributes
    ----------
    notes
        Conventions of the file, and what it does not hold: one sentence each, without a period.
    losses
        How the labels differ that are read from it; empty if they do not.
    """

    notes: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()


def save_labels(
    path: Path, annotation: Annotation, format_name: str, video: AnnotatedVideo | None, individual: Id | None = None
) -> SavedLabels:
    """Write labels, and read them again to find out what the file holds of them.

    Parameters
    ----------
    path
        The file; one that exists is replaced.
    annotation
        The labels.
    format_name
        Name of the format.
    video
        The labelled video.
    individual
        Write this one only; None: all.

    Raises
    ------
    OutputError
        The format cannot hold the labels, or the file cannot be written.
    """
    notes = write_annotation(path, annotation, format_name, video, individual=individual)
    try:
        nobody = individual if individual is not None else next(iter(annotation.individuals), None)
        ids = annotation.individuals
        found = read_annotation_file(path, format_name, video, individual=nobody, individuals=ids).annotation
    except AnnotationError as error:
        return SavedLabels(notes, (f"the file cannot be read again: {error.message.text}",))
    return SavedLabels(notes, _losses(annotation, found, individual))


def _losses(annotation: Annotation, found: Annotation, individual: Id | None) -> tuple[str, ...]:
    bouts = annotation.bouts if individual is None else annotation.of(individual)
    if individual is None and len(bouts) == len(found.bouts) and bouts == found.bouts:
        same = annotation.ethogram == found.ethogram and annotation.assessed == found.assessed
        return () if same else ("the bouts are the same, but not the behaviors or the assessed frames around them",)
    places = {(one.individual, one.behavior, one.start, one.stop) for one in bouts}
    again = {(one.individual, one.behavior, one.start, one.stop) for one in found.bouts}
    if places == again:
        return ("individuals, behaviors and frames of the bouts are the same, but not everything about them",)
    return (f"{counted(len(places - again), 'bout')} are not in the file as they are",)


@dataclass(frozen=True)
class MergePlan:
    """How the bouts of another annotation are added to the present one.

    Attributes
    ----------
    edits
        All of it, which cuts present bouts that are in conflict.
    edits_beside
        Without the bouts of the other annotation that are in conflict.
    conflicts
        Pairs of a present bout and one of the other annotation that overlap although their behaviors are exclusive.
    n_new
        Number of bouts that the present annotation does not have.
    """

    edits: tuple[AnnotationEdit, ...]
    edits_beside: tuple[AnnotationEdit, ...]
    conflicts: tuple[tuple[Bout, Bout], ...]
    n_new: int


def plan_merge(present: Annotation, other: Annotation) -> MergePlan:
    """Plan to add the bouts, behaviors and assessed frames of another annotation to the present one."""
    taken = {behavior.key for behavior in present.ethogram.values()}
    behaviors = [
        AddBehavior(replace(behavior, key="" if behavior.key in taken else behavior.key))
        for behavior in other.ethogram.values()
        if behavior.name not in present.ethogram
    ]
    ethogram = Ethogram((*present.ethogram.behaviors, *(edit.added for edit in behaviors)))
    have = set(present.bouts)
    new = [bout for bout in other.bouts if bout not in have]
    conflicts = tuple(pair for bout in new for pair in _in_conflict(present, bout, ethogram))
    refused = {bout for _, bout in conflicts}
    assessed = [
        Assess(individual, start, stop)
        for individual, ranges in other.assessed.items()
        for start, stop in ranges
        if not any(low <= start and stop <= high for low, high in present.assessed.get(individual, ()))
    ]
    beside = [bout for bout in new if bout not in refused]
    return MergePlan(
        (*behaviors, *_added(new), *assessed), (*behaviors, *_added(beside), *assessed), conflicts, len(new)
    )


def _added(bouts: list[Bout]) -> list[AnnotationEdit]:
    return [AddBouts(tuple(bouts))] if bouts else []


def _in_conflict(present: Annotation, bout: Bout, ethogram: Ethogram) -> list[tuple[Bout, Bout]]:
    if not ethogram[bout.behavior].exclusive:
        return []
    return [
        (own, bout)
        for own in present.of(bout.individual)
        if own.overlaps(bout.start, bout.stop)
        and (own.behavior, own.target) != (bout.behavior, bout.target)
        and ethogram[own.behavior].exclusive
    ]
