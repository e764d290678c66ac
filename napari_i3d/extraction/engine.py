"""From a video and its tracking to features: each frame decoded once, each crop made once, chunks in batches."""

import copy
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm.auto import tqdm

from napari_i3d.errors import SettingsError, VideoError
from napari_i3d.extraction.background import background_frames, median_background
from napari_i3d.extraction.crops import Cropper, views
from napari_i3d.extraction.job import Job, plan_job, whole_picture
from napari_i3d.extraction.provenance import describe_extraction, describe_tracking
from napari_i3d.extraction.settings import CHUNK_FRAMES, FEATURES, ExtractionSettings, Precision
from napari_i3d.extraction.windows import TrackletWindows, needed_frames
from napari_i3d.features.model import Features, Id
from napari_i3d.i3d.network import I3DResNet50
from napari_i3d.i3d.weights import WeightsFacts, load_network
from napari_i3d.tracking.gaps import Gaps
from napari_i3d.tracking.io import read_tracking
from napari_i3d.tracking.model import Tracking
from napari_i3d.video.video import Video, open_video

# Fewer frames that nobody is in are decoded through; more are skipped by finding a place anew.
_SKIP_FRAMES = 100


@dataclass(frozen=True)
class Progress:
    """How many of the chunks have their features."""

    done_chunks: int
    total_chunks: int


@dataclass(frozen=True, eq=False)
class ChunkBatch:
    """Features of some chunks.

    Attributes
    ----------
    chunks
        Individual and number of each chunk.
    rows : (B, 2048) float32
        Features in the same order.
    """

    chunks: tuple[tuple[Id, int], ...]
    rows: NDArray[np.float32]


def resolve_device(name: str) -> torch.device:
    """Return the device meant by a setting: ``"auto"`` takes CUDA, else MPS, else the CPU.

    Raises
    ------
    SettingsError
        This machine has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device(name)
    available = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }[device.type]
    if (device.index or 0) >= available:
        raise SettingsError(
            f"device: {name} is not available on this machine ({available} of its kind); use cpu or auto"
        )
    return device


class ChunkNetwork:
    """The network on its device, in its precision, applied to batches of chunks."""

    def __init__(self, network: I3DResNet50, settings: ExtractionSettings) -> None:
        self._device = resolve_device(settings.device)
        self._dtype = torch.bfloat16 if settings.precision is Precision.BFLOAT16 else torch.float32
        self._mode = settings.sample_mode
        # Measured 1.4 times as fast as the default layout on a CPU. (torch's annotations lack this overload.)
        layout: Any = {"memory_format": torch.channels_last_3d}
        # A copy: the caller's network stays where it is, in float32.
        self._network = copy.deepcopy(network).to(device=self._device, dtype=self._dtype, **layout)

    @torch.inference_mode()
    def __call__(self, chunks: Sequence[torch.Tensor]) -> NDArray[np.float32]:
        """Return the features, (B, 2048) float32, of B chunks of crops, (3, 8, H, W) float32 each."""
        batch = torch.stack(list(chunks)).to(device=self._device, dtype=self._dtype)
        # TF32, torch's default for convolutions on recent GPUs, rounds to 10 bits: float32 means float32 here.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            answers = [self._network(view).float() for view in views(batch, self._mode)]
        rows: NDArray[np.float32] = torch.stack(answers).mean(dim=0).cpu().numpy()
        return rows


class _TrackletCrops:
    """The crops of one tracklet that chunks still need, at most 8."""

    def __init__(self, windows: TrackletWindows, boxes: NDArray[np.int64], step: int) -> None:
        self.windows = windows
        self._boxes = boxes
        self._step = step
        self._chunk = 0
        self._crops: deque[torch.Tensor] = deque()

    def needs(self, frame: int) -> bool:
        return self._chunk < len(self.windows.starts) and frame >= self.windows.starts[self._chunk]

    def add(self, frame: int, picture: torch.Tensor, cropper: Cropper) -> tuple[int, torch.Tensor] | None:
        """Crop a frame; return number and crops, (3, 8, H, W), of the chunk that it completes."""
        self._crops.append(cropper.crop(picture, self._boxes[frame - self.windows.first_frame]))
        if len(self._crops) < CHUNK_FRAMES:
            return None
        complete = self._chunk, torch.stack(list(self._crops), dim=1)
        self._chunk += 1
        for _ in range(min(self._step, CHUNK_FRAMES)):
            self._crops.popleft()
        return complete


def compute_chunks(video: Video, job: Job, network: ChunkNetwork) -> Iterator[ChunkBatch]:
    """Decode the frames that are needed, each once, and yield the features of chunks as they are computed.

    At most 8 crops of each individual in the picture and one batch of chunks are held.

    Raises
    ------
    VideoError
        The video is damaged within the frames needed.
    """
    settings = job.settings
    background = None
    if settings.subtract_background:
        background = median_background(video[int(frame)] for frame in background_frames(len(video)))
    cropper = Cropper(settings, background)
    waiting = sorted(job.plan.tracklets, key=lambda windows: windows.first_frame, reverse=True)
    active: list[_TrackletCrops] = []
    names: list[tuple[Id, int]] = []
    chunks: list[torch.Tensor] = []
    for first, stop in needed_frames(job.plan, _SKIP_FRAMES):
        for number, frame in enumerate(video.frames(first, stop), start=first):
            while waiting and waiting[-1].first_frame <= number:
                windows = waiting.pop()
                active.append(_TrackletCrops(windows, job.boxes[windows.id], settings.frequency))
            active = [crops for crops in active if crops.windows.last_frame >= number]
            takers = [crops for crops in active if crops.needs(number)]
            if not takers:
                continue
            picture = cropper.picture(frame)
            for taker in takers:
                complete = taker.add(number, picture, cropper)
                if complete is None:
                    continue
                names.append((taker.windows.id, complete[0]))
                chunks.append(complete[1])
                if len(chunks) == settings.batch_size:
                    yield ChunkBatch(tuple(names), network(chunks))
                    names, chunks = [], []
    if chunks:
        yield ChunkBatch(tuple(names), network(chunks))


def extract(
    video: Video,
    job: Job,
    network: I3DResNet50,
    weights: WeightsFacts,
    tracking: Mapping[str, Any] = MappingProxyType({}),
) -> Generator[Progress, None, Features]:
    """Run a planned extraction: yields progress after each batch and returns the features.

    Parameters
    ----------
    video, job
        The video, and what `plan_job` planned for it.
    network, weights
        From `load_network`.
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
    for batch in compute_chunks(video, job, ChunkNetwork(network, job.settings)):
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
