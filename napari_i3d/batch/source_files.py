"""What the work on a video reads: the content of its file, and the tracking of the individuals that were chosen."""

import hashlib
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import sha256_of
from napari_i3d.batch.events import VideoReading
from napari_i3d.errors import TrackingError, VideoError
from napari_i3d.extraction.planning.plan import whole_image
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.individuals import Id
from napari_i3d.tracking.io.box_pickle import read_tracking
from napari_i3d.tracking.tracklets import Tracking
from napari_i3d.video.video import Video

_READ_BYTES = 1 << 23


def describe_file(path: Path) -> Generator[VideoReading, None, dict[str, Any]]:
    """Read a video's file once; return what identifies it: ``sha256``, and ``mtime_ns``, the time of its last change.

    Raises
    ------
    VideoError
        It cannot be read.
    """
    digest = hashlib.sha256()
    try:
        stat = path.stat()
        with path.open("rb") as file:
            while part := file.read(_READ_BYTES):
                digest.update(part)
                yield VideoReading(path, file.tell(), max(file.tell(), stat.st_size))
    except OSError as error:
        raise VideoError(f"{path.name}: cannot be read ({error.strerror or error}); check the drive") from error
    return {"sha256": digest.hexdigest(), "mtime_ns": stat.st_mtime_ns}


def tracking_sha256(path: Path) -> str:
    """Return the checksum of a tracking file.

    Raises
    ------
    TrackingError
        It cannot be read.
    """
    try:
        return sha256_of(path)
    except OSError as error:
        raise TrackingError(f"{path}: cannot be read ({error.strerror or error}); check its permissions") from error


def read_chosen(
    video: Video, path: Path | None, individuals: Sequence[str] | None, settings: ExtractionSettings
) -> Tracking:
    """Return the tracking of the individuals that were chosen.

    Parameters
    ----------
    video, settings
        What it is of, and for.
    path
        The file; None: the whole image is the only individual.
    individuals
        Ids as text; None: all.

    Raises
    ------
    TrackingError
        It cannot be read, or has not all of the individuals.
    """
    if path is None:
        return whole_image(video, settings)
    tracking = read_tracking(path)
    return tracking if individuals is None else tracking.select(_ids_of(tracking, individuals))


def _ids_of(tracking: Tracking, names: Sequence[str]) -> list[Id]:
    """Return the ids, text or whole numbers, that are written as the names."""
    ids: list[Id] = []
    for name in dict.fromkeys(names):
        alike: list[Id] = [individual for individual in tracking if str(individual) == name]
        if len(alike) > 1:
            raise TrackingError(f"{name}: both the text and the number are ids in this file; rename one of them")
        ids += alike or [name]
    return ids
