"""Write a tracking in the format of a program."""

import os
from pathlib import Path

from napari_i3d._utils.text import format_path
from napari_i3d.errors import OutputError
from napari_i3d.individuals import format_id
from napari_i3d.tracking.io.format import TrackingFormat, VideoFacts
from napari_i3d.tracking.io.formats import FORMATS
from napari_i3d.tracking.io.reading import VideoLike, video_facts
from napari_i3d.tracking.tracklets import Tracking

WRITTEN: tuple[TrackingFormat, ...] = tuple(known for known in FORMATS if known.write is not None)
"""The formats that can be written."""


def write_tracking(
    path: str | os.PathLike[str],
    tracking: Tracking,
    format: str | None = None,  # noqa: A002 - the public name
    video: VideoFacts | VideoLike | None = None,
) -> tuple[str, ...]:
    """Write boxes atomically; on failure an existing file at `path` is kept.

    Parameters
    ----------
    path
        The file to write.
    tracking
        The boxes. Gaps stay gaps.
    format
        Name of the format; None: by the ending of `path`.
    video
        The video that was tracked, for formats that hold its size, length or rate.

    Returns
    -------
    tuple of str
        Notes on the conventions of the file (number of the first frame, origin of pixels) and on what could not be
        stored.

    Raises
    ------
    OutputError
        The format is unknown, cannot hold the tracking, or the file cannot be written.
    """
    chosen = written_format(path, format)
    if chosen.write is None:
        raise OutputError(f"{chosen.title} can be read only; {_endings()}")
    return chosen.write(Path(path), tracking, video_facts(video))


def written_format(path: str | os.PathLike[str], name: str | None = None) -> TrackingFormat:
    """Return the format of a file to write, by name or else by the ending of its path.

    Raises
    ------
    OutputError
        No format has the name or ending, or several have the ending; the message lists what there is.
    """
    if name is not None:
        found = [known for known in WRITTEN if known.name == name]
        if found:
            return found[0]
        names = ", ".join(known.name for known in WRITTEN)
        raise OutputError(f"format: expected one that can be written ({names}), found {format_id(name)!r}")
    ending = Path(path).suffix.lower()
    found = [known for known in WRITTEN if ending in known.endings]
    if len(found) == 1:
        return found[0]
    problem = "several formats have this ending" if found else "no format that can be written has this ending"
    raise OutputError(f"{format_path(Path(path).name)}: {problem}; {_endings()}")


def _endings() -> str:
    listed = ", ".join(f"{' or '.join(known.endings)} ({known.name}: {known.title})" for known in WRITTEN)
    return f"written are {listed}"
