"""How long boxes take to load, and how much they add to a change of the frame.

Run under a screen: ``xvfb-run -a python tests/benchmarks/boxes.py [--individuals 10] [--frames 100000]``.
Image alone, boxes, and boxes with trails are measured in turns in one run; a change of the frame ends when the canvas
has been drawn. To reach: loading within 2 s, a change at most 20 ms longer than with the image alone.
"""

import argparse
import tempfile
import time
from pathlib import Path

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from napari_i3d import read_tracking, write_tracking
from napari_i3d.plugin.context import get_session
from napari_i3d.tracking.tracklets import Tracking, Tracklet

SIDE = 1024


class Images:
    """A video of any length whose frames cost nothing."""

    def __init__(self, n_frames: int) -> None:
        self.shape = (n_frames, SIDE, SIDE, 3)
        self.ndim, self.dtype = 4, np.dtype(np.uint8)
        self._frames = np.random.default_rng(0).integers(0, 255, (8, SIDE, SIDE, 3), dtype=np.uint8)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key):
        first = key[0] if isinstance(key, tuple) else key
        return self._frames[[0]] if isinstance(first, slice) else self._frames[int(first) % 8]


def walks(individuals: int, n_frames: int) -> Tracking:
    random = np.random.default_rng(1)
    tracklets = []
    for number in range(individuals):
        centers = 60 + np.abs(np.cumsum(random.normal(0, 1.5, (n_frames, 2)), axis=0)) % (SIDE - 120)
        tracklets.append(Tracklet(f"animal{number}", 0, np.hstack([centers - 40, centers + 40])))
    return Tracking(tracklets)


class Clock:
    def __init__(self, viewer: napari.Viewer) -> None:
        self.viewer, self.draws = viewer, 0
        self.random = np.random.default_rng(2)
        canvas = viewer.window._qt_viewer.canvas._scene_canvas
        canvas.events.draw.connect(self._count, position="last")

    def _count(self, _event) -> None:
        self.draws += 1

    def settle(self) -> None:
        until = time.perf_counter() + 0.3
        while time.perf_counter() < until:
            QApplication.processEvents()

    def changes_ms(self, n_frames: int, number: int = 25) -> list[tuple[float, float]]:
        """Milliseconds of each change: on the clock, and of the processor in this process."""
        self.settle()
        took = []
        for frame in self.random.integers(0, n_frames, number).tolist():
            draws, start, cpu = self.draws, time.perf_counter(), time.process_time()
            self.viewer.dims.set_current_step(0, frame)
            while self.draws == draws:
                QApplication.processEvents()
            took.append(((time.perf_counter() - start) * 1e3, (time.process_time() - cpu) * 1e3))
            QApplication.processEvents()
        return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--individuals", type=int, default=10)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    tracking = walks(options.individuals, options.frames)
    path = Path(tempfile.mkdtemp()) / "walks_tracks.pickle"
    write_tracking(path, tracking)
    start = time.perf_counter()
    tracking = read_tracking(path)
    read_s = time.perf_counter() - start

    # Two windows, because Mesa 22.3 crashes when it draws after a layer was removed.
    alone, boxed = (napari.Viewer(), napari.Viewer())
    clocks = [Clock(alone), Clock(boxed)]
    for viewer, clock in zip((alone, boxed), clocks, strict=True):
        viewer.add_image(Images(options.frames), rgb=True)
        clock.changes_ms(options.frames)
    session = get_session(boxed)
    draws, start = clocks[1].draws, time.perf_counter()
    session.add_tracking(tracking, None)
    while clocks[1].draws == draws:
        QApplication.processEvents()
    load_s = time.perf_counter() - start

    times: dict[str, list[tuple[float, float]]] = {
        "image alone": [],
        "with boxes": [],
        "with boxes and trails": [],
    }
    for _ in range(options.rounds):
        session.boxes.trail_frames = 0
        times["image alone"] += clocks[0].changes_ms(options.frames)
        times["with boxes"] += clocks[1].changes_ms(options.frames)
        session.boxes.trail_frames = 25
        times["with boxes and trails"] += clocks[1].changes_ms(options.frames)
    print(f"{options.individuals} individuals, {options.frames} frames")
    print(f"reading the file {read_s:.2f} s; checks, layers and first draw {load_s:.2f} s")
    base = None
    for name, values in times.items():
        clock_ms, cpu_ms = np.median(values, axis=0)
        base = base or (clock_ms, cpu_ms)
        print(
            f"{name:24} median {clock_ms:6.1f} ms ({clock_ms - base[0]:+5.1f})  "
            f"processor {cpu_ms:6.1f} ms ({cpu_ms - base[1]:+5.1f})"
        )
    alone.close()
    boxed.close()


if __name__ == "__main__":
    main()
