"""What several writers share: who is written, how many frames, and notes on what is lost."""

from collections.abc import Iterable, Sequence

from napari_i3d._utils.frame_ranges import Range, count_frames
from napari_i3d._utils.text import counted
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.io.format import WriteRequest
from napari_i3d.annotations.io.parsing.not_held import not_held
from napari_i3d.errors import OutputError
from napari_i3d.individuals import Id


def chosen_individuals(annotation: Annotation, request: WriteRequest) -> list[Id]:
    """Return the individuals to write.

    Raises
    ------
    OutputError
        There are none.
    """
    individuals = request.wanted(annotation)
    if not individuals:
        raise OutputError("expected an annotation with an individual, found none", hint="label a bout first")
    return individuals


def frames_to_write(annotation: Annotation, request: WriteRequest) -> int:
    """Return the number of frames of the video.

    Raises
    ------
    OutputError
        It is not known, or a bout is beyond it.
    """
    n_frames = annotation.n_frames if request.video.n_frames is None else request.video.n_frames
    if not n_frames:
        raise OutputError(
            "the format has a label for each frame of the video, whose number is not known", "give {video}"
        )
    late = next((bout for bout in annotation.bouts if bout.stop > n_frames), None)
    if late is not None:
        raise OutputError(
            f"{late}: the video has {counted(n_frames, 'frame')}", "is it the annotation of another video?"
        )
    return n_frames


def lost_notes(annotation: Annotation, individuals: Sequence[Id], *, joined: bool = False) -> list[str]:
    """Return notes on what formats of plain bouts cannot hold; `joined`: bouts of a behavior that touch become one."""
    notes = not_held(annotation, individuals, targets=True)
    touching = _touching(annotation, individuals) if joined else 0
    if touching:
        notes.append(f"{counted(touching, 'bout')} joined with the one before, which ends where they begin")
    return notes


def _touching(annotation: Annotation, individuals: Iterable[Id]) -> int:
    bouts = [bout for individual in individuals for bout in annotation.of(individual)]
    stops = {(bout.individual, bout.behavior, bout.stop) for bout in bouts}
    return sum((bout.individual, bout.behavior, bout.start) in stops for bout in bouts)


def not_assessed(annotation: Annotation, individuals: Sequence[Id], n_frames: int) -> int:
    """Return the number of frames of individuals that were not assessed."""
    return sum(n_frames - count_frames(annotation.assessed.get(individual, ())) for individual in individuals)


def spans_of(annotation: Annotation, individual: Id, behavior: str) -> list[Range]:
    """Return the ranges of an individual's bouts of a behavior; those that overlap, of several targets, are merged."""
    spans: list[Range] = []
    for bout in annotation.of(individual):
        if bout.behavior == behavior:
            if spans and bout.start < spans[-1][1]:
                spans[-1] = spans[-1][0], max(spans[-1][1], bout.stop)
            else:
                spans.append((bout.start, bout.stop))
    return spans
