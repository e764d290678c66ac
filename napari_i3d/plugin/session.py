"""The videos of a viewer and all that is known of each: what readers, boxes and docks share.

Layers only show; the truth is here, so that it survives when a layer is removed and can be tested without a window.
"""

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_i3d.errors import NapariI3DError
from napari_i3d.extraction.settings import SampleMode
from napari_i3d.features.model import Features, Id
from napari_i3d.plugin.video_array import VideoArray
from napari_i3d.tracking.checks import Problem, check_tracking
from napari_i3d.tracking.model import Tracking

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from napari.viewer import Viewer

    from napari_i3d.plugin.boxes import BoxesController
    from napari_i3d.video.video import Video

METADATA_KEY = "napari_i3d"
"""Under this key of its metadata a layer says what it stands for: a `VideoSource` or a `TrackingSource`."""


@dataclass(frozen=True, eq=False)
class VideoSource:
    """What an image layer shows."""

    video: "Video"


@dataclass(frozen=True, eq=False)
class TrackingSource:
    """Tracking that a layer brings along."""

    tracking: Tracking
    path: Path | None


class TrackedVideo:
    """One video in the viewer, its tracking, what the user chose, and its features.

    Any part may be missing: tracking can be opened before its video.

    Attributes
    ----------
    tracking_layer
        The layer that shows the boxes.
    video_changed, tracking_changed, shown_changed, chosen_changed, current_changed, problem_changed, features_changed
        Signals, without arguments.
    """

    video_changed = Signal()
    tracking_changed = Signal()
    shown_changed = Signal()
    chosen_changed = Signal()
    current_changed = Signal()
    problem_changed = Signal()
    features_changed = Signal()

    def __init__(self, name: str) -> None:
        self.name = name
        self.video: Video | None = None
        self.layer: Image | None = None
        self.tracking: Tracking | None = None
        self.tracking_path: Path | None = None
        self.tracking_layer: Layer | None = None
        self.features: Features | None = None
        self.features_path: Path | None = None
        self.problems: tuple[Problem, ...] = ()
        self._shown: frozenset[Id] = frozenset()
        self._chosen: frozenset[Id] = frozenset()
        self._current: Id | None = None
        self._problem: Problem | None = None
        self._boxes_size: tuple[int, int] | None = None

    @property
    def shown(self) -> frozenset[Id]:
        """Individuals whose boxes are drawn."""
        return self._shown

    @shown.setter
    def shown(self, individuals: Iterable[Id]) -> None:
        self._shown = frozenset(individuals) & self._known
        self.shown_changed.emit()

    @property
    def chosen(self) -> frozenset[Id]:
        """Individuals chosen for extraction."""
        return self._chosen

    @chosen.setter
    def chosen(self, individuals: Iterable[Id]) -> None:
        self._chosen = frozenset(individuals) & self._known
        self.chosen_changed.emit()

    @property
    def current(self) -> Id | None:
        """The individual that the user is looking at: its row is selected, its crop and features are shown."""
        return self._current

    @current.setter
    def current(self, individual: Id | None) -> None:
        individual = individual if individual in self._known else None
        if individual != self._current or type(individual) is not type(self._current):
            self._current = individual
            self.current_changed.emit()

    @property
    def problem(self) -> Problem | None:
        """The one of `problems` that the user is looking at."""
        return self._problem

    @problem.setter
    def problem(self, problem: Problem | None) -> None:
        problem = problem if problem in self.problems else None
        if problem != self._problem:
            self._problem = problem
            self.problem_changed.emit()

    @property
    def boxes_size(self) -> tuple[int, int] | None:
        """Width and height, in pixels, of the picture that boxes refer to; None: the video as it is."""
        return self._boxes_size

    @boxes_size.setter
    def boxes_size(self, size: tuple[int, int] | None) -> None:
        if size != self._boxes_size:
            self._boxes_size = size
            self.check()
            self.tracking_changed.emit()

    @property
    def box_scale(self) -> tuple[float, float]:
        """Pixels of the video, (x, y), for a pixel of the boxes."""
        if self.video is None or self._boxes_size is None:
            return 1.0, 1.0
        return self.video.shape[2] / self._boxes_size[0], self.video.shape[1] / self._boxes_size[1]

    @property
    def _known(self) -> frozenset[Id]:
        return frozenset(self.tracking or ())

    def set_video(self, video: "Video | None", layer: "Image | None") -> None:
        """Take up, or let go of, the video and the layer that shows it."""
        self.video, self.layer = video, layer
        self.check()
        self.video_changed.emit()

    def set_tracking(self, tracking: Tracking | None, path: Path | None, layer: "Layer | None" = None) -> None:
        """Take up tracking, or let go of it: all individuals are shown and chosen, the first one is current.

        Without a layer that shows it, one is made.
        """
        self.tracking, self.tracking_path, self.tracking_layer = tracking, path, layer
        self._shown = self._chosen = self._known
        self._current = next(iter(tracking or ()), None)
        self.check()
        self.tracking_changed.emit()
        self.shown_changed.emit()
        self.chosen_changed.emit()
        self.current_changed.emit()

    def set_features(self, features: Features | None, path: Path | None) -> None:
        """Take up features, or let go of them."""
        self.features, self.features_path = features, path
        self.features_changed.emit()

    def check(self) -> None:
        """Look for problems of the tracking anew."""
        self.problem = None
        if self.tracking is None:
            self.problems = ()
            return
        shape = None
        if self.video is not None:
            width, height = self._boxes_size or (self.video.shape[2], self.video.shape[1])
            shape = (len(self.video), height, width)
        self.problems = tuple(check_tracking(self.tracking, shape))


