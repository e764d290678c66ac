"""Memory and time of a store of a long recording, planned, interrupted, resumed and published.

    python tests/benchmarks/long_extraction.py [--hours 24] [--individuals 4] [--computed 40] [--formats]

A minute of small video is repeated to the length wanted, so that the file is a real one of as many frames. The network
costs nothing. The first and last shards are computed; the others get records of rows of zeros, which are holes in the
files of the store: planning, resuming and publishing are those of the whole recording, computing is extrapolated. Each
run is a process of its own; peaks are above the imported program. With ``--formats``: what reading a tracking of
400,000 boxes takes, by format.
"""

import argparse
import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

FPS = 30
SIDE = 64
MINUTE = 60 * FPS
FORMAT_BOXES = 400_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=24, help="length of the recording (default %(default)s)")
    parser.add_argument("--individuals", type=int, default=4, help="in each of its frames (default %(default)s)")
    parser.add_argument("--computed", type=int, default=40, help="shards computed in each run (default %(default)s)")
    parser.add_argument("--formats", action="store_true", help="measure reading of tracking instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="napari_i3d_") as name:
        folder = Path(name)
        if options.formats:
            measure_formats(folder)
            return
        video = make_video(folder, options.hours)
        print(f"{options.hours} h at {FPS} frames/s, {options.individuals} individuals")
        for run in ("interrupted", "resumed"):
            for line in in_process("extract", str(video), str(options.individuals), str(options.computed), run):
                print(f"  {line}")


def in_process(*arguments: str) -> list[str]:
    """Run a part of this program in a process of its own; return the lines that it prints."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--part", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.splitlines()


def make_video(folder: Path, hours: int) -> Path:
    """Write a recording of so many hours: one minute, again and again."""
    import imageio_ffmpeg

    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    minute, video = folder / "minute.mp4", folder / "long.mp4"
    quiet = [ffmpeg, "-v", "error", "-y"]
    source = f"testsrc2=size={SIDE}x{SIDE}:rate={FPS}:duration=60"
    encoding = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "300", "-pix_fmt", "yuv420p"]
    subprocess.run([*quiet, "-f", "lavfi", "-i", source, *encoding, str(minute)], check=True)
    again = [*quiet, "-stream_loop", str(60 * hours - 1), "-i", str(minute), "-c", "copy", str(video)]
    subprocess.run(again, check=True)
    return video


def tracking_of(n_frames: int, individuals: int) -> Any:
    from napari_i3d.tracking.tracklets import Tracking, Tracklet

    def boxes(number: int) -> Any:
        made = np.empty((n_frames, 4))
        made[:] = [3, 4, 35, 40]
        made[:, ::2] += (np.arange(n_frames) // 7 % 20 + number)[:, None]
        return made

    return Tracking(Tracklet(f"mouse{number}", 0, boxes(number)) for number in range(individuals))


class Peaks:
    """The peak of memory since the last question, above that of the program with nothing but its imports."""

    def __init__(self) -> None:
        self._before = _status("VmRSS")
        self._began = time.perf_counter()
        self._reset()

    def _reset(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")

    def note(self, name: str) -> None:
        seconds = time.perf_counter() - self._began
        peak, now = _status("VmHWM") - self._before, _status("VmRSS") - self._before
        print(f"{name:<40} peak {peak / 1000:6.2f} GB, then {now / 1000:6.2f} GB, {seconds:7.1f} s", flush=True)
        self._reset()
        self._began = time.perf_counter()


def _status(name: str) -> float:
    """Return a number of this process's memory, in units of 10^6 bytes."""
    text = Path("/proc/self/status").read_text()
    return int(text.split(f"{name}:")[1].split()[0]) * 1024 / 1e6


def free_network() -> Any:
    import torch

    class Free(torch.nn.Module):
        """Answers with what costs nothing: the first pixels of each chunk."""

        def forward(self, chunks: Any) -> Any:
            return chunks[:, 0, 0].reshape(len(chunks), -1)[:, :2048].clone()

    return Free()


def extract(video: Path, individuals: int, computed: int, run: str) -> None:
    """Compute some shards of a recording; interrupt it, or stand in for the others and publish the store."""
    from napari_i3d.backbones.pretrained import WeightsFacts
    from napari_i3d.batch.events import VideoDone
    from napari_i3d.batch.runner import run_batch  # noqa: F401 - the program as the command imports it
    from napari_i3d.batch.video_job import VideoInput, VideoJob
    from napari_i3d.batch.video_jobs import VideoJobs
    from napari_i3d.extraction.planning.request import ExtractionOptions
    from napari_i3d.extraction.settings import ExtractionSettings
    from napari_i3d.features.io.layouts import Layout
    from napari_i3d.features.io.reading import read_features

    network = free_network()
    facts = WeightsFacts("free", None, "5" * 64, "generated", "none", trained=True)
    jobs = VideoJobs(ExtractionOptions(settings=ExtractionSettings(device="cpu"), layout=Layout.STORE), facts)
    peaks = Peaks()
    tracking = tracking_of(individuals=individuals, n_frames=frames_of(video))
    peaks.note(f"tracking of {sum(map(len, tracking.values())) / 1e6:.1f} M boxes")
    with ExitStack() as stack:
        steps = jobs.begin(VideoInput(video, video.with_suffix(".npy"), tracking=tracking), stack)
        job = finish(steps)
        assert isinstance(job, VideoJob)
        peaks.note("opening and planning" + (", checking kept rows" if run == "resumed" else ""))
        print(f"  {job.job.plan.total_chunks / 1e6:.1f} M chunks in {len(job.shards)} shards, {len(job.todo)} missing")
        done = 0
        with contextlib.closing(job.compute(network)) as progress:
            kept = next(progress).kept_chunks
            for event in progress:
                if event.kept_chunks > kept:
                    kept, done = event.kept_chunks, done + 1
                    if done == computed // 2:
                        peaks.note(f"computing {done} shards")
                    if done == computed and run == "interrupted":
                        break
        peaks.note(f"computing {done - computed // 2} shards more")
        if run == "interrupted":
            stand_in(job, job.todo[done:-computed])
            sys.stdout.flush()
            os._exit(0)  # killed
        result = jobs.finish(job)
        assert isinstance(result, VideoDone)
        peaks.note("publishing")
    features = read_features(result.outputs[0])
    size = sum(rows.nbytes for rows in features.values())
    peaks.note(f"opening the store of {size / 1e9:.0f} GB")


def frames_of(video: Path) -> int:
    from napari_i3d.video.video import open_video

    with open_video(video) as opened:
        return len(opened)


def finish(steps: Any) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as stopped:
            return stopped.value


def stand_in(job: Any, shards: Any) -> None:
    """Record shards whose rows are zeros, which the files of a store hold where nothing was written."""
    zeros: dict[int, str] = {}
    places = job.checkpoints.share().places
    os.fsync = lambda _: None  # type: ignore[assignment]
    for shard in shards:
        checksums = []
        for block in places.blocks(shard):
            n_bytes = 8192 * (block.stop_row - block.first_row)
            if n_bytes not in zeros:
                zeros[n_bytes] = hashlib.sha256(bytes(n_bytes)).hexdigest()
            checksums.append(zeros[n_bytes])
        job.checkpoints.accept(shard, "cpu", checksums, check=False)


def measure_formats(folder: Path) -> None:
    from napari_i3d.tracking.io.formats import FORMATS

    print(f"{FORMAT_BOXES:,} boxes of 4 individuals")
    for chosen in FORMATS:
        if chosen.write is not None:
            path = folder / f"{chosen.name}{chosen.endings[0]}"
            for line in in_process("format", chosen.name, str(path)):
                print(f"  {line}")


def read_format(name: str, path: Path) -> None:
    import napari_i3d
    from napari_i3d.tracking.io.format import VideoFacts

    few = path.with_name("few" + path.name)
    for target, n_frames in ((few, 100), (path, FORMAT_BOXES // 4)):
        if not target.exists():
            facts = VideoFacts(SIDE, SIDE, n_frames, float(FPS), "long")
            napari_i3d.write_tracking(target, tracking_of(n_frames, 4), format=name, video=facts)
            if target is path:
                subprocess.run([sys.executable, __file__, "--part", "format", name, str(path)], check=True)
                return
    napari_i3d.read_tracking(few, format=name, video=VideoFacts(SIDE, SIDE, 100, float(FPS), "long"))  # and import
    peaks = Peaks()
    before = _status("VmRSS")
    facts = VideoFacts(SIDE, SIDE, FORMAT_BOXES // 4, float(FPS), "long")
    tracking = napari_i3d.read_tracking(path, format=name, video=facts)
    assert sum(map(len, tracking.values())) == FORMAT_BOXES
    each = (_status("VmHWM") - before) / FORMAT_BOXES * 1e6
    peaks.note(f"{name} ({path.stat().st_size / 1e6:.0f} MB), {each:.0f} bytes a box")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--part"]:
        part, *arguments = sys.argv[2:]
        if part == "extract":
            extract(Path(arguments[0]), int(arguments[1]), int(arguments[2]), arguments[3])
        else:
            read_format(arguments[0], Path(arguments[1]))
    else:
        main()
