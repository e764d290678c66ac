"""Moments of videos to go through: frames to label next, and labels to look at again."""

from dataclasses import dataclass

from napari_i3d._utils.frame_ranges import clip_ranges, count_frames
from napari_i3d.annotations.bouts import Bout
from napari_i3d.individuals import Id, format_id
from napari_i3d.plugin.session.tracked_video import TrackedVideo


@dataclass(frozen=True, eq=False)
class ToLabel:
    """Frames of an individual to label next.

    Attributes
    ----------
    name, tracked, individual
        Who; `name` is that of the video among the open ones.
    start, stop
        The first frame, and the one after the last.
    uncertainty
        How unsure the probe is, 0 to 1.
    random
        Whether they were drawn at random.
    """

    name: str
    tracked: TrackedVideo
    individual: Id
    start: int
    stop: int
    uncertainty: float
    random: bool

    @property
    def is_done(self) -> bool:
        """Whether at least half of the frames were looked at; random ones only count if all were."""
        looked_at = clip_ranges(self.tracked.labels.editor.assessed_of(self.individual), self.start, self.stop)
        return count_frames(looked_at) >= (self.stop - self.start) * (1 if self.random else 0.5)


@dataclass(frozen=True, eq=False)
class Doubtful:
    """A labelled bout that probes of the other labels find unlikely; see `LabelError`."""

    name: str
    tracked: TrackedVideo
    bout: Bout
    suggested: str
    probability: float
    suggested_probability: float

    @property
    def exists(self) -> bool:
        """Whether the bout is labelled still."""
        return self.bout in self.tracked.labels.editor.bouts_of(self.bout.individual)


def describe_who(name: str, individual: Id, videos: int) -> str:
    """Return the individual of a list, with its video if there are several."""
    return format_id(individual) if videos < 2 else f"{name} · {format_id(individual)}"
