"""How features were made, in values that JSON knows: enough to make them again and to see what differs."""

import hashlib
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import torch

import napari_i3d
from napari_i3d.extraction.job import Job
from napari_i3d.files import sha256_of
from napari_i3d.i3d.weights import WeightsFacts
from napari_i3d.tracking.gaps import Gaps
from napari_i3d.tracking.model import Tracking
from napari_i3d.video.video import Video


def describe_tracking(path: Path | None, tracking: Tracking, gaps: Gaps) -> dict[str, Any]:
    """Return where tracking comes from and which frames were missing in it, in values that JSON knows.

    Parameters
    ----------
    path
        The file; None: the tracking was made in memory.
    tracking
        As it was read, gaps and all.
    gaps
        What was done about gaps.
    """
    mended = [
        {"id": individual, "missing": [[first, stop - 1] for first, stop in tracklet.gaps]}
        for individual, tracklet in tracking.items()
        if tracklet.gaps
    ]
    facts: dict[str, Any] = {"gaps": str(gaps), "gaps_mended": mended}
    return facts if path is None else {"file": path.name, "sha256": sha256_of(path), **facts}


def describe_extraction(
    video: Video, job: Job, weights: WeightsFacts, device: str, tracking: Mapping[str, Any]
) -> dict[str, Any]:
    """Return versions, weights, settings and the facts of video and tracking, in values that JSON knows."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "napari_i3d": napari_i3d.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
            "ffmpeg": imageio_ffmpeg.get_ffmpeg_version(),
        },
        "weights": weights.as_dict(),
        "settings": job.settings.as_dict(),
        "video": video.facts(),
        "device": device,
        "tracking": {
            **tracking,
            "individuals": [windows.id for windows in job.plan.tracklets],
            "sha256_of_crops": _checksum(job),
        },
        "left_out": [{"id": individual, "reason": reason} for individual, reason in job.plan.left_out.items()],
    }


def _checksum(job: Job) -> str:
    """Return a checksum of what is cropped from which frame: it depends on nothing else of the tracking file."""
    digest = hashlib.sha256()
    for windows in job.plan.tracklets:
        digest.update(f"{windows.id!r} {windows.first_frame} {windows.last_frame}\n".encode())
        digest.update(job.boxes[windows.id].astype("<i8").tobytes())
    return digest.hexdigest()
