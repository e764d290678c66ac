"""What a job of learning is asked for, and what it returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from napari_i3d._utils.text import counted, format_duration
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.learning.label_errors import LabelError
from napari_i3d.learning.probabilities import RowProbabilities
from napari_i3d.learning.probe.probe import Probe
from napari_i3d.learning.probe.settings import ProbeSettings
from napari_i3d.learning.queue import Window
from napari_i3d.learning.random_windows import RandomEstimate
from napari_i3d.learning.scores import Evaluation
from napari_i3d.learning.smoothing import Smoothing
from napari_i3d.plugin.learning.training_data import TrainingData


@dataclass(frozen=True)
class QueueSettings:
    """How windows to label next are chosen; see `rank_windows`."""

    count: int = 20
    length_frames: int = 25
    random_share: float = 0.2


@dataclass(frozen=True)
class LearnSettings:
    """The settings of the dock.

    Attributes
    ----------
    probe, smoothing, queue
        How a probe is trained, how its probabilities become bouts, and how windows to label next are chosen.
    retrain_after
        Edited bouts after which the probe is trained again in the background; 0: never.
    """

    probe: ProbeSettings = field(default_factory=ProbeSettings)
    smoothing: Smoothing = field(default_factory=Smoothing)
    queue: QueueSettings = field(default_factory=QueueSettings)
    retrain_after: int = 10


@dataclass(frozen=True, eq=False)
class LearnRequest:
    """A probe to train, or to apply.

    Attributes
    ----------
    data
        Features and labels.
    settings
        The settings.
    start
        A probe to begin with; None: from nothing.
    probe
        A probe that is applied as it is; None: one is trained.
    seed
        Seed for drawing the random windows.
    """

    data: TrainingData
    settings: LearnSettings
    start: Probe | None = None
    probe: Probe | None = None
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Learned:
    """A probe, and what it finds in the open videos.

    Attributes
    ----------
    request
        What was asked for.
    probe
        The probe.
    scored
        Probabilities of the rows of each video's individuals, by the ids of the labels.
    proposals
        The bouts of each video.
    windows
        What to label next.
    notes
        Sentences about videos that could not be predicted.
    seconds
        How long it took.
    """

    request: LearnRequest
    probe: Probe
    scored: Mapping[str, tuple[RowProbabilities, ...]]
    proposals: Mapping[str, Annotation]
    windows: tuple[Window, ...]
    notes: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of a probe: of the labels, and in the random windows that were labelled; None: too few of these."""

    evaluation: Evaluation
    estimate: RandomEstimate | None

    def report(self) -> str:
        """Return the scores as lines of text."""
        return "\n".join(one.report() for one in (self.evaluation, self.estimate) if one is not None)

    def as_csv(self) -> str:
        """Return the scores as lines of ``score,of,value``."""
        return self.evaluation.as_csv() + ("" if self.estimate is None else self.estimate.as_csv())


@dataclass(frozen=True, eq=False)
class DoubtfulLabels:
    """Labelled bouts that probes of the other labels contradict, and the data that were searched."""

    data: TrainingData
    errors: tuple[LabelError, ...]


def describe_learned(learned: Learned, source: str, *, is_own: bool) -> str:
    """Return lines about a probe and what it proposes."""
    data, bouts = learned.request.data, sum(len(one.bouts) for one in learned.proposals.values())
    proposed = f"{counted(bouts, 'proposed bout')} in {counted(len(learned.proposals), 'video')}"
    if is_own:
        trained = f"Trained on {counted(sum(data.bouts.values()), 'bout')} in {format_duration(learned.seconds)}"
    else:
        trained = f"{source} applied; Train replaces it by a probe of the labels here"
    untrained = "" if learned.probe.trained_features else "\nUntrained weights: these proposals have no meaning."
    return "\n".join((f"{trained}: {proposed}.{untrained}", *learned.notes))
