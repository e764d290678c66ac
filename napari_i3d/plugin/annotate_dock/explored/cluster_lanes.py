"""Lanes of what was explored: the clusters of each individual over time, and the rows that are selected."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.colors import category_color
from napari_i3d.explore import LabelRun, label_runs
from napari_i3d.features.sequence import FeatureSequence
from napari_i3d.features.table import FeatureTable
from napari_i3d.individuals import Id
from napari_i3d.plots.style import category_round
from napari_i3d.plugin.exploration import Exploration
from napari_i3d.plugin.labels.label_actions import n_frames
from napari_i3d.plugin.session.connections import Connections
from napari_i3d.plugin.session.matching import individual_of_rows, labelled_individuals
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.timeline.lanes import HATCHES, BoutArrays, Lane, LaneKind, Style

SELECTED = Style("selected in the map", "#ff4b3e")
_TINY = 1e-6


class ClusterLanes:
    """Makes the lanes of the clusters of a video, and keeps them until they change.

    Parameters
    ----------
    exploration
        The viewer's exploration.
    links
        Connections of the dock.
    changed
        Called when the lanes of all videos have become others.
    """

    def __init__(self, exploration: Exploration, links: Connections, changed: Callable[[], None]) -> None:
        self._exploration, self._changed = exploration, changed
        self._clusters: tuple[TrackedVideo, tuple[Id, ...], dict[Id, Lane]] | None = None
        links.connect(exploration.changed, self._on_explored)
        links.connect(exploration.selection_changed, changed)

    def _on_explored(self) -> None:
        # The signal of the selection follows.
        self._clusters = None

    def of(self, tracked: TrackedVideo) -> dict[Id, list[Lane]]:
        """Return the lanes of each individual that has any: clusters, then selected rows."""
        ids = tuple(labelled_individuals(tracked))
        if self._clusters is None or self._clusters[:2] != (tracked, ids):
            self._clusters = tracked, ids, self._make_clusters(tracked)
        lanes = {individual: [lane] for individual, lane in self._clusters[2].items()}
        for individual, lane in self._make_selected(tracked).items():
            lanes[individual].append(lane)
        return lanes

    def _make_clusters(self, tracked: TrackedVideo) -> dict[Id, Lane]:
        explored = self._exploration.explored
        if explored is None:
            return {}
        styles = tuple(cluster_style(number) for number in range(explored.clusters.count))
        return self._lanes(tracked, explored.clusters.labels, LaneKind.CLUSTERS, styles)

    def _make_selected(self, tracked: TrackedVideo) -> dict[Id, Lane]:
        rows = self._exploration.selected
        if not rows.any():
            return {}
        lanes = self._lanes(tracked, rows.astype(np.int64) - 1, LaneKind.SELECTED, (SELECTED,))
        return {individual: lane for individual, lane in lanes.items() if len(lane.bouts)}

    def _lanes(
        self, tracked: TrackedVideo, labels: NDArray[np.integer], kind: LaneKind, styles: tuple[Style, ...]
    ) -> dict[Id, Lane]:
        """Return the lane of each individual, of runs of rows with the same label; those below 0 are left out."""
        found: dict[Id, list[tuple[int, int, int]]] = {}
        for sequence, runs in self._runs(tracked, labels):
            own = found.setdefault(individual_of_rows(sequence.individual, tracked), [])
            step, last = sequence.step_frames, n_frames(tracked)
            frames = ((*frames_of_run(run, step, last), run.label) for run in runs if run.label >= 0)
            own += [one for one in frames if one[0] < one[1]]
        return {
            individual: Lane(kind, styles, BoutArrays.make(*(zip(*own, strict=True) if own else ((), ()))))
            for individual, own in found.items()
        }

    def _runs(
        self, tracked: TrackedVideo, labels: NDArray[np.integer]
    ) -> Iterator[tuple[FeatureSequence, tuple[LabelRun, ...]]]:
        explored = self._exploration.explored
        if explored is None:
            return
        starts = explored.table.starts
        for number in self._exploration.sequences_of(tracked):
            sequence = explored.table.sequences[number]
            table = FeatureTable((sequence,), comparable=True)
            yield sequence, label_runs(table, labels[starts[number] : starts[number + 1]])


def cluster_style(number: int) -> Style:
    """Return the look of a cluster, as in the map."""
    return Style(f"cluster {number}", category_color(number), category_round(number) % HATCHES)


def frames_of_run(run: LabelRun, step_frames: float, n_frames: int) -> tuple[int, int]:
    """Return the video frames of a run of rows: of each frame the nearest row counts, the later one of two."""
    start = math.ceil(run.first_frame - step_frames / 2 - _TINY)
    stop = math.ceil(run.last_frame + step_frames / 2 - _TINY)
    return max(start, 0), min(stop, n_frames)
