"""Synthetic clips of two animals, each length encoded once a run."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from napari_i3d.synthetic import SyntheticClip, write_synthetic_clip


class FakeVideo:
    """As much of a video as plans and problems need."""

    path = Path("clip.mp4")
    remark = ""
    fps = 25.0

    def __init__(self, n_frames: int = 10, height: int = 48, width: int = 64) -> None:
        self.shape = (n_frames, height, width, 3)

    def __len__(self) -> int:
        return self.shape[0]


MakeClip = Callable[..., SyntheticClip]


def copy_clip(clip: SyntheticClip, folder: Path, stem: str = "animals") -> SyntheticClip:
    """Copy a clip and its tracking, for a test that changes them or writes beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    video = folder / f"{stem}{clip.video.suffix}"
    tracking = folder / f"{stem}{clip.tracking.name.removeprefix(clip.video.stem)}"
    shutil.copy(clip.video, video)
    shutil.copy(clip.tracking, tracking)
    return replace(clip, video=video, tracking=tracking)


@pytest.fixture(scope="session")
def clip_of(tmp_path_factory: pytest.TempPathFactory) -> MakeClip:
    """Return a maker of clips of so many frames, which no test may change; given a folder, of copies in it."""
    made: dict[int, SyntheticClip] = {}

    def clip(frames: int, folder: Path | None = None, stem: str = "animals") -> SyntheticClip:
        if frames not in made:
            made[frames] = write_synthetic_clip(tmp_path_factory.mktemp(f"clip_{frames}"), frames)
        return made[frames] if folder is None else copy_clip(made[frames], folder, stem)

    return clip


@pytest.fixture(scope="session")
def video_alone_of(clip_of: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Return a maker of videos of so many frames without tracking beside them, which no test may change."""
    made: dict[int, Path] = {}

    def video(frames: int) -> Path:
        if frames not in made:
            made[frames] = Path(shutil.copy(clip_of(frames).video, tmp_path_factory.mktemp(f"alone_{frames}")))
        return made[frames]

    return video
