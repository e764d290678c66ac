"""To which video of a viewer features from a file belong."""

from collections.abc import Iterable

from napari_i3d.features.model import Features, Id
from napari_i3d.plugin.tracked_video import TrackedVideo


def owner_of(features: Features, videos: Iterable[TrackedVideo]) -> TrackedVideo | None:
    """Return the first of the videos that features belong to; None where there is none.

    They do where they say that they were made of a file of its name, or say nothing; where all their individuals are
    in its tracking (or are pieces, split at gaps, of those); and where the video has their frames.
    """
    return next((tracked for tracked in videos if _belongs(features, tracked)), None)


def _belongs(features: Features, tracked: TrackedVideo) -> bool:
    if tracked.video is None or not len(features):
        return False
    made_of = features.provenance.get("video")
    if isinstance(made_of, dict) and made_of.get("file") != tracked.video.path.name:
        return False
    if any(len(frames) and frames.max() > len(tracked.video) - 1 for frames in features.frames.values()):
        return False
    known: Iterable[Id] = [""] if tracked.tracking is None else tracked.tracking
    return all(_is_one_of(individual, known) for individual in features)


def _is_one_of(individual: Id, known: Iterable[Id]) -> bool:
    return any(individual == name or str(individual).startswith(f"{name}_part") for name in known)


def individual_to_plot(features: Features, current: Id | None) -> Id | None:
    """Return the individual of the features that is the one looked at, or a piece of it; else the first."""
    if current is not None:
        if current in features:
            return current
        pieces = [individual for individual in features if str(individual).startswith(f"{current}_part")]
        if pieces:
            return pieces[0]
    return next(iter(features), None)


def tracking_id(individual: Id, tracked: TrackedVideo) -> Id | None:
    """Return who in the tracking of a video the individual of its features is, or is a piece of; None if nobody."""
    if tracked.tracking is None:
        return None
    if individual in tracked.tracking:
        return individual
    whole = [name for name in tracked.tracking if str(individual).startswith(f"{name}_part")]
    return max(whole, key=lambda name: len(str(name)), default=None)
