"""How long a large tracking takes to open, against a plain `pickle.load` of the same file.

    xvfb-run -a python tests/benchmarks/opening.py [--against CHECKOUT] [--frames 100000] [--rounds 5]

Boxes are lists of whole numbers in one file, with decimals in the other. Each round is a process of its own, with a
window that shows an image already; with ``--against`` another checkout of the program takes turns with this one. To
reach: read, checked and drawn in 1.5 times what the plain load takes, plus 1 s; medians.
"""

import argparse
import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parents[2]
SIDE = 1024


def write(path: Path, individuals: int, n_frames: int, *, whole: bool) -> None:
    """Write boxes that wander about."""
    random = np.random.default_rng(1)
    boxes = {}
    for number in range(individuals):
        centers = 60 + np.abs(np.cumsum(random.normal(0, 1.5, (n_frames, 2)), axis=0)) % (SIDE - 120)
        rows = np.hstack([centers - 40, centers + 40])
        boxes[f"animal{number}"] = dict(enumerate((np.rint(rows).astype(int) if whole else rows).tolist()))
    path.write_bytes(pickle.dumps(boxes, protocol=4))


def plain_load(path: Path) -> float:
    """Return the seconds of a plain load."""
    began = time.perf_counter()
    with path.open("rb") as file:
        boxes = pickle.load(file)
    took = time.perf_counter() - began
    del boxes
    return took


def measure(path: Path, n_frames: int) -> dict[str, float]:
    """Return seconds by what took them."""
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_i3d import read_tracking
    from napari_i3d.plugin.context import get_session

    viewer = napari.Viewer()
    viewer.add_image(np.broadcast_to(np.zeros((1, 64, 64), np.uint8), (n_frames, 64, 64)))
    session, draws = get_session(viewer), [0]
    canvas = viewer.window._qt_viewer.canvas._scene_canvas
    canvas.events.draw.connect(lambda _: draws.__setitem__(0, draws[0] + 1), position="last")
    until = time.perf_counter() + 1
    while time.perf_counter() < until:
        QApplication.processEvents()
    plain = plain_load(path)
    began, before = time.perf_counter(), draws[0]
    tracking = read_tracking(path)
    read = time.perf_counter() - began
    session.add_tracking(tracking, path)
    while draws[0] == before:
        QApplication.processEvents()
    return {"plain load": plain, "read": read, "read, checked and drawn": time.perf_counter() - began}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--individuals", type=int, default=10)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.child, options.frames)), flush=True)
        os._exit(0)  # closing the window is not measured
    with tempfile.TemporaryDirectory() as folder:
        for whole in (True, False):
            path = Path(folder) / f"{'whole' if whole else 'decimal'}.pickle"
            write(path, options.individuals, options.frames, whole=whole)
            took: dict[Path, dict[str, list[float]]] = {}
            for _ in range(options.rounds):
                for checkout in filter(None, (options.against, HERE)):
                    command = [sys.executable, __file__, "--frames", str(options.frames), "--child", str(path)]
                    place = {**os.environ, "PYTHONPATH": str(checkout.resolve())}
                    run = subprocess.run(command, env=place, stdout=subprocess.PIPE, text=True, check=True)
                    for name, seconds in json.loads(run.stdout.splitlines()[-1]).items():
                        took.setdefault(checkout, {}).setdefault(name, []).append(seconds)
            print(f"{path.name}: {path.stat().st_size >> 20} MB")
            for checkout, figures in took.items():
                medians = {name: statistics.median(values) for name, values in figures.items()}
                most = 1.5 * medians["plain load"] + 1
                listed = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in medians.items())
                print(f"  {checkout}: {listed} (at most {most:.2f})")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
