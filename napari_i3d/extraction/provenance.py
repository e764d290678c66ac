"""How features were made, in values that JSON knows: enough to make them again and to see what differs."""

import hashlib
import platform
from datetime import UTC, datetime
from typing import Any

import imageio_ffmpeg
import numpy as np
import torch

import napari_i3d
from napari_i3d.extraction.job import Job
from napari_i3d.i3d.weights import WeightsFacts
from napari_i3d.video.video import Video


def describe_extraction(video: Video, job: Job, weights: WeightsFacts) -> dict[str, Any]:
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
        "tracking": {
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
