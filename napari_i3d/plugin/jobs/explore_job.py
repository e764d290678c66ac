"""Jobs of the Explore dock: the map and clusters, similar moments, and thumbnails of results."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass

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
from napari_i3d.plugin.jobs.job_results import Progress, as_progress
from napari_i3d.plugin.session.matching import tracking_id
from napari_i3d.plugin.session.tracked_video import TrackedVideo


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


def run_exploration(
    owners: dict[str, TrackedVideo],
    features: dict[str, Features],
    method: MapMethod,
    n_clusters: int | None,
    _: StopRequest,
) -> Generator[Progress, None, Explored]:
    """Lay out and cluster the rows of features.

    Parameters
    ----------
    owners
        Videos by the names used in the table.
    features
        Features of each video, by the same names.
    method
        Layout of the map.
    n_clusters
        Number of clusters; None: chosen by silhouette.
    """
    yield Progress("looking through the features")
    table = table_of_features(features)
    components = yield from as_progress(principal_components.steps(table), _progress_of)
    laid_out = yield from as_progress(map_rows.steps(components, method), _progress_of)
    groups = yield from as_progress(clusters.steps(components, n_clusters), _progress_of)
    return Explored(owners, features, components.table, laid_out, groups)


def run_similar(
    table: FeatureTable, query: Span, count: int, apart_s: float, others_only: bool, _: StopRequest
) -> Generator[Progress, None, SimilarMoments]:
    """Search for moments similar to a query."""
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
    return (yield from as_progress(steps, _progress_of))


def run_thumbnails(
    spans: tuple[Hit, ...], owners: Mapping[str, TrackedVideo], _: StopRequest
) -> Generator[Thumbnail, None, None]:
    """Read the crops of spans, in their order."""
    for span in spans:
        yield Thumbnail(span, _crop(owners[span.video], span))


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


def _progress_of(step: Step) -> Progress:
    return Progress(step.what, step.done, step.total if step.total > 1 else 0)
