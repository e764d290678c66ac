"""How fast frames become chunks, with a network that costs nothing, against decoding the same frames and no more.

    python tests/benchmarks/pipeline.py [--rounds 5] [--frames 600] [--individuals 2 10] [--frequency 1 8]
                                        [--decoders 1 2] [--frozen]

A video of 1024x1024 pixels, h264, and boxes of 171 pixels that drift. In each round the frames are decoded alone, by
one ffmpeg that chooses its threads, then by the whole pipeline with each number of decoders, so that all see the same
machine; ratios are medians over the rounds. Processor time is that of this program and its ffmpegs: on a machine that
others use, its ratio is the steadier one. To reach with one decoder: 0.85 of plain decoding with two individuals, 0.6
with ten. Then the time of a crop, of the same crop compared with one of another frame, and, with ``--frozen``, the gain
of the untrained network on a video that stands still, and that it costs nothing on one that does not.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import torch

from napari_i3d.backbones.registry import I3D
from napari_i3d.backbones.weights import load_network
from napari_i3d.extraction.benchmark.measure import _write_video
from napari_i3d.extraction.crop_stream import _Cropped
from napari_i3d.extraction.crops import Cropper
from napari_i3d.extraction.engine import compute_shards, encoder_for
from napari_i3d.extraction.planning.plan import plan_job
from napari_i3d.extraction.planning.shards import ShardRows, plan_shards
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.tracking.tracklets import Tracking, Tracklet
from napari_i3d.video.video import Video, open_video

SIDE_PX = 171


class FreeNetwork(torch.nn.Module):
    """Reads one pixel of each chunk."""

    def forward(self, chunks: torch.Tensor) -> torch.Tensor:
        return chunks[:, 0, 0, 0, :1].expand(-1, I3D.width)


def tracking(video: Video, individuals: int) -> Tracking:
    random = np.random.default_rng(2)
    corners = random.uniform(0, video.shape[1] - SIDE_PX - 60, (individuals, 1, 2))
    corners = corners + np.linspace(0, 50, len(video))[None, :, None]
    boxes = np.concatenate([corners, corners + SIDE_PX], axis=2)
    return Tracking(Tracklet(f"animal {number}", 0, of_one) for number, of_one in enumerate(boxes))


def took(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and processor seconds with those of ended children."""

    def processor_s() -> float:
        times = os.times()
        return time.process_time() + times.children_user + times.children_system

    began, began_processor = time.perf_counter(), processor_s()
    work()
    return time.perf_counter() - began, processor_s() - began_processor


def decode(video: Video) -> None:
    for _ in video.frames():
        pass


def measure(video: Video, individuals: int, frequency: int, decoders: list[int], rounds: int) -> None:
    found: dict[int, list[tuple[float, float]]] = {count: [] for count in (0, *decoders)}  # 0: decoding alone
    settings = ExtractionSettings(frequency=frequency, device="cpu")
    job = plan_job(video, tracking(video, individuals).values(), settings)
    shards = plan_shards(job)
    encoder = encoder_for(FreeNetwork(), settings)

    def extract(count: int) -> None:
        several = [replace(shard, settings=replace(settings, decoders=count)) for shard in shards]
        steps = compute_shards(video, several, encoder)
        n_chunks = sum(len(step.rows) for step in steps if isinstance(step, ShardRows))
        if n_chunks != job.plan.total_chunks:
            raise RuntimeError(f"expected {job.plan.total_chunks} chunks, found {n_chunks}")

    for count in decoders:
        extract(count)
    for _ in range(rounds):
        found[0].append(took(lambda: decode(video)))
        for count in decoders:
            found[count].append(took(partial(extract, count)))
    frames = len(video)
    for count in decoders:
        rate, alone = (frames / statistics.median(wall for wall, _ in found[key]) for key in (count, 0))
        ratios = (
            statistics.median(one[kind] / other[kind] for one, other in zip(found[0], found[count], strict=True))
            for kind in (0, 1)
        )
        plain_ms, whole_ms = (statistics.median(cpu for _, cpu in found[key]) / frames * 1e3 for key in (0, count))
        print(
            f"{individuals:>3} individuals, frequency {frequency}, decoders {count}: {rate:5.0f} frames/s, decoding "
            f"alone {alone:5.0f}: ratio {next(ratios):.2f}; processor {whole_ms:5.2f} ms a frame, decoding alone "
            f"{plain_ms:5.2f}: ratio {next(ratios):.2f}",
            flush=True,
        )


