"""State of a viewer: its videos with their tracking and features, shared by readers, boxes and docks.

Layers only display it; it outlives them, and can be tested without a window.
"""

import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info, show_warning
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_i3d.errors import NapariI3DError
from napari_i3d.extraction.settings import SampleMode
from napari_i3d.plugin.session.matching import is_named_after, namesakes
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.tracklets import Tracking
from napari_i3d.video.lazy_array import VideoArray

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_i3d.plugin.box_editing.box_editor import BoxEditor
    from napari_i3d.plugin.closing.closing_question import ClosingQuestion
    from napari_i3d.plugin.corrections.canvas_menu import CanvasMenu
    from napari_i3d.plugin.corrections.identity_prompt import IdentityPrompt
    from napari_i3d.plugin.exploration import Exploration
    from napari_i3d.plugin.keyboard.bindings import KeyBindings
    from napari_i3d.plugin.labels.labelling import Labelling
    from napari_i3d.plugin.layers.box_controller import BoxesController
    from napari_i3d.plugin.layers.video_arrangement import VideoArrangement
    from napari_i3d.plugin.learning.learning_state import Learning
    from napari_i3d.plugin.playback import Playback
    from napari_i3d.plugin.recovery.recovery_controller import RecoveryController

from napari_i3d.plugin.session.layer_sources import METADATA_KEY, TrackingSource, VideoSource

# Axes are counted from the last: layers with more axes, such as channels, add theirs in front.
_FLAT, _TIME = 2, -3


