"""The current individual in the middle of a square of constant size, in every frame that the viewer shows."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from napari_i3d.errors import NapariI3DError
from napari_i3d.individuals import Id, format_id
from napari_i3d.plugin.crop_dock.follow_view import FollowView, Shown
from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.job_results import Done, Failed, Progress, Result
from napari_i3d.plugin.jobs.workers import Workers
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.choice_box import ChoiceBox
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import LineLabel
from napari_i3d.rendering.options import LARGEST_SQUARE_PX
from napari_i3d.rendering.view import FollowingView
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.tracklets import Tracklet
from napari_i3d.video.lazy_array import VideoArray

_ZOOMS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
_LEAST_PX = 8


@dataclass(frozen=True, eq=False)
class _Followed:
    """What is followed, and how."""

    tracked: TrackedVideo
    tracklet: Tracklet
    scale: tuple[float, float]
    key: tuple[TrackingEditor, Id, tuple[float, float], float]
    view: FollowingView


class FollowPanel(QWidget):
    """Follows the current individual of the active video.

    The place is that of exported clips, see `FollowingView`: where the individual has no box, it is interpolated, or
    that of its first or last box, and the panel says so. A frame that is in memory is shown when the panel is painted,
    which it is together with the viewer; another one is read in a thread.

    Parameters
    ----------
    session
        The viewer's session.
    workers
        Workers of the dock.
    """

    def __init__(self, session: Session, workers: Workers) -> None:
        super().__init__()
        self._session, self._workers = session, workers
        self._followed: _Followed | None = None
        self._reason = ""  # why nobody is followed
        self._stale = True  # of long videos, finding the place takes a while: only when it is seen
        self._reading: int | None = None
        self._failed: tuple[TrackedVideo, int] | None = None
        names = [(f"{zoom:g}×", zoom) for zoom in _ZOOMS]
        self.zoom = ChoiceBox(names, value=1.0, tooltip="1×: a square of twice the size of its boxes.")
        self.box = QCheckBox("Box")
        self.box.setChecked(True)
        self.text = LineLabel()
        self.view = FollowView(self._shown_now, self._on_wheel)
        fill(
            QVBoxLayout(self),
            fill(QHBoxLayout(), self.zoom.native, self.box, self.text, grow=self.text),
            self.view,
            grow=self.view,
        )
        self.zoom.changed.connect(self.show_tracked)
        self.box.toggled.connect(self.view.update)

    def show_tracked(self) -> None:
        """Show what is current now: the video, its boxes or the individual have changed."""
        self._stale = True
        self._failed = None
        self.show_frame()

    def show_frame(self) -> None:
        """Show the frame of the viewer."""
        self.view.update()

    def _follow(self) -> tuple[_Followed | None, str]:
        tracked = self._session.active
        if tracked is None or tracked.video is None:
            return None, "Open a video first."
        if tracked.tracking is None or tracked.current is None:
            return None, "Select an individual: click its box or its row."
        tracklet, scale, zoom = tracked.tracking[tracked.current], tracked.box_scale, self.zoom.value
        key = tracked.editor, tracklet.id, scale, zoom
        before = self._followed
        try:
            if before is not None and before.key == key:
                # A correction of its boxes leaves the scale.
                view = (
                    before.view if before.tracklet is tracklet else FollowingView(tracklet, scale, before.view.side_px)
                )
                return _Followed(tracked, tracklet, scale, key, view), ""
            view = FollowingView(tracklet, scale, None)
            if zoom != 1:
                side = min(max(round(view.side_px / zoom), _LEAST_PX), LARGEST_SQUARE_PX)
                view = FollowingView(tracklet, scale, side)
            return _Followed(tracked, tracklet, scale, key, view), ""
        except NapariI3DError as error:
            return None, dock_text(error)

    def _on_wheel(self, steps: int) -> None:
        place = _ZOOMS.index(self.zoom.value) + steps
        self.zoom.value = _ZOOMS[min(max(place, 0), len(_ZOOMS) - 1)]

    def _shown_now(self) -> Shown | str | None:
        """Return what is to be painted; None: what was painted before, until the frame is read."""
        if self._stale:
            self._followed, self._reason = self._follow()
            self._stale = False
        followed, frame = self._followed, self._session.frame
        if followed is None or followed.tracked.video is None:
            self._name("")
            return self._reason
        if not 0 <= frame < len(followed.tracked.video):
            self._name("")
            return f"The video has no frame {frame}."
        if self._failed == (followed.tracked, frame):
            return f"Frame {frame} cannot be read."
        array = getattr(followed.tracked.layer, "data", None)
        if not isinstance(array, VideoArray):
            return "Open a video first."
        if not array.is_kept(frame):
            if self._reading is None:
                self._reading = frame
                self._workers.start(run_frame, array, frame, on_end=self._on_read)
            return None
        view, tracklet = followed.view, followed.tracklet
        picture = np.empty((*view.size[::-1], 3), np.uint8)
        view.copy(array.frame(frame), frame, picture)
        remark = view.remark(frame)
        self._name(format_id(tracklet.id))
        return Shown(picture, f"frame {frame:,}", str(remark), self._box_in(followed, frame), self._color(followed))

    def _name(self, text: str) -> None:
        # It is called while the view is painted: the label changes its size only if the text does.
        if self.text.text() != text:
            self.text.setText(text)

    def _box_in(self, followed: _Followed, frame: int) -> tuple[float, float, float, float] | None:
        """Return the box in pixels of the picture; None if there is none, or it is not wanted."""
        tracklet, view = followed.tracklet, followed.view
        if not self.box.isChecked() or not tracklet.start <= frame < tracklet.stop:
            return None
        box: NDArray[np.float64] = tracklet.boxes[frame - tracklet.start] * np.array(followed.scale * 2)
        if not np.isfinite(box).all():
            return None
        left, upper, right, lower = ((box - np.array(view.corner(frame) * 2)) * view.enlarged).tolist()
        return left, upper, right, lower

    @staticmethod
    def _color(followed: _Followed) -> str:
        return followed.tracked.colors[followed.tracklet.id]

    def _on_read(self, result: Result) -> None:
        frame, self._reading = self._reading, None
        if isinstance(result, Failed) and self._followed is not None and frame is not None:
            self._failed = self._followed.tracked, frame
        if isinstance(result, Done | Failed):
            self.view.update()


def run_frame(array: VideoArray, frame: int, _: StopRequest) -> Generator[Progress, None, None]:
    """Read a frame into memory."""
    yield Progress(f"reading frame {frame}")
    array.frame(frame)
