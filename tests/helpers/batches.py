"""A folder of videos, tracking and results, as a user has them, and the batch that is run on it."""

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.clips import MakeClip
from helpers.networks import FakeNetwork, install_network
from napari_i3d.batch import runner
from napari_i3d.batch.distributed import worker
from napari_i3d.batch.events import VideoDone, VideoProgress, VideoResult
from napari_i3d.batch.options import BatchOptions
from napari_i3d.batch.runner import run_batch
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.io.box_pickle import read_tracking, write_tracking
from napari_i3d.tracking.tracklets import Tracking, Tracklet

SHARD_CHUNKS = 3
TOTAL_CHUNKS = 10
"""Chunks of a video of the workplace: five of each of its two animals."""


class Workplace:
    """A folder of videos, one of tracking files, and one for results."""

    def __init__(self, folder: Path, clip: SyntheticClip) -> None:
        self.clip = clip
        self.videos, self.tracks, self.out = (folder / name for name in ("videos", "tracks", "out"))
        self.videos.mkdir()
        self.tracks.mkdir()

    def add(self, stem: str, *, tracking: bool = True, suffix: str = ".mp4") -> Path:
        """Put a copy of the clip, and of its tracking, into the folders; return the video."""
        video = self.videos / f"{stem}{suffix}"
        video.parent.mkdir(parents=True, exist_ok=True)
        video.write_bytes(self.clip.video.read_bytes())
        if tracking:
            (self.tracks / f"{Path(stem).name}_tracks.pickle").write_bytes(self.clip.tracking.read_bytes())
        return video

    def add_tracking(self, stem: str, boxes: dict[str | int, tuple[int, np.ndarray]]) -> Path:
        """Write a tracking file for a video, of first frames and boxes."""
        path = self.tracks / f"{stem}_tracks.pickle"
        write_tracking(path, Tracking(Tracklet(i, start, array) for i, (start, array) in boxes.items()))
        return path

    def clear_results(self) -> None:
        """Empty the output folder."""
        for path in self.out.iterdir():
            path.unlink()

    @property
    def results(self) -> list[str]:
        """All files and folders in the output folder, hidden ones too, but for the report."""
        found = self.out.rglob("*") if self.out.exists() else ()
        return sorted(str(p.relative_to(self.out)) for p in found if p.name != "report.json")

    @property
    def checkpoints(self) -> list[Path]:
        """The shards kept of ``one.mp4``."""
        return sorted((self.out / ".one.npy.partial").glob("*.rows"))


def options_of(workplace: Workplace, **choices: Any) -> BatchOptions:
    """Return options for all videos of a workplace."""
    settings = ExtractionSettings(batch_size=2, **choices.pop("settings", {}))
    where = {"tracking_folder": workplace.tracks, "tracking_suffix": "_tracks.pickle"}
    return BatchOptions(dataset_path=workplace.videos, output_path=workplace.out, settings=settings, **where, **choices)


def run(options: BatchOptions) -> tuple[VideoResult, ...]:
    """Run a batch to its end."""
    steps = run_batch(options)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def only(outcomes: tuple[VideoResult, ...]) -> VideoResult:
    """Return the outcome of the one video."""
    (outcome,) = outcomes
    return outcome


def interrupt(options: BatchOptions, kept_chunks: int) -> None:
    """Run until so many chunks are kept, and leave."""
    with contextlib.closing(run_batch(options)) as steps:
        for event in steps:
            if isinstance(event, VideoProgress) and event.kept_chunks >= kept_chunks:
                return
    raise AssertionError("it ended before")


def facts_of(path: Path) -> dict[str, Any]:
    """Return what a facts file says, but for the time at which it was written."""
    facts = json.loads(path.read_bytes())
    facts["provenance"].pop("created", None)
    return facts


def content(folder: Path) -> dict[str, Any]:
    """Return the bytes of all files in a folder and below it, but for the report; of facts files what they say."""
    return {
        str(path.relative_to(folder)): facts_of(path) if path.suffix == ".json" else path.read_bytes()
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "report.json")
    }


def cut(path: Path) -> None:
    """Take the last byte off a file."""
    path.write_bytes(path.read_bytes()[:-1])


def turn_a_bit(path: Path) -> None:
    """Change one bit in the middle of a file."""
    found = bytearray(path.read_bytes())
    found[len(found) // 2] ^= 1
    path.write_bytes(found)


def empty(path: Path) -> None:
    """Leave nothing of a file's content."""
    path.write_bytes(b"")


def other_tracking(workplace: Workplace, options: BatchOptions) -> BatchOptions:
    """Change a box of the tracking of ``one.mp4``; return the options."""
    found = read_tracking(workplace.tracks / "one_tracks.pickle")
    workplace.add_tracking("one", {t.id: (t.start, t.boxes + 1) for t in found.values()})
    return options


SPOIL = (cut, turn_a_bit, empty)
"""Ways to damage a file."""


@pytest.fixture
def workplace(tmp_path: Path, clip_of: MakeClip) -> Workplace:
    """A workplace whose videos have 12 frames: five chunks for each of two animals."""
    return Workplace(tmp_path, clip_of(12))


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> FakeNetwork:
    """The fake network for batches, here and on workers, in shards of 3 chunks."""
    return install_network(monkeypatch, (runner, worker), SHARD_CHUNKS)


@pytest.fixture
def undisturbed(workplace: Workplace, network: FakeNetwork) -> dict[str, Any]:
    """What an undisturbed run writes for one video, ``one.mp4``; the output folder is empty again."""
    workplace.add("one")
    assert isinstance(only(run(options_of(workplace))), VideoDone)
    found = content(workplace.out)
    assert sorted(found) == ["one.npy", "one.npy.json"]
    workplace.clear_results()
    network.seen = 0
    return found
