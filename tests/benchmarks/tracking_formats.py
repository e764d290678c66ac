"""How long other programs' files take to read, and how much memory, against the bare parsing of the same file.

Run ``python tests/benchmarks/tracking_formats.py [--individuals 10] [--frames 100000] [--points 5] [--only NAME]``.
Each file is read in processes of their own, in turns; the least time and the peak of memory of several rounds count.
To reach: at most 3 times the bare parsing, at most 4 times the file (compressed files: of what they unpack to).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

_MEASURE = """
import resource, sys, time
from pathlib import Path
path, way = Path(sys.argv[1]), sys.argv[2]
import numpy, pandas, h5py, json, pickle
import napari_i3d
from napari_i3d import KeypointBoxes
from napari_i3d.tracking.io.format import VideoFacts
from napari_i3d.tracking.io.formats import FORMATS
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
def all_of(group):
    for value in group.values():
        all_of(value) if isinstance(value, h5py.Group) else value[()]
def bare():
    if way == "pandas-hdf": return pandas.read_hdf(path)
    if way == "csv3": return pandas.read_csv(path, header=[0, 1, 2], index_col=0)
    if way == "csv4": return pandas.read_csv(path, header=[0, 1, 2, 3], index_col=0)
    if way == "csv": return pandas.read_csv(path)
    if way == "json": return json.loads(path.read_bytes())
    if way == "pickle": return pickle.loads(path.read_bytes())
    if way == "npy": return numpy.load(path, allow_pickle=True)
    if way == "npz": return [dict(numpy.load(file)) for file in path.iterdir()]
    if way == "mat":
        import scipy.io
        return scipy.io.loadmat(path)
    with h5py.File(path) as file: return all_of(file)
def ours():
    return napari_i3d.read_tracking(path, boxes=KeypointBoxes(size_px=50), video=VideoFacts(600, 600, 10**7, 25.0))
if way == "mat": import scipy.io
napari_i3d.read_tracking  # imports its modules
before = peak(); start = time.perf_counter()
kept = ours() if sys.argv[3] == "ours" else bare()
took = time.perf_counter() - start
print(took, peak() - before)
"""


def files(folder: Path, individuals: int, n_frames: int, n_points: int) -> dict[str, tuple[Path, str]]:
    import pose_files as make

    rng = np.random.default_rng(0)
    points = 300 + np.cumsum(rng.normal(0, 1, (individuals, n_frames, 1, 2)), axis=1)
    points = points + rng.normal(0, 10, (individuals, n_frames, n_points, 2))
    points[rng.random((individuals, n_frames)) < 0.02] = np.nan
    one = make.Planted([f"m{n}" for n in range(individuals)], [f"p{n}" for n in range(n_points)], points)
    table = make.dlc_table(one)
    found = {}
    for name, options in (("dlc-fixed.h5", {}), ("dlc-table.h5", {"format": "table"})):
        table.to_hdf(folder / name, key="df_with_missing", mode="w", **options)
        found[name] = folder / name, "pandas-hdf"
    make.write_dlc_csv(folder / "dlc.csv", one)
    make.write_tracklets(folder / "dlc_el.pickle", one)
    make.write_sleap_analysis(folder / "sleap.analysis.h5", one)
    make.write_slp(folder / "sleap.slp", one)
    make.write_jabs(
        folder / "jabs.h5", make.Planted(one.ids, one.names, np.repeat(points, 12, 2)[:, :, :12].clip(0, 9e3))
    )
    make.write_jaaba(folder / "trx.mat", one)
    make.write_jaaba(folder / "trx73.mat", one, newer=True)
    found |= {
        "dlc.csv": (folder / "dlc.csv", "csv4"), "dlc_el.pickle": (folder / "dlc_el.pickle", "pickle"),
        "sleap.analysis.h5": (folder / "sleap.analysis.h5", "h5"), "sleap.slp": (folder / "sleap.slp", "h5"),
        "jabs.h5": (folder / "jabs.h5", "h5"), "trx.mat": (folder / "trx.mat", "mat"),
        "trx73.mat": (folder / "trx73.mat", "h5"),
    }  # fmt: skip
    for kind, way in (("npy", "npy"), ("h5", "h5"), ("csv", "csv"), ("tidy", "csv")):
        path = make.write_idtracker(folder, one, kind)
        found[f"idtracker.{kind}"] = path / "trajectories.csv" if kind == "csv" else path, way
    (folder / "trex").mkdir()
    make.write_trex(folder / "trex", one)
    found["trex"] = folder / "trex", "npz"
    two = make.Planted(one.ids[:2], list(make.MOUSE_NAMES), np.repeat(points[:2], 2, 2)[:, :, :7])
    (folder / "calms21.json").write_text(json.dumps(make.calms21(two)).replace("NaN", "0.0"))
    found["calms21.json"] = folder / "calms21.json", "json"
    return found


def measure(path: Path, way: str, whose: str, rounds: int) -> tuple[float, float]:
    said = [
        [float(number) for number in subprocess.run(
            [sys.executable, "-c", _MEASURE, str(path), way, whose], check=True, capture_output=True, text=True
        ).stdout.split()]
        for _ in range(rounds)
    ]  # fmt: skip
    return min(took for took, _ in said), min(mb for _, mb in said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--individuals", type=int, default=10)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--points", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = files(Path(folder), options.individuals, options.frames, options.points)
        print(f"{options.individuals} individuals, {options.frames} frames, {options.points} points")
        for name, (path, way) in found.items():
            if options.only not in name:
                continue
            size = sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size
            bare_s, bare_mb = measure(path, way, "bare", options.rounds)
            our_s, our_mb = measure(path, way, "ours", options.rounds)
            size_mb = size / 1e6
            print(
                f"{name:18} {size_mb:6.0f} MB  bare {bare_s:6.2f} s {bare_mb:6.0f} MB",
                f"ours {our_s:6.2f} s {our_mb:6.0f} MB",
                f"time x{our_s / bare_s:5.2f}  memory x{our_mb / size_mb:5.2f} of the file",
                sep="  ",
                flush=True,
            )


if __name__ == "__main__":
    main()
