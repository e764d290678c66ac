"""How long annotation files take to write and to read, in every format, and how much memory.

Run ``python tests/benchmarks/annotation_formats.py [--bouts 20000] [--rounds 3] [--only NAME]``. Each format is written
and read in processes of their own; the least time of the processor and the peak of memory of several rounds count,
without the imports.
To reach: at most 1 s for 20,000 bouts, each way.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

_MEASURE = """
import random, sys, time
from pathlib import Path
import napari_i3d
from napari_i3d.annotations.annotation import Annotation, VideoFacts
from napari_i3d.annotations.bouts import Bout
path, way, name, count = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
def annotation():
    numbers, bouts, at = random.Random(1), [], 0
    for number in range(count // 4):
        for who in ("male", "female", "intruder", "pup"):
            start = at + numbers.randrange(3)
            bouts.append(Bout(who, f"behavior {number % 12}", start, start + numbers.randrange(1, 4)))
        at += 7
    return Annotation(bouts=tuple(bouts), n_frames=at + 10, fps=30.0, video=VideoFacts("clip.mp4"))
def imports():
    napari_i3d.read_annotation, napari_i3d.write_annotation
    if name == "nwb":
        import pynwb, ndx_ethogram
    if path.suffix == ".xlsx":
        import openpyxl
imports()
given = annotation() if way == "write" else None
before = peak(); start = time.process_time()
if way == "write":
    napari_i3d.write_annotation(path, given, name)
else:
    kept = napari_i3d.read_annotation(path, format=name, fps=30.0)
    assert len(kept.bouts) == count // 4 * 4, len(kept.bouts)
print(time.process_time() - start, peak() - before)
"""


def measure(path: Path, way: str, name: str, bouts: int, rounds: int) -> tuple[float, float]:
    command = [sys.executable, "-c", _MEASURE, str(path), way, name, str(bouts)]
    outputs = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(rounds)]
    said = [[float(number) for number in output.split()] for output in outputs]
    return min(took for took, _ in said), min(mb for _, mb in said)


def tables(folder: Path, project: Path) -> list[Path]:
    """The events of a project as BORIS exports them, as csv and, if openpyxl is installed, Excel."""
    import json

    from helpers import annotation_files as files

    (observation,) = json.loads(project.read_text())["observations"].values()
    rows, running = [files.TABULAR.split(",")], set()
    for time, who, behavior, _, _, frame in observation["events"]:
        kind = "STOP" if (who, behavior) in running else "START"
        running ^= {(who, behavior)}
        front = ["clip", "2026-01-01", "", "9", "Media file(s)", "player #1:clip.mp4", "0.0", "99999", "30.000", ""]
        rows.append([*front, who, behavior, "", "", kind, f"{time:.3f}", "clip.mp4", str(frame), "NA", ""])
    made = [files.write_rows(folder / "tabular.csv", rows)]
    try:
        made.append(files.write_excel(folder / "tabular.xlsx", rows))
    except ModuleNotFoundError:
        print("openpyxl is not installed: Excel is left out")
    return made


def main() -> None:
    from napari_i3d.annotations.io.formats import WRITTEN

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bouts", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"{options.bouts} bouts")
        for known in WRITTEN:
            if options.only not in known.name:
                continue
            path = folder / f"{known.name}{known.endings[0] if known.endings else ''}"
            written_s, written_mb = measure(path, "write", known.name, options.bouts, options.rounds)
            size = sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size
            line = f"{known.name:24} {size / 1e6:6.2f} MB  write {written_s:6.3f} s {written_mb:5.0f} MB"
            if known.read is not None:
                read_s, read_mb = measure(path, "read", known.name, options.bouts, options.rounds)
                line += f"  read {read_s:6.3f} s {read_mb:5.0f} MB"
            print(line, flush=True)
        if options.only in "boris-table":
            project = folder / "boris.boris"
            measure(project, "write", "boris", options.bouts, 1)
            for path in tables(folder, project):
                read_s, read_mb = measure(path, "read", "boris-table", options.bouts, options.rounds)
                size = path.stat().st_size / 1e6
                print(f"{path.name:24} {size:6.2f} MB  read {read_s:6.3f} s {read_mb:5.0f} MB", flush=True)


if __name__ == "__main__":
    main()
