"""Describe how features were made, as JSON values: enough to reproduce and to compare them."""

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import imageio_ffmpeg
import numpy as np
import torch

import napari_i3d
from napari_i3d._utils.blocks import blocks
from napari_i3d.backbones.pretrained import WeightsFacts
from napari_i3d.errors import SettingsError, VideoError
from napari_i3d.extraction.planning.plan import Job
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.features import Features
from napari_i3d.individuals import Id
from napari_i3d.tracking.content import content_sha256, tracklet_sha256
from napari_i3d.tracking.gaps import Gaps
from napari_i3d.tracking.io.reading import TrackingReading, tracking_sha256
from napari_i3d.tracking.tracklets import Tracking
from napari_i3d.video.video import Video


@dataclass(frozen=True)
class Corrections:
    """Corrections by hand in a tracking.

    Attributes
    ----------
    count
        Their number; 0: not known.
    base_file
        Name of the file that was corrected, if no file holds the corrected tracking.
    """

    count: int
    base_file: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the corrections as JSON values."""
        base = {} if self.base_file is None else {"file": None, "base_file": self.base_file}
        return {"edited": True, "corrections": self.count, **base}


def describe_tracking(
    path: Path | None,
    tracking: Tracking,
    gaps: Gaps,
    reading: TrackingReading | None = None,
    corrections: Corrections | None = None,
) -> dict[str, Any]:
    """Return where a tracking comes from, its content, and its gaps before they were resolved, as JSON values.

    `path` is its file or folder, None if it was made in memory; `reading` is how that was read.
    """
    resolved = [
        {"id": individual, "missing": [[first, stop - 1] for first, stop in tracklet.gaps]}
        for individual, tracklet in tracking.items()
        if tracklet.gaps
    ]
    facts: dict[str, Any] = {
        "gaps": str(gaps),
        "gaps_mended": resolved,
        "content_sha256": content_sha256(tracking),
        "boxes": [{"id": tracklet.id, "sha256": tracklet_sha256(tracklet)} for tracklet in tracking.values()],
        **(corrections.as_dict() if corrections is not None else {}),
    }
    if tracking.origin is not None:
        facts["origin"] = tracking.origin.as_dict()
        if reading is not None:
            facts["reading"] = reading.as_dict()
    if path is None:
        return facts
    format_name = "pickle" if tracking.origin is None else tracking.origin.format
    return {"file": path.name, "sha256": tracking_sha256(path, format_name), **facts}


def versions() -> dict[str, str]:
    """Return the versions of this program and the libraries it computes with."""
    return {
        "napari_i3d": napari_i3d.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "ffmpeg": imageio_ffmpeg.get_ffmpeg_version(),
    }


def describe_extraction(
    video: Video,
    job: Job,
    weights: WeightsFacts,
    device: str,
    tracking: Mapping[str, Any],
    video_file: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return versions, weights, settings and facts of video and tracking, as JSON values.

    `tracking` is from `describe_tracking`; `video_file` holds the ``sha256`` and ``mtime_ns`` of the video's file.
    """
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "weights": weights.as_dict(),
        "settings": job.settings.as_dict(),
        "video": {**video.facts(), **video_file},
        "device": device,
        "tracking": {
            **tracking,
            "individuals": [chunks.id for chunks in job.plan.tracklets],
            "sha256_of_crops": crops_sha256(job),
            "crops": [{"id": id_, "sha256": crops_sha256(job, id_)} for id_ in job.boxes],
        },
        "left_out": [{"id": individual, "reason": reason} for individual, reason in job.plan.left_out.items()],
    }


def crops_sha256(job: Job, individual: Id | None = None) -> str:
    """Return a checksum of the ids, frames and crop boxes of one individual or all, and of nothing else."""
    digest = hashlib.sha256()
    for chunks in job.plan.tracklets:
        if individual is None or chunks.id == individual:
            digest.update(f"{chunks.id!r} {chunks.first_frame} {chunks.last_frame}\n".encode())
            boxes = job.boxes[chunks.id]
            for rows in blocks(len(boxes)):
                digest.update(boxes[rows].astype("<i8").data)
    return digest.hexdigest()


def settings_of(features: Features) -> ExtractionSettings:
    """Return the sample mode and video size of features from their provenance; defaults for unknown values.

    Raises
    ------
    SettingsError
        The provenance holds invalid settings.
    """
    stored = features.provenance.get("settings", {})
    if not isinstance(stored, dict):
        raise SettingsError(f"settings of the features: expected names and values, found {type(stored).__name__}")
    size = stored.get("video_size")
    return ExtractionSettings(
        sample_mode=stored.get("sample_mode", ExtractionSettings().sample_mode),
        video_size=tuple(size) if isinstance(size, list) else size,
    )


def require_video_of(features: Features, video: Video) -> None:
    """Check the number of frames and the size of a video against the provenance of features; raise `VideoError`."""
    stored = features.provenance.get("video", {})
    found = video.facts()
    for name, unit in (("frames", "frames"), ("width_px", "px wide"), ("height_px", "px high")):
        if isinstance(stored, dict) and name in stored and stored[name] != found[name]:
            raise VideoError(
                f"{video.path.name}: expected the video that the features were made from, {stored[name]} {unit}, found "
                f"one of {found[name]}",
                hint="use that video",
            )
