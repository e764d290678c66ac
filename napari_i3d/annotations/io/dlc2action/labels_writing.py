"""Write labels for DLC2Action: the tuple that its annotation program writes and its loader reads.

Its loader takes a dictionary only with two numbers an interval; with three it prints a line and the whole video becomes
unlabelled. It subtracts the first frame of an individual's features from each interval, and a negative number then
counts from the end: bouts before that frame would label others.
"""

import pickle
from collections.abc import Iterable
from pathlib import Path

from napari_i3d._utils.files import atomic_writer
from napari_i3d._utils.frame_ranges import clip_ranges, count_frames
from napari_i3d._utils.text import counted, printable
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.io.format import WriteRequest
from napari_i3d.annotations.io.parsing.not_held import not_held
from napari_i3d.errors import OutputError
from napari_i3d.individuals import Id, format_id

WITHOUT_TRACKING = "ind0"
"""The individual of features without tracking."""
AMBIGUOUS = "ambiguous"
"""The note of bouts of which the annotator was not sure."""
UNKNOWN, NEGATIVE = "unknown ", "negative "
"""Begin labels that say that another label is not known, or certainly wrong."""
_LISTED = 10


def names_of(individuals: Iterable[Id]) -> tuple[dict[Id, str], list[str]]:
    """Return the names of individuals in DLC2Action, which are those of its features, and notes on what that changes.

    Raises
    ------
    OutputError
        Two individuals get the same name.
    """
    names = {one: f"ind{one}" if isinstance(one, int) else one or WITHOUT_TRACKING for one in individuals}
    if len(set(names.values())) < len(names):
        raise OutputError(
            f"expected individuals with different names, found {printable(', '.join(names.values()), 120)}",
            hint="rename one of them",
        )
    changed = [f"{format_id(one)} is {name}" for one, name in names.items() if one != name]
    return names, [
        f"individuals are called as in DLC2Action's features: {', '.join(changed[:_LISTED])}"
    ] if changed else []


def write(path: Path, annotation: Annotation, request: WriteRequest) -> tuple[str, ...]:
    """Write the tuple, and return notes."""
    taken = [name for name in annotation.ethogram if name.startswith((UNKNOWN.strip(), NEGATIVE.strip()))]
    if taken:
        raise OutputError(
            f"expected behaviors whose names do not begin with unknown or negative, found {format_id(taken[0])}",
            hint="DLC2Action gives these names another meaning; rename it",
        )
    wanted = request.wanted(annotation)
    present = [one for one in wanted if annotation.assessed.get(one)]
    names, notes = names_of(present)
    labels = list(annotation.ethogram)
    times: list[list[list[list[int]]]] = [[[] for _ in labels] for _ in present]
    for place, individual in enumerate(present):
        first = request.first_frames.get(individual, 0)
        for bout in annotation.of(individual):
            if bout.stop > first:
                span = [max(bout.start, first), bout.stop, int(bout.note == AMBIGUOUS)]
                times[place][annotation.ethogram.index(bout.behavior)].append(span)
    metadata = {
        "datetime": "",
        "annotator": annotation.annotator or "unknown",
        "length": request.video.n_frames or annotation.end,
        "video_file": request.video.name,
        "skeleton_files": [None],
        "conventions": "frames count from 0; the frame 'end' is not part of an interval",
    }
    with atomic_writer(path) as file:
        pickle.dump((metadata, labels, [names[one] for one in present], times), file, protocol=4)
    notes += _early_notes(annotation, present, request)
    return (*notes, *_background_notes(annotation, wanted, request), *not_held(annotation, present, targets=True))


def _early_notes(annotation: Annotation, present: list[Id], request: WriteRequest) -> list[str]:
    """Say from where features must begin."""
    early = {one: annotation.of(one)[0].start for one in present if annotation.of(one)}
    listed = [f"{format_id(one)}: {first}" for one, first in early.items() if one not in request.first_frames]
    cut = [one for one, first in early.items() if first < request.first_frames.get(one, 0)]
    notes = [f"bouts before the features of {', '.join(map(format_id, cut[:_LISTED]))} were cut"] if cut else []
    if listed:
        more = " and others" if len(listed) > _LISTED else ""
        notes.append(
            f"features must not begin after the first bout ({', '.join(listed[:_LISTED])}{more}): DLC2Action would "
            "label the end of the video with it"
        )
    return notes


def _background_notes(annotation: Annotation, wanted: list[Id], request: WriteRequest) -> list[str]:
    """Say who is left out, and whose frames become background though nobody looked at them."""
    notes, end = [], request.video.n_frames or annotation.end
    if absent := [format_id(one) for one in wanted if not annotation.assessed.get(one)]:
        notes.append(f"left out, since no frame was assessed: {', '.join(absent[:_LISTED])}")
    for one in wanted:
        first = request.first_frames.get(one, 0)
        missing = end - first - count_frames(clip_ranges(annotation.assessed.get(one, ()), first, end))
        if annotation.assessed.get(one) and missing > 0:
            notes.append(
                f"{format_id(one)}: {counted(missing, 'frame')} that nobody assessed become background: DLC2Action "
                "cannot tell them apart"
            )
    if conflicts := len(annotation.conflicts()):
        notes.append(
            f"{counted(conflicts, 'overlap')} of bouts: train with exclusive: False, or the later label counts"
        )
    return notes
