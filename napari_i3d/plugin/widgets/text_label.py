"""Labels for text in docks."""

import re
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy
from superqt import QElidingLabel

from napari_i3d._utils.text import format_time
from napari_i3d.video.video import Video

_MIN_PX = 60
_HOUR_S = 3600
# A line may be broken after these.
_BREAKS = re.compile(r"([/\\_]|\S{16})")


class TextLabel(QLabel):
    """Wrapped text; breaks also within long names and paths, which would widen the dock."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)  # names of files may look like HTML
        self.setText(text)

    def setText(self, text: str | None) -> None:  # noqa: N802 - Qt's name
        """Show a text; the plain text is the tooltip."""
        plain = text or ""
        self.setToolTip(plain)
        super().setText(_BREAKS.sub("\\1\u200b", plain))

    def text(self) -> str:
        """Return the plain text."""
        return self.toolTip()


class LineLabel(QElidingLabel):
    """One line of text, cut at its end if it is too long; the tooltip has the whole text."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        # The label takes the room that others leave: a long text must not widen the dock.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMinimumWidth(_MIN_PX)

    def setText(self, text: str | None) -> None:  # noqa: N802 - Qt's name
        """Show a text; all of it is the tooltip."""
        self.setToolTip(text or "")
        super().setText(text or "")


class FrameTimeLabel:
    """The time of the frame, beside its number at napari's slider."""

    def __init__(self) -> None:
        self._slider: Any = None
        self._label: QLabel | None = None

    def place(self, slider: Any, video: Video | None) -> None:
        """Put the label beside a slider; without a video it is hidden."""
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
            duration_s = float(video.times_s[-1] - video.times_s[0])
            longest = format_time(8 * _HOUR_S if duration_s >= _HOUR_S else 0.0, hours=duration_s >= _HOUR_S)
            self._label.setMinimumWidth(self._label.fontMetrics().horizontalAdvance(longest) + 8)
            self._label.setToolTip(
                f"Time of the frame since the first; the last one is at "
                f"{format_time(duration_s, hours=duration_s >= _HOUR_S)}. {video.fps:.6g} frames a second."
            )

    def show(self, video: Video | None, frame: int) -> None:
        """Show the time of a frame."""
        if self._label is None or video is None:
            return
        times_s = video.times_s
        hours = bool(times_s[-1] - times_s[0] >= _HOUR_S)
        known = 0 <= frame < len(times_s)
        self._label.setText(format_time(float(times_s[frame] - times_s[0]), hours=hours) if known else "")
