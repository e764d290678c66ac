"""Write a detection: the tracking file, and a JSON file that lists the uncertain frames."""

import json
import os
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import atomic_writer, sha256_of
from napari_i3d.detection.detection import Detection, Doubt, Uncertainty
from napari_i3d.detection.settings import DetectionSettings
from napari_i3d.tracking.io.box_pickle import write_tracking

_VERSION = 1
_MOST_BYTES = 1 << 26


def uncertain_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of the JSON file beside a tracking file: ``tracks.pickle.uncertain.json``."""
    path = Path(path)
    return path.with_name(f"{path.name}.uncertain.json")


def write_detection(
    path: str | os.PathLike[str], detection: Detection, settings: DetectionSettings, video: dict[str, Any]
) -> None:
    """Write the tracking file of a detection and the JSON file beside it, each atomically.

    Parameters
    ----------
    path
        The tracking file; an existing one is replaced.
    detection, settings
        The result, and the settings it was made with.
    video
        Facts of the video, from `Video.facts`.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    write_tracking(path, detection.tracking)
    content = {
        "format": "napari_i3d uncertain tracking",
        "version": _VERSION,
        # The list is only valid for the boxes it was written with.
        "tracking_sha256": sha256_of(path),
        "video": video,
        "settings": settings.as_dict(),
        "uncertain": [
            {"kind": one.kind, "ids": list(one.ids), "first_frame": one.first_frame, "last_frame": one.last_frame}
            for one in detection.uncertain
        ],
    }
    with atomic_writer(uncertain_path(path)) as file:
        file.write((json.dumps(content, indent=1) + "\n").encode())


def read_uncertain(path: str | os.PathLike[str]) -> tuple[Uncertainty, ...]:
    """Return the uncertain frames of a tracking file; empty if none are known or the file has changed since."""
    beside = uncertain_path(path)
    try:
        if not beside.is_file() or beside.stat().st_size > _MOST_BYTES:
            return ()
        content = json.loads(beside.read_bytes())
        if content["version"] != _VERSION or content["tracking_sha256"] != sha256_of(path):
            return ()
        return tuple(
            Uncertainty(
                Doubt(one["kind"]), tuple(str(i) for i in one["ids"]), int(one["first_frame"]), int(one["last_frame"])
            )
            for one in content["uncertain"]
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()
