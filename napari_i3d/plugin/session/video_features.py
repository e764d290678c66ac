"""The features of a video in the viewer, and which of them are out of date."""

from pathlib import Path

from psygnal import Signal

from napari_i3d.features.features import Features
from napari_i3d.individuals import Id
from napari_i3d.plugin.session.features_state import FeaturesState
from napari_i3d.plugin.session.video_choices import VideoChoices
from napari_i3d.tracking.tracklets import Tracking


class VideoFeatures(VideoChoices):
    """Adds the features of a video to what the user chose in it.

    Attributes
    ----------
    features, features_path
        The features and their file.
    features_changed, out_of_date_changed
        Signals, without arguments.
    """

    features_changed = Signal()
    out_of_date_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.features: Features | None = None
        self.features_path: Path | None = None
        self._features_state: FeaturesState | None = None
        self._out_of_date: frozenset[Id] = frozenset()

    @property
    def tracking(self) -> Tracking | None:
        """The boxes."""
        return None

    @property
    def out_of_date(self) -> frozenset[Id]:
        """Individuals of the features whose boxes are not those any more that the features were computed from."""
        return self._out_of_date

    def set_features(self, features: Features | None, path: Path | None, boxes: Tracking | None = None) -> None:
        """Set or remove the features; `boxes` are those that they were computed from. Default: the present ones."""
        self.features, self.features_path = features, path
        self._features_state = None if features is None else FeaturesState(features, boxes or self.tracking)
        self._out_of_date = self._find_out_of_date()
        self.features_changed.emit()
        self.out_of_date_changed.emit()

    def _find_out_of_date(self) -> frozenset[Id]:
        return frozenset() if self._features_state is None else self._features_state.out_of_date(self.tracking)

    def _check_features(self) -> None:
        found = self._find_out_of_date()
        if found != self._out_of_date:
            self._out_of_date = found
            self.out_of_date_changed.emit()
