"""Labels that probes of the other labels contradict, as a list to click through."""

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_i3d.plugin.labels.queue_actions import go_to_doubtful
from napari_i3d.plugin.learn_dock.click_list import ClickList, Row, format_frames
from napari_i3d.plugin.learning.learning_state import Doubtful, describe_who
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import TextLabel

_HEADER = (
    ("who", "The individual, with its video if several are open"),
    ("frames (time)", "The labelled bout"),
    ("labelled", "Its behavior, and the probability that a probe of the other labels gives it"),
    ("rather", "The behavior that is most likely instead, and its probability"),
)
_BEFORE = "A probe that was trained without a bout, and without the frames around it, may contradict its label."


class DoubtfulPanel(QWidget):
    """Lists doubtful labels; the viewer goes to the one that is clicked, and selects its bout.

    Parameters
    ----------
    session
        The viewer's session.

    Attributes
    ----------
    search
        The button that starts the search.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._searched = False
        self.search = QPushButton("Find doubtful labels")
        self.title = TextLabel(_BEFORE)
        self.list = ClickList(_HEADER)
        self.right = QPushButton("Labels are right")
        self.right.setToolTip("Do not list this bout again in this session")
        buttons = fill(QHBoxLayout(), self.search, self.right)
        fill(QVBoxLayout(self), self.title, self.list, buttons, grow=self.list)
        self.list.chosen.connect(self._on_chosen)
        self.right.clicked.connect(self._on_right)

    def show_doubtful(self, *, searched: bool = False) -> None:
        """Show the labels that are left to look at."""
        self._searched |= searched
        listed, place = self._session.learning.doubtful, self.list.current
        videos = len(self._session.videos)
        self.list.show_rows([_row(one, videos) for one in listed], min(place, len(listed) - 1))
        if listed:
            many = "1 labelled bout is" if len(listed) == 1 else f"{len(listed)} labelled bouts are"
            self.title.setText(f"{many} contradicted. Look at each; correct it in Annotate, or say that it is right.")
        else:
            self.title.setText("No doubtful labels are left." if self._searched else _BEFORE)
        self.right.setEnabled(bool(listed) and self.list.current >= 0)

    def _on_chosen(self, place: int) -> None:
        self.right.setEnabled(True)
        go_to_doubtful(self._session, self._session.learning.doubtful[place])

    def _on_right(self) -> None:
        place = self.list.current
        if place >= 0:
            self._session.learning.mark_right(self._session.learning.doubtful[place])
            if 0 <= self.list.current < len(self._session.learning.doubtful):
                self._on_chosen(self.list.current)


def _row(one: Doubtful, videos: int) -> Row:
    bout, fps = one.bout, one.tracked.labels.annotation.fps
    who = describe_who(one.name, bout.individual, videos)
    labelled = f"{bout.behavior} {one.probability:.2f}"
    rather = f"{one.suggested or 'none'} {one.suggested_probability:.2f}"
    return (who, format_frames(bout.start, bout.stop, fps), labelled, rather), f"{bout}: rather {rather}"
