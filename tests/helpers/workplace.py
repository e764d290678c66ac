from pathlib import Path

import numpy as np
import pytest

from napari_i3d.synthetic import SyntheticClip, write_synthetic_clip
from napari_i3d.tracking.io.box_pickle import write_tracking
from napari_i3d.tracking.tracklets import Tracking, Tracklet


@pytest.fixture(scope="session")
def short_clip(tmp_path_factory: pytest.TempPathFactory) -> SyntheticClip:
    """A made-up clip of 12 frames: five chunks for each of its two animals."""
    return write_synthetic_clip(tmp_path_factory.mktemp("short"), 12)


class Workplace:
    """A folder of videos, one of tracking files, and one for results, as a user has them."""

    def __init__(self, folder: Path, clip: SyntheticClip) -> None:
        self.videos, self.tracks, self.out = (folder / name for name in ("videos", "tracks", "out"))
        self.videos.mkdir()
        self.tracks.mkdir()
        self._clip = clip

    def add(self, stem: str, *, tracking: bool = True, suffix: str = ".mp4") -> Path:
        """Put a copy of the clip, and of its tracking, into the folders; return the video."""
        video = self.videos / f"{stem}{suffix}"
        video.parent.mkdir(parents=True, exist_ok=True)
        video.write_bytes(self._clip.video.read_bytes())
        if tracking:
            (self.tracks / f"{Path(stem).name}_tracks.pickle").write_bytes(self._clip.tracking.read_bytes())
        return video

    def add_tracking(self, stem: str, boxes: dict[str | int, tuple[int, np.ndarray]]) -> Path:
        path = self.tracks / f"{stem}_tracks.pickle"
        write_tracking(path, Tracking(Tracklet(i, start, array) for i, (start, array) in boxes.items()))
        return path

    @property
    def results(self) -> list[str]:
        """All files and folders in the output folder, hidden ones too, but for the report."""
        found = self.out.rglob("*") if self.out.exists() else ()
        return sorted(str(p.relative_to(self.out)) for p in found if p.name != "report.json")


@pytest.fixture
def workplace(tmp_path: Path, short_clip: SyntheticClip) -> Workplace:
    return Workplace(tmp_path, short_clip)
