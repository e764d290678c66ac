"""What is above the time line about the frame: buttons that play and go to the edges of bouts, and a readout."""

from functools import partial

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QSpinBox, QToolButton, QWidget

from napari_i3d._utils.text import format_speed
from napari_i3d.plugin.keyboard.actions import Action
from napari_i3d.plugin.labels import label_keys, label_steps
from napari_i3d.plugin.playback import SPEEDS, Playback
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import LineLabel

_BUTTONS = (("previous_edge", "⇤"), ("play_pause", "▶"), ("next_edge", "⇥"), ("loop_bout", "↻"))
_CUT_PX = 12
"""Room beside a text without which it would be cut."""


class PlaybackBar(QWidget):
    """Plays, and goes to the edges of bouts.

    Parameters
    ----------
    session
        The viewer's session.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._actions = {action.name: action for action in label_keys.ACTIONS}
        self.buttons = {name: self._button(self._actions[name], sign) for name, sign in _BUTTONS}
        self.speed = QComboBox()
        self.speed.setToolTip("Speed; frames are left out if drawing is slower, their numbers stay true")
        self.speed.addItems([format_speed(speed) for speed in SPEEDS])
        self.speed.setStyleSheet("QComboBox { padding: 3px 2px 3px 6px; }")
        self.speed.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.speed.activated.connect(self._on_speed)
        self.step = QSpinBox()
        self.step.setRange(1, 100_000)
        self.step.setPrefix("± ")
        self.step.setValue(label_steps.chosen_step())
        self.step.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        # The row has room for the number alone; arrow keys and wheel change it.
        self.step.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.step.setStyleSheet("QSpinBox { min-width: 50px; max-width: 50px; padding: 1px 3px; }")
        self.step.valueChanged.connect(label_steps.choose_step)
        row = fill(QHBoxLayout(self), *self.buttons.values(), self.speed, self.step)
        row.setSpacing(2)
        self.refresh()

    def refresh(self) -> None:
        """Show what the player does, and the keys."""
        playback = self._session.playback
        self.buttons["play_pause"].setText("⏸" if playback.is_playing else "▶")
        for name, button in self.buttons.items():
            button.setToolTip(self._session.keys.tooltip(self._actions[name]))
        keys = " and ".join(self._session.keys.shown_keys(name) for name in ("frames_back", "frames_on"))
        self.step.setToolTip(f"Frames of a larger step ({keys})")
        nearest = min(range(len(SPEEDS)), key=lambda place: abs(SPEEDS[place] - abs(playback.speed)))
        self.speed.setCurrentIndex(nearest)

    def _button(self, action: Action, sign: str) -> QToolButton:
        button = QToolButton()
        button.setText(sign)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.clicked.connect(partial(self._run, action))
        return button

    def _run(self, action: Action, *_: object) -> None:
        action.run(self._session)

    def _on_speed(self, place: int) -> None:
        playback = self._session.playback
        playback.speed = SPEEDS[place] * (-1 if playback.speed < 0 else 1)


class Readout(LineLabel):
    """Frame, time and speed, or those of the place in the time line that the pointer is at.

    It takes the room that it needs for the last frame of the video, and for its text, before a `LineLabel` gets any.

    Parameters
    ----------
    playback
        The player.
    """

    def __init__(self, playback: Playback) -> None:
        super().__init__()
        self._playback = playback
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size for the text, and for what is said about the last frame."""
        texts = self.text(), self._playback.longest_place
        width = max(self.fontMetrics().horizontalAdvance(text) for text in texts) + _CUT_PX
        return QSize(max(width, self.minimumWidth()), super().sizeHint().height())

    def refresh(self) -> None:
        """Show what the player says."""
        self.setText(self._playback.readout())

    def point_at(self, text: str) -> None:
        """Show a text about the place that the pointer is at; empty: it is at none."""
        self.setText(text or self._playback.readout())
