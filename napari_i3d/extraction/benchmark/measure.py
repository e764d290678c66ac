"""Measure the speed of this machine: each part of an extraction against the plain network, in turn, in the same run."""

import contextlib
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import torch

from napari_i3d.backbones.i3d.fused_conv import Placement
from napari_i3d.backbones.i3d.network import I3DResNet50
from napari_i3d.backbones.i3d.shared_stem import ChunkForm
from napari_i3d.backbones.registry import I3D
from napari_i3d.backbones.weights import load_network
from napari_i3d.errors import SettingsError
from napari_i3d.extraction.benchmark.peer_runtimes import peer_runtimes
from napari_i3d.extraction.crop_stream import FrameCrop
from napari_i3d.extraction.crops import NETWORK_SIDE, Cropper
from napari_i3d.extraction.device import Device
from napari_i3d.extraction.engine import compute_chunks
from napari_i3d.extraction.planning.chunks import tracklet_chunks
from napari_i3d.extraction.planning.plan import plan_job
from napari_i3d.extraction.settings import ExtractionSettings, Precision
from napari_i3d.extraction.shared_stem_encoder import SharedStemEncoder
from napari_i3d.tracking.tracklets import Tracking, Tracklet
from napari_i3d.video.video import Video, open_video

GFLOP_PER_CHUNK = 10.6
"""Operations of the exact form for a chunk at frequency 1; the plain network has 16.4."""

PLAIN, EXACT, BFLOAT16, COMPILED = "plain network", "exact form", "exact form, bfloat16", "exact form, compiled"
MATRIX, DECODE, CROP, WHOLE = "matrix product", "decoding", "cropping", "end to end, 2 individuals"

_SIDE = 1024
_MATRIX = 2048
_ENDLESS = 1 << 30
# Batches in the clip: with fewer, the first chunks, which share nothing with earlier ones, count too much.
_CLIP_BATCHES = 6


@dataclass(frozen=True)
class Round:
    """A finished round of measurements: the `number`-th of `total`."""

    number: int
    total: int


@dataclass(frozen=True)
class Measurement:
    """Medians over the rounds."""

    name: str  # what was measured
    rate: float
    unit: str  # of the rate
    of_plain: float | None = None  # time of a chunk relative to that of the plain network in the same round
    of_matrix_product: float | None = None  # share of the rate of the matrix product that the network reaches
    of_network: float | None = None  # time of a chunk relative to that of the exact form alone


@dataclass(frozen=True)
class _Task:
    """A task to be timed: `run` does `count` of `unit`."""

    name: str
    unit: str
    count: float
    run: Callable[[], object]


def run_bench(
    video: str | Path | None = None,
    *,
    settings: ExtractionSettings | None = None,
    rounds: int = 5,
    compiled: bool = False,
    cpu_time: bool = False,
    peers: bool = False,
) -> Generator[Round, None, list[Measurement]]:
    """Measure; yield after each round and return the measurements.

    Parameters
    ----------
    video
        Any video; None: a synthetic one of 1024x1024 pixels, h264.
    settings
        Batch size and device; everything else has its default.
    rounds
        In each round everything is measured once, in turn, so that other load on the machine affects all alike.
    compiled
        Also compile the exact form with TorchInductor; takes half a minute and needs a C++ compiler.
    cpu_time
        Use one thread, and count processor seconds instead of wall time: for machines that others use at the same time.
    peers
        Also run the plain network in ONNX Runtime and OpenVINO, on the CPU.

    Raises
    ------
    VideoError
        The video cannot be read.
    SettingsError
        The device, a needed compiler or runtime is missing.
    """
    settings = replace(settings or ExtractionSettings(), frequency=1)
    network, _ = load_network("untrained")
    clock = _processor_seconds if cpu_time else time.perf_counter
    with contextlib.ExitStack() as stack:
        if cpu_time:
            stack.enter_context(_one_thread())
        if video is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="napari_i3d_"))
            video = _write_video(Path(folder), I3D.chunk_frames + _CLIP_BATCHES * settings.batch_size)
        opened = stack.enter_context(open_video(video))
        tasks = [*_network_tasks(network, settings, compiled, peers), *_video_tasks(opened, network, settings)]
        for task in tasks:
            task.run()  # warm up
        seconds: dict[str, list[float]] = {task.name: [] for task in tasks}
        for number in range(1, rounds + 1):
            for task in tasks:
                seconds[task.name].append(_seconds(task.run, clock) / task.count)
            yield Round(number, rounds)
    return [_measurement(task, seconds) for task in tasks]


def _seconds(run: Callable[[], object], clock: Callable[[], float]) -> float:
    began = clock()
    run()
    return clock() - began


