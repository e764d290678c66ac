"""Keeps the boxes of all videos of a viewer in step with the frame, the zoom and the session."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_warning
from qtpy.QtCore import QTimer

from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin import navigation
from napari_i3d.plugin.layers.box_layers import BoxesDisplay
from napari_i3d.plugin.layers.opengl_workaround import finish_drawing
from napari_i3d.plugin.session.problems import format_stopping
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.editing.tracking_change import TrackingChange

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

_CLICK_PX = 4
"""Largest movement of the mouse during a click, in pixels of the screen."""


class BoxesController:
    """Draws the boxes of each tracked video, and selects the individual that is clicked.

    Works with every way by which tracking comes into a viewer: files opened or dropped, and code.

    Parameters
    ----------
    session
        The viewer's session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._displays: dict[TrackedVideo, BoxesDisplay] = {}
        self._warned: dict[TrackedVideo, Any] = {}
        self._trail_frames = 0
        viewer = session.viewer
        session.videos_changed.connect(self._on_videos)
        viewer.dims.events.current_step.connect(self._on_step)
        viewer.scene.camera.events.zoom.connect(self._on_zoom)
        viewer.events.reset_view.connect(self._on_reset_view)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.mouse_drag_callbacks.append(self._on_mouse)
        self._on_videos()

    @property
    def trail_frames(self) -> int:
        """Length of the trails, in frames before and after the current one; 0: no trails."""
        return self._trail_frames

    @trail_frames.setter
    def trail_frames(self, frames: int) -> None:
        self._trail_frames = max(0, int(frames))
        for display in self._displays.values():
            display.trail_frames = self._trail_frames
            display.fill()

    def display(self, tracked: TrackedVideo) -> BoxesDisplay | None:
        """Return what is drawn of a video."""
        return self._displays.get(tracked)

    def layers_of(self, tracked: TrackedVideo) -> list["Layer"]:
        """Return the layers of a video: its image, boxes and ids, as far as they are there."""
        display = self._displays.get(tracked)
        layers = [tracked.layer, tracked.tracking_layer, display.ids_layer if display else None]
        return [layer for layer in layers if layer is not None]

    def pick(self, world: tuple[float, ...]) -> bool:
        """Make the individual current whose box lies at a place; of several boxes the smallest."""
        hits = [(hit, tracked) for tracked, display in self._displays.items() if (hit := display.hit(world))]
        if not hits:
            return False
        (individual, _), tracked = min(hits, key=lambda found: found[0][1])
        self._session.active = tracked
        tracked.current = individual
        return True

    def _on_videos(self) -> None:
        for tracked in [tracked for tracked in self._displays if tracked not in self._session.videos]:
            self._displays.pop(tracked).close()
            self._warned.pop(tracked, None)
            tracked.video_changed.disconnect(self._warn)
            tracked.tracking_changed.disconnect(self._warn)
        for tracked in self._session.videos:
            if tracked not in self._displays:
                display = self._displays[tracked] = BoxesDisplay(tracked, self._add, self._discard)
                display.frame, display.zoom = (
                    self._session.frame_of(tracked),
                    float(self._session.viewer.scene.camera.zoom),
                )
                display.trail_frames = self._trail_frames
                display.fill()
                tracked.video_changed.connect(self._warn)
                tracked.tracking_changed.connect(self._warn)
        self._warn()

    def _warn(self, change: TrackingChange | None = None) -> None:
        if change is not None:
            return  # the user is at work on them
        # Once for a video and its tracking, when both are there.
        for tracked in self._session.videos:
            pair = (tracked.video, tracked.tracking)
            if None not in pair and self._warned.get(tracked) != pair:
                self._warned[tracked] = pair
                text = format_stopping(tracked)
                if text:
                    show_warning(text)

    def _on_step(self) -> None:
        for tracked, display in self._displays.items():
            frame = self._session.frame_of(tracked)
            if frame != display.frame:
                display.frame = frame
                display.fill()
        navigation.follow(self._session)

    def _on_zoom(self) -> None:
        zoom = float(self._session.viewer.scene.camera.zoom)
        for display in self._displays.values():
            display.zoom = zoom
            display.fill()

    def _on_reset_view(self) -> None:
        self._session.following = False

    def _on_removed(self, event: Any) -> None:
        for display in self._displays.values():
            display.removed(event.value)
        finish_drawing()

    def _add(self, layer: "Layer") -> None:
        layers = self._session.viewer.layers
        active = layers.selection.active
        layers.append(layer)
        if active is not None:
            layers.selection.active = active

    def _discard(self, layer: "Layer") -> None:
        # Later: napari may be in the middle of removing a selection, this layer perhaps among it.
        QTimer.singleShot(0, lambda: self._remove(layer))

    def _remove(self, layer: "Layer") -> None:
        try:
            layers = self._session.viewer.layers
        except NapariI3DError:
            return  # closed meanwhile
        if layer in layers:
            layers.remove(layer)

    def _on_mouse(self, viewer: "Viewer", event: Any) -> Iterator[None]:
        """Pick the box that is clicked; a drag moves the image."""
        active = viewer.layers.selection.active
        if event.button != 1 or event.modifiers or getattr(active, "mode", "pan_zoom") != "pan_zoom":
            return
        start, moved = event.pos, 0.0
        yield
        while True:
            moved = max(moved, *(abs(float(now - then)) for now, then in zip(event.pos, start, strict=True)))
            if event.type != "mouse_move":
                break
            yield
        if moved <= _CLICK_PX:
            self.pick(event.position)
