"""Follow the labels of the active video."""

from collections.abc import Callable

from napari_i3d.plugin.session.connections import Connections
from napari_i3d.plugin.session.session import Session


class LabelsLink:
    """Calls functions whenever labels, what is labelled, or the active video changes.

    Parameters
    ----------
    session
        The viewer's session.
    *slots
        Functions without arguments.
    """

    def __init__(self, session: Session, *slots: Callable[[], None]) -> None:
        self._session, self._slots = session, slots
        self._links, self._video_links = Connections(), Connections()
        self._links.connect(session.active_changed, self._follow)
        self._links.connect(session.labelling.changed, self._call)
        self._follow()

    def close(self) -> None:
        """Disconnect."""
        self._links.close()
        self._video_links.close()

    def _follow(self) -> None:
        self._video_links.close()
        tracked = self._session.active
        if tracked is not None:
            labels = tracked.labels
            for signal in (labels.changed, labels.saved_changed, tracked.current_changed, tracked.video_changed):
                self._video_links.connect(signal, self._call)
        self._call()

    def _call(self) -> None:
        for slot in self._slots:
            slot()