def _processor_seconds() -> float:
    """Return the processor seconds of this program and of its ffmpegs that have ended."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _measurement(task: _Task, seconds: dict[str, list[float]]) -> Measurement:
    own = seconds[task.name]

    def ratio(name: str) -> float:
        return statistics.median(one / other for one, other in zip(own, seconds[name], strict=True))

    rate = 1 / statistics.median(own)
    if task.unit != "chunks/s":
        return Measurement(task.name, rate, task.unit)
    share = None if task.name.startswith(PLAIN) else GFLOP_PER_CHUNK / ratio(MATRIX)
    return Measurement(task.name, rate, task.unit, ratio(PLAIN), share, ratio(EXACT))


def _network_tasks(network: I3DResNet50, settings: ExtractionSettings, compiled: bool, peers: bool) -> Iterator[_Task]:
    device, batch = Device(settings), settings.batch_size
    matrix = device.take(torch.rand(_MATRIX, _MATRIX))

    def multiply() -> float:
        return float((matrix @ matrix)[0, 0])  # reads the result, which waits for it

    yield _Task(MATRIX, "GFLOP/s", 2 * _MATRIX**3 / 1e9, multiply)
    plain = I3DResNet50()
    plain.load_state_dict(network.state_dict())
    plain = plain.requires_grad_(False).eval().to(device.torch)
    chunks = device.take(torch.rand(batch, 3, I3D.chunk_frames, NETWORK_SIDE, NETWORK_SIDE))

    def run_plain() -> float:
        with device.computing():
            return float(plain(chunks)[0, 0])

    yield _Task(PLAIN, "chunks/s", batch, run_plain)
    if peers:
        example = torch.rand(batch, 3, I3D.chunk_frames, NETWORK_SIDE, NETWORK_SIDE)
        for name, run in peer_runtimes(plain.cpu(), example):
            yield _Task(f"{PLAIN}, {name}", "chunks/s", batch, partial(run, example.numpy()))
        plain.to(device.torch)
    yield _Task(EXACT, "chunks/s", batch, _steadily(SharedStemEncoder(network, settings), batch))
    if compiled:
        yield _Task(COMPILED, "chunks/s", batch, _steadily(_compiled(network, settings), batch))
    half = replace(settings, precision=Precision.BFLOAT16)
    yield _Task(BFLOAT16, "chunks/s", batch, _steadily(SharedStemEncoder(network, half), batch))


def _steadily(encoder: SharedStemEncoder, count: int) -> Callable[[], object]:
    """Return a function that feeds the next frames of an endless tracklet: as many frames as chunks."""
    crops = torch.rand(count, 3, NETWORK_SIDE, NETWORK_SIDE) * 2 - 1
    chunks = tracklet_chunks("endless", 0, _ENDLESS // (1 << 10), ExtractionSettings())
    frames = iter(range(chunks.n_chunks))

    def feed() -> object:
        return list(encoder.add([FrameCrop(chunks, next(frames), crop) for crop in crops]))

    feed()
    return feed


def _compiled(network: I3DResNet50, settings: ExtractionSettings) -> SharedStemEncoder:
    if not any(map(shutil.which, ("g++", "clang++", "c++", "cl"))):
        raise SettingsError("compiled: expected a C++ compiler, found none", hint="install one, or measure without")
    encoder = SharedStemEncoder(network, settings)
    device = Device(settings)
    form = ChunkForm(network, Placement(device.torch, device.dtype, fused=False))
    for part in (form.res2, form.late):
        # Frozen weights become constants, in the order that the processor wants. The stem gains nothing.
        part.compile(dynamic=False, options={"freezing": True})
    encoder.form = form
    return encoder


def _video_tasks(video: Video, network: I3DResNet50, settings: ExtractionSettings) -> Iterator[_Task]:
    n_frames = min(len(video), I3D.chunk_frames + _CLIP_BATCHES * settings.batch_size)
    _, height, width, _ = video.shape
    side = max(1, min(height, width) // 6)
    squares = {"left": width // 4, "right": width // 2}
    boxes = {
        name: np.tile([x, height // 3, x + side, height // 3 + side], (n_frames, 1)) for name, x in squares.items()
    }
    tracking = Tracking(Tracklet(name, 0, of_one.astype(np.float64)) for name, of_one in boxes.items())
    job = plan_job(video, tracking.values(), replace(settings, min_frames=I3D.chunk_frames))
    yield _Task(DECODE, "frames/s", n_frames, lambda: sum(1 for _ in video.frames(0, n_frames)))
    cropper, frame = Cropper(settings), video[0]
    box = job.boxes["left"][0]

    def crop() -> None:
        image = cropper.image(frame)
        for _ in range(n_frames):
            cropper.crop(image, box)

    yield _Task(CROP, "crops/s", n_frames, crop)
    encoder = SharedStemEncoder(network, settings)
    yield _Task(WHOLE, "chunks/s", job.plan.total_chunks, lambda: list(compute_chunks(video, job, encoder)))


def _write_video(folder: Path, n_frames: int) -> Path:
    """Write a coarse texture that drifts: neither trivial nor impossible to encode."""
    random = np.random.default_rng(1)
    coarse = random.integers(0, 255, (_SIDE // 8, _SIDE // 8, 3), dtype=np.uint8)
    texture = np.kron(coarse, np.ones((8, 8, 1), np.uint8))
    path = folder / "texture.mp4"
    writer = imageio_ffmpeg.write_frames(str(path), (_SIDE, _SIDE), fps=25, codec="libx264", quality=5)
    writer.send(None)
    for number in range(n_frames):
        writer.send(np.roll(texture, (2 * number, 3 * number), axis=(0, 1)))
    writer.close()
    return path
