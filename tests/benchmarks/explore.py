"""How long a map of many rows takes, and how the Explore dock and the time line keep up with it.

Run under a screen: ``xvfb-run -a python tests/benchmarks/explore.py [--rows 100000]``. Features of two individuals with
bouts of four behaviors, 2048 values a row. Medians over repeats; a change of the frame ends when both docks are drawn.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from napari_i3d import Features
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.timeline.lanes import LaneKind
from napari_i3d.synthetic import write_synthetic_clip

WIDTH, BEHAVIOURS, BOUT = 2048, 4, 40


def features_of(rows: int) -> Features:
    """Smooth bouts of behaviors, half of the rows for each individual."""
    random = np.random.default_rng(0)
    places = random.normal(0, 1, (BEHAVIOURS, WIDTH)).astype(np.float32)
    found, frames = {}, {}
    for name in ("striped", "spotted"):
        labels = np.repeat(random.integers(0, BEHAVIOURS, rows // 2 // BOUT + 1), BOUT)[: rows // 2]
        found[name] = places[labels] + random.standard_normal((rows // 2, WIDTH), dtype=np.float32)
        frames[name] = np.arange(rows // 2, dtype=np.float64)
    return Features(rows=found, frames=frames, fps=25.0)


def spin(until) -> float:
    """Let the window work until something is so; return the seconds."""
    began = time.perf_counter()
    while not until():
        QApplication.processEvents()
        time.sleep(0.001)
    QApplication.processEvents()
    return time.perf_counter() - began


def median_ms(work, repeats: int) -> float:
    """Return the median time of a call, in milliseconds."""
    seconds = []
    for number in range(repeats):
        began = time.perf_counter()
        work(number)
        QApplication.processEvents()
        seconds.append(time.perf_counter() - began)
    return 1000 * statistics.median(seconds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    viewer = napari.Viewer()
    viewer.window.resize(1500, 950)
    session = get_session(viewer)
    with tempfile.TemporaryDirectory() as folder:
        clip = write_synthetic_clip(Path(folder), 40)
        viewer.open([str(clip.video)], plugin="napari-i3d")
        session.active.set_features(features_of(rows), None)
        dock = viewer.window.add_plugin_dock_widget("napari-i3d", "Explore features")[1]
        spin(lambda: dock.canvas is not None)
        dock.options.clusters.value = BEHAVIOURS
        dock.options.compute.click()
        print(f"{rows} rows: map and clusters {spin(lambda: dock.progress.worker is None):.1f} s")
        line = viewer.window.dock_widgets["Annotate (napari-i3d)"].canvas
        session.active.current = "striped"
        spin(lambda: line.data.groups and line.data.groups[0].lane(LaneKind.CLUSTERS) is not None)
        print(f"drawing the map anew {median_ms(lambda _: dock.canvas.native.draw(), 5):.0f} ms")
        stack = dock._exploration.explored.table

        def move(number: int) -> None:
            dock.canvas.set_row(int(number * 997 % len(stack)))
            line.set_frame(number * 997 % (rows // 2))

        print(f"moving both cursors {median_ms(move, 100):.1f} ms")
        chosen = np.arange(len(stack)) % 3 == 0

        def select(number: int) -> None:
            dock._exploration.selected = chosen if number % 2 else ~chosen

        print(f"another selection, drawn in both docks {median_ms(select, 4):.0f} ms")
        session.go_to(5)
        dock.similar.search.click()
        print(f"similar moments {spin(lambda: dock.similar.hits):.1f} s")
        viewer.close()


if __name__ == "__main__":
    main()