def _crop_all(cropper: Cropper, pairs: list[tuple[torch.Tensor, np.ndarray]]) -> None:
    for image, box in pairs:
        cropper.crop(image, box)


def _compare_all(others: list[_Cropped], pairs: list[tuple[torch.Tensor, np.ndarray]]) -> None:
    for other, (image, box) in zip(others, pairs, strict=True):
        other.is_of(image, box)


def measure_crops(rounds: int) -> None:
    """Print the processor time of one crop on a core, cut out of frames in turn, and of finding that it differs."""
    random = np.random.default_rng(3)
    frames = random.integers(0, 256, (6, 1024, 1024, 3), dtype=np.uint8)
    cropper = Cropper(ExtractionSettings())
    images = [cropper.image(frame) for frame in frames]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for side in (100, SIDE_PX, 224, 288, 400, 640, 1024):
        corners = random.integers(0, 1025 - side, (60, 2))
        pairs = [(images[place % 6], np.array([x, y, x + side, y + side])) for place, (x, y) in enumerate(corners)]
        others = [_Cropped(images[place % 6 - 1], box, torch.empty(0)) for place, (_, box) in enumerate(pairs)]
        both = partial(_crop_all, cropper, pairs), partial(_compare_all, others, pairs)
        times = [[took(work)[1] / len(pairs) * 1e3 for work in both] for _ in range(2 * rounds + 1)]
        crop_ms, compare_ms = (statistics.median(some) for some in zip(*times, strict=True))
        print(f"crop of {side} pixels: {crop_ms:.3f} ms, comparing {compare_ms:.4f} ms", flush=True)
    torch.set_num_threads(threads)


def measure_frozen(folder: Path, rounds: int) -> None:
    """Print what reusing equal crops saves, and costs, with the untrained network; disabled in every second run."""
    network, _ = load_network("untrained")
    settings = ExtractionSettings(device="cpu")
    frozen = folder / "frozen.mp4"
    writer = imageio_ffmpeg.write_frames(str(frozen), (1024, 1024), fps=25, codec="libx264", quality=5)
    writer.send(None)
    frame = np.random.default_rng(4).integers(0, 256, (128, 128, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    for _ in range(120):
        writer.send(frame)
    writer.close()
    for name, path in (("moving", folder / "texture.mp4"), ("frozen", frozen)):
        with open_video(path) as video:
            boxes = np.tile([300.0, 300, 471, 471], (120, 1))
            job = plan_job(video, [Tracklet("a", 0, boxes)], settings)
            encoder = encoder_for(network, settings)
            times: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
            for turn in range(2 * rounds + 2):
                with pytest.MonkeyPatch.context() as patch:
                    if turn % 2:
                        patch.setattr(_Cropped, "is_of", lambda *_: False)
                    one = took(partial(list, compute_shards(video, plan_shards(job), encoder)))
                if turn > 1:
                    times[not turn % 2].append(one)
            ratios = [
                statistics.median(a[kind] / b[kind] for a, b in zip(times[True], times[False], strict=True))
                for kind in (0, 1)
            ]
            rate = job.plan.total_chunks / statistics.median(wall for wall, _ in times[True])
            print(
                f"{name} video, untrained network: {rate:.1f} chunks/s; time with reuse of that without: "
                f"{ratios[0]:.3f}, processor {ratios[1]:.3f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--individuals", type=int, nargs="*", default=[2, 10])
    parser.add_argument("--frequency", type=int, nargs="*", default=[1, 8])
    parser.add_argument("--decoders", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--frozen", action="store_true")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder, open_video(_write_video(Path(folder), options.frames)) as video:
        for individuals in options.individuals:
            for frequency in options.frequency:
                measure(video, individuals, frequency, options.decoders, options.rounds)
        measure_crops(options.rounds)
        if options.frozen:
            measure_frozen(Path(folder), options.rounds)


if __name__ == "__main__":
    main()
