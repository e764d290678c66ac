"""Estimate the duration of an extraction."""

from collections.abc import Mapping
from dataclasses import dataclass

from napari_i3d.extraction.planning.plan import Job, plan_job, whole_image
from napari_i3d.extraction.planning.request import ExtractionOptions
from napari_i3d.extraction.settings import ExtractionSettings, Precision, SampleMode
from napari_i3d.tracking.gaps import resolve_gaps
from napari_i3d.tracking.tracklets import Tracking
from napari_i3d.video.video import Video

_OVERSAMPLE_VIEWS = 10

# Seconds per chunk until measured.
_FIRST_GUESS_S = {"cpu": 0.1, "cuda": 0.01, "mps": 0.05}


@dataclass(frozen=True, eq=False)
class Estimate:
    """Estimated duration of an extraction."""

    job: Job
    kept_chunks: int  # of an interrupted run, which are not computed again
    seconds: float
    measured: bool  # whether from earlier runs on this machine; else a first guess


def estimate(
    video: Video,
    tracking: Tracking | None,
    options: ExtractionOptions,
    rates: Mapping[str, float],
    kept_chunks: int = 0,
) -> Estimate:
    """Plan an extraction and estimate its duration; errors as in `plan_job`.

    `tracking` holds the selected individuals with their gaps, or is None for the whole image; `rates` are the seconds
    per chunk of earlier runs by `rate_key`; `kept_chunks` were computed by an interrupted run.
    """
    settings = options.settings
    tracking = whole_image(video, settings) if tracking is None else resolve_gaps(tracking, options.gaps)
    job = plan_job(video, tracking.values(), settings)
    kept_chunks = min(kept_chunks, job.plan.total_chunks)
    key = rate_key(settings)
    seconds = rates.get(key, first_guess_s(settings)) * (job.plan.total_chunks - kept_chunks)
    return Estimate(job, kept_chunks, seconds, key in rates)


def rate_key(settings: ExtractionSettings) -> str:
    """Return the key of the time per chunk, made of everything that it depends on."""
    return f"{settings.device}/{settings.precision}/{_views(settings)}"


def first_guess_s(settings: ExtractionSettings) -> float:
    """Return a guess of the seconds per chunk; an automatic device counts as a CPU."""
    kind = settings.device.split(":")[0]
    halved = 0.5 if settings.precision is Precision.BFLOAT16 else 1.0
    return _FIRST_GUESS_S.get(kind, _FIRST_GUESS_S["cpu"]) * halved * _views(settings)


def _views(settings: ExtractionSettings) -> int:
    return _OVERSAMPLE_VIEWS if settings.sample_mode is SampleMode.OVERSAMPLE else 1
