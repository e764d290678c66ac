"""What several writers share: who is written, how many frames, and notes on what is lost."""

from collections.abc import Iterable, Sequence

from napari_i3d._utils.frame_ranges import Range
from napari_i3d._utils.text import counted
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.io.format import WriteRequest
from napari_i3d.errors import OutputError
from napari_i3d.individuals import Id, format_id


def chosen_individuals(annotation: Annotation, request: WriteRequest) -> list[Id]:
    """Return the individuals to write.

    Raises
    ------
    OutputError
        There are none, or the one that was asked for is unknown.
    """
    if request.individual is None:
        individuals = list(annotation.individuals)
    else:
        individuals = [one for one in annotation.individuals if one == request.individual]
    if not individuals:
        listed = ", ".join(map(format_id, annotation.individuals)) or "nobody"
        asked = "" if request.individual is None else f" {format_id(request.individual)}"
        raise OutputError(f"expected an individual{asked}, found {listed}", hint="label a bout, or choose another")
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


def lost_notes(
    annotation: Annotation,
    individuals: Iterable[Id],
    *,
    individual: bool = True,
    target: bool = False,
    confidence: bool = False,
    origin: bool = False,
    joined: bool = False,
) -> list[str]:
    """Return notes on what a format cannot hold and the annotation has; the flags say what it can.

    `joined`: bouts of a behavior that touch become one.
    """
    own = set(individuals)
    bouts = [bout for bout in annotation.bouts if bout.individual in own]
    notes = []
    if not individual and len(own) == 1:
        notes.append(f"the name of the individual, {format_id(next(iter(own)))}, is not in the file")
    for kept, what, has in (
        (target, "target", lambda bout: bout.target is not None),
        (confidence, "confidence", lambda bout: bout.confidence is not None),
        (origin, "origin (automated, curated)", lambda bout: bout.origin is not Origin.MANUAL),
        (False, "remark", lambda bout: bool(bout.note)),
    ):
        count = 0 if kept else sum(map(has, bouts))
        if count:
            notes.append(f"{counted(count, 'bout')} without the {what}, which the format cannot hold")
    touching = _touching(bouts) if joined else 0
    if touching:
        notes.append(f"{counted(touching, 'bout')} joined with the one before, which ends where they begin")
    return notes


def _touching(bouts: Sequence[Bout]) -> int:
    stops = {(bout.individual, bout.behavior, bout.stop) for bout in bouts}
    return sum((bout.individual, bout.behavior, bout.start) in stops for bout in bouts)


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
