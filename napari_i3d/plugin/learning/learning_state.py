"""The probe of a viewer, what it finds in the open videos, and what to label next; shared by docks and keys."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from psygnal import Signal

from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.editing.changes import AnnotationChange
from napari_i3d.annotations.editing.editor import AnnotationEditor
from napari_i3d.annotations.editing.ethogram_edits import RenameBehavior
from napari_i3d.individuals import Id
from napari_i3d.learning.probe.probe import Probe
from napari_i3d.learning.queue import Window
from napari_i3d.plugin.learning.edit_count import count_edits
from napari_i3d.plugin.learning.learned import DoubtfulLabels, Learned
from napari_i3d.plugin.learning.moments import Doubtful, ToLabel
from napari_i3d.plugin.learning.training_data import TrainingData
from napari_i3d.plugin.session.connections import Connections
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo


class Learning:
    """The last probe of a viewer, and lists to go through.

    Attributes
    ----------
    learned
        The probe with what it found; None: there is none yet.
    source
        What the probe is called; the source of the proposals.
    is_own
        Whether it was trained on the open videos, not read from a file.
    queue, doubtful
        What to label next, and labels to look at again.
    changed, queue_changed, doubtful_changed, labels_changed, data_changed
        Signals, without arguments: another probe; another list; labels were edited; videos or features are others.
    """

    changed = Signal()
    queue_changed = Signal()
    doubtful_changed = Signal()
    labels_changed = Signal()
    data_changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._links: dict[TrackedVideo, Connections] = {}
        self._checked: set[tuple[TrackedVideo, Bout]] = set()
        self._drawn: list[ToLabel] = []
        self._at = -1
        self._current: ToLabel | None = None
        self.learned: Learned | None = None
        self.source = ""
        self.is_own = False
        self.queue: tuple[ToLabel, ...] = ()
        self.doubtful: tuple[Doubtful, ...] = ()
        session.videos_changed.connect(self._on_videos)
        self._on_videos()

    @property
    def probe(self) -> Probe | None:
        """The probe."""
        return None if self.learned is None else self.learned.probe

    def adopt(self, learned: Learned, source: str, *, is_own: bool, keep_selected: bool = False) -> None:
        """Show what a probe found in the videos that are open still, and have the same features.

        `keep_selected`: the proposal that the user looks at, and may have changed, stays as it is.
        """
        self.learned, self.source, self.is_own = learned, source, is_own
        self.show_proposals(learned, keep_selected=keep_selected)
        self.fill_queue(learned)
        self.changed.emit()

    def show_proposals(self, learned: Learned, *, keep_selected: bool = False) -> None:
        """Set the proposals of a probe; see `adopt`."""
        self.learned = learned
        for name, annotation in learned.proposals.items():
            one = learned.request.data.videos[name]
            if one.is_current and one.tracked in self._links:
                proposals = _with_new_names(_without_stale(annotation, one.tracked), one.renamed())
                predictions = one.tracked.predictions
                selected = predictions.selected if keep_selected else None
                if selected is not None:
                    proposals, selected = _with(proposals, selected)
                predictions.set(proposals, self.source)
                predictions.selected = selected

    def fill_queue(self, learned: Learned) -> None:
        """Set what to label next."""
        videos = learned.request.data.videos
        found = (
            ToLabel(
                one.video, videos[one.video].tracked, one.individual, one.start, one.stop, one.uncertainty, one.random
            )
            for one in learned.windows
            if videos[one.video].is_current and not _is_stale(one.individual, videos[one.video].tracked)
        )
        self._at, self._current = -1, None
        self.queue = tuple(one for one in found if one.tracked in self._links and not one.is_done)
        self._drawn += [one for one in self.queue if one.random]
        self.queue_changed.emit()

    def random_windows(self, data: TrainingData) -> tuple[Window, ...]:
        """Return all windows of videos that were drawn at random so far."""
        names = {one.tracked: name for name, one in data.videos.items()}
        return tuple(
            Window(names[one.tracked], one.individual, one.start, one.stop, one.uncertainty, True)
            for one in self._drawn
            if one.tracked in names
        )

    def set_doubtful(self, found: DoubtfulLabels) -> None:
        """List labels to look at again, but for those that were looked at in this session."""
        videos = found.data.videos
        listed = (
            Doubtful(
                one.video,
                videos[one.video].tracked,
                one.bout,
                one.suggested,
                one.probability,
                one.suggested_probability,
            )
            for one in found.errors
        )
        self.doubtful = tuple(
            one for one in listed if one.tracked in self._links and (one.tracked, one.bout) not in self._checked
        )
        self._drop_mended()
        self.doubtful_changed.emit()

    def mark_right(self, one: Doubtful) -> None:
        """Note that a label is right; it is not listed again in this session."""
        self._checked.add((one.tracked, one.bout))
        self.doubtful = tuple(other for other in self.doubtful if other is not one)
        self.doubtful_changed.emit()

    @property
    def at(self) -> int:
        """Place in the queue of what the viewer was sent to; -1 if it is not in it."""
        return self._at if self._current in self.queue else -1

    def step(self, step: int) -> ToLabel | None:
        """Return the next (1) or previous (-1) one of the queue; after the last comes the first."""
        if not self.queue:
            return None
        place = self._at
        if self._current not in self.queue and step > 0 and place >= 0:
            place -= 1  # the one that took the place of what was labelled is next
        elif place < 0 and step < 0:
            place = 0
        return self.take((place + step) % len(self.queue))

    def take(self, place: int) -> ToLabel:
        """Return the one at a place of the queue, which is the current one from now on."""
        self._at, self._current = place, self.queue[place]
        self.queue_changed.emit()
        return self._current

    def edits_since(self, data: TrainingData) -> int:
        """Return the number of bouts and looked-at stretches that differ from those of data."""
        before = {one.tracked: one.labels for one in data.videos.values()}
        return sum(count_edits(before.get(tracked, Annotation()), tracked) for tracked in self._links)

    def _on_videos(self) -> None:
        opened = set(self._session.videos)
        for tracked in set(self._links) - opened:
            self._links.pop(tracked).close()
        for tracked in opened - set(self._links):
            links = self._links[tracked] = Connections()
            links.connect(tracked.labels.changed, partial(self._on_labels, tracked))
            links.connect(tracked.features_changed, partial(self._on_features, tracked))
            links.connect(tracked.out_of_date_changed, partial(self._on_out_of_date, tracked))
            links.connect(tracked.tracking_changed, self.data_changed.emit)
        self._keep(opened)
        self.data_changed.emit()

    def _keep(self, videos: Iterable[TrackedVideo]) -> None:
        """Leave what is about other videos out of the lists."""
        kept = set(videos)
        self._drawn = [one for one in self._drawn if one.tracked in kept]
        queue = tuple(one for one in self.queue if one.tracked in kept)
        doubtful = tuple(one for one in self.doubtful if one.tracked in kept)
        if len(queue) < len(self.queue):
            self._set_queue(queue)
        if len(doubtful) < len(self.doubtful):
            self.doubtful = doubtful
            self.doubtful_changed.emit()

    def _set_queue(self, queue: tuple[ToLabel, ...]) -> None:
        if self._at >= 0:
            self._at = sum(one in queue for one in self.queue[: self._at])
        self.queue = queue
        self.queue_changed.emit()

    def _on_labels(self, tracked: TrackedVideo, change: AnnotationChange | None = None) -> None:
        def is_done(one: ToLabel) -> bool:
            return one.tracked is tracked and (change is None or one.individual in change.ranges) and one.is_done

        left = tuple(one for one in self.queue if not is_done(one))
        if len(left) < len(self.queue):
            self._set_queue(left)
        if self._drop_mended():
            self.doubtful_changed.emit()
        self.labels_changed.emit()

    def _drop_mended(self) -> bool:
        left = tuple(one for one in self.doubtful if one.exists)
        dropped = len(left) < len(self.doubtful)
        self.doubtful = left
        return dropped

    def _on_features(self, tracked: TrackedVideo) -> None:
        # Proposals and windows are about rows that are gone.
        if self.learned is not None and tracked.predictions.source == self.source:
            tracked.predictions.set(None)
        self._keep(other for other in self._links if other is not tracked)
        self.data_changed.emit()

    def _on_out_of_date(self, tracked: TrackedVideo) -> None:
        # Proposals follow corrections of the boxes by themselves; frames that a probe was unsure of do not.
        left = tuple(one for one in self.queue if one.tracked is not tracked or not _is_stale(one.individual, tracked))
        if len(left) < len(self.queue):
            self._set_queue(left)
        self.data_changed.emit()


def _without_stale(proposals: Annotation, tracked: TrackedVideo) -> Annotation:
    """Return new proposals without individuals whose boxes were corrected: they may be another animal by now."""
    stale = {one for one in proposals.individuals if _is_stale(one, tracked)}
    if not stale:
        return proposals
    return replace(
        proposals,
        bouts=tuple(bout for bout in proposals.bouts if bout.individual not in stale),
        assessed={one: ranges for one, ranges in proposals.assessed.items() if one not in stale},
        individuals=tuple(one for one in proposals.individuals if one not in stale),
    )


def _with_new_names(proposals: Annotation, renamed: Mapping[str, str]) -> Annotation:
    """Return proposals of behaviors that were renamed while a probe was trained, or since."""
    editor = AnnotationEditor(proposals)
    for name, new in renamed.items():
        if name in editor.ethogram and new not in editor.ethogram:
            editor.do(RenameBehavior(name, new))
    return editor.annotation if renamed else proposals


def _with(proposals: Annotation, bout: Bout) -> tuple[Annotation, Bout | None]:
    """Return proposals with a bout in place of those that exclude it, and the bout; None: it does not fit."""
    if bout.behavior not in proposals.ethogram or bout.individual not in proposals.individuals:
        return proposals, None
    exclusive = {name for name, behavior in proposals.ethogram.items() if behavior.exclusive}

    def gives_way(other: Bout) -> bool:
        excludes = other.behavior == bout.behavior or {other.behavior, bout.behavior} <= exclusive
        return excludes and other.individual == bout.individual and other.overlaps(bout.start, bout.stop)

    return replace(proposals, bouts=(*(one for one in proposals.bouts if not gives_way(one)), bout)), bout


def _is_stale(individual: Id, tracked: TrackedVideo) -> bool:
    return any(one == individual or str(one).startswith(f"{individual}_part") for one in tracked.out_of_date)
