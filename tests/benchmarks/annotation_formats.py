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
from napari_i3d.annotations.io.format import AnnotatedVideo
path, way, name, count = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
def annotation():
    numbers, bouts, at = random.Random(1), [], 0
    for number in range(count // 4):
        for who in range(4) if name == "jabs" else ("male", "female", "intruder", "pup"):
            start = at + numbers.randrange(3)
            bouts.append(Bout(who, f"behavior {number % 12}", start, start + numbers.randrange(1, 4)))
        at += 7
    return Annotation(bouts=tuple(bouts), n_frames=at + 10, fps=30.0, video=VideoFacts("clip.mp4"))
def imports():
    napari_i3d.read_annotation, napari_i3d.write_annotation
    if name == "nwb":
        import pynwb, ndx_ethogram
imports()
given = annotation() if way == "write" else None
before = peak(); start = time.process_time()
if way == "write":
    napari_i3d.write_annotation(path, given, name)
else:
    video = AnnotatedVideo("clip.mp4", None, 30.0)
    files = sorted((path / "groundTruth").iterdir()) if name == "ms-tcn" else [path]
    kept = [napari_i3d.read_annotation(file, format=name, video=video) for file in files]
    assert sum(len(one.bouts) for one in kept) == count // 4 * 4, [len(one.bouts) for one in kept]
print(time.process_time() - start, peak() - before)
"""


def measure(path: Path, way: str, name: str, bouts: int, rounds: int) -> tuple[float, float]:
    command = [sys.executable, "-c", _MEASURE, str(path), way, name, str(bouts)]
    outputs = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(rounds)]
    said = [[float(number) for number in output.split()] for output in outputs]
    return min(took for took, _ in said), min(mb for _, mb in said)


def tables(folder: Path, project: Path) -> list[Path]:
    """The events of a project as BORIS exports them, as csv and Excel."""
    import json

    from helpers import annotation_files as files

    (observation,) = json.loads(project.read_text())["observations"].values()
    rows, running = [files.TABULAR.split(",")], set()
    for time, who, behavior, _, _, frame in observation["events"]:
        kind = "STOP" if (who, behavior) in running else "START"
        running ^= {(who, behavior)}
        front = ["clip", "2026-01-01", "", "9", "Media file(s)", "player #1:clip.mp4", "0.0", "99999", "30.000", ""]
        rows.append([*front, who, behavior, "", "", kind, f"{time:.3f}", "clip.mp4", str(frame), "NA", ""])
    return [files.write_rows(folder / "tabular.csv", rows), files.write_excel(folder / "tabular.xlsx", rows)]


def labels(folder: Path, bouts: int) -> dict[str, Path]:
    """Files of formats that are read only, by format; frames up to 7 times the number of bouts by four animals."""
    import random

    from helpers import label_files as files

    numbers, n_frames = random.Random(1), bouts // 4 * 7
    starts = [at + numbers.randrange(3) for at in range(0, n_frames, 7)]
    own = {f"behavior {n}": [(at, at + 2) for at in starts[n::12]] for n in range(12)}
    everyone = dict.fromkeys(("male", "female", "intruder", "pup"), own)
    lines = files.line_labels(own, "other", n_frames)
    rows = sorted((start, stop, name) for name, ranges in own.items() for start, stop in ranges)
    segments = [("1", start / 30, stop / 30, {"1": name, "2": who}) for who in everyone for start, stop, name in rows]
    attribute = {"anchor_id": "FILE1_Z2_XY0", "type": 1, "options": {}}
    attributes = {"1": {"aname": "behavior", **attribute}, "2": {"aname": "individual", **attribute}}
    fps, numbered = 30.0, {name: number for number, name in enumerate([*own, "other"])}
    return {
        "caltech": files.caltech(folder / "a.txt", [lines] * 4, list(own)),
        "bento": files.bento(folder / "a.annot", everyone, fps, True, n_frames),
        "jaaba": files.jaaba(folder / "a.mat", dict.fromkeys(range(1, 5), rows)),
        "jaaba 7.3": files.jaaba_hdf5(folder / "b.mat", dict.fromkeys(range(1, 5), rows)),
        "via3": files.via3(folder / "a.json", segments, attributes),
        "calms21": files.calms21(folder / "b.json", {"clip": [numbered[line] for line in lines] * 4}, numbered),
    }


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
            size = sum(file.stat().st_size for file in (path.rglob("*") if path.is_dir() else [path]))
            line = f"{known.name:24} {size / 1e6:6.2f} MB  write {written_s:6.3f} s {written_mb:5.0f} MB"
            if known.read is not None:
                read_s, read_mb = measure(path, "read", known.name, options.bouts, options.rounds)
                line += f"  read {read_s:6.3f} s {read_mb:5.0f} MB"
            print(line, flush=True)
        for name, path in labels(folder, options.bouts).items():
            if options.only in name:
                read_s, read_mb = measure(path, "read", name.split()[0], options.bouts, options.rounds)
                print(
                    f"{name:24} {path.stat().st_size / 1e6:6.2f} MB  read {read_s:6.3f} s {read_mb:5.0f} MB", flush=True
                )
        if options.only in "boris-table":
            project = folder / "boris.boris"
            measure(project, "write", "boris", options.bouts, 1)
            for path in tables(folder, project):
                read_s, read_mb = measure(path, "read", "boris-table", options.bouts, options.rounds)
                size = path.stat().st_size / 1e6
                print(f"{path.name:24} {size:6.2f} MB  read {read_s:6.3f} s {read_mb:5.0f} MB", flush=True)


if __name__ == "__main__":
    main()
