"""Recheck a tracking after edits; only changed boxes are measured."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from napari_i3d.individuals import Id
from napari_i3d.tracking.box_measures import BoxMeasures, measure, measure_again
from napari_i3d.tracking.checks import Problem, problems_of, with_levels
from napari_i3d.tracking.tracklets import Tracking, Tracklet


class TrackingChecks:
    """The problems of a tracking that is being edited.

    Parameters
    ----------
    tracking
        The tracking.
    video_shape
        As in `check_tracking`.
    """

    def __init__(self, tracking: Tracking, video_shape: Sequence[int] | None = None) -> None:
        self._shape = video_shape
        self._image = None if video_shape is None else video_shape[1:3]
        self._tracklets: dict[Id, Tracklet] = {}
        self._found: dict[Id, list[Problem]] = {}
        # Only for edited individuals; measures of all would take as much memory as the boxes.
        self._measures: dict[Id, BoxMeasures] = {}
        self.update(tracking)
        self._measures.clear()

    @property
    def problems(self) -> list[Problem]:
        """The same as `check_tracking` returns."""
        return self._problems

    def update(self, tracking: Tracking, ranges: Mapping[Id, tuple[int, int]] = MappingProxyType({})) -> list[Problem]:
        """Check an edited tracking; return its problems.

        Parameters
        ----------
        tracking
            The current tracking. Tracklets that are the same objects as before are not checked again.
        ranges
            {id: half-open range of frames}: since the last update, the individual's boxes were changed in this range
            only, as `TrackingChange.ranges` has it. Other tracklets that changed are measured as a whole.
        """
        for individual in self._tracklets.keys() - tracking.keys():
            for values in (self._tracklets, self._found, self._measures):
                values.pop(individual, None)
        for individual, tracklet in tracking.items():
            if self._tracklets.get(individual) is tracklet:
                continue
            before, frames = self._measures.get(individual), ranges.get(individual)
            if before is None or frames is None:
                measures = measure(tracklet, self._image)
            else:
                measures = measure_again(before, tracklet, frames, self._image)
            self._tracklets[individual], self._measures[individual] = tracklet, measures
            self._found[individual] = problems_of(tracklet, measures, self._shape)
        self._problems = with_levels(tracking, (self._found[individual] for individual in tracking))
        return self._problems
