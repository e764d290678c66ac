"""How long videos take to open, and frames to come: at random, one step back, forward; and with the window drawn.

Run under a screen: ``xvfb-run -a python tests/benchmarks/frames.py VIDEO ... [--hour VIDEO] [--window]``. Random frames
take turns with those of a plain ffmpeg that seeks to the same frame, so that both see the same machine. To reach: an
hour of video opened in 1 s; step back p50 20 ms; forward 200 frames/s; random p95 150 ms at 1080p with a key frame
every 48 frames, 270 ms at 1024x1024 with one every 250.
"""

import argparse
import os
import random
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from napari_i3d import Video, open_video
from napari_i3d.video.lazy_array import VideoArray

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


def took_ms(work) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def plain(video: Video, number: int) -> None:
    """One frame from an ffmpeg of its own that seeks by time, exact only where frames come evenly."""
    options = ["-v", "error", "-ss", f"{video.times_s[number]:.6f}", "-i", str(video.path), "-frames:v", "1"]
    subprocess.run([FFMPEG, *options, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True)


def line(title: str, times_ms: list[float]) -> None:
    p50, p95 = np.percentile(times_ms, [50, 95])
    print(f"  {title:<34} p50 {p50:7.1f} ms   p95 {p95:7.1f} ms   mean {statistics.fmean(times_ms):7.1f} ms")


def opening(path: Path, turns: int) -> None:
    times = [took_ms(lambda: open_video(path).close()) for _ in range(turns)]
    with open_video(path) as video:
        print(f"opening {path.name}: {len(video)} frames, {len(video) / video.fps / 60:.0f} min")
    line("opened", times)


def frames(path: Path, turns: int) -> None:
    with open_video(path) as video:
        array = VideoArray(video)
        chance = random.Random(1)
        print(f"{path.name}: {video.shape[2]}x{video.shape[1]}, {len(video)} frames; {array.cache.capacity} kept")
        ours, theirs = [], []
        for _ in range(turns):
            number = chance.randrange(len(video))
            theirs.append(took_ms(lambda: plain(video, number)))  # noqa: B023
            number = chance.randrange(len(video))
            ours.append(took_ms(lambda: array[number]))  # noqa: B023
        line("random", ours)
        line("random, one plain ffmpeg a frame", theirs)
        middle, count = len(video) // 2, min(len(video) // 2 - 1, 200)
        for title, numbers, pause_s in (
            ("forward, at once", range(middle + 1, middle + count), 0),
            ("back, at once", range(middle - 1, middle - count, -1), 0),
            ("back, a key held down (30 a second)", range(middle - 1, middle - count, -1), 1 / 30),
        ):
            array.release()
            array[middle]
            time.sleep(pause_s and 0.5)
            times = []
            for number in numbers:
                time.sleep(pause_s)
                times.append(took_ms(lambda: array[number]))  # noqa: B023
            line(title, times)
            if title.startswith("forward"):
                print(f"  {'':<34} {1000 / statistics.fmean(times):.0f} frames/s")
        array.release()


def window(path: Path, turns: int) -> None:
    """Time until the canvas has been drawn."""
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_i3d.plugin.viewer import view

    viewer: napari.Viewer = view(path, docks=False)
    count = viewer.dims.nsteps[0]
    draws = [0]
    viewer.window._qt_viewer.canvas._scene_canvas.events.draw.connect(lambda _: draws.__setitem__(0, draws[0] + 1))

    def go_to(number: int) -> None:
        before = draws[0]
        viewer.dims.set_current_step(0, number)
        while draws[0] == before:
            QApplication.processEvents()

    chance = random.Random(2)
    middle = count // 2
    go_to(middle)
    time.sleep(1)
    print(f"{path.name}, drawn:")
    steps = min(turns, middle - 1)
    line("forward", [took_ms(lambda n=n: go_to(n)) for n in range(middle + 1, middle + steps)])
    line("back", [took_ms(lambda n=n: go_to(n)) for n in range(middle + steps - 2, middle - steps, -1)])
    line("random", [took_ms(lambda: go_to(chance.randrange(count))) for _ in range(turns)])
    viewer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path)
    parser.add_argument("--hour", type=Path, nargs="*", default=[], help="long videos, for opening")
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--window", action="store_true", help="measure with a window too")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")
    for path in options.hour:
        opening(path, 3)
    with tempfile.TemporaryDirectory() as folder:
        videos = options.videos
        if not videos:
            from napari_i3d.synthetic import write_synthetic_clip

            videos = [write_synthetic_clip(folder, 300).video]
        for path in videos:
            frames(path, options.turns)
            if options.window:
                window(path, options.turns)
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
