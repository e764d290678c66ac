"""Problems of a tracking: their order, and those that stop the extraction."""

from collections import Counter
from collections.abc import Sequence

from napari_i3d._utils.text import counted
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.checks import Level, Problem, ProblemKind

_WORDS = {
    ProblemKind.GAP: "gaps",
    ProblemKind.NOT_A_NUMBER: "boxes with a side that is no number",
    ProblemKind.INVERTED: "inverted boxes",
    ProblemKind.EMPTY: "empty boxes",
    ProblemKind.BEYOND_VIDEO: "boxes after the end of the video",
    ProblemKind.OUTSIDE: "boxes outside the image",
    ProblemKind.SHORT: "individuals too short for a chunk",
}


def in_order(problems: Sequence[Problem]) -> list[Problem]:
    """Return problems by frame; those of one frame stay in the order of the individuals."""
    return sorted(problems, key=lambda problem: problem.frame)


def stopping(tracked: TrackedVideo) -> list[Problem]:
    """Return the problems of a video that stop the extraction."""
    return [problem for problem in tracked.problems if problem.level is Level.ERROR]


def format_stopping(tracked: TrackedVideo) -> str:
    """Return a line for the user about the problems that stop the extraction; empty if there are none."""
    found = stopping(tracked)
    if not found:
        return ""
    kinds = Counter(problem.kind for problem in found)
    listed = ", ".join(f"{number} x {_WORDS[kind]}" for kind, number in kinds.most_common())
    name = tracked.tracking_path.name if tracked.tracking_path else tracked.name
    stop = "stops" if len(found) == 1 else "stop"
    text = f"{name}: {counted(len(found), 'problem')} that {stop} the extraction ({listed})."
    if kinds.keys() & {ProblemKind.BEYOND_VIDEO, ProblemKind.OUTSIDE}:
        text += f" Does it belong to {tracked.name}?"
    return f"{text} Look at the Individuals dock."
