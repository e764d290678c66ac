"""Labelling mode: while it is on, the keys of the behaviors label the current individual."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from psygnal import Signal
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from napari_i3d.annotations.editing.open_bouts import OpenBout
from napari_i3d.annotations.ethogram import Behavior
from napari_i3d.plugin import navigation
from napari_i3d.plugin.labels import label_actions
from napari_i3d.plugin.session.matching import labelled_individuals
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo

HOLD_S = 0.35
"""A key that is held longer, over some frames, ends the bout when it is released."""

_TYPED_INTO = (QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox, QComboBox)
_KEYS = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
_PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)


class Labelling(QObject):
    """Turns presses of the behaviors' keys into bouts, and lets open bouts go on with the frame.

    A press begins a bout in the frame that is shown, the next one ends it with the frame that is shown then; held, the
    release ends it. With Shift the behavior is erased instead. Digits that no behavior has choose the individual;
    Escape ends all open bouts; ``[`` and ``]`` set the edges of the bout, Delete removes the selected one.

    Parameters
    ----------
    session
        The viewer's session.
    window
        Its window; its keys are watched, but for those that are typed into a text. It is not held.

    Attributes
    ----------
    is_taken
        Returns whether a press of the key of a behavior, by its name, was for something else, which is done then.
    changed
        Signal, without arguments: the mode is on or off, or bouts have begun or ended.
    """

    changed = Signal()

    def __init__(self, session: Session, window: QMainWindow) -> None:
        super().__init__()
        self._session = session
        self._on = False
        self.is_taken: Callable[[str], bool] = lambda _: False
        self._held: dict[int, tuple[OpenBout, float, int, TrackedVideo]] = {}
        self._video: TrackedVideo | None = None
        self._n_open = 0
        self._commands: dict[int, Callable[[], None]] = {
            Qt.Key.Key_BracketLeft: partial(label_actions.set_edge, session, start=True),
            Qt.Key.Key_BracketRight: partial(label_actions.set_edge, session, start=False),
            Qt.Key.Key_Backspace: partial(label_actions.delete, session),
            Qt.Key.Key_Delete: partial(label_actions.delete, session),
        }
        session.active_changed.connect(self._on_active)
        session.viewer.dims.events.current_step.connect(self._on_step)
        session.box_editor.changed.connect(self._on_editing_boxes)
        window.destroyed.connect(self._unwatch)
        self._on_active()

    @property
    def on(self) -> bool:
        """Whether the keys label."""
        return self._on

    @on.setter
    def on(self, on: bool) -> None:
        if on == self._on:
            return
        if not on:
            self.end_bouts()
        self._on = on
        self._unwatch()
        if on:
            # Both have meanings for the same keys.
            self._session.box_editor.stop()
            # Each event of the program passes through: only as long as that is needed.
            application = QApplication.instance()
            if application is not None:
                application.installEventFilter(self)
        state = "on: its keys are those of the behaviors" if on else "off"
        self._session.viewer.status = f"Labelling is {state}"
        self.changed.emit()

    def end_bouts(self) -> None:
        """End all open bouts with the frame that is shown, or was while their video was."""
        tracked = self._video
        self._held.clear()
        if tracked is not None and tracked.labels.open_bouts.bouts:
            is_shown = tracked is self._session.active
            tracked.labels.open_bouts.end(self._frame(tracked) if is_shown else None)
            self._changed()

    def press(self, behavior: Behavior, *, erase: bool = False) -> None:
        """Do what a press of a behavior's key does."""
        if erase or not self.is_taken(behavior.name):
            label_actions.toggle(self._session, behavior.name, erase=erase)
        self._changed()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Take the keys of the behaviors."""
        if event is None or event.type() not in _KEYS or not isinstance(event, QKeyEvent):
            return False
        if not isinstance(watched, QWidget) or not self._is_ours(watched):
            return False
        act = self._action_of(event)
        if act is None:
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # not a shortcut of a menu
            return True
        if not event.isAutoRepeat():
            act(event.type() == QEvent.Type.KeyPress)
        return True

    def _action_of(self, event: QKeyEvent) -> Any:
        """Return a function of whether the key is pressed or released; None if the key is not ours."""
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier not in _PLAIN:
            return None
        tracked = self._session.active
        if tracked is None:
            return None
        if event.key() == Qt.Key.Key_Escape:
            if QApplication.mouseButtons() != Qt.MouseButton.NoButton:
                return None  # it gives up a drag
            if tracked.labels.open_bouts.bouts:
                return lambda pressed: self.end_bouts() if pressed else None
            return self._deselect if tracked.predictions.selected is not None else None
        command = self._commands.get(event.key())
        if command is not None and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            return lambda pressed: command() if pressed else None
        if not 0x20 < event.key() < 0x7F:
            return None
        letter = chr(event.key()).lower()
        ethogram = tracked.labels.editor.ethogram
        behavior = ethogram.by_key(letter) or ethogram.by_key(letter.upper())
        if behavior is not None:
            erase = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            return lambda pressed: self._press_or_release(event.key(), behavior, tracked, pressed, erase)
        if letter.isdigit():
            return lambda pressed: self._choose(tracked, int(letter)) if pressed else None
        return None

    def _deselect(self, pressed: bool) -> None:
        """Deselect the proposal: keys of behaviors label again, and do not accept it."""
        if pressed and self._session.active is not None:
            self._session.active.predictions.selected = None

    def _press_or_release(
        self, key: int, behavior: Behavior, tracked: TrackedVideo, pressed: bool, erase: bool
    ) -> None:
        if pressed:
            self._held.pop(key, None)
            before = tracked.labels.open_bouts.bouts
            self.press(behavior, erase=erase)
            for bout in tracked.labels.open_bouts.bouts:
                if bout not in before:
                    self._held[key] = (bout, time.monotonic(), self._frame(tracked), tracked)
            return
        held = self._held.pop(key, None)
        if held is None:
            return
        bout, since, frame, video = held
        # Of the individual that was labelled when the key was pressed: another one may be by now.
        if bout in video.labels.open_bouts.bouts and time.monotonic() - since >= HOLD_S and self._frame(video) != frame:
            label_actions.end(self._session, video, bout)
            self._changed()

    def _choose(self, tracked: TrackedVideo, number: int) -> None:
        """Make the individual of a number current: 1 is the first, 0 the tenth."""
        individuals = labelled_individuals(tracked)
        place = (number - 1) % 10
        if place >= len(individuals):
            self._session.viewer.status = f"There are {len(individuals)} individuals only"
            return
        individual = individuals[place]
        if tracked.tracking is not None and individual in tracked.tracking:
            navigation.go_to(self._session, tracked, individual, self._session.frame, center=False)
        tracked.labelled = individual

    def _is_ours(self, widget: QWidget) -> bool:
        focus = QApplication.focusWidget()
        if isinstance(focus, _TYPED_INTO) or QApplication.activeModalWidget() is not None:
            return False
        prompt = self._session.identity_prompt.panel
        if focus is not None and prompt is not None and (focus is prompt or prompt.isAncestorOf(focus)):
            return False
        return widget.window() is self._window()

    def _window(self) -> QMainWindow | None:
        window: QMainWindow | None = getattr(self._session.viewer.window, "_qt_window", None)
        return window

    def _frame(self, tracked: TrackedVideo) -> int:
        return max(0, min(self._session.frame_of(tracked), label_actions.n_frames(tracked) - 1))

    def _on_step(self) -> None:
        tracked = self._video
        if tracked is not self._session.active:
            return  # the slider moves to the frames of another video, and this one is about to be left
        if tracked is not None and tracked.labels.open_bouts.bouts:
            tracked.labels.open_bouts.extend(self._frame(tracked))
        elif tracked is not None and self._n_open:
            self._session.viewer.status = "The bouts that had begun have ended: something else was changed"
            self._changed()

    def _changed(self) -> None:
        self._n_open = len(self._video.labels.open_bouts.bouts) if self._video is not None else 0
        self.changed.emit()

    def _on_active(self) -> None:
        self.end_bouts()
        self._video, self._n_open = self._session.active, 0

    def _on_editing_boxes(self) -> None:
        if self._session.box_editor.is_on:
            self.on = False

    def _unwatch(self) -> None:
        application = QApplication.instance()
        if application is not None:
            application.removeEventFilter(self)
