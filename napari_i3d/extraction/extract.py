"""Extract features of a video in this process, for scripts and notebooks."""

import contextlib
import warnings
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import TqdmWarning

from napari_i3d._utils.progress import finish
from napari_i3d.backbones.pretrained import DEFAULT_WEIGHTS, WeightsFacts
from napari_i3d.backbones.weights import load_network
from napari_i3d.extraction.crop_stream import background_of
from napari_i3d.extraction.engine import Progress, compute_shards, encoder_for
from napari_i3d.extraction.planning.chunks import TrackletChunks
from napari_i3d.extraction.planning.plan import Job, plan_job, whole_image
from napari_i3d.extraction.planning.shards import ChunkRows, ShardRows, plan_shards
from napari_i3d.extraction.provenance import describe_extraction, describe_tracking
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.features import Features
from napari_i3d.individuals import Id
from napari_i3d.tracking.gaps import Gaps
from napari_i3d.tracking.io.reading import TrackingReading
from napari_i3d.tracking.tracklets import Tracking
from napari_i3d.video.video import Video, open_video

with warnings.catch_warnings():
    # Without ipywidgets, notebooks show bars as text; tqdm would warn about that.
    warnings.simplefilter("ignore", TqdmWarning)
    from tqdm.auto import tqdm


def extract(
    video: Video,
    job: Job,
    network: torch.nn.Module,
    weights: WeightsFacts,
    tracking: Mapping[str, Any] = MappingProxyType({}),
) -> Generator[Progress, None, Features]:
    """Run a planned extraction: yield progress after each batch, return the features.

    Parameters
    ----------
    video, job
        The video, and its job from `plan_job`.
    network, weights
        From `load_network`; any network that maps (B, 3, 8, 224, 224) to (B, 2048). It is not modified.
    tracking
        Facts about the tracking for provenance, from `describe_tracking`.

    Raises
    ------
    VideoError
        The video is damaged within the frames needed.
    SettingsError
        This machine does not have the requested device.
    """
    total, done = job.plan.total_chunks, 0
    yield Progress(done, total)
    encoder, rows = encoder_for(network, job.settings), ChunkRows(job)
    background = background_of(video, job.settings)
    with contextlib.closing(compute_shards(video, plan_shards(job), encoder, background)) as steps:
        for step in steps:
            if isinstance(step, ShardRows):
                rows.put(step.shard, step.rows)
            else:
                done += len(step.chunks)
                yield Progress(done, total)
    return as_features(video, job, rows, describe_extraction(video, job, weights, encoder.device, tracking))


def as_features(video: Video, job: Job, chunks: ChunkRows, provenance: Mapping[str, Any]) -> Features:
    """Make the result from the features of all chunks, and empty `chunks`."""
    # Pop one individual at a time: padded rows are copies of the chunks.
    rows = {tracklet.id: _rows(chunks.pop(tracklet.id), tracklet) for tracklet in job.plan.tracklets}
    return describe_rows(video, job, rows, provenance)


def describe_rows(
    video: Video, job: Job, rows: Mapping[Id, NDArray[np.float32]], provenance: Mapping[str, Any]
) -> Features:
    """Make the result from the rows of each individual."""
    tracklets = job.plan.tracklets
    return Features(
        rows=rows,
        frames={tracklet.id: tracklet.row_frames for tracklet in tracklets},
        chunk_starts={tracklet.id: tracklet.row_starts for tracklet in tracklets},
        first_frame={tracklet.id: tracklet.first_frame for tracklet in tracklets},
        last_frame={tracklet.id: tracklet.last_frame for tracklet in tracklets},
        fps=video.fps,
        provenance=provenance,
    )


def _rows(chunks: NDArray[np.float32], tracklet: TrackletChunks) -> NDArray[np.float32]:
    return np.asarray(chunks[tracklet.row_chunks]) if tracklet.pad else chunks


def extract_features(
    video: Video | str | Path,
    tracking: Tracking | str | Path | None = None,
    *,
    settings: ExtractionSettings | None = None,
    weights: str | Path = DEFAULT_WEIGHTS,
    individuals: Sequence[Id] | None = None,
    reading: TrackingReading | None = None,
    progress: bool = True,
) -> Features:
    """Extract I3D features of tracked individuals.

    Parameters
    ----------
    video
        The video, or its path.
    tracking
        The tracking, or the path of a tracking file or folder of any known format; None: the whole image as one
        individual, id "".
    settings
        None: the defaults.
    weights
        Name or path of the weights; ``"untrained"`` for random ones, for testing.
    individuals
        Ids of the individuals to extract; None: all.
    reading
        How the tracking file is read, such as how key points become boxes; None: the defaults.
    progress
        Show a progress bar.

    Returns
    -------
    Features
        Arrays of (N, 2048) float32. Too short tracklets are left out and listed in ``provenance["left_out"]``.

    Raises
    ------
    VideoError, TrackingError, WeightsError, SettingsError
        The input is invalid; the message says what was expected and found.
    """
    settings = settings or ExtractionSettings()
    if not isinstance(video, Video):
        with open_video(video) as opened:
            return extract_features(
                opened,
                tracking,
                settings=settings,
                weights=weights,
                individuals=individuals,
                reading=reading,
                progress=progress,
            )
    tracking_path, reading = None, reading or TrackingReading()
    if tracking is None:
        tracking = whole_image(video, settings)
    elif not isinstance(tracking, Tracking):
        tracking_path = Path(tracking)
        tracking = reading.read(tracking_path, video, settings.video_size)
    if individuals is not None:
        tracking = tracking.select(individuals)
    job = plan_job(video, tracking.values(), settings)
    network, facts = load_network(weights)
    with tqdm(total=job.plan.total_chunks, unit="chunk", disable=not progress) as bar:
        source = describe_tracking(tracking_path, tracking, Gaps.ERROR, None if tracking_path is None else reading)
        steps = extract(video, job, network, facts, source)
        return finish(steps, lambda step: bar.update(step.done_chunks - bar.n))
