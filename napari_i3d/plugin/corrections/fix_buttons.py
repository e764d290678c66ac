"""Buttons under the list of problems: what mends the selected one, in words."""

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_i3d.plugin.corrections import problem_actions
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.tracking.editing.fixes import IN_PLACE

_PADDING_PX = 16


class LineButton(QPushButton):
    """A button with one line of text, cut at its end if it is too long; the tooltip has the whole text."""

    def __init__(self, text: str, pressed: Callable[[], None], key: str = "") -> None:
        super().__init__()
        self._line = f"{text} ({key})" if key else text
        self.setToolTip(self._line)
        # The text must not widen the dock.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setStyleSheet("text-align: left; padding: 2px 6px;")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.clicked.connect(lambda: pressed())
        self._elide()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Cut the text again."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        room = max(0, self.width() - _PADDING_PX)
        # Qt underlines the letter after an ampersand.
        text = self.fontMetrics().elidedText(self._line, Qt.TextElideMode.ElideRight, room)
        self.setText(text.replace("&", "&&"))


class FixButtons(QWidget):
    """The fixes of the problem that the user is looking at, each with the sentence of what it does.

    Parameters
    ----------
    session
        The viewer's session.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._rows = fill(QVBoxLayout(self))
        self.buttons: list[LineButton] = []

    def show_tracked(self, tracked: TrackedVideo | None) -> None:
        """Offer what mends the selected problem of a video."""
        for button in self.buttons:
            self._rows.removeWidget(button)
            button.deleteLater()
        self.buttons = [] if tracked is None or tracked.problem is None else self._make(tracked)
        for button in self.buttons:
            self._rows.addWidget(button)
        self.setVisible(bool(self.buttons))

    def _key(self, name: str) -> str:
        return self._session.keys.shown_key(name)

    def _make(self, tracked: TrackedVideo) -> list[LineButton]:
        session, problem = self._session, tracked.problem
        if problem is None:
            return []
        if problem in tracked.accepted:
            return [
                LineButton(
                    "It is a problem after all", lambda: problem_actions.decide(session), self._key("accept_problem")
                )
            ]
        fixes = problem_actions.fixes_of(tracked)
        keys = (self._key("fix_problem"), self._key("fix_problem_otherwise"), *[""] * len(fixes))
        buttons = [
            LineButton(_sentence(fix.words), partial(problem_actions.apply, session, tracked, fix), key)
            for fix, key in zip(fixes, keys, strict=False)
        ]
        number, kind = len(problem_actions.alike(tracked, problem)), str(problem.kind)
        if fixes and fixes[0].name in IN_PLACE and number > 1:
            name = fixes[0].name
            text = f"{name.capitalize()} all {number} problems of this kind ({kind})"
            buttons.append(LineButton(text, lambda: problem_actions.apply_to_all(session, tracked, name)))
        buttons.append(LineButton("Mark as fine", lambda: problem_actions.decide(session), self._key("accept_problem")))
        if number > 1:
            text = f"Mark all {number} problems of this kind as fine ({kind})"
            buttons.append(LineButton(text, lambda: problem_actions.accept_all(session, tracked)))
        return buttons


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
