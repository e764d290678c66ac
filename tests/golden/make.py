"""Make the golden clip, its tracking and its golden features: ``python tests/golden/make.py`` in the repository.

The features are computed by a plain loop over chunks (`helpers.plain_extraction`) with the published network spelled
out in float64 (`helpers.published_weights`); of the package only the untrained weights are taken, whose SHA-256 is
kept. The clip is lossless RGB, so that every ffmpeg decodes it to the same pixels. ``check`` as an argument computes
the features anew and compares them with those kept.
"""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from helpers.plain_extraction import plain_row  # noqa: E402
from helpers.published_weights import published_network  # noqa: E402
from napari_i3d.backbones.i3d.untrained import blobs_sha256, untrained_blobs  # noqa: E402

WIDTH, HEIGHT, FRAMES = 96, 72, 40
COLUMNS = slice(None, None, 16)
"""Which of the 2048 columns are kept."""
LATE = 9
GAP = range(21, 24)
CASES: dict[str, dict[str, object]] = {
    "plain": {"frequency": 3},
    "split-padded": {"frequency": 4, "pad": True, "sample_mode": "center_crop", "gaps": "split"},
    "oversample": {"frequency": 12, "sample_mode": "oversample", "normalization": "kinetics"},
    "resized": {"frequency": 5, "video_size": (128, 100)},
}
"""Choices of each case; gaps are interpolated unless split."""


def draw(number: int) -> np.ndarray:
    """Return a frame (H, W, 3): two textured discs that move over a gradient, and the frame number as bits."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    frame = np.stack([rows * 2, columns * 2, (rows + columns) % 64 * 3], axis=2)
    for (x, y), radius, color, turn in zip(
        centers(number), (13, 9), ((230, 120, 20), (40, 60, 240)), (7, -11), strict=True
    ):
        inside = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
        stripes = ((columns - x) * 3 + (rows - y) * 5 + turn * number) // 8 % 2 * 60
        frame[inside] = np.clip(np.array(color) - stripes[inside][:, None], 0, 255)
    for bit in range(6):
        frame[:4, bit * 4 : bit * 4 + 4] = 255 if number >> bit & 1 else 0
    return frame.astype(np.uint8)


def centers(number: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return where the two individuals are, in whole pixels."""
    return (18 + number, 24 + number * 7 % 13), (84 - 2 * number, 46 + number * 5 % 11)


def tracking() -> dict[str | int, dict[int, list[float]]]:
    """Return boxes as a tracking program writes them, by individual and frame; ``7`` begins late and has a gap."""
    found: dict[str | int, dict[int, list[float]]] = {"disc": {}, 7: {}}
    for number in range(FRAMES):
        for individual, (x, y), width, height in zip(found, centers(number), (31.5, 20), (27, 24.75), strict=True):
            late = individual == 7 and (number < LATE or number in GAP or number > 36)
            if not late and not (individual == "disc" and number > 22):
                found[individual][number] = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    return found


def resolved(gaps: object) -> dict[str | int, tuple[int, np.ndarray]]:
    """Return first frame and boxes (N, 4) of each tracklet, the gap interpolated linearly or cut."""
    tracklets: dict[str | int, tuple[int, np.ndarray]] = {}
    for individual, boxes in tracking().items():
        numbers = sorted(boxes)
        if individual == 7 and gaps == "split":
            for piece, part in enumerate((range(LATE, GAP.start), range(GAP.stop, numbers[-1] + 1)), 1):
                tracklets[f"7_part{piece}"] = (part.start, np.array([boxes[n] for n in part]))
            continue
        every = np.arange(numbers[0], numbers[-1] + 1)
        known = np.array([boxes[n] for n in numbers])
        tracklets[individual] = (numbers[0], np.stack([np.interp(every, numbers, side) for side in known.T], axis=1))
    return tracklets


def chunk_starts(first: int, count: int, frequency: int, pad: bool) -> list[int]:
    """Return the first frame of the chunk of each row, by the documented meaning."""
    starts = [first + at for at in range(0, count - 7, frequency)]
    if not pad:
        return starts
    return [min(starts, key=lambda start: (abs(start - first - r + 3), start)) for r in range(0, count, frequency)]


def compute() -> dict[str, np.ndarray]:
    """Return the golden rows by ``case/individual``, (N, 128) float32."""
    blobs = untrained_blobs()
    frames = np.stack([draw(number) for number in range(FRAMES)])
    rows = {}
    for case, choices in CASES.items():
        others = {name: choices[name] for name in ("sample_mode", "video_size", "normalization") if name in choices}
        size = choices.get("video_size", (WIDTH, HEIGHT))
        scale = np.array([size[0] / WIDTH, size[1] / HEIGHT] * 2)
        for individual, (first, boxes) in resolved(choices.get("gaps", "interpolate")).items():
            starts = chunk_starts(first, len(boxes), choices["frequency"], bool(choices.get("pad")))
            computed = {
                start: plain_row(
                    frames,
                    (boxes * scale)[start - first : start - first + 8],
                    start,
                    lambda batch: published_network(batch, blobs),
                    **others,
                )
                for start in set(starts)
            }
            chosen = np.stack([computed[start] for start in starts])[:, COLUMNS]
            rows[f"{case}/{individual}"] = chosen.astype(np.float32)
            print(case, individual, rows[f"{case}/{individual}"].shape, flush=True)
    return rows


def main() -> None:
    """Write all files, or compare the features kept with ones computed anew."""
    torch.set_num_threads(2)
    kept = HERE / "features.npz"
    rows = compute()
    if "check" in sys.argv:
        with np.load(kept) as archive:
            assert sorted(archive) == sorted(rows)
            print("largest difference:", max(np.abs(archive[name] - rows[name]).max() for name in rows))
        return
    np.savez(kept, **rows)
    raw = b"".join(draw(number).tobytes() for number in range(FRAMES))
    form = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", "25", "-i", "-"]
    codec = ["-c:v", "ffv1", "-level", "3", "-coder", "1", "-context", "1", "-g", "40", "-pix_fmt", "gbrp"]
    exact = ["-fflags", "+bitexact", "-flags:v", "+bitexact"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *form, *codec, *exact, str(HERE / "clip.mkv")]
    subprocess.run(command, input=raw, check=True)
    (HERE / "clip_tracks.pickle").write_bytes(pickle.dumps(tracking(), protocol=4))
    facts = {"weights_sha256": blobs_sha256(untrained_blobs()), "frames": FRAMES, "size": [WIDTH, HEIGHT]}
    (HERE / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
