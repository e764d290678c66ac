"""How fast frames become chunks, with a network that costs nothing, against decoding the same frames and no more.

    python tests/benchmarks/pipeline.py [--rounds 5] [--frames 600] [--individuals 2 10] [--frequency 1 8]

A video of 1024x1024 pixels, h264, and boxes of 171 pixels that drift. In each round the frames are decoded alone, then
by the whole pipeline, so that both see the same machine; ratios are medians over the rounds. Processor time is that of
this program and its ffmpegs: on a machine that others use, its ratio is the steadier one. To reach: 0.85 of plain
decoding with two individuals, 0.6 with ten.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from napari_i3d.backbones.registry import I3D
from napari_i3d.extraction.benchmark import _write_video
from napari_i3d.extraction.engine import compute_chunks, encoder_for
from napari_i3d.extraction.planning.plan import plan_job
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


def measure(video: Video, individuals: int, frequency: int, rounds: int) -> None:
    settings = ExtractionSettings(frequency=frequency, device="cpu")
    job = plan_job(video, tracking(video, individuals).values(), settings)
    encoder = encoder_for(FreeNetwork(), settings)

    def extract() -> None:
        count = sum(len(batch.chunks) for batch in compute_chunks(video, job, encoder))
        if count != job.plan.total_chunks:
            raise RuntimeError(f"expected {job.plan.total_chunks} chunks, found {count}")

    extract()
    plain, whole = [], []
    for _ in range(rounds):
        plain.append(took(lambda: decode(video)))
        whole.append(took(extract))
    frames = len(video)
    rate, alone = (frames / statistics.median(wall for wall, _ in times) for times in (whole, plain))
    wall_ratio, processor_ratio = (
        statistics.median(one[kind] / other[kind] for one, other in zip(plain, whole, strict=True)) for kind in (0, 1)
    )
    plain_ms, whole_ms = (statistics.median(cpu for _, cpu in times) / frames * 1e3 for times in (plain, whole))
    print(
        f"{individuals:>3} individuals, frequency {frequency}: {rate:5.0f} frames/s, decoding alone {alone:5.0f}: "
        f"ratio {wall_ratio:.2f}; processor {whole_ms:5.2f} ms a frame, decoding alone {plain_ms:5.2f}: "
        f"ratio {processor_ratio:.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--individuals", type=int, nargs="*", default=[2, 10])
    parser.add_argument("--frequency", type=int, nargs="*", default=[1, 8])
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder, open_video(_write_video(Path(folder), options.frames)) as video:
        for individuals in options.individuals:
            for frequency in options.frequency:
                measure(video, individuals, frequency, options.rounds)


if __name__ == "__main__":
    main()
