"""From a video and its tracking to features: each frame decoded once, each crop made once, chunks in batches."""

import contextlib
import itertools
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import TqdmWarning

from napari_i3d.errors import VideoError
from napari_i3d.extraction.arrivals import Background, arriving_crops, background_of, run_ahead
from napari_i3d.extraction.device import resolve_device
from napari_i3d.extraction.exact import SharedSteps
from napari_i3d.extraction.job import Job, plan_job, whole_picture
from napari_i3d.extraction.provenance import describe_extraction, describe_tracking
from napari_i3d.extraction.records import Arrival, ChunkBatch, Progress
from napari_i3d.extraction.segments import ChunkRows, Segment, SegmentRows, plan_segments
from napari_i3d.extraction.settings import FEATURES, ExtractionSettings
from napari_i3d.extraction.whole import WholeChunks
from napari_i3d.features.model import Features, Id
from napari_i3d.i3d.network import I3DResNet50
from napari_i3d.i3d.weights import WeightsFacts, load_network
from napari_i3d.tracking.gaps import Gaps
from napari_i3d.tracking.io import read_tracking
from napari_i3d.tracking.model import Tracking
from napari_i3d.video.video import Video, open_video

with warnings.catch_warnings():
    # A notebook without ipywidgets shows bars as text: nothing that its user has to be warned of.
    warnings.simplefilter("ignore", TqdmWarning)
    from tqdm.auto import tqdm

__all__ = [
    "ChunkBatch",
    "Computer",
    "Progress",
    "as_features",
    "compute_chunks",
    "compute_segments",
    "computer_for",
    "extract",
    "extract_features",
    "resolve_device",
]


class Computer(Protocol):
    """Turns crops into features: `SharedSteps` for the network of this program, `WholeChunks` for any other."""

    @property
    def device(self) -> str:
        """What computes: ``"cpu"``, ``"cuda:0"``."""
        ...

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


def compute_segments(
    video: Video,
    segments: Sequence[Segment],
    computer: Computer,
    background: Background = None,
    abandon: Callable[[], object] | None = None,
) -> Generator[ChunkBatch | SegmentRows, None, None]:
    """Compute segments of a job one after the other: yields each batch of chunks, and each segment when it is whole.

    Decoding and cropping run beside the network, at most a portion of crops ahead of it. No batch holds chunks of two
    segments.

    Parameters
    ----------
    video, segments, background
        As of `arriving_crops`.
    computer
        Is as fresh after each segment as before it.
    abandon
        As of `run_ahead`.

    Raises
    ------
    VideoError
        The video is damaged within the frames needed.
    """
    rows = np.empty((0, FEATURES), np.float32)
    current: Segment | None = None
    missing, whole = 0, 0
    with contextlib.closing(run_ahead(arriving_crops(video, segments, background), abandon)) as portions:
        for portion in portions:
            segment = portion.segment
            if segment is not current:
                current, missing = segment, segment.n_chunks
                rows = np.empty((missing, FEATURES), np.float32)
            ending = computer.finish() if portion.last else ()
            for batch in itertools.chain(computer.add(portion.arrivals), ending):
                for (individual, number), row in zip(batch.chunks, batch.rows, strict=True):
                    rows[segment.offsets[individual] + number] = row
                missing -= len(batch.chunks)
                yield batch
            if portion.last and not missing:
                whole += 1
                yield SegmentRows(segment, rows, computer.device)
    if whole != len(segments):
        # Rows that nobody computed must never pass for features.
        raise VideoError(
            f"{video.path.name}: gave the frames for {whole} of {len(segments)} portions of the work only; re-encode it"
        )


def compute_chunks(video: Video, job: Job, computer: Computer) -> Generator[ChunkBatch, None, None]:
    """Compute all chunks of a job as one segment, without keeping them; errors as of `compute_segments`."""
    segments = plan_segments(job, job.plan.total_chunks)
    with contextlib.closing(compute_segments(video, segments, computer, background_of(video, job.settings))) as steps:
        for step in steps:
            if isinstance(step, ChunkBatch):
                yield step


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
    total, done = job.plan.total_chunks, 0
    yield Progress(done, total)
    computer, rows = computer_for(network, job.settings), ChunkRows(job)
    background = background_of(video, job.settings)
    with contextlib.closing(compute_segments(video, plan_segments(job), computer, background)) as steps:
        for step in steps:
            if isinstance(step, SegmentRows):
                rows.put(step.segment, step.rows)
            else:
                done += len(step.chunks)
                yield Progress(done, total)
    return as_features(video, job, rows, describe_extraction(video, job, weights, computer.device, tracking))


def as_features(video: Video, job: Job, chunks: ChunkRows, provenance: Mapping[str, Any]) -> Features:
    """Make the result of the features of all chunks; these are used up."""
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
