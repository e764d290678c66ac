"""Playback by the clock at any speed, loops over a range, and the time beside the frame number."""

import math
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from napari.settings._constants import LoopMode
from psygnal import Signal
from qtpy.QtCore import Qt, QTimer

from napari_i3d._utils.text import format_speed, format_time
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.text_label import FrameTimeLabel
from napari_i3d.video.video import Video

SPEEDS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Speeds of the keys, as multiples of the video's rate."""

_TIME = -3
_MEASURED_S = 1.0
"""How far back the drawn frames are counted."""
_NEARLY = 0.9
"""Share of the frames of a second that are drawn; if there are fewer, it is said."""


@dataclass(frozen=True)
class _Start:
    """Start of playback, or of its continuation after a jump.

    Attributes
    ----------
    time_s
        Monotonic time.
    frame
        Step of the slider shown then.
    rate
        Frames a second; negative when playing backwards.
    """

    time_s: float
    frame: int
    rate: float


class Playback:
    """Plays the active video of a viewer by napari's player, and shows the time of the frame.

    The user's settings stay as they are, and a rate that the user chooses in the menu of the play button holds until
    another video is chosen. napari's player falls behind where drawing takes longer than a frame, as it counts the
    frames that were drawn; here it is put forward to the frame that the clock asks for. Frames are left out then, and
    the viewer's frame number is always that of the frame that is shown.

    Parameters
    ----------
    session
        The viewer's session.

    Attributes
    ----------
    changed
        Signal, without arguments: playing has begun or ended, or its speed has changed.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tracked: TrackedVideo | None = None
        self._slider: Any = None
        self._time = FrameTimeLabel()
        self._requested: deque[int] = deque(maxlen=1000)
        self._drawn: deque[float] = deque(maxlen=1000)
        self._start: _Start | None = None
        self._mode_before: LoopMode | None = None  # while a range is played
        # There is no public way to the sliders.
        self._sliders: Any = session.viewer.window._qt_viewer.dims
        thread = self._sliders._animation_thread
        # Both are emitted by napari's thread, and must be known before the window handles them.
        thread.frame_requested.connect(self._on_requested, Qt.ConnectionType.DirectConnection)
        thread.started.connect(self._on_started, Qt.ConnectionType.DirectConnection)
        thread.started.connect(self.changed.emit)
        thread.finished.connect(self._on_finished)
        dims = session.viewer.dims
        # After napari, which makes the sliders and resets the player.
        dims.events.ndim.connect(self._on_video, position="last")
        dims.events.current_step.connect(self._on_step, position="last")
        session.active_changed.connect(self._on_active)
        self._on_active()

    @property
    def is_playing(self) -> bool:
        """Whether the video is being played."""
        thread = self._sliders._animation_thread
        return bool(self._slider is not None and thread.isRunning() and thread.slider is self._slider)

    @property
    def speed(self) -> float:
        """Speed as a multiple of the video's rate; negative: backwards."""
        video = self._video
        return 1.0 if video is None or self._slider is None else float(self._slider.fps) / video.fps

    @speed.setter
    def speed(self, speed: float) -> None:
        video, slider = self._video, self._slider
        if video is None or slider is None or speed == 0:
            return
        rate = video.fps * speed
        # Changing the direction makes napari round the rate; the second time it is taken as it is.
        for _ in range(2):
            slider.fps = rate
        self.changed.emit()

    def play(self) -> None:
        """Play the video from the current frame."""
        if self._slider is not None and self._video is not None:
            self._sliders.play(self._slider.axis)

    def pause(self) -> None:
        """Stop at the current frame."""
        thread = self._sliders._animation_thread
        # A thread that was stopped before it has begun to wait would never end.
        while self.is_playing and not self._sliders.is_playing:
            thread.wait(1)
        if self.is_playing:
            self._sliders.stop()
            # The player may have asked for the next frame already, which would be shown after this one.
            dims = self._session.viewer.dims
            dims._play_ready = False
            QTimer.singleShot(0, lambda: setattr(dims, "_play_ready", True))
            self._end_range()

    def toggle(self) -> None:
        """Play, or stop at the current frame."""
        if self.is_playing:
            self.pause()
        else:
            self.play()

    def faster(self) -> None:
        """Take the next higher speed, in the same direction."""
        self._change_speed(next((s for s in SPEEDS if s > abs(self.speed) + 1e-6), SPEEDS[-1]))

    def slower(self) -> None:
        """Take the next lower speed, in the same direction."""
        self._change_speed(next((s for s in reversed(SPEEDS) if s < abs(self.speed) - 1e-6), SPEEDS[0]))

    def _change_speed(self, speed: float) -> None:
        self.speed = math.copysign(speed, self.speed)

    def shuttle(self, direction: int) -> None:
        """Play forwards (1) or backwards (-1); faster if it plays that way already. For the keys J and L."""
        if self.is_playing and self.speed * direction > 0:
            self.faster()
            return
        self.speed = float(direction)
        if not self.is_playing:
            self.play()

    def play_range(self, start: int, stop: int, *, loop: bool = True, margin: int = 0) -> None:
        """Play frames ``[start, stop)`` of the video from the first, and a margin of frames before and after them.

        Without `loop` it stops at the last one. Playing by the button of the slider plays the whole video again.
        """
        video, slider = self._video, self._slider
        if video is None or slider is None:
            return
        first, last = max(start - margin, 0), min(stop + margin, len(video)) - 1
        if first >= last:
            first, last = max(min(first, len(video) - 2), 0), min(max(last, 1), len(video) - 1)
        if first >= last:
            return  # a video of one frame
        mode = self._mode_before if self._mode_before is not None else LoopMode(slider.loop_mode)
        self.pause()
        self._session.go_to(last if self.speed < 0 else first)
        self._mode_before = mode
        # napari's range has both ends.
        steps = self._step_of(first), self._step_of(last)
        self._sliders.play(slider.axis, loop_mode=str(LoopMode.LOOP if loop else LoopMode.ONCE), frame_range=steps)

    def readout(self) -> str:
        """Return frame, time and speed as one line; the frames that are drawn each second if some are left out."""
        video, frame = self._video, self._session.frame
        if video is None or not 0 <= frame < len(video):
            return ""
        parts = [_place(video, frame)]
        if self.is_playing or abs(self.speed) != 1:
            parts.append(format_speed(self.speed))
        wanted, drawn = abs(self.speed) * video.fps, self._drawn_each_second()
        if self.is_playing and drawn is not None and drawn < _NEARLY * wanted:
            parts.append(f"{drawn:.0f} of {wanted:.0f} frames/s drawn")
        return "  ·  ".join(parts)

    @property
    def longest_place(self) -> str:
        """The readout of the last frame, at the speed of the video."""
        return "" if self._video is None else _place(self._video, len(self._video) - 1)

    def _drawn_each_second(self) -> float | None:
        """Return how many frames were drawn in the last second; None if it plays for less."""
        now = time.monotonic()
        if not self._drawn or now - self._drawn[0] < _MEASURED_S:
            return None
        return sum(now - when <= _MEASURED_S for when in self._drawn) / _MEASURED_S

    @property
    def _video(self) -> Video | None:
        return self._tracked.video if self._tracked is not None else None

    def _step_of(self, frame: int) -> int:
        """Return the step of the slider that shows a frame of the video."""
        layer = self._tracked.layer if self._tracked is not None else None
        if layer is None:
            return frame
        dims = self._session.viewer.dims
        here = layer.world_to_data(dims.point)
        world = float(layer.data_to_world((frame, *here[_TIME + 1 :]))[_TIME])
        axis = dims.range[dims.ndim + _TIME]
        steps: float = (world - axis.start) / axis.step
        return round(steps)

    def _end_range(self) -> None:
        """Give the user's settings back after a range was played."""
        mode, self._mode_before = self._mode_before, None
        if mode is not None and self._slider is not None:
            self._slider.loop_mode = mode
            self._slider.frame_range = None

    def _on_finished(self) -> None:
        # napari connects once more each time it plays; after hundreds of times, each frame would be set as often.
        try:
            self._sliders._animation_thread.frame_requested.disconnect(self._sliders._set_frame)
        except RuntimeError:
            return  # the window was closed while it played, and Qt has deleted the player
        if not self.is_playing:
            self._end_range()
        self.changed.emit()

    def _on_active(self) -> None:
        if self._tracked is not None:
            self._tracked.video_changed.disconnect(self._on_video)
        self._end_range()
        self._tracked = self._session.active
        if self._tracked is not None:
            self._tracked.video_changed.connect(self._on_video)
        self._on_video()

    def _on_video(self) -> None:
        video = self._video
        axis = self._session.viewer.dims.ndim + _TIME
        self._slider = self._sliders.slider_widgets[axis] if axis >= 0 else None
        if self._slider is None:
            self._time.place(None, None)
            return
        if video is not None:
            self._slider.play_button.fpsspin.setMaximum(max(500.0, SPEEDS[-1] * video.fps))
            self._slider.fps = video.fps
        self._time.place(self._slider, video)
        self._time.show(video, self._session.frame)
        self.changed.emit()

    def _on_step(self) -> None:
        self._time.show(self._video, self._session.frame)
        self._keep_pace()

    def _on_requested(self, _: int, frame: int) -> None:
        self._requested.append(frame)

    def _on_started(self) -> None:
        self._start = None
        self._requested.clear()
        self._drawn.clear()

    def _keep_pace(self) -> None:
        """Advance napari's player to the frame that is due now."""
        thread, slider = self._sliders._animation_thread, self._slider
        if not self.is_playing:
            return
        frame, now = int(self._session.viewer.dims.current_step[slider.axis]), time.monotonic()
        self._drawn.append(now)
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


def _place(video: Video, frame: int) -> str:
    times_s = video.times_s
    return f"frame {frame:,}  ·  {format_time(float(times_s[frame] - times_s[0]), hours=True)}"
