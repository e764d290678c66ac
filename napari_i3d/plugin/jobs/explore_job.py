"""Jobs of the Explore dock: the map and clusters, similar moments, and thumbnails of results."""

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import NapariI3DError
from napari_i3d.explore import (
    FeatureTable,
    Hit,
    MapMethod,
    SimilarMoments,
    Span,
    Step,
    clusters,
    map_rows,
    principal_components,
    similar_moments,
    table_of_features,
)
from napari_i3d.extraction.settings import SampleMode
from napari_i3d.features.features import Features
from napari_i3d.plugin.exploration import Explored
from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.crop_image import crop_image, crop_request
from napari_i3d.plugin.jobs.job_results import RECORD_EVERY_S, Advance, Outcome, Record, Stage, Work
from napari_i3d.plugin.jobs.workers import guarded
from napari_i3d.plugin.session.matching import tracking_id
from napari_i3d.plugin.session.tracked_video import TrackedVideo

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class ExploreRequest:
    """Features to explore, and settings.

    Attributes
    ----------
    owners
        Videos by the names used in the table.
    features
        Features of each video, by the same names.
    method
        Layout of the map.
    clusters
        Number of clusters; None: chosen by silhouette.
    """

    owners: dict[str, TrackedVideo]
    features: dict[str, Features]
    method: MapMethod
    clusters: int | None


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """A crop of one of several spans.

    Attributes
    ----------
    span
        The span.
    image
        (H, W, 3) uint8; None if there is no crop.
    """

    span: Hit
    image: NDArray[np.uint8] | None


def run_exploration(request: ExploreRequest, stop: StopRequest) -> Work:
    """Lay out and cluster the rows of features; the value is an `Explored`."""
    return (yield from guarded(_exploration(request, stop), stop))


def run_similar(
    table: FeatureTable, query: Span, count: int, apart_s: float, others_only: bool, stop: StopRequest
) -> Work:
    """Search for moments similar to a query; the value is a `SimilarMoments`."""
    return (yield from guarded(_similar(table, query, count, apart_s, others_only, stop), stop))


def run_thumbnails(
    spans: tuple[Hit, ...], owners: Mapping[str, TrackedVideo], stop: StopRequest
) -> Generator[Thumbnail, None, Outcome]:
    """Read the crops of spans, the first one first; yields a `Thumbnail` each, the value is their number."""
    return (yield from guarded(_thumbnails(spans, owners, stop), stop))


def _exploration(request: ExploreRequest, stop: StopRequest) -> Generator[Record, None, Explored]:
    yield Stage("looking through the features")
    table = table_of_features(request.features)
    components = yield from _report_steps(principal_components.steps(table), stop)
    laid_out = yield from _report_steps(map_rows.steps(components, request.method), stop)
    groups = yield from _report_steps(clusters.steps(components, request.clusters), stop)
    return Explored(request.owners, request.features, components.table, laid_out, groups)


def _similar(
    table: FeatureTable, query: Span, count: int, apart_s: float, others_only: bool, stop: StopRequest
) -> Generator[Record, None, SimilarMoments]:
    steps = similar_moments.steps(
        table,
        query.individual,
        query.first_frame,
        query.last_frame,
        video=query.video,
        count=count,
        apart_s=apart_s,
        others_only=others_only,
    )
    return (yield from _report_steps(steps, stop))


def _thumbnails(
    spans: tuple[Hit, ...], owners: Mapping[str, TrackedVideo], stop: StopRequest
) -> Generator[Thumbnail, None, int]:
    for span in spans:
        stop.check()
        yield Thumbnail(span, _crop(owners[span.video], span))
    return len(spans)


def _crop(tracked: TrackedVideo, span: Span) -> NDArray[np.uint8] | None:
    """Return the crop in the middle of a span; None if the individual has no box there or the frame is unreadable."""
    try:
        if tracked.tracking is None:
            return None if tracked.video is None else tracked.video[span.middle_frame]
        individual = tracking_id(span.individual, tracked)
        if individual is None:
            return None  # without an id, the current individual would be shown
        request = crop_request(tracked, span.middle_frame, SampleMode.EXPAND_BBOXES, individual)
        return None if isinstance(request, str) else crop_image(request)
    except NapariI3DError:
        return None


def _report_steps(steps: Generator[Step, None, T], stop: StopRequest) -> Generator[Record, None, T]:
    """Yield the steps of a computation as records, at most one every `RECORD_EVERY_S`."""
    reported_s, what = 0.0, ""
    while True:
        stop.check()
        try:
            step = next(steps)
        except StopIteration as finished:
            result: T = finished.value
            return result
        if step.what != what:
            what = step.what
            yield Stage(what)
        if step.total > 1 and time.monotonic() - reported_s > RECORD_EVERY_S:
            reported_s = time.monotonic()
            yield Advance(step.done, step.total)
