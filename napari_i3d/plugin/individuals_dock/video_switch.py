"""The list of videos in the Individuals dock: which one is shown, or all of them side by side."""

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QWidget

from napari_i3d.plugin.layers.video_arrangement import video_names
from napari_i3d.plugin.session.connections import Connections
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.widgets.layouts import fill


class VideoSwitch(QWidget):
    """Chooses among several videos; hidden while there are fewer than two.

    Parameters
    ----------
    session
        The viewer's session.
    links
        The dock's connections.
    """

    def __init__(self, session: Session, links: Connections) -> None:
        super().__init__()
        self._session = session
        self.list = QComboBox()
        self.list.setToolTip(
            "The video that is shown, and that the docks are about. The slider counts its frames; the number of the "
            "frame stays when you choose another video, as far as that has one."
        )
        self.list.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.list.setMinimumContentsLength(8)
        self.side_by_side = QCheckBox("Side by side")
        self.side_by_side.setToolTip(
            "Show all videos, each at the frame that has the number on the slider, whatever their frame rates. "
            "A video that is shorter shows nothing after its end."
        )
        fill(QHBoxLayout(self), self.list, self.side_by_side, grow=self.list)
        links.connect(session.videos_changed, self.refresh)
        links.connect(session.active_changed, self.refresh)
        links.connect(session.arrangement.changed, self.refresh)
        self.list.activated.connect(self._on_chosen)
        self.side_by_side.toggled.connect(self._on_side_by_side)
        self.refresh()

    def refresh(self) -> None:
        """List the videos as they are now."""
        videos, active = self._session.videos, self._session.active
        blockers = [QSignalBlocker(self.list), QSignalBlocker(self.side_by_side)]
        self.list.clear()
        self.list.addItems(video_names(videos))
        self.list.setCurrentIndex(videos.index(active) if active in videos else -1)
        self.side_by_side.setChecked(self._session.arrangement.side_by_side)
        for blocker in blockers:
            blocker.unblock()
        self.setVisible(len(videos) > 1)

    def _on_chosen(self, place: int) -> None:
        self._session.active = self._session.videos[place]

    def _on_side_by_side(self, on: bool) -> None:
        self._session.arrangement.side_by_side = on
