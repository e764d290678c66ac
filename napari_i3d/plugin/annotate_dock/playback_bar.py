"""Buttons of the time line: play, speed, and the edges of bouts."""

from functools import partial

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QSpinBox, QToolButton, QWidget

from napari_i3d._utils.text import format_speed
from napari_i3d.plugin.keyboard.actions import Action
from napari_i3d.plugin.labels import label_keys, label_steps
from napari_i3d.plugin.playback import SPEEDS
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.widgets.layouts import fill

_BUTTONS = (("previous_edge", "⇤"), ("play_pause", "▶"), ("next_edge", "⇥"), ("loop_bout", "↻"))


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
        self.speed.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.speed.activated.connect(self._on_speed)
        self.step = QSpinBox()
        self.step.setRange(1, 100_000)
        self.step.setPrefix("± ")
        self.step.setValue(label_steps.chosen_step())
        self.step.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
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
