"""Playback at the frame rate of the video, and the time beside the frame number."""

import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo

_TIME = -3
_HOUR_S = 3600


@dataclass(frozen=True)
class _Start:
    """Start of playback, or of its continuation after a jump.

    Attributes
    ----------
    time_s
        Monotonic time.
    frame
        Frame shown then.
    rate
        Frames a second; negative when playing backwards.
    """

    time_s: float
    frame: int
    rate: float


class Playback:
    """Sets napari's player of a viewer to the rate of the active video, and shows the time of the frame.

    The user's settings stay as they are, and a rate that the user chooses in the menu of the play button holds until
    another video is chosen. napari's player falls behind where drawing takes longer than a frame, as it counts the
    frames that were drawn; here it is put forward to the frame that the clock asks for. Frames are left out then.

    Parameters
    ----------
    session
        The viewer's session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tracked: TrackedVideo | None = None
        self._slider: Any = None
        self._label: QLabel | None = None
        self._requested: deque[int] = deque(maxlen=1000)
        self._start: _Start | None = None
        # There is no public way to the sliders.
        self._sliders: Any = session.viewer.window._qt_viewer.dims
        thread = self._sliders._animation_thread
        # Both are emitted by napari's thread, and must be known before the window handles them.
        thread.frame_requested.connect(self._on_requested, Qt.ConnectionType.DirectConnection)
        thread.started.connect(self._on_started, Qt.ConnectionType.DirectConnection)
        dims = session.viewer.dims
        # After napari, which makes the sliders and resets the player.
        dims.events.ndim.connect(self._on_video, position="last")
        dims.events.current_step.connect(self._on_step, position="last")
        session.active_changed.connect(self._on_active)
        self._on_active()

    def stop(self) -> None:
        """Stop playing."""
        if self._sliders.is_playing:
            self._sliders.stop()

    def _on_active(self) -> None:
        if self._tracked is not None:
            self._tracked.video_changed.disconnect(self._on_video)
        self._tracked = self._session.active
        if self._tracked is not None:
            self._tracked.video_changed.connect(self._on_video)
        self._on_video()

    def _on_video(self) -> None:
        video = self._tracked.video if self._tracked is not None else None
        axis = self._session.viewer.dims.ndim + _TIME
        slider = self._sliders.slider_widgets[axis] if axis >= 0 else None
        if slider is not self._slider or slider is None:
            # napari deletes the sliders, and what is in them, when the number of axes changes.
            self._slider, self._label = slider, None
        if slider is None:
            return
        if self._label is None:
            self._label = QLabel()
            self._label.setObjectName("frame_time")
            self._label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            slider.layout().addWidget(self._label)
        self._label.setVisible(video is not None)
        if video is not None:
            slider.fps = video.fps
            duration_s = float(video.times_s[-1] - video.times_s[0])
            longest = format_time(8 * _HOUR_S if duration_s >= _HOUR_S else 0.0, hours=duration_s >= _HOUR_S)
            self._label.setMinimumWidth(self._label.fontMetrics().horizontalAdvance(longest) + 8)
            self._label.setToolTip(
                f"Time of the frame since the first; the last one is at "
                f"{format_time(duration_s, hours=duration_s >= _HOUR_S)}. {video.fps:.6g} frames a second."
            )
        self._show_time()

    def _on_step(self) -> None:
        self._show_time()
        self._keep_pace()

    def _show_time(self) -> None:
        video = self._tracked.video if self._tracked is not None else None
        if self._label is None or video is None:
            return
        frame, times_s = self._session.frame, video.times_s
        if 0 <= frame < len(times_s):
            hours = bool(times_s[-1] - times_s[0] >= _HOUR_S)
            self._label.setText(format_time(float(times_s[frame] - times_s[0]), hours=hours))
        else:
            self._label.setText("")

    def _on_requested(self, _: int, frame: int) -> None:
        self._requested.append(frame)

    def _on_started(self) -> None:
        self._start = None
        self._requested.clear()

    def _keep_pace(self) -> None:
        """Advance napari's player to the frame that is due now."""
        thread, slider = self._sliders._animation_thread, self._slider
        if slider is None or not self._sliders.is_playing or thread.slider is not slider:
            return
        frame, now = int(self._session.viewer.dims.current_step[slider.axis]), time.monotonic()
        asked = frame in self._requested
        while asked and self._requested.popleft() != frame:
            pass
        rate = thread.step * abs(float(slider.fps))
        start = self._start
        went_back = start is not None and (frame - start.frame) * thread.step < 0
        if start is None or not asked or start.rate != rate or went_back:
            # It begins, or the user went elsewhere, or it begins again after the end.
            start = self._start = _Start(now, frame, rate)
        due = start.frame + round((now - start.time_s) * rate)
        thread.current = max(thread.min_point, min(due, thread.max_point - 1))


def format_time(seconds: float, *, hours: bool) -> str:
    """Return a time as ``mm:ss.fff``, or ``h:mm:ss.fff``."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    text = f"{rest // 1000:02d}.{rest % 1000:03d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{text}" if hours else f"{minutes:02d}:{text}"
