"""Which problems of a tracking stop the extraction, and in which order they are looked at."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from napari_i3d.features.model import Id
from napari_i3d.plugin.tracked_video import TrackedVideo
from napari_i3d.tracking.checks import Problem, ProblemKind
from napari_i3d.tracking.model import Tracking

_STOPPING = frozenset(
    {ProblemKind.GAP, ProblemKind.NOT_A_NUMBER, ProblemKind.INVERTED, ProblemKind.EMPTY, ProblemKind.BEYOND_VIDEO}
)
_WORDS = {
    ProblemKind.GAP: "gaps",
    ProblemKind.NOT_A_NUMBER: "boxes with a side that is no number",
    ProblemKind.INVERTED: "inverted boxes",
    ProblemKind.EMPTY: "empty boxes",
    ProblemKind.BEYOND_VIDEO: "boxes after the end of the video",
    ProblemKind.OUTSIDE: "boxes outside the picture",
}


def in_order(problems: Sequence[Problem]) -> list[Problem]:
    """Return problems by frame; those of one frame stay in the order of the individuals."""
    return sorted(problems, key=lambda problem: problem.frame)


def counts(problems: Sequence[Problem]) -> Counter[Id]:
    """Return how many problems each individual has."""
    return Counter(problem.id for problem in problems)


def stops_extraction(problem: Problem, tracking: Tracking, size: tuple[int, int] | None) -> bool:
    """Say whether the individual cannot be extracted before this is mended.

    Parameters
    ----------
    problem
        As `check_tracking` found it.
    tracking
        Where it was found.
    size
        Width and height, in pixels, of the picture that boxes refer to; None: not known.
    """
    if problem.kind is not ProblemKind.OUTSIDE:
        return problem.kind in _STOPPING
    if size is None:
        return False
    # What is left of a box that lies partly outside is used; one that leaves no pixel is an error.
    tracklet = tracking[problem.id]
    left, upper, right, lower = np.clip(np.trunc(tracklet.boxes[problem.frame - tracklet.start]), 0, size * 2)
    return bool(right <= left or lower <= upper)


def stopping(tracked: TrackedVideo) -> list[Problem]:
    """Return the problems of a video that stop the extraction."""
    if tracked.tracking is None:
        return []
    size = tracked.boxes_size
    if size is None and tracked.video is not None:
        size = tracked.video.shape[2], tracked.video.shape[1]
    tracking = tracked.tracking
    return [problem for problem in tracked.problems if stops_extraction(problem, tracking, size)]


def spell_stopping(tracked: TrackedVideo) -> str:
    """Return a line for the user about the problems that stop the extraction; empty if there are none."""
    found = stopping(tracked)
    if not found:
        return ""
    kinds = Counter(problem.kind for problem in found)
    listed = ", ".join(f"{number} x {_WORDS[kind]}" for kind, number in kinds.most_common())
    name = tracked.tracking_path.name if tracked.tracking_path else tracked.name
    text = f"{name}: {len(found)} problem{'s' if len(found) > 1 else ''} that stop{'' if len(found) > 1 else 's'} the "
    text += f"extraction ({listed})."
    if kinds.keys() & {ProblemKind.BEYOND_VIDEO, ProblemKind.OUTSIDE}:
        text += f" Does it belong to {tracked.name}?"
    return f"{text} Look at the Individuals dock."
