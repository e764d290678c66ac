"""How long the time line takes for a move of the playhead, a pan and a zoom, painting included.

Run under a screen: ``xvfb-run -a python tests/benchmarks/timeline.py [--individuals 10] [--frames 1000000]``.
To reach at 10 individuals, 1,000,000 frames and 20,000 bouts: 95 of 100 within 16 ms each.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from qtpy.QtWidgets import QApplication

from napari_i3d.plugin.timeline.lanes import BoutArrays, Lane, LaneGroup, LaneKind, Style, TimelineData, make_styles
from napari_i3d.plugin.timeline.timeline_canvas import TimelineCanvas


def make_data(individuals: int, n_frames: int, bouts: int, behaviors: int, *, predictions: bool) -> TimelineData:
    random = np.random.default_rng(0)
    styles = make_styles([f"behavior {number}" for number in range(behaviors)])
    groups = []
    for number in range(individuals):
        each = bouts // individuals
        cuts = np.sort(random.choice(n_frames, 2 * each, replace=False))
        found = BoutArrays.make(cuts[::2], cuts[1::2], random.integers(0, behaviors, each))
        lanes = [Lane(LaneKind.LABELS, styles, found)]
        if predictions:
            shifted = np.minimum(cuts + random.integers(0, 3, len(cuts)).cumsum() % 2, n_frames - 1)
            guessed = BoutArrays.make(
                shifted[::2], shifted[1::2] + 1, random.integers(0, behaviors, each), random.random(each)
            )
            lanes.append(Lane(LaneKind.PREDICTIONS, styles, guessed))
            marks = random.choice(n_frames, 50)
            lanes.append(Lane(LaneKind.MARKS, (Style("problem", "#d55e00"),), BoutArrays.make(marks, marks + 1)))
        assessed = np.array([[0, n_frames * 2 // 3]])
        groups.append(LaneGroup(number, f"animal {number}", "#e69f00", tuple(lanes), assessed=assessed))
    return TimelineData(n_frames, tuple(groups), np.arange(n_frames) / 30)


def measure(canvas: TimelineCanvas, name: str, step: Callable[[TimelineCanvas, int], None], number: int = 200) -> None:
    took = []
    for count in range(number):
        start, cpu = time.perf_counter(), time.process_time()
        step(canvas, count)
        QApplication.processEvents()
        took.append((time.perf_counter() - start, time.process_time() - cpu))
    (middle, cpu_middle), (most, cpu_most) = np.percentile(np.array(took) * 1e3, [50, 95], axis=0)
    print(f"  {name:44} p50 {middle:5.1f}  p95 {most:5.1f} ms; processor p50 {cpu_middle:5.1f}  p95 {cpu_most:5.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--individuals", type=int, default=10)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--bouts", type=int, default=20_000)
    parser.add_argument("--behaviors", type=int, default=12)
    parser.add_argument("--size", type=int, nargs=2, default=(1600, 420))
    options = parser.parse_args()
    _application = QApplication([])
    for predictions in (False, True):
        start = time.perf_counter()
        data = make_data(options.individuals, options.frames, options.bouts, options.behaviors, predictions=predictions)
        made_s = time.perf_counter() - start
        canvas = TimelineCanvas("dark")
        canvas.resize(*options.size)
        canvas.show()
        canvas.data = data
        canvas.set_frame(0)
        QApplication.processEvents()
        print(
            f"{options.individuals} individuals, {options.frames:,} frames, {options.bouts:,} labels"
            f"{' and as many predictions' if predictions else ''}; arrays made in {made_s * 1e3:.0f} ms"
        )
        measure(canvas, "playhead, whole video", lambda canvas, n: canvas.set_frame(n * 31))
        measure(canvas, "zoom in and out at the pointer, 1 to 10,000", zoom)
        for zoomed in (4, 40, 1000):
            canvas.fit()
            canvas.zoom(zoomed, 800)
            measure(canvas, f"pan at zoom {zoomed}", pan)
        canvas.fit()
        canvas.unfold([0])
        measure(canvas, "whole video, one unfolded: zoom", zoom)
        measure(canvas, "playhead, following in steps of a page", lambda canvas, n: canvas.set_frame(n * 4001))
        canvas.close()


def zoom(canvas: TimelineCanvas, number: int) -> None:
    canvas.zoom(1.25 if number % 80 < 40 else 0.8, 300 + number % 7 * 150)


def pan(canvas: TimelineCanvas, number: int) -> None:
    canvas.scale = canvas.scale.moved(37 if number % 40 < 20 else -37)


if __name__ == "__main__":
    main()
