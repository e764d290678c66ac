"""Suggested places for the features of each video."""

from pathlib import Path
from weakref import WeakKeyDictionary

from napari_i3d.plugin.session.tracked_video import TrackedVideo


class OutputSuggestion:
    """Suggests a features file beside the video, or in the folder chosen last; keeps what the user chose instead."""

    def __init__(self) -> None:
        self._suggested: tuple[TrackedVideo, Path] | None = None
        self._folder: Path | None = None
        self._chosen: WeakKeyDictionary[TrackedVideo, Path] = WeakKeyDictionary()

    def suggest(self, tracked: TrackedVideo | None, ending: str, shown: Path) -> Path:
        """Return the path to show for a video.

        Parameters
        ----------
        tracked
            The active video.
        ending
            Ending of the file's name, after the video's.
        shown
            The path that is shown now. If the user changed it, it belongs to the video of the last call: the features
            of the next video must not get its name.
        """
        if self._suggested is not None and shown != self._suggested[1]:
            self._chosen[self._suggested[0]] = shown
            self._folder = shown.parent if shown.is_absolute() else None
        if tracked is None or tracked.video is None:
            return shown
        video = tracked.video.path
        usual = (self._folder or video.parent) / f"{video.stem}{ending}"
        self._suggested = tracked, self._chosen.get(tracked, usual)
        return self._suggested[1]
