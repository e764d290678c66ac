"""What an extraction will take: individuals, chunks, seconds."""

from collections.abc import Mapping
from dataclasses import dataclass

from napari_i3d._utils.text import counted
from napari_i3d.errors import TrackingError
from napari_i3d.extraction.planning.chunks import plan_chunks, tracklet_chunks
from napari_i3d.extraction.planning.request import ExtractChoices
from napari_i3d.extraction.settings import ExtractionSettings, Precision, SampleMode
from napari_i3d.individuals import Id, shown
from napari_i3d.tracking.checks import require_valid_boxes
from napari_i3d.tracking.tracklets import Tracking

_OVERSAMPLE_VIEWS = 10

# Seconds for a chunk, to begin with; what is measured later replaces them.
_FIRST_GUESS_S = {"cpu": 0.1, "cuda": 0.01, "mps": 0.05}


@dataclass(frozen=True)
class Estimate:
    """What an extraction will take.

    Attributes
    ----------
    individuals, chunks
        Numbers of those computed.
    left_out
        Individuals that are too short, each with the reason.
    seconds
        About how long.
    measured
        Whether `seconds` was derived from earlier runs on this machine, or is a first guess.
    """

    individuals: int
    chunks: int
    left_out: Mapping[Id, str]
    seconds: float
    measured: bool


def estimate(n_frames: int, tracking: Tracking | None, choices: ExtractChoices, rates: Mapping[str, float]) -> Estimate:
    """Say what an extraction will take.

    Parameters
    ----------
    n_frames
        Of the video.
    tracking
        Those to be extracted, prepared; None: the whole image.
    choices
        As chosen.
    rates
        Seconds for a chunk in earlier runs, by `rate_key`.

    Raises
    ------
    TrackingError
        A tracklet that is long enough has gaps, boxes that are none, or boxes after the end of the video.
    """
    settings = choices.settings
    left_out: Mapping[Id, str] = {}
    if tracking is None:
        long_enough = n_frames >= settings.shortest_tracklet
        tracklets = [tracklet_chunks("", 0, n_frames, settings)] if long_enough else []
        left_out = {} if long_enough else {"": f"{counted(n_frames, 'frame')}, fewer than {settings.shortest_tracklet}"}
    else:
        plan = plan_chunks(tracking.values(), settings)
        tracklets, left_out = list(plan.tracklets), plan.left_out
        for tracklet in tracklets:
            require_valid_boxes(tracking[tracklet.id])
            if tracklet.last_frame >= n_frames:
                raise TrackingError(
                    f"{shown(tracklet.id)}: has boxes up to frame {tracklet.last_frame}, but the last frame of the "
                    f"video is {n_frames - 1}: does the tracking belong to it?"
                )
    chunks = sum(len(tracklet.starts) for tracklet in tracklets)
    key = rate_key(settings)
    seconds = rates.get(key, first_guess_s(settings)) * chunks
    return Estimate(len(tracklets), chunks, left_out, seconds, key in rates)


def rate_key(settings: ExtractionSettings) -> str:
    """Return the name under which the time for a chunk is remembered: of all that it depends on."""
    return f"{settings.device}/{settings.precision}/{_views(settings)}"


def first_guess_s(settings: ExtractionSettings) -> float:
    """Return a guess of the seconds for a chunk; a device chosen automatically is taken for a CPU."""
    kind = settings.device.split(":")[0]
    halved = 0.5 if settings.precision is Precision.BFLOAT16 else 1.0
    return _FIRST_GUESS_S.get(kind, _FIRST_GUESS_S["cpu"]) * halved * _views(settings)


def _views(settings: ExtractionSettings) -> int:
    return _OVERSAMPLE_VIEWS if settings.sample_mode is SampleMode.OVERSAMPLE else 1