class Session:
    """The tracked videos of one viewer, synchronized with its layers.

    Attributes
    ----------
    videos
        In the order of opening.
    following
        Whether the current individual is kept in the middle of the canvas.
    active_changed, videos_changed, sample_mode_changed
        Signals, without arguments.
    """

    active_changed = Signal()
    videos_changed = Signal()
    sample_mode_changed = Signal()
    boxes: "BoxesController"
    """Updates the layers with boxes; set by `get_session`."""
    box_editor: "BoxEditor"
    """Editing of boxes in the canvas; set by `get_session`."""
    exploration: "Exploration"
    """Exploration of the features; set by `get_session`."""
    arrangement: "VideoArrangement"
    """Visibility of the videos; set by `get_session`."""
    playback: "Playback"
    """The player; set by `get_session`."""
    labelling: "Labelling"
    """Labelling by key; set by `get_session`."""
    learning: "Learning"
    """The probe, and what it proposes; set by `get_session`."""
    keys: "KeyBindings"
    """The keys of the actions; set by `get_session`."""
    recovery: "RecoveryController"
    """Keeps unsaved corrections for the case of a crash; set by `get_session`."""
    identity_prompt: "IdentityPrompt"
    """Asks for a correction of identities; set by `get_session`."""
    canvas_menu: "CanvasMenu"
    """The context menu of boxes; set by `get_session`."""
    closing_question: "ClosingQuestion"
    """Asks before running work is lost; set by `get_session`. PyQt crashes at exit if only the window holds it."""

    def __init__(self, viewer: "Viewer") -> None:
        self._viewer = weakref.ref(viewer)
        self.videos: list[TrackedVideo] = []
        self.following = False
        self._active: TrackedVideo | None = None
        self._sample_mode = SampleMode.EXPAND_BBOXES
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.layers.selection.events.active.connect(self._on_selected)
        for layer in viewer.layers:
            self._add_layer(layer)

    @property
    def viewer(self) -> "Viewer":
        """The viewer.

        Raises
        ------
        NapariI3DError
            The viewer was closed.
        """
        viewer = self._viewer()
        if viewer is None:
            raise NapariI3DError("the viewer was closed")
        return viewer

    @property
    def active(self) -> TrackedVideo | None:
        """The video that docks refer to: that of the layer selected last, otherwise the one opened last."""
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
        """Number of the frame of the active video that the viewer shows."""
        return self.frame_of(self._active)

    def frame_of(self, tracked: TrackedVideo | None) -> int:
        """Return the frame number of a video that the viewer shows; out of range if the video is blank there.

        The slider uses world coordinates: layers may be translated and scaled, and other layers may have more axes.
        """
        dims = self.viewer.dims
        if dims.ndim <= _FLAT:
            return 0
        if tracked is None or tracked.layer is None:
            return int(dims.current_step[_TIME])
        return round(float(tracked.layer.world_to_data(dims.point)[_TIME]))

    def go_to(self, frame: int) -> None:
        """Show a frame of the active video."""
        dims = self.viewer.dims
        if dims.ndim <= _FLAT:
            return
        if self._active is None or self._active.layer is None:
            dims.set_current_step(dims.ndim + _TIME, frame)
            return
        layer = self._active.layer
        number = max(0, min(int(frame), len(layer.data) - 1))
        here = layer.world_to_data(dims.point)
        dims.set_point(dims.ndim + _TIME, float(layer.data_to_world((number, *here[_TIME + 1 :]))[_TIME]))

    def add_tracking(self, tracking: Tracking, path: Path | None, layer: "Layer | None" = None) -> TrackedVideo:
        """Assign tracking to the video it is named after, otherwise to the active one, otherwise to a new one.

        A layer is added if none is given.
        """
        tracked = self.best_match(path)
        if tracked is None:
            tracked = self._new(path.stem if path else "tracking")
        before = tracked.tracking_path.name if tracked.tracking_path and tracked.tracking_path != path else ""
        source = layer.metadata.get(METADATA_KEY) if layer is not None else None
        tracked.set_source(source if isinstance(source, TrackingSource) else TrackingSource(tracking, path), layer)
        self.active = tracked
        self._report_doubt(tracked, before)
        if before and tracked.labels.annotation.bouts:
            show_warning(
                f"{tracked.name}: the labels stay with the ids that they had with the boxes of {before}. Look whether "
                "these ids are the same animals now."
            )
        return tracked

    def best_match(self, path: Path | None) -> TrackedVideo | None:
        """Return the video that a tracking file would be assigned to; None if there is none."""
        named = namesakes(path, self.videos)
        if named:
            return named[0]
        free = [t for t in self.videos if t.tracking is None]
        if self._active in free:
            return self._active
        if free:
            return free[-1]
        # Other tracking for the video in hand replaces what it has.
        return self._active if self._active is not None and self._active.video is not None else None

    def _report_doubt(self, tracked: TrackedVideo, before: str = "") -> None:
        """Show which video tracking was assigned to, if its name does not say so."""
        path, video = tracked.tracking_path, tracked.video
        if path is None or video is None:
            return
        fitting = namesakes(path, self.videos)
        instead = f", in place of {before}" if before else ""
        if not fitting:
            show_info(f"{path.name} is named after no open video: assigned to {video.path.name}{instead}")
        elif len(fitting) > 1:
            where = f"{video.path.name} in {video.path.parent}"
            show_info(f"{path.name} is named after {len(fitting)} open videos: assigned to {where}{instead}")

    def _new(self, name: str) -> TrackedVideo:
        tracked = TrackedVideo(name)
        self.videos.append(tracked)
        self.videos_changed.emit()
        return tracked

    def _on_inserted(self, event: Any) -> None:
        self._add_layer(event.value)
        if len(self.viewer.layers) == 1 and self.videos:
            # Videos begin at their beginning; napari begins in the middle of what is opened first.
            self.go_to(0)

    def _add_layer(self, layer: "Layer") -> None:
        if any(layer in (tracked.layer, tracked.tracking_layer) for tracked in self.videos):
            return
        source = layer.metadata.get(METADATA_KEY)
        if isinstance(source, VideoSource):
            stem = source.video.path.stem
            waiting = [t for t in self.videos if t.video is None]
            tracked = next((t for t in waiting if is_named_after(t.tracking_path, stem)), None)
            tracked = tracked or (waiting[-1] if waiting else self._new(stem))
            tracked.name = stem
            tracked.set_video(source.video, layer)
            self.active = tracked
            self._report_doubt(tracked)
            QTimer.singleShot(0, lambda: self._hand_over_to(tracked))  # napari is in the middle of adding a layer
        elif isinstance(source, TrackingSource):
            self.add_tracking(source.tracking, source.path, layer)

    def _hand_over_to(self, tracked: TrackedVideo) -> None:
        """Give a video the tracking of its name, which another one got while it was not open yet."""
        if tracked not in self.videos:
            return  # removed meanwhile
        for other in self.videos:
            path = other.tracking_path
            misplaced = is_named_after(path, tracked.name) and not is_named_after(path, other.name)
            if other is not tracked and tracked.tracking is None and misplaced and other.tracking is not None:
                source = other.source
                other.set_source(None)
                tracked.set_source(source)

    def _on_removed(self, event: Any) -> None:
        if isinstance(event.value.data, VideoArray):
            event.value.data.release()
        for tracked in list(self.videos):
            if tracked.layer is event.value:
                # Remove its boxes too: they would be assigned to the next video.
                tracked.set_video(None, None)
                tracked.set_source(None)
            elif tracked.tracking_layer is event.value:
                tracked.set_source(None)
            if tracked.video is None and tracked.tracking is None:
                self.videos.remove(tracked)
                self.videos_changed.emit()
        if self._active not in self.videos:
            self.active = self.videos[-1] if self.videos else None

    def _on_selected(self, event: Any) -> None:
        for tracked in self.videos:
            if event.value is not None and event.value in (tracked.layer, tracked.tracking_layer):
                self.active = tracked