class Session:
    """The tracked videos of one viewer, kept in step with its layers.

    Attributes
    ----------
    videos
        In the order of opening.
    active_changed, videos_changed, sample_mode_changed
        Signals, without arguments.
    """

    active_changed = Signal()
    videos_changed = Signal()
    sample_mode_changed = Signal()
    boxes: "BoxesController"
    """What keeps the layers with boxes in step; set by `get_session`."""

    def __init__(self, viewer: "Viewer") -> None:
        self._viewer = weakref.ref(viewer)
        self.videos: list[TrackedVideo] = []
        self._active: TrackedVideo | None = None
        self._sample_mode = SampleMode.EXPAND_BBOXES
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.layers.selection.events.active.connect(self._on_selected)
        for layer in viewer.layers:
            self._take_up(layer)

    @property
    def viewer(self) -> "Viewer":
        """The viewer.

        Raises
        ------
        NapariI3DError
            It was closed.
        """
        viewer = self._viewer()
        if viewer is None:
            raise NapariI3DError("the viewer was closed")
        return viewer

    @property
    def active(self) -> TrackedVideo | None:
        """The one that docks are about: that of the layer selected last, else the one opened last."""
        return self._active

    @active.setter
    def active(self, tracked: TrackedVideo | None) -> None:
        if tracked is not self._active:
            self._active = tracked
            self.active_changed.emit()

    @property
    def sample_mode(self) -> SampleMode:
        """How crops are taken from boxes, as the docks show them."""
        return self._sample_mode

    @sample_mode.setter
    def sample_mode(self, mode: SampleMode) -> None:
        if mode is not self._sample_mode:
            self._sample_mode = mode
            self.sample_mode_changed.emit()

    @property
    def frame(self) -> int:
        """Number of the video frame that the viewer shows."""
        steps = self.viewer.dims.current_step
        return int(steps[0]) if len(steps) > 2 else 0

    def go_to(self, frame: int) -> None:
        """Show a video frame."""
        dims = self.viewer.dims
        if dims.ndim > 2:
            dims.set_current_step(0, max(0, min(int(frame), dims.nsteps[0] - 1)))

    def add_tracking(self, tracking: Tracking, path: Path | None, layer: "Layer | None" = None) -> TrackedVideo:
        """Give tracking to the video that it belongs to by name, else to the active one, else to none yet.

        Without a layer that shows it, one is made.
        """
        tracked = self._best_match(path)
        if tracked is None:
            tracked = self._new(path.stem if path else "tracking")
        tracked.set_tracking(tracking, path, layer)
        self.active = tracked
        return tracked

    def _best_match(self, path: Path | None) -> TrackedVideo | None:
        named = [t for t in self.videos if t.video is not None and path and path.name.startswith(t.video.path.stem)]
        if named:
            return max(named, key=lambda tracked: len(tracked.name))
        free = [t for t in self.videos if t.tracking is None]
        if self._active in free:
            return self._active
        if free:
            return free[-1]
        # Other tracking for the video in hand replaces what it has.
        return self._active if self._active is not None and self._active.video is not None else None

    def _new(self, name: str) -> TrackedVideo:
        tracked = TrackedVideo(name)
        self.videos.append(tracked)
        self.videos_changed.emit()
        return tracked

    def _on_inserted(self, event: Any) -> None:
        self._take_up(event.value)

    def _take_up(self, layer: "Layer") -> None:
        if any(layer in (tracked.layer, tracked.tracking_layer) for tracked in self.videos):
            return
        source = layer.metadata.get(METADATA_KEY)
        if isinstance(source, VideoSource):
            stem = source.video.path.stem
            waiting = [t for t in self.videos if t.video is None]
            tracked = next((t for t in waiting if t.tracking_path and t.tracking_path.name.startswith(stem)), None)
            tracked = tracked or (waiting[-1] if waiting else self._new(stem))
            tracked.name = stem
            tracked.set_video(source.video, layer)
            self.active = tracked
        elif isinstance(source, TrackingSource):
            self.add_tracking(source.tracking, source.path, layer)

    def _on_removed(self, event: Any) -> None:
        if isinstance(event.value.data, VideoArray):
            event.value.data.release()
        for tracked in list(self.videos):
            if tracked.layer is event.value:
                # Its boxes go with it; else they would be taken for those of the next video.
                tracked.set_video(None, None)
                tracked.set_tracking(None, None)
            elif tracked.tracking_layer is event.value:
                tracked.set_tracking(None, None)
            if tracked.video is None and tracked.tracking is None:
                self.videos.remove(tracked)
                self.videos_changed.emit()
        if self._active not in self.videos:
            self.active = self.videos[-1] if self.videos else None

    def _on_selected(self, event: Any) -> None:
        for tracked in self.videos:
            if event.value is not None and event.value in (tracked.layer, tracked.tracking_layer):
                self.active = tracked


_sessions: "weakref.WeakKeyDictionary[Viewer, Session]" = weakref.WeakKeyDictionary()


def get_session(viewer: "Viewer") -> Session:
    """Return the session of a viewer; the first call makes it."""
    # napari hands plugins a proxy of the viewer, which cannot be a key.
    viewer = getattr(viewer, "__wrapped__", viewer)
    if viewer not in _sessions:
        # Here, because boxes know the session.
        from napari_i3d.plugin.boxes import BoxesController

        session = _sessions[viewer] = Session(viewer)
        session.boxes = BoxesController(session)
    return _sessions[viewer]
