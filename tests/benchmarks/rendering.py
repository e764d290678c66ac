"""How fast videos are rendered, beside a plain decoding and encoding of the same frames in the same run.

Run: ``python tests/benchmarks/rendering.py [--side 1024] [--frames 300] [--rounds 3] [--individuals 2 10]``. Each round
measures, in turn: one ffmpeg that decodes the video and encodes it with the same settings; the frames handed from our
decoder to our encoder with nothing drawn; and the rendering with boxes, ids, behaviors and the ethogram.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from napari_i3d import Annotation, Bout, Tracking, Tracklet, open_video, render_video
from napari_i3d.rendering.encoder import encoding

BEHAVIORS = ("attack", "investigation", "mount", "grooming", "rearing")
FPS = 25


def write_video(path: Path, side: int, count: int) -> None:
    """A textured ground with some noise and moving squares, as an arena seen from above."""
    random = np.random.default_rng(1)
    ground = np.kron(random.integers(90, 120, (side // 16, side // 16, 1)), np.ones((16, 16, 3)))
    writer = imageio_ffmpeg.write_frames(str(path), (side, side), fps=FPS, codec="libx264", quality=None)
    writer.send(None)
    for number in range(count):
        image = ground + random.normal(0, 2, (side, side, 1))
        at = side // 4 + int(side / 4 * np.sin(number / 20))
        image[at : at + side // 10, at : at + side // 8] = 40
        writer.send(np.ascontiguousarray(np.clip(image, 0, 255).astype(np.uint8)))
    writer.close()


def made_up(side: int, count: int, individuals: int) -> tuple[Tracking, Annotation]:
    """Boxes that move, and bouts of all behaviors, several at a time."""
    random = np.random.default_rng(2)
    time_s = np.arange(count) / FPS
    tracklets, bouts = [], []
    for number in range(individuals):
        x = side * (0.5 + 0.4 * np.sin(0.7 * time_s + 1.3 * number))
        y = side * (0.5 + 0.4 * np.cos(0.9 * time_s + 2.1 * number))
        half = side * 0.05
        name = f"mouse{number + 1}"
        tracklets.append(Tracklet(name, 0, np.stack([x - half, y - half, x + half, y + half], axis=1)))
        for behavior in BEHAVIORS:
            start = int(random.integers(0, 30))
            while start < count:
                stop = min(count, start + int(random.integers(5, 60)))
                bouts.append(Bout(name, behavior, start, stop))
                start = stop + int(random.integers(10, 100))
    return Tracking(tracklets), Annotation(bouts=bouts, n_frames=count)


def plain(source: Path, out: Path) -> None:
    options = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", "-g", "50"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-i", str(source), *options, str(out)]
    subprocess.run(command, check=True)


def handed_on(source: Path, out: Path) -> None:
    with open_video(source) as video, encoding(out, (video.shape[2], video.shape[1]), Fraction(FPS), 20) as encoder:
        for image in video.frames():
            encoder.write(image)
        for _ in encoder.finish():
            pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--individuals", type=int, nargs="+", default=[2, 10])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in.mp4"), Path(folder, "out.mp4")
        write_video(source, chosen.side, chosen.frames)
        works = {"one ffmpeg, decoding and encoding": lambda: plain(source, out)}
        works["our decoder and encoder, nothing drawn"] = lambda: handed_on(source, out)
        for individuals in chosen.individuals:
            tracking, annotation = made_up(chosen.side, chosen.frames, individuals)
            works[f"rendered, {individuals} individuals, 5 behaviors"] = lambda t=tracking, a=annotation: render_video(
                source, out, tracking=t, annotation=a, overwrite=True
            )
        rates: dict[str, list[float]] = {title: [] for title in works}
        for _ in range(chosen.rounds):
            for title, work in works.items():
                began = time.perf_counter()
                work()
                rates[title].append(chosen.frames / (time.perf_counter() - began))
        print(f"{chosen.frames} frames of {chosen.side}x{chosen.side}, medians of {chosen.rounds} rounds")
        for title, found in rates.items():
            shown = ", ".join(f"{rate:.1f}" for rate in found)
            print(f"  {title:<42} {statistics.median(found):6.1f} frames/s   ({shown})")


if __name__ == "__main__":
    main()
