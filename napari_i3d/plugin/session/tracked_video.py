"""A video in the viewer with its tracking, problems and features."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_i3d._utils.history import History
from napari_i3d.annotations.annotation import Annotation, VideoFacts
from napari_i3d.individuals import Id
from napari_i3d.plugin.session.corrections import Corrections
from napari_i3d.plugin.session.labels import Labels
from napari_i3d.plugin.session.layer_sources import METADATA_KEY, TrackingSource
from napari_i3d.plugin.session.predictions import Predictions
from napari_i3d.plugin.session.video_features import VideoFeatures
from napari_i3d.projects.accepted_problems import AcceptedProblems
from napari_i3d.tracking.checks import Problem
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.editing.tracking_change import TrackingChange
from napari_i3d.tracking.origin import Origin
from napari_i3d.tracking.tracklets import Tracking

if TYPE_CHECKING:
    from napari.layers import Image, Layer

    from napari_i3d.video.video import Video

UNTRACKED = "animal"
"""Id of the individual that is labelled in a video without tracking."""


class TrackedVideo(VideoFeatures):
    """One video in the viewer, its tracking, what the user chose, and its features.

    Any part may be missing: tracking can be opened before its video.

    Attributes
    ----------
    tracking_layer
        The layer that shows the boxes.
    labels
        What is labelled of its individuals.
    predictions
        The bouts that a probe or another program proposes.
    saved_paths
        Files that boxes were saved to in this session; they may be written again without asking.
    tracking_changed
        Signal (`TrackingChange` or None): the boxes were corrected; None: they are others, with a new `editor`.
        Slots may leave the argument out.
    video_changed, saved_changed, accepted_changed
        Signals, without arguments.
    """

    video_changed = Signal()
    tracking_changed = Signal(object)
    accepted_changed = Signal()
    saved_changed = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.video: Video | None = None
        self.layer: Image | None = None
        self.source: TrackingSource | None = None
        self.tracking_layer: Layer | None = None
        self.saved_paths: set[Path] = set()
        self.predictions = Predictions()
        self.labels = Labels(self.predictions.editors)
        self._restart_corrections()
        self._boxes_size: tuple[int, int] | None = None
        self.current_changed.connect(self._deselect_others)

    @property
    def tracking(self) -> Tracking | None:
        """The boxes."""
        return None if self.source is None else self.source.tracking

    @property
    def tracking_path(self) -> Path | None:
        """The file of the boxes."""
        return None if self.source is None else self.source.path

    @property
    def editor(self) -> TrackingEditor:
        """Corrects the boxes; also without tracking, whose first box makes one. Other boxes have another editor."""
        return self._corrections.editor

    @property
    def history(self) -> History:
        """The corrections, to be undone and redone; begins anew with other boxes."""
        return self._corrections.editor.history

    @property
    def labelled(self) -> Id:
        """The individual that is labelled: the current one, else one without boxes."""
        if self.labels.individual is not None:
            return self.labels.individual
        if self._current is not None:
            return self._current
        return next(iter(self.labels.editor.individuals), UNTRACKED)

    @labelled.setter
    def labelled(self, individual: Id) -> None:
        if individual in self._known:
            self.current = individual
        else:
            self.labels.individual = individual
            self.current_changed.emit()

    def _leave_unboxed(self) -> bool:
        left, self.labels.individual = self.labels.individual, None
        return left is not None

    @property
    def is_saved(self) -> bool:
        """Whether the boxes hold no corrections that are not in a file."""
        return self._corrections.editor.is_saved

    @property
    def colors(self) -> dict[Id, str]:
        """The color of each individual, ``#rrggbb``; corrections do not change the colors of the others."""
        return self._corrections.colors

    @property
    def accepted(self) -> AcceptedProblems:
        """The problems that the user marked as fine."""
        return self._corrections.accepted

    @property
    def problems_left(self) -> list[Problem]:
        """The problems that are not marked as fine."""
        return self.accepted.left(self.problems)

    @property
    def boxes_size(self) -> tuple[int, int] | None:
        """Width and height, in pixels, of the image that boxes refer to; None: the video as it is."""
        return self._boxes_size

    @boxes_size.setter
    def boxes_size(self, size: tuple[int, int] | None) -> None:
        if size != self._boxes_size:
            self._boxes_size = size
            self.check()
            self.tracking_changed.emit(TrackingChange({}))

    @property
    def box_scale(self) -> tuple[float, float]:
        """Pixels of the video, (x, y), for a pixel of the boxes."""
        if self.video is None or self._boxes_size is None:
            return 1.0, 1.0
        return self.video.shape[2] / self._boxes_size[0], self.video.shape[1] / self._boxes_size[1]

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """Frames, height and width of the images that boxes refer to; None without a video."""
        if self.video is None:
            return None
        width, height = self._boxes_size or (self.video.shape[2], self.video.shape[1])
        return len(self.video), height, width

    @property
    def _known(self) -> frozenset[Id]:
        return frozenset(self.tracking or ())

    def set_video(self, video: "Video | None", layer: "Image | None") -> None:
        """Set or remove the video and its layer."""
        self.video, self.layer = video, layer
        if video is not None and self.labels.is_blank:
            n_frames, height, width = video.shape[:3]
            facts = VideoFacts(video.path.name, (width, height))
            self.labels.set_annotation(Annotation(n_frames=n_frames, fps=float(video.fps), video=facts), None)
        self.check()
        self.video_changed.emit()

    def set_tracking(self, tracking: Tracking | None, path: Path | None, layer: "Layer | None" = None) -> None:
        """Set or remove the tracking, of which nothing more is known than its file; see `set_source`."""
        self.set_source(None if tracking is None else TrackingSource(tracking, path), layer)

    def set_source(self, source: TrackingSource | None, layer: "Layer | None" = None) -> None:
        """Set or remove the tracking: all individuals are shown and chosen, the first one is current.

        Without a layer that shows it, one is made.
        """
        tracking = None if source is None else source.tracking
        had_boxes = self.source is not None
        if tracking is not None and tracking is not self.tracking and self.features is not None:
            # They belong to other boxes, perhaps of individuals with the same names.
            self.set_features(None, None)
        self.source, self.tracking_layer = source, layer
        self._restart_corrections(keep_predictions=not had_boxes)
        self._shown = self._chosen = self._known
        self._current = next(iter(tracking or ()), None)
        self.check()
        self.tracking_changed.emit(None)
        self.shown_changed.emit()
        self.chosen_changed.emit()
        self.current_changed.emit()

    def restore(self, source: TrackingSource | None, editor: TrackingEditor) -> None:
        """Set corrections that were recovered; what is ticked, the layer and the features stay.

        Parameters
        ----------
        source
            The boxes that were corrected; None: they were drawn from nothing.
        editor
            Holds the corrections.
        """
        hidden, left_out = self._known - self._shown, self._known - self._chosen
        self.source = source
        self._restart_corrections(editor)
        self._set_source(self._corrections.source)
        self._shown, self._chosen = self._known - hidden, self._known - left_out
        self.check()
        self._announce_boxes()

    def mark_saved(self, path: Path, origin: Origin | None = None, *, exact: bool = True) -> None:
        """Note that the boxes were saved to a file, which is that of the boxes from now on.

        `origin` is that of the boxes read from it, and `exact` whether these are the same.
        """
        self._corrections.mark_saved(path, origin, exact=exact)
        self._set_source(self._corrections.source)
        if self.tracking is not None:
            self.accepted.save(self.tracking)
        self.saved_paths.add(path)
        self.saved_changed.emit()

    def replace_boxes(
        self, tracking: Tracking, problems: Sequence[Problem], checked_for: tuple[int, int, int] | None
    ) -> None:
        """Set other boxes that were made of the same key points; what is ticked and the layer stay.

        Corrections of the boxes before are lost.

        Parameters
        ----------
        tracking
            The boxes.
        problems
            What the checks found in them, which may take long.
        checked_for
            The `image_shape` that they were checked for; if that is another by now, they are checked again.
        """
        if self.source is None:
            return
        if self.features is not None:
            self.set_features(None, None)  # they belong to the boxes before
        hidden, left_out = self._known - self._shown, self._known - self._chosen
        self._set_source(replace(self.source, tracking=tracking))
        self._restart_corrections()
        self._shown, self._chosen = self._known - hidden, self._known - left_out
        if checked_for == self.image_shape:
            self.problem = None
            self.problems = (*problems, *self.source.uncertain)
        else:
            self.check()
        self._announce_boxes()

    def _deselect_others(self) -> None:
        # Keys edit the selected bout: one of an individual that is looked at no more must not move with them.
        for selection in (self.labels, self.predictions):
            selected = selection.selected
            if selected is not None and selected.individual != self.labelled:
                selection.selected = None

    def check(self) -> None:
        """Check the tracking again."""
        self.problem = None
        self.problems = self._corrections.check(self.image_shape)

    def _set_source(self, source: TrackingSource | None) -> None:
        self.source = source
        if source is None:
            self.tracking_layer = None  # it goes
        if self.tracking_layer is not None:
            self.tracking_layer.metadata[METADATA_KEY] = source

    def _restart_corrections(self, editor: TrackingEditor | None = None, *, keep_predictions: bool = False) -> None:
        self._corrections = Corrections(self.source, editor)
        self._corrections.editor.connect(self._on_corrected)
        self._corrections.editor.history.connect(self._on_step)
        self.predictions.join(self._corrections.editor.history, keep=keep_predictions)
        self.labels.join(self._corrections.editor)
        self._accepted, self.span = self.accepted.marks, None

    def _on_step(self) -> None:
        before, self._accepted = self._accepted, self.accepted.marks
        if self._accepted != before:
            if self.tracking is not None:
                self.accepted.save(self.tracking)  # also when a decision is undone
            self.accepted_changed.emit()

    def _announce_boxes(self) -> None:
        """Tell that the boxes are others, with the same ticks."""
        self.tracking_changed.emit(None)
        self.shown_changed.emit()
        self.chosen_changed.emit()
        if self._current not in self._known:
            self.current = next(iter(self.tracking or ()), None)
        self._check_features()

    def _on_corrected(self, change: TrackingChange) -> None:
        """Adopt the boxes after a correction, or after its undo."""
        before = self._known
        self._set_source(self._corrections.source)
        self.problems = self._corrections.update(change, self.image_shape)
        ticks, current, problem = (self._shown, self._chosen), self._current, self._problem
        self._problem = problem if problem in self.problems else None
        self._shown, self._chosen = (change.follow(ticked) & self._known for ticked in ticks)
        self._current = change.renamed.get(current, current) if current is not None else None
        if self._current not in self._known:
            self._current = next((individual for individual in change.added), next(iter(self.tracking or ()), None))
        self.tracking_changed.emit(change)
        if before != self._known or (self._shown, self._chosen) != ticks:
            self.shown_changed.emit()
            self.chosen_changed.emit()
        if self._current != current:
            self.current_changed.emit()
        if self._problem != problem:
            self.problem_changed.emit()
        self._check_features()
