"""``napari-i3d bench``: the speed of this machine."""

import argparse
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from napari_i3d._utils.progress import finish
from napari_i3d.cli.shared.common import DONE, add_command
from napari_i3d.extraction.settings import ExtractionSettings


def add_bench(commands: Any) -> None:
    """Add the command to the parser."""
    bench = add_command(commands, "bench", _bench, "measure the speed of this machine, relative to the plain network")
    bench.add_argument(
        "video", nargs="?", type=Path, metavar="VIDEO", help="default: a synthetic one of 1024x1024 pixels"
    )
    bench.add_argument("--rounds", type=int, default=5, metavar="N", help="the median of these (default %(default)s)")
    bench.add_argument(
        "--batch_size", type=int, default=ExtractionSettings().batch_size, metavar="N", help="%(default)s"
    )
    bench.add_argument("--device", metavar="NAME", default="auto", help="as for extract")
    bench.add_argument("--compiled", action="store_true", help="with TorchInductor too; needs a C++ compiler")
    bench.add_argument(
        "--peers", action="store_true", help="the plain network in ONNX Runtime and OpenVINO too (extra: peers)"
    )
    bench.add_argument("--cpu_time", action="store_true", help="one thread, processor time: for a machine in use")


def _bench(options: argparse.Namespace) -> int:
    from napari_i3d.extraction.benchmark.measure import run_bench

    settings = ExtractionSettings(batch_size=options.batch_size, device=options.device)
    steps = run_bench(
        options.video,
        settings=settings,
        rounds=options.rounds,
        compiled=options.compiled,
        cpu_time=options.cpu_time,
        peers=options.peers,
    )
    with tqdm(total=options.rounds, unit="round", disable=None, file=sys.stderr) as bar:
        measurements = finish(steps, lambda _: bar.update())
    width = max(28, *(len(m.name) + 2 for m in measurements))
    print(f"{'':<{width}}{'rate':>10}             of plain  of network  of matrix product")
    for m in measurements:
        shares = (_percent(share) for share in (m.of_plain, m.of_network, m.of_matrix_product))
        print(f"{m.name:<{width}}{m.rate:>10.1f} {m.unit:<11}{''.join(f'{share:>10}' for share in shares)}")
    return DONE


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"
