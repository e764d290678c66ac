"""Matching of tracking and features to the videos of a viewer."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from napari_i3d.features.features import Features
from napari_i3d.individuals import Id, whole_id
from napari_i3d.plugin.session.tracked_video import TrackedVideo


def is_named_after(path: Path | None, stem: str) -> bool:
    """Whether a file has the name of a video: ``day1_tracks.pickle`` that of ``day1``, not ``day10_tracks.pickle``."""
    if path is None or not stem or not path.name.startswith(stem):
        return False
    return not (stem[-1].isdigit() and path.name[len(stem) :][:1].isdigit())


def namesakes(path: Path | None, videos: Iterable[TrackedVideo]) -> list[TrackedVideo]:
    """Return the videos that a tracking file is named after, the most likely one first.

    Recordings of several cameras often have one name in several folders. So the one in the folder of the file comes
    first, then one in a folder of the same name, then one without tracking. Videos with longer names leave those with
    shorter ones out: ``day1_b_tracks`` is not about ``day1`` where there is a ``day1_b``.
    """
    named = [(t, t.video.path) for t in videos if t.video is not None and is_named_after(path, t.video.path.stem)]
    if path is None or not named:
        return []
    longest = max(len(video.stem) for _, video in named)

    def unlikely(found: tuple[TrackedVideo, Path]) -> tuple[bool, bool, bool]:
        tracked, video = found
        return video.parent != path.parent, video.parent.name != path.parent.name, tracked.tracking is not None

    ranked = sorted((found for found in named if len(found[1].stem) == longest), key=unlikely)
    if ranked[0][1].parent == path.parent:
        ranked = ranked[:1]
    return [tracked for tracked, _ in ranked]


def owner_of(features: Features, videos: Iterable[TrackedVideo]) -> TrackedVideo | None:
    """Return the first of the videos that features belong to; None if there is none.

    They belong to a video if their provenance names a file of its name, size and length, or none; if all their
    individuals are in its tracking (or are pieces of those, split at gaps); and if the video has all their frames.
    """
    return next((tracked for tracked in videos if _belongs(features, tracked)), None)


def _belongs(features: Features, tracked: TrackedVideo) -> bool:
    if tracked.video is None or not len(features):
        return False
    made_of = features.provenance.get("video")
    if isinstance(made_of, dict) and not _same_video(made_of, tracked.video.facts()):
        return False
    if any(len(frames) and frames.max() > len(tracked.video) - 1 for frames in features.frames.values()):
        return False
    known: Iterable[Id] = [""] if tracked.tracking is None else tracked.tracking
    return all(_is_one_of(individual, known) for individual in features)


def _same_video(made_of: dict[str, Any], here: dict[str, Any]) -> bool:
    """Compare all recorded facts of the video file: cameras give many files the same name."""
    if made_of.get("file") != here["file"]:
        return False
    return all(made_of.get(fact) in (None, here[fact]) for fact in ("size_bytes", "frames", "width_px", "height_px"))


def _is_one_of(individual: Id, known: Iterable[Id]) -> bool:
    return any(individual == name or str(individual).startswith(f"{name}_part") for name in known)


def individual_of(features: Features, current: Id) -> Id | None:
    """Return the current individual in the features, or its first piece; None if there is neither."""
    if current in features:
        return current
    return next((individual for individual in features if str(individual).startswith(f"{current}_part")), None)


def individual_to_plot(features: Features, current: Id | None) -> Id | None:
    """Return the current individual in the features, or a piece of it; otherwise the first individual."""
    found = individual_of(features, current) if current is not None else None
    return found if found is not None else next(iter(features), None)


def tracking_id(individual: Id, tracked: TrackedVideo) -> Id | None:
    """Return the tracking id of an individual of the features, or of a piece of it; None if there is none."""
    return whole_id(individual, tracked.tracking or ())


def unique_names(videos: Iterable[TrackedVideo]) -> dict[str, TrackedVideo]:
    """Return videos by names that differ: ``day1 (2)`` is a second video of the name ``day1``."""
    named: dict[str, TrackedVideo] = {}
    for tracked in videos:
        name, number = tracked.name, 2
        while name in named:
            name, number = f"{tracked.name} ({number})", number + 1
        named[name] = tracked
    return named


def labelled_individuals(tracked: TrackedVideo) -> list[Id]:
    """Return the individuals of a video in the order of the time line."""
    known = list(tracked.tracking or ())
    others = [one for one in tracked.labels.editor.individuals if one not in known]
    return [*known, *others] or [tracked.labelled]


def individual_of_rows(individual: Id, tracked: TrackedVideo) -> Id:
    """Return the individual of the labels that an individual of the features is; perhaps itself.

    Features of the whole image are about the only individual that is labelled; among several, nobody knows.
    """
    known = tracking_id(individual, tracked)
    if known is not None:
        return known
    others = labelled_individuals(tracked)
    return others[0] if individual == "" and len(others) == 1 else individual
