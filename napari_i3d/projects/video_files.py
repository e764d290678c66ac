"""Find the videos to extract."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from napari_i3d.errors import VideoError
from napari_i3d.features.io.layouts import Layout, without_dots

VIDEO_SUFFIXES = frozenset(
    f".{ending}"
    for ending in (
        *("3gp", "asf", "avi", "flv", "h264", "h265", "hevc", "m2ts", "m4v", "mjpeg", "mjpg", "mkv", "mov", "mp4"),
        *("mpeg", "mpg", "mts", "mxf", "ogv", "ts", "vob", "webm", "wmv"),
    )
)
"""Endings of videos in a folder, in lower case; a file given by name may have any."""


def find_videos(path: Path) -> list[Path]:
    """Return the given video, or all videos in a folder, recursively, sorted; `VideoError` if there are none."""
    try:
        if path.is_file():
            return [path]
        found = sorted(_videos_below(path)) if path.is_dir() else None
    except OSError as error:
        raise VideoError(f"{path}: cannot be searched for videos ({error.strerror or error})") from error
    if found is None:
        raise VideoError(f"{path}: expected a video or a folder of videos; there is no such file or folder")
    if not found:
        raise VideoError(
            f"{path}: no videos in this folder; expected files that end in {', '.join(sorted(VIDEO_SUFFIXES))}"
        )
    return found


def _videos_below(top: Path) -> Iterator[Path]:
    """Yield the videos in a folder and those below it, including linked folders, each folder once."""
    seen: set[str] = set()
    for folder, folders, names in os.walk(top, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in names:
            path = Path(folder, name)
            if path.suffix.lower() in VIDEO_SUFFIXES and not name.startswith(".") and path.is_file():
                yield path


def shared_names(videos: Iterable[Path], layout: Layout = Layout.DICT) -> dict[Path, Path]:
    """Return, for each video whose results would have the name of another's, ignoring case, that other video."""
    by_stem: dict[str, list[Path]] = {}
    for path in videos:
        stem = path.stem if layout.one_file else without_dots(path.stem)
        by_stem.setdefault(stem.casefold(), []).append(path)
    return {
        path: paths[0] if path is not paths[0] else paths[1]
        for paths in by_stem.values()
        if len(paths) > 1
        for path in paths
    }
