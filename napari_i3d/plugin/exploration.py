"""Exploration of a viewer: rows of its videos as points of a map, their clusters, and a selection. Without Qt."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_i3d._utils.text import counted
from napari_i3d.errors import FeaturesError
from napari_i3d.explore import Clusters, FeatureTable, Hit, Map, Span
from napari_i3d.features.features import Features
from napari_i3d.individuals import Id
from napari_i3d.plugin import navigation
from napari_i3d.plugin.session.features_state import format_out_of_date
from napari_i3d.plugin.session.matching import tracking_id, unique_names
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.time_axis import TimeAxis
from napari_i3d.plugin.session.tracked_video import TrackedVideo


@dataclass(frozen=True, eq=False)
class Explored:
    """Result of an exploration.

    Attributes
    ----------
    owners
        The video of each name that sequences of the table have.
    features
        The features that were explored, by the same names.
    table
        The rows, as scores of their principal components.
    map
        A point for each row.
    clusters
        A label for each row.
    """

    owners: dict[str, TrackedVideo]
    features: dict[str, Features]
    table: FeatureTable
    map: Map
    clusters: Clusters


def named_features(videos: Iterable[TrackedVideo]) -> dict[str, TrackedVideo]:
    """Return the videos that have features, by unique names.

    Raises
    ------
    FeaturesError
        No video has features.
    """
    named = unique_names(tracked for tracked in videos if tracked.features is not None and len(tracked.features))
    if not named:
        raise FeaturesError("no features to explore yet", hint="extract them, or load a file of them in Plot features")
    return named


class Exploration:
    """The last result and the selection of its rows, shared by the docks.

    Attributes
    ----------
    changed, selection_changed, out_of_date_changed
        Signals, without arguments.
    time_axis
        Limits of the time axis of the active video.
    """

    changed = Signal()
    selection_changed = Signal()
    out_of_date_changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._explored: Explored | None = None
        self._selected = np.empty(0, np.bool_)
        self.time_axis = TimeAxis()
        session.videos_changed.connect(self._on_videos)

    @property
    def explored(self) -> Explored | None:
        """The result; None if nothing was explored, or its features were replaced or removed."""
        return self._explored

    @explored.setter
    def explored(self, explored: Explored | None) -> None:
        if self._explored is not None:
            for tracked in self._explored.owners.values():
                tracked.features_changed.disconnect(self._on_features)
                tracked.out_of_date_changed.disconnect(self.out_of_date_changed.emit)
        self._explored = explored
        self._selected = np.zeros(0 if explored is None else len(explored.table), np.bool_)
        if explored is not None:
            for tracked in explored.owners.values():
                tracked.features_changed.connect(self._on_features)
                tracked.out_of_date_changed.connect(self.out_of_date_changed.emit)
        self.changed.emit()
        self.selection_changed.emit()

    @property
    def selected(self) -> NDArray[np.bool_]:
        """Which rows of the table are selected: (N,) bool."""
        return self._selected

    @selected.setter
    def selected(self, rows: NDArray[np.bool_]) -> None:
        self._selected = rows
        self.selection_changed.emit()

    def current_row(self) -> int | None:
        """Return the row for the frame shown and the current individual; None if there is none."""
        tracked, frame = self._session.active, self._session.frame
        if tracked is None:
            return None
        if tracked.current is None and (tracked.tracking is not None or len(self.sequences_of(tracked)) != 1):
            return None  # ambiguous
        return self.row_at(tracked, tracked.current, frame)

    def row_at(self, tracked: TrackedVideo, individual: Id | None, frame: float) -> int | None:
        """Return the row of a frame of a tracked individual; None if there is none."""
        for number in self.sequences_of(tracked, individual):
            try:
                first, _ = self._table.sequences[number].find_rows(frame, frame)
            except FeaturesError:
                continue
            return int(self._table.starts[number]) + first
        return None

    def sequences_of(self, tracked: TrackedVideo, individual: Id | None = None) -> list[int]:
        """Return the numbers of the sequences of a video, or of one individual of its tracking."""
        if self._explored is None:
            return []
        return [
            number
            for number, sequence in enumerate(self._table.sequences)
            if self._explored.owners[sequence.video] is tracked
            and (individual is None or tracking_id(sequence.individual, tracked) == individual)
        ]

    def part_of(self, tracked: TrackedVideo) -> tuple[FeatureTable, NDArray[np.integer]]:
        """Return the rows of a video, and their clusters.

        Raises
        ------
        FeaturesError
            It has none.
        """
        numbers = self.sequences_of(tracked)
        if self._explored is None or not numbers:
            raise FeaturesError("nothing is explored of this video: compute a map first")
        starts, labels = self._table.starts, self._explored.clusters.labels
        table = FeatureTable(tuple(self._table.sequences[number] for number in numbers), comparable=True)
        return table, np.concatenate([labels[starts[number] : starts[number + 1]] for number in numbers])

    def selected_frames(self, tracked: TrackedVideo, individual: Id) -> NDArray[np.float64]:
        """Return the selected frames of an individual, by its id in the features: (n,) float64."""
        if self._explored is None:
            return np.empty(0)
        frames = [
            sequence.frames[self._selected[self._table.starts[number] :][: len(sequence)]]
            for number, sequence in enumerate(self._table.sequences)
            if sequence.individual == individual and self._explored.owners[sequence.video] is tracked
        ]
        return np.concatenate(frames) if frames else np.empty(0)

    def go_to_row(self, row: int) -> None:
        """Show the frame and the individual of a row."""
        self.go_to(self._table.span(row))

    def go_to(self, span: Span | Hit) -> None:
        """Show the middle frame of a span, and its individual."""
        if self._explored is None:
            return
        tracked = self._explored.owners[span.video]
        individual = tracking_id(span.individual, tracked)
        if individual is None:
            self._session.active = tracked
            self._session.go_to(span.middle_frame)
        else:
            navigation.go_to(self._session, tracked, individual, span.middle_frame, center=False)

    @property
    def _table(self) -> FeatureTable:
        if self._explored is None:
            raise FeaturesError("nothing is explored: compute a map first")
        return self._explored.table

    def _on_features(self) -> None:
        explored = self._explored
        if explored is not None and any(
            explored.owners[name].features is not features for name, features in explored.features.items()
        ):
            self.explored = None

    def _on_videos(self) -> None:
        if self._explored is not None and not set(self._explored.owners.values()) <= set(self._session.videos):
            self.explored = None


def axis_names(shown: Map) -> tuple[str, str]:
    """Return the names of the axes of a map; principal components with their share of the variance."""
    if shown.explained is None:
        return "UMAP 1", "UMAP 2"
    first, second = shown.explained
    return f"component 1 ({first:.0%})", f"component 2 ({second:.0%})"


def format_explored(explored: Explored) -> str:
    """Return a line about the result, and others if features are out of date, or the weights were untrained."""
    sequences = len(explored.table.sequences)
    who = counted(sequences, "individual")
    found = counted(explored.clusters.count, "cluster")
    if explored.clusters.silhouettes:
        found += f" (silhouette {explored.clusters.silhouettes[explored.clusters.count]:.2f})"
    old = [
        f"\n{name}: {text}." if len(explored.owners) > 1 else f"\n{text}."
        for name, tracked in explored.owners.items()
        if (text := format_out_of_date(tracked.out_of_date))
    ]
    untrained = any(f.provenance.get("weights", {}).get("name") == "untrained" for f in explored.features.values())
    warning = "\nUntrained weights: nearness on this map has no meaning." if untrained else ""
    return f"{counted(len(explored.table), 'row')} of {who}, {found}. Click a point to go there.{''.join(old)}{warning}"
