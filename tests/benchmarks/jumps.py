"""How long a jump to another frame takes with all docks open, and how soon the first crop preview is there.

    xvfb-run -a python tests/benchmarks/jumps.py VIDEO TRACKING FEATURES [--against CHECKOUT] [--rounds 3] [--jumps 20]

Each round opens a window in a process of its own; with ``--against`` another checkout of the program takes turns with
this one, so that both see the same machine. A jump ends when the canvas was drawn with the image of the frame and its
boxes; "crop" is when the crop preview has followed too. To reach: 150 ms for a jump, of which a random frame of a long
group of images takes 90 alone, and 1 s from the window to the first crop; medians.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parents[2]
PAUSE_S = 0.3
"""Between jumps: frames around the last one are being read ahead, as for a person."""


def measure(video: Path, tracking: Path, features: Path, jumps: int) -> dict[str, list[float]]:
    """Open a window, and return milliseconds by what took them."""
    from qtpy.QtWidgets import QApplication

    from napari_i3d.plugin.context import get_session
    from napari_i3d.plugin.viewer import view
    from napari_i3d.video.frame_cache import FrameCache

    def spin(until: Callable[[], bool]) -> float:
        began = time.perf_counter()
        while not until():
            QApplication.processEvents()
            time.sleep(0.0005)
        return (time.perf_counter() - began) * 1e3

    viewer = view(video, tracking, features)
    docks = viewer.window.dock_widgets
    crop, explore = (docks[f"{name} (napari-i3d)"] for name in ("Crop preview", "Explore features"))
    took = {"first crop": [spin(lambda: crop.view.image is not None)]}
    explore.options.compute.click()
    spin(lambda: "Annotate (napari-i3d)" in viewer.window.dock_widgets)
    session = get_session(viewer)
    layer, display = session.active.layer, session.boxes.display(session.active)
    draws, decoded = [0], [0.0]
    canvas = viewer.window._qt_viewer.canvas._scene_canvas
    canvas.events.draw.connect(lambda _: draws.__setitem__(0, draws[0] + 1), position="last")
    frame_of = FrameCache.frame

    def timed(cache: FrameCache, number: int) -> object:
        began = time.perf_counter()
        frame = frame_of(cache, number)
        if not decoded[0]:
            decoded[0] = (time.perf_counter() - began) * 1e3
        return frame

    FrameCache.frame = timed  # type: ignore[method-assign]
    chance = random.Random(1)
    for _ in range(jumps):
        pause_until = time.perf_counter() + PAUSE_S
        spin(lambda: time.perf_counter() > pause_until)  # noqa: B023
        number = chance.randrange(len(layer.data))
        before, decoded[0], began = draws[0], 0.0, time.perf_counter()
        viewer.dims.set_current_step(0, number)
        while draws[0] == before:
            QApplication.processEvents()
        drawn = (time.perf_counter() - began) * 1e3
        if display.frame != number or not np.array_equal(layer._slice.image.raw, layer.data.frame(number)):
            raise SystemExit(f"frame {number} is not the one that is drawn")
        spin(lambda: f"frame {number}:" in crop.text.text())  # noqa: B023
        followed = (time.perf_counter() - began) * 1e3
        for name, value in (("jump", drawn), ("of it the frame", decoded[0]), ("of it all else", drawn - decoded[0])):
            took.setdefault(name, []).append(value)
        took.setdefault("jump and crop", []).append(followed)
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs=3, type=Path, metavar="FILE", help="video, tracking, features")
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jumps", type=int, default=20)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(*options.files, options.jumps)), flush=True)
        os._exit(0)  # closing the window is not measured
    took: dict[Path, dict[str, list[float]]] = {}
    for _ in range(options.rounds):
        for checkout in filter(None, (options.against, HERE)):
            command = [sys.executable, __file__, *map(str, options.files), "--jumps", str(options.jumps), "--child"]
            place = {**os.environ, "PYTHONPATH": str(checkout.resolve())}
            run = subprocess.run(command, env=place, stdout=subprocess.PIPE, text=True, check=True)
            for name, values in json.loads(run.stdout.splitlines()[-1]).items():
                took.setdefault(checkout, {}).setdefault(name, []).extend(values)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end")
    for checkout, figures in took.items():
        print(checkout)
        for name, values in figures.items():
            p10, p50, p90 = np.percentile(values, [10, 50, 90])
            print(f"  {name:<16} p50 {p50:7.0f} ms   p10 {p10:7.0f}   p90 {p90:7.0f}   n {len(values)}")


if __name__ == "__main__":
    main()
