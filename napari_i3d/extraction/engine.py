"""From a video and its tracking to features: each frame decoded once, each crop made once, chunks in batches."""

import contextlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm.auto import tqdm

from napari_i3d.errors import VideoError
from napari_i3d.extraction.arrivals import arriving_crops, run_ahead
from napari_i3d.extraction.device import resolve_device
from napari_i3d.extraction.exact import SharedSteps
from napari_i3d.extraction.job import Job, plan_job, whole_picture
from napari_i3d.extraction.provenance import describe_extraction, describe_tracking
from napari_i3d.extraction.records import Arrival, ChunkBatch, Progress
from napari_i3d.extraction.settings import FEATURES, ExtractionSettings
from napari_i3d.extraction.whole import WholeChunks
from napari_i3d.features.model import Features, Id
from napari_i3d.i3d.network import I3DResNet50
from napari_i3d.i3d.weights import WeightsFacts, load_network
from napari_i3d.tracking.gaps import Gaps
from napari_i3d.tracking.io import read_tracking
from napari_i3d.tracking.model import Tracking
from napari_i3d.video.video import Video, open_video

__all__ = [
    "ChunkBatch",
    "Computer",
    "Progress",
    "compute_chunks",
    "computer_for",
    "extract",
    "extract_features",
    "resolve_device",
]


class Computer(Protocol):
    """Turns crops into features: `SharedSteps` for the network of this program, `WholeChunks` for any other."""

    def add(self, arrivals: Sequence[Arrival]) -> Iterator[ChunkBatch]:
        """Take crops, in the order of frames; yield the features of each full batch of chunks."""
        ...

    def finish(self) -> Iterator[ChunkBatch]:
        """Yield the features of the chunks that are waiting."""
        ...


def computer_for(network: torch.nn.Module, settings: ExtractionSettings) -> Computer:
    """Return what computes features fastest with a network, with the same numbers.

    Raises
    ------
    SettingsError
        This machine has not the device asked for.
    """
    return SharedSteps(network, settings) if isinstance(network, I3DResNet50) else WholeChunks(network, settings)


def compute_chunks(video: Video, job: Job, computer: Computer) -> Generator[ChunkBatch, None, None]:
    """Decode the frames that are needed, each once, and yield the features of chunks as they are computed.

    Decoding and cropping run beside the network, at most a portion of crops ahead of it.

    Raises
    ------
    VideoError
        The video is damaged within the frames needed.
    """
    with contextlib.closing(run_ahead(arriving_crops(video, job))) as portions:
        for portion in portions:
            yield from computer.add(portion)
    yield from computer.finish()


def extract(
    video: Video,
    job: Job,
    network: torch.nn.Module,
    weights: WeightsFacts,
    tracking: Mapping[str, Any] = MappingProxyType({}),
) -> Generator[Progress, None, Features]:
    """Run a planned extraction: yields progress after each batch and returns the features.

    Parameters
    ----------
    video, job
        The video, and what `plan_job` planned for it.
    network, weights
        From `load_network`; any network that maps (B, 3, 8, 224, 224) to (B, 2048) will do. It is left as it is.
    tracking
        What provenance tells of the tracking, from `describe_tracking`.

    Raises
    ------
    VideoError
        The video is damaged within the frames needed.
    SettingsError
        This machine has not the device asked for.
    """
    total = job.plan.total_chunks
    chunks = {windows.id: np.empty((len(windows.starts), FEATURES), np.float32) for windows in job.plan.tracklets}
    done = 0
    yield Progress(done, total)
    with contextlib.closing(compute_chunks(video, job, computer_for(network, job.settings))) as batches:
        for batch in batches:
            for (individual, number), row in zip(batch.chunks, batch.rows, strict=True):
                chunks[individual][number] = row
            done += len(batch.chunks)
            yield Progress(done, total)
    if done != total:
        raise VideoError(f"{video.path.name}: gave the frames for {done} of {total} chunks only; re-encode the video")
    provenance = describe_extraction(video, job, weights, str(resolve_device(job.settings.device)), tracking)
    return _as_features(video, job, chunks, provenance)


def _as_features(
    video: Video, job: Job, chunks: dict[Id, NDArray[np.float32]], provenance: Mapping[str, Any]
) -> Features:
    tracklets = job.plan.tracklets
    return Features(
        # One individual after the other gives up its chunks: padded rows are a copy of them.
        rows={windows.id: _rows(chunks.pop(windows.id), windows.row_chunks) for windows in tracklets},
        frames={windows.id: windows.row_frames for windows in tracklets},
        chunk_starts={windows.id: windows.starts[windows.row_chunks] for windows in tracklets},
        first_frame={windows.id: windows.first_frame for windows in tracklets},
        last_frame={windows.id: windows.last_frame for windows in tracklets},
        fps=video.fps,
        provenance=provenance,
    )


def _rows(chunks: NDArray[np.float32], row_chunks: NDArray[np.int64]) -> NDArray[np.float32]:
    if np.array_equal(row_chunks, np.arange(len(chunks))):
        return chunks
    return np.asarray(chunks[row_chunks])


def extract_features(
    video: Video | str | Path,
    tracking: Tracking | str | Path | None = None,
    *,
    settings: ExtractionSettings | None = None,
    weights: str | Path = "i3d_r50_kinetics",
    individuals: Sequence[Id] | None = None,
    progress: bool = True,
) -> Features:
    """Extract I3D features of tracked individuals.

    Parameters
    ----------
    video
        The video, or its path.
    tracking
        Who is where, or the path of a tracking pickle; None: the whole picture as one individual, id "".
    settings
        The choices; None: the defaults.
    weights
        Name or path of the weights; ``"untrained"`` for random ones, to try things out.
    individuals
        Ids of those to extract; None: all.
    progress
        Show a progress bar.

    Returns
    -------
    Features
        Arrays of (N, 2048) float32. Tracklets that are too short are left out; ``provenance["left_out"]`` tells which.

    Raises
    ------
    VideoError, TrackingError, WeightsError, SettingsError
        The input cannot be used; the message says what was expected and found.
    """
    settings = settings or ExtractionSettings()
    if not isinstance(video, Video):
        with open_video(video) as opened:
            return extract_features(
                opened, tracking, settings=settings, weights=weights, individuals=individuals, progress=progress
            )
    tracking_path = None
    if tracking is None:
        tracking = whole_picture(video, settings)
    elif not isinstance(tracking, Tracking):
        tracking_path = Path(tracking)
        tracking = read_tracking(tracking_path)
    if individuals is not None:
        tracking = tracking.select(individuals)
    job = plan_job(video, tracking.values(), settings)
    network, facts = load_network(weights)
    with tqdm(total=job.plan.total_chunks, unit="chunk", disable=not progress) as bar:
        source = describe_tracking(tracking_path, tracking, Gaps.ERROR)
        steps = extract(video, job, network, facts, source)
        while True:
            try:
                step = next(steps)
            except StopIteration as finished:
                features: Features = finished.value
                return features
            bar.update(step.done_chunks - bar.n)
