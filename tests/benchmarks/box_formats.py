"""How long files of boxes take to read, against bare parsing of the same file, and how much memory they take.

Run: ``python tests/benchmarks/box_formats.py [--individuals 10] [--frames 100000] [--only mot ...]``. Bare parsing is
what pandas, json, ElementTree or xarray take to load the file; for a folder of labels, turning its texts into
numbers. Each measurement is a process of its own, so that peaks of memory are its own. To reach: at most 3 times bare
parsing, and at most 4 times the file in memory (above what the process has after importing).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

FPS, WIDTH, HEIGHT = 25.0, 1920, 1080
FORMATS = {
    "mot": "a.txt",
    "cvat": "a.xml",
    "via-tracks": "a.csv",
    "coco-vid": "a.json",
    "movement": "a.nc",
    "supervision": "b.csv",
    "ultralytics": "labels",
    "via3": "c.csv",
}


def walks(individuals: int, n_frames: int):
    from napari_i3d.tracking.tracklets import Tracking, Tracklet

    random = np.random.default_rng(1)
    tracklets = []
    for number in range(1, individuals + 1):
        centers = 100 + np.abs(np.cumsum(random.normal(0, 1.5, (n_frames, 2)), axis=0)) % 800
        tracklets.append(Tracklet(number, 0, np.hstack([centers - 40, centers + 40])))
    return Tracking(tracklets)


def write_others(folder: Path, tracking, only: set[str]) -> None:
    """Formats that the package does not write."""
    boxes = np.stack([tracklet.boxes for tracklet in tracking.values()], axis=1)
    if "supervision" in only:
        with (folder / FORMATS["supervision"]).open("w") as file:
            file.write("x_min,y_min,x_max,y_max,class_id,confidence,tracker_id,frame_number\r\n")
            for frame, rows in enumerate(boxes.tolist()):
                for number, (a, b, c, d) in enumerate(rows):
                    file.write(f"{a:.3f},{b:.3f},{c:.3f},{d:.3f},0,0.9,{number},{frame}\r\n")
    if "ultralytics" in only:
        (folder / "labels").mkdir()
        size = np.array([WIDTH, HEIGHT])
        centers, sides = (boxes[..., :2] + boxes[..., 2:]) / 2 / size, (boxes[..., 2:] - boxes[..., :2]) / size
        for frame, rows in enumerate(np.concatenate([centers, sides], axis=-1).tolist()):
            lines = [f"0 {x:g} {y:g} {w:g} {h:g} 0.9 {number}\n" for number, (x, y, w, h) in enumerate(rows)]
            (folder / "labels" / f"clip_{frame + 1}.txt").write_text("".join(lines))
    if "via3" in only:
        with (folder / FORMATS["via3"]).open("w") as file:
            file.write("# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata\n")
            for frame, rows in enumerate(boxes.tolist()):
                for number, (a, b, c, d) in enumerate(rows):
                    place = f'[{frame / FPS:.5f}]","[2,{a:.3f},{b:.3f},{c - a:.3f},{d - b:.3f}]'
                    file.write(f'"1_{frame}","[""clip.mp4""]",0,"{place}","{{""1"":""{number}""}}"\n')


def bare(name: str, path: Path) -> None:
    if name in ("mot", "via-tracks", "supervision", "via3"):
        import pandas as pd

        pd.read_csv(path, header=None if name == "mot" else 0, comment="#" if name == "via3" else None)
    elif name == "cvat":
        import xml.etree.ElementTree as ElementTree

        ElementTree.parse(path)
    elif name == "coco-vid":
        with path.open() as file:
            json.load(file)
    elif name == "movement":
        import xarray as xr

        xr.load_dataset(path, engine="scipy")
    else:
        for file in path.iterdir():
            [[float(field) for field in line.split()] for line in file.read_text().splitlines()]


def ours(name: str, path: Path) -> None:
    from napari_i3d.tracking.io.format import VideoFacts
    from napari_i3d.tracking.io.reading import read_tracking

    read_tracking(path, format=name, video=VideoFacts(WIDTH, HEIGHT, 10**7, FPS))


def measure(what: str, name: str, path: Path) -> tuple[float, float]:
    """Seconds, and bytes above those after importing."""
    out = subprocess.run(
        [sys.executable, __file__, "--measure", what, name, str(path)], capture_output=True, text=True, check=True
    )
    seconds, grown = map(float, out.stdout.split())
    return seconds, grown


def peak_bytes() -> int:
    """The most memory this program had; unlike ru_maxrss, without that of the process that started it (Linux)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def measure_here(what: str, name: str, path: Path) -> None:
    import h5py  # noqa: F401
    import pandas  # noqa: F401
    import scipy.io  # noqa: F401
    import xarray.backends.api  # noqa: F401

    import napari_i3d.tracking.io.reading  # noqa: F401

    before = peak_bytes()
    start = time.perf_counter()
    {"bare": bare, "ours": ours}[what](name, path)
    seconds = time.perf_counter() - start
    print(seconds, peak_bytes() - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--individuals", type=int, default=10)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--only", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--measure", nargs=3, metavar=("WHAT", "FORMAT", "PATH"), help="used by the script itself")
    options = parser.parse_args()
    if options.measure:
        what, name, path = options.measure
        measure_here(what, name, Path(path))
        return
    from napari_i3d.tracking.io.writing import WRITTEN, write_tracking

    print("format         file MB  bare s  ours s  times  memory MB  times the file  written s")
    with tempfile.TemporaryDirectory() as folder:
        tracking = walks(options.individuals, options.frames)
        write_others(Path(folder), tracking, set(options.only))
        for name in options.only:
            path, written = Path(folder) / FORMATS[name], 0.0
            if name in {known.name for known in WRITTEN}:
                start = time.perf_counter()
                write_tracking(path, tracking, name)
                written = time.perf_counter() - start
            size = sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size
            (bare_s, _), (ours_s, grown) = measure("bare", name, path), measure("ours", name, path)
            print(
                f"{name:<14} {size / 1e6:7.1f} {bare_s:7.2f} {ours_s:7.2f} {ours_s / bare_s:6.2f} {grown / 1e6:10.0f} "
                f"{grown / size:15.2f} {written:10.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
