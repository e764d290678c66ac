"""Write ActivityNet's JSON, for ActionFormer and OpenTAD.

They divide the video evenly, so times are ``frame / fps`` also for a variable rate. A time is the microsecond after
the frame begins: ``int(time * fps)`` and ``int(time / duration * frame)`` then are the frame.
"""

import json
import math
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import atomic_writer
from napari_i3d._utils.text import counted
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.io.format import WriteRequest
from napari_i3d.annotations.io.parsing.bouts_to_write import (
    chosen_individuals,
    frames_to_write,
    lost_notes,
    not_assessed,
    spans_of,
)
from napari_i3d.annotations.io.parsing.individual_names import name_of_video, names_by_individual
from napari_i3d.errors import OutputError
from napari_i3d.individuals import Id

EVEN_TIMES = "frame / fps"
"""States what the times of our files are."""
_SUBSET = "training"


def write(path: Path, annotation: Annotation, request: WriteRequest) -> tuple[str, ...]:
    """Write an entry for each individual; return notes."""
    individuals = chosen_individuals(annotation, request)
    n_frames, fps = frames_to_write(annotation, request), request.video.fps
    if fps is None:
        raise OutputError("times are in seconds, and the frames per second are not known", hint="give {video}")
    names = names_by_individual(name_of_video(request), individuals)
    database = {
        names[individual]: {
            "subset": _SUBSET,
            "duration": n_frames / fps,
            "fps": fps,
            "frame": n_frames,
            "annotations": _segments(annotation, individual, fps),
        }
        for individual in individuals
    }
    content = {"version": "1.3", "times": EVEN_TIMES, "database": database}
    with atomic_writer(path) as file:
        file.write(json.dumps(content, indent=1, ensure_ascii=False).encode())
    notes = [
        f"times are {EVEN_TIMES}, the microsecond after a frame begins, so that programs that cut off find the frame",
        f"entries are {', '.join(names.values())}, all in the subset {_SUBSET}",
        f"labels are {', '.join(f'{at} {behavior}' for at, behavior in enumerate(annotation.ethogram))}",
    ]
    if not request.clock().is_even:
        notes.append("the frame rate varies, which these programs do not know: times are not those of a player")
    missing = not_assessed(annotation, individuals, n_frames)
    if missing:
        notes.append(f"{counted(missing, 'frame')} not assessed count as without behavior: the format cannot tell")
    return (*notes, *lost_notes(annotation, individuals))


def _segments(annotation: Annotation, individual: Id, fps: float) -> list[dict[str, Any]]:
    rows = [
        (start, stop, number, behavior)
        for number, behavior in enumerate(annotation.ethogram)
        for start, stop in spans_of(annotation, individual, behavior)
    ]
    return [
        {"label": behavior, "label_id": number, "segment": [_seconds(start, fps), _seconds(stop, fps)]}
        for start, stop, number, behavior in sorted(rows)
    ]


def _seconds(frame: int, fps: float) -> float:
    return (math.floor(frame / fps * 1e6 + 1e-3) + 1) / 1e6 if frame else 0.0
