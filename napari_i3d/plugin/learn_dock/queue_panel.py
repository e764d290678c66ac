"""What to label next, as a list to click through."""

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_i3d.plugin.labels.queue_actions import go_to_window, step_queue
from napari_i3d.plugin.learn_dock.click_list import ClickList, Row, format_frames
from napari_i3d.plugin.learning.learning_state import ToLabel, describe_who
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import TextLabel

_HEADER = (
    ("who", "The individual, with its video if several are open"),
    ("frames (time)", "The stretch to label"),
    ("unsure", "1 minus the probability of the likeliest behavior, the mean over the stretch"),
    ("", "Drawn at random: only these tell how often a behavior or a mistake occurs"),
)
_EMPTY = "Nothing is proposed: train a probe first, or all frames with features were looked at."


class QueuePanel(QWidget):
    """Lists the stretches to label next; the viewer goes to the one that is clicked.

    Parameters
    ----------
    session
        The viewer's session.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.title = TextLabel()
        self.list = ClickList(_HEADER)
        self.previous, self.next = QPushButton("Previous"), QPushButton("Next")
        buttons = fill(QHBoxLayout(), self.previous, self.next)
        fill(QVBoxLayout(self), self.title, self.list, buttons, grow=self.list)
        self.list.chosen.connect(self._on_chosen)
        self.previous.clicked.connect(lambda: step_queue(session, -1))
        self.next.clicked.connect(lambda: step_queue(session, 1))

    def show_queue(self) -> None:
        """Show the stretches that are left."""
        queue = self._session.learning.queue
        videos = len(self._session.videos)
        self.list.show_rows([_row(one, videos) for one in queue], self._session.learning.at)
        random = sum(one.random for one in queue)
        self.title.setText(
            f"{_stretches(len(queue))}, {random} of them ({random / len(queue):.0%}) drawn at random. "
            "The one you go to is marked: the key of a behavior labels all of it."
            if queue
            else _EMPTY
        )
        for button in (self.previous, self.next):
            button.setEnabled(bool(queue))

    def show_keys(self) -> None:
        """Show the keys of the buttons."""
        for button, name in ((self.previous, "previous_to_label"), (self.next, "next_to_label")):
            action = next(one for one in self._session.keys.actions if one.name == name)
            button.setToolTip(self._session.keys.tooltip(action))

    def _on_chosen(self, place: int) -> None:
        go_to_window(self._session, self._session.learning.take(place))


def _stretches(number: int) -> str:
    return "1 stretch to label" if number == 1 else f"{number} stretches to label"


def _row(one: ToLabel, videos: int) -> Row:
    fps = one.tracked.labels.annotation.fps
    who = describe_who(one.name, one.individual, videos)
    why = "drawn at random" if one.random else "the probe is unsure"
    texts = who, format_frames(one.start, one.stop, fps), f"{one.uncertainty:.2f}", "random" if one.random else ""
    return texts, f"{who}, frames {one.start} to {one.stop - 1}: {why}"
