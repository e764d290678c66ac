"""Chunks a second of a graphics card: precisions, batch sizes, eager, compiled and graph-captured, and the pipeline.

    python tests/benchmarks/gpu.py [--device cuda] [--batches 16 64 256] [--rounds 5] [--peaks float32=67 tf32=494]

Prints a table in markdown with the name of the card. For each precision: the network from the output of its first max
pool on, at each batch size, eager, compiled by TorchInductor, and as CUDA graphs; the whole encoder, fed with crops;
and the whole pipeline from a made-up h264 video of 1024x1024 pixels with ten individuals. `--peaks` are the card's
TFLOP/s by its data sheet; with them, the share of the peak is printed, at 10.6 GFLOP a chunk. In each round everything
is measured once, in turn. The largest difference of rows to those of float32 stands beside each precision.
"""

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from napari_i3d.backbones.i3d.fused_conv import Placement
from napari_i3d.backbones.i3d.network import I3DResNet50
from napari_i3d.backbones.i3d.shared_stem import ChunkForm
from napari_i3d.backbones.weights import load_network
from napari_i3d.extraction.benchmark.measure import GFLOP_PER_CHUNK, _steadily, _write_video
from napari_i3d.extraction.device import Device
from napari_i3d.extraction.engine import compute_chunks
from napari_i3d.extraction.planning.plan import plan_job
from napari_i3d.extraction.settings import ExtractionSettings, Precision
from napari_i3d.extraction.shared_stem_encoder import SharedStemEncoder
from napari_i3d.tracking.tracklets import Tracking, Tracklet
from napari_i3d.video.video import Video, open_video

MODES = {"eager": None, "compiled": "default", "CUDA graphs": "reduce-overhead"}
SIDE_PX = 171


def features_of(
    network: I3DResNet50, settings: ExtractionSettings, mode: str | None
) -> Callable[[torch.Tensor], float]:
    """Return a function that computes rows from pooled steps, and waits for them."""
    device = Device(settings)
    form = ChunkForm(network, Placement(device.torch, device.dtype, fused=None if mode is None else False))
    if mode is not None:
        for stage in (form.res2, form.late):
            stage.compile(dynamic=False, mode=mode)

    def compute(pooled: torch.Tensor) -> float:
        with device.computing():
            return float(form.features(pooled)[0, 0])

    return compute


def pipeline(video: Video, network: I3DResNet50, settings: ExtractionSettings) -> tuple[int, Callable[[], object]]:
    """Return the number of chunks of ten individuals, and a function that computes them."""
    random = np.random.default_rng(2)
    corners = (
        random.uniform(0, video.shape[1] - SIDE_PX - 60, (10, 1, 2)) + np.linspace(0, 50, len(video))[None, :, None]
    )
    boxes = np.concatenate([corners, corners + SIDE_PX], axis=2)
    tracking = Tracking(Tracklet(f"animal {number}", 0, own) for number, own in enumerate(boxes))
    job = plan_job(video, tracking.values(), settings)
    encoder = SharedStemEncoder(network, settings)
    return job.plan.total_chunks, lambda: sum(len(batch.chunks) for batch in compute_chunks(video, job, encoder))


def difference(network: I3DResNet50, settings: ExtractionSettings) -> float:
    """Return the largest difference of rows to those of float32, relative to their largest value."""
    chunks = torch.rand(4, 3, 8, 224, 224, generator=torch.Generator().manual_seed(1)) * 2 - 1
    rows = []
    for precision in (Precision.FLOAT32, settings.precision):
        device = Device(replace(settings, precision=precision))
        with device.computing():
            rows.append(ChunkForm(network, Placement(device.torch, device.dtype))(device.take(chunks)).cpu())
    return float((rows[1] - rows[0]).abs().max() / rows[0].abs().max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batches", type=int, nargs="*", default=[16, 64, 256])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--modes", nargs="*", choices=MODES, default=list(MODES))
    parser.add_argument("--peaks", nargs="*", default=[], metavar="PRECISION=TFLOPS")
    options = parser.parse_args()
    peaks = {name: float(value) for name, _, value in (peak.partition("=") for peak in options.peaks)}
    on_card = options.device.startswith("cuda")
    name = torch.cuda.get_device_name(options.device) if on_card else platform.processor() or "CPU"
    torch._dynamo.config.recompile_limit = 256  # all networks share the code that is compiled
    print(f"{name}, PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}\n")
    network, _ = load_network("untrained")
    precisions = [one for one in Precision if on_card or one is not Precision.TF32]

    with tempfile.TemporaryDirectory() as folder, open_video(_write_video(Path(folder), options.frames)) as video:
        tasks: dict[tuple[str, str, int], tuple[int, Callable[[], object]]] = {}
        for precision in precisions:
            for batch in options.batches:
                settings = ExtractionSettings(device=options.device, precision=precision, batch_size=batch)
                device = Device(settings)
                pooled = torch.rand(batch, 128, 55, 55).to(device.torch, device.dtype)
                pooled = pooled.contiguous(memory_format=torch.channels_last)
                for mode in options.modes:
                    run = features_of(network, settings, MODES[mode])
                    # The first block does not overwrite its input: the same one serves every time.
                    tasks[precision, f"network, {mode}", batch] = batch, lambda run=run, pooled=pooled: run(pooled)
                tasks[precision, "encoder", batch] = batch, _steadily(SharedStemEncoder(network, settings), batch)
            tasks[precision, "pipeline", batch] = pipeline(video, network, settings)
        for _, run in tasks.values():
            run()
        seconds: dict[tuple[str, str, int], list[float]] = {key: [] for key in tasks}
        for _ in range(options.rounds):
            for key, (count, run) in tasks.items():
                began = time.perf_counter()
                run()
                seconds[key].append((time.perf_counter() - began) / count)
        print("| precision | what | batch | chunks/s | of the peak | of float32, eager |")
        print("| --- | --- | --- | --- | --- | --- |")
        for (precision, what, batch), own in seconds.items():
            base = seconds[precisions[0], f"network, {options.modes[0]}", batch]
            rate, ratio = 1 / statistics.median(own), statistics.median(b / s for b, s in zip(base, own, strict=True))
            peak = f"{rate * GFLOP_PER_CHUNK / 1e3 / peaks[precision]:.0%}" if precision in peaks else ""
            print(f"| {precision} | {what} | {batch} | {rate:.0f} | {peak} | {ratio:.2f} |")
        for precision in precisions[1:]:
            largest = difference(network, ExtractionSettings(device=options.device, precision=precision))
            print(f"\n{precision}: rows differ from float32 by at most {largest:.1e} of the largest value")


if __name__ == "__main__":
    main()
