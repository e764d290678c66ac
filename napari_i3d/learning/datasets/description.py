"""What a data set is made of: ``dataset.json``, by which predictions find back to the frames of videos."""

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_i3d._utils.frame_ranges import Range
from napari_i3d._utils.text import format_path
from napari_i3d.annotations.annotation import VideoFacts
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.annotations.validation import MAX_FRAME
from napari_i3d.errors import AnnotationError, NapariI3DError, SettingsError
from napari_i3d.features.features import Features
from napari_i3d.individuals import Id
from napari_i3d.learning.datasets.clips import Clip
from napari_i3d.safe_loading.json_text import parse_json

FILE = "dataset.json"


@dataclass(frozen=True)
class ClipFacts:
    """Which rows a clip has.

    Attributes
    ----------
    video, individual
        Whose.
    rows
        Number of rows.
    first_frame, step_frames
        The labels of row t are those of frame ``first_frame + t * step_frames``.
    split
        Number of the split in which it is held back, from 1.
    """

    video: str
    individual: Id
    rows: int
    first_frame: int
    step_frames: float
    split: int


@dataclass(frozen=True)
class VideoOfClips:
    """What is known about a video: length, frames per second, name and size; None if unknown."""

    n_frames: int | None = None
    fps: float | None = None
    facts: VideoFacts | None = None


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set as it was written.

    Attributes
    ----------
    program
        The program that it is for.
    ethogram
        Its behaviors.
    clips
        {name of the clip: its rows}.
    videos
        {name: what is known about the video}.
    numbered
        The behaviors that occur, in the order of the numbers that ActionFormer knows them by.
    """

    program: str
    ethogram: Ethogram
    clips: Mapping[str, ClipFacts]
    videos: Mapping[str, VideoOfClips]
    numbered: tuple[str, ...]

    def held_back(self, split: int) -> dict[tuple[str, Id], list[str]]:
        """Return the names of the clips that a split, from 1, holds back, by video and individual.

        Raises
        ------
        SettingsError
            There is no such split.
        """
        numbers = sorted({clip.split for clip in self.clips.values()})
        if split not in numbers:
            raise SettingsError(f"split: expected one of {', '.join(map(str, numbers))}, found {split}")
        found: dict[tuple[str, Id], list[str]] = {}
        for name, clip in self.clips.items():
            if clip.split == split:
                found.setdefault((clip.video, clip.individual), []).append(name)
        return found

    def frames(self, name: str, start: int, stop: int) -> Range:
        """Return the frames that rows `start` to `stop` of a clip stand for.

        Each frame belongs to the row whose frame is nearest, the later of two.
        """
        clip = self.clips[name]
        half = clip.step_frames / 2
        first = math.ceil(clip.first_frame + start * clip.step_frames - half)
        end = math.ceil(clip.first_frame + (stop - 1) * clip.step_frames + half)
        n_frames = self.videos[clip.video].n_frames
        return max(first, 0), end if n_frames is None else min(end, n_frames)


def describe(
    program: str, ethogram: Ethogram, clips: Iterable[Clip], features: Mapping[str, Features]
) -> dict[str, Any]:
    """Return a description as JSON values."""
    own = list(clips)
    occurring = [one for at, one in enumerate(ethogram) if any(clip.shown[:, at].any() for clip in own)]
    return {
        "format": "napari_i3d data set",
        "version": 1,
        "for": program,
        "behaviors": [
            {"name": one.name, "key": one.key, "color": one.color, "exclusive": one.exclusive}
            for one in ethogram.behaviors
        ],
        "numbered": sorted(occurring),
        "videos": {name: _video(one) for name, one in features.items()},
        "clips": {
            clip.name: {
                "video": clip.video,
                "individual": clip.individual,
                "rows": len(clip.rows),
                "first_frame": clip.first_frame,
                "step_frames": clip.step_frames,
                "split": clip.fold + 1,
            }
            for clip in own
        },
    }


def _video(features: Features) -> dict[str, Any]:
    video = features.provenance.get("video")
    known = video if isinstance(video, Mapping) else {}
    size = [known.get("width_px"), known.get("height_px")]
    return {
        "file": known.get("file") if isinstance(known.get("file"), str) else "",
        "frames": features.n_video_frames,
        "fps": features.fps,
        "size_px": size if all(isinstance(side, int) and side > 0 for side in size) else None,
    }


def read_dataset(folder: str | os.PathLike[str]) -> Dataset:
    """Read the description of a data set that `export_dataset` wrote.

    Raises
    ------
    AnnotationError
        There is none, or it is damaged.
    """
    path = Path(folder) / FILE
    try:
        content = parse_json(path.read_bytes(), AnnotationError)
    except OSError as error:
        raise AnnotationError(
            f"{format_path(path)}: cannot be read ({error.strerror or error})",
            "expected a folder that the command dataset made",
        ) from error
    try:
        ethogram = Ethogram(
            tuple(
                Behavior(one["name"], one.get("key", ""), one.get("color", ""), exclusive=one["exclusive"])
                for one in content["behaviors"]
            )
        )
        videos = {name: _read_video(one) for name, one in content["videos"].items()}
        clips = {
            name: ClipFacts(
                one["video"],
                one["individual"],
                int(one["rows"]),
                int(one["first_frame"]),
                float(one["step_frames"]),
                int(one["split"]),
            )
            for name, one in content["clips"].items()
        }
        program = str(content["for"])
        numbered = tuple(map(str, content["numbered"]))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, NapariI3DError) as error:
        raise AnnotationError(
            f"{format_path(path)}: expected behaviors, videos and clips of a data set, found others ({error})"
        ) from error
    if not clips or not all(_is_whole(one) and one.video in videos for one in clips.values()):
        raise AnnotationError(f"{format_path(path)}: expected clips with rows of videos, found others")
    return Dataset(program, ethogram, clips, videos, numbered)


def _is_whole(clip: ClipFacts) -> bool:
    """Return whether the facts of a clip are possible."""
    known = isinstance(clip.video, str) and isinstance(clip.individual, str | int)
    return known and 0 < clip.rows <= MAX_FRAME and 0 <= clip.first_frame <= MAX_FRAME and 0 < clip.step_frames < 1e6


def _read_video(one: Mapping[str, Any]) -> VideoOfClips:
    if not isinstance(one.get("frames"), int | None) or not isinstance(one.get("fps"), int | float | None):
        raise TypeError("frames or frames per second that are no numbers")
    size = one.get("size_px")
    facts = VideoFacts(one["file"], tuple(size) if size else None) if one.get("file") else None
    return VideoOfClips(one.get("frames"), one.get("fps"), facts)
