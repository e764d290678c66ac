"""What the open videos have to learn from, and to predict: features and labels as they are when it is asked for."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from napari_i3d._utils.frame_ranges import Ranges
from napari_i3d._utils.text import counted
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.editing.editor import AnnotationEditor
from napari_i3d.errors import FeaturesError
from napari_i3d.features.features import Features
from napari_i3d.individuals import Id, format_id
from napari_i3d.learning.labelled_rows import check_source, owner, source_of
from napari_i3d.learning.reviewed import reviewed
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.session.matching import individual_of_rows, tracking_id, unique_names
from napari_i3d.plugin.session.tracked_video import TrackedVideo

_MOST_NAMES = 5


@dataclass(frozen=True, eq=False)
class VideoData:
    """What one video has.

    Attributes
    ----------
    tracked
        The video.
    made_of
        The features of the video when this was made; None: it has none.
    features
        Those of them that can be used, by the ids that the labels have; None: there are none.
    labels
        Its labels; `reviewed` has those of persons only.
    stale, gone
        Names of individuals of the features whose boxes were corrected since, and of those that were renamed or
        deleted; their rows are not used.
    editor, behavior_keys
        Edits the labels, and its `behavior_keys` when this was made.
    problem
        Why the features cannot be used with those of the other videos; empty if they can.
    """

    tracked: TrackedVideo
    made_of: Features | None
    features: Features | None
    labels: Annotation
    stale: tuple[str, ...]
    gone: tuple[str, ...]
    editor: AnnotationEditor
    behavior_keys: Mapping[str, int]
    problem: str = ""

    @classmethod
    def of(cls, tracked: TrackedVideo) -> "VideoData":
        """Return what a video has now."""
        features = tracked.features
        stale = [one for one in tracked.out_of_date if tracking_id(one, tracked) is not None]
        names, gone = (tuple(sorted(map(format_id, ids))) for ids in (stale, tracked.out_of_date.difference(stale)))
        usable = None if features is None else _usable(features, tracked)
        editor = tracked.labels.editor
        return cls(tracked, features, usable, editor.annotation, names, gone, editor, editor.behavior_keys)

    @cached_property
    def reviewed(self) -> Annotation:
        """What a person labelled or reviewed, which is what is learned from."""
        return reviewed(self.labels)

    @property
    def is_current(self) -> bool:
        """Whether the video has the same features still."""
        return self.made_of is not None and self.tracked.features is self.made_of

    def renamed(self) -> dict[str, str]:
        """Return the behaviors that were renamed since, {name then: name now}."""
        if self.tracked.labels.editor is not self.editor:
            return {}
        now = {key: name for name, key in self.editor.behavior_keys.items()}
        return {name: now[key] for name, key in self.behavior_keys.items() if now.get(key, name) != name}

    def looked_at(self) -> Iterator[tuple[Id, int]]:
        """Yield the individuals with features and labels, and the number of rows whose frames were looked at."""
        if self.features is None:
            return
        for individual, frames in self.features.frames.items():
            whole = owner(self.features, individual)
            rows = _rows_in(frames, self.reviewed.assessed.get(whole, ()))
            if rows:
                yield whole, rows


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What all open videos have, by names that differ."""

    videos: dict[str, VideoData]

    @classmethod
    def of(cls, videos: Iterable[TrackedVideo]) -> "TrainingData":
        """Return what videos have now; the first one with labels decides which features fit."""
        data = {name: VideoData.of(tracked) for name, tracked in unique_names(videos).items()}
        source: dict[str, Any] = {}
        for name in sorted(data, key=lambda name: not any(data[name].looked_at())):
            data[name] = replace(data[name], problem=_problem(name, data[name], source))
        return cls(data)

    @property
    def features(self) -> dict[str, Features]:
        """The features that can be used."""
        return {name: one.features for name, one in self.videos.items() if one.features is not None and not one.problem}

    @property
    def labels(self) -> dict[str, Annotation]:
        """The labels of the videos whose features can be used."""
        usable = self.features
        return {name: one.labels for name, one in self.videos.items() if name in usable and one.labels.assessed}

    @cached_property
    def individuals(self) -> dict[tuple[str, Id], int]:
        """The individuals to learn from, (video, individual): number of their rows that were looked at."""
        usable, rows = self.features, Counter[tuple[str, Id]]()
        for name in usable:
            for individual, number in self.videos[name].looked_at():
                rows[name, individual] += number
        return dict(rows)

    @cached_property
    def bouts(self) -> dict[str, int]:
        """Number of bouts of each behavior of these individuals."""
        found: Counter[str] = Counter()
        for name, individual in self.individuals:
            found.update(bout.behavior for bout in self.videos[name].reviewed.of(individual))
        names = dict.fromkeys(name for one in self.videos.values() for name in one.labels.ethogram)
        return {name: found[name] for name in names if found[name]}

    @property
    def trained_features(self) -> bool:
        """False if features came of untrained weights."""
        return all(bool(source_of(features)["trained"]) for features in self.features.values())

    @property
    def lacking_features(self) -> dict[str, TrackedVideo]:
        """The videos with labels of individuals whose features are missing or out of date."""
        files = {name: one for name, one in self.videos.items() if one.tracked.video is not None}
        return {name: one.tracked for name, one in files.items() if _unused(self, name, one)}

    @property
    def problem(self) -> str:
        """Why nothing can be learned; empty if it can."""
        if not self.videos:
            return "Open a video first: File > Open, or drop it here."
        labelled = any(one.reviewed.assessed for one in self.videos.values())
        if not self.features and not labelled:
            return "Label some bouts in Annotate, and extract features: then a probe can be trained."
        if not self.features:
            return "No open video has features that can be used: extract them first."
        if not labelled:
            return "No frames are labelled yet: label some bouts in Annotate first."
        if not self.individuals:
            return "No labelled individual has features: extract features of those that are labelled."
        if not self.bouts:
            return "Frames were looked at, but have no bouts: label some in Annotate first."
        return ""

    def describe(self) -> str:
        """Return lines about what will be used, and what will not and why."""
        lines = [self.problem] if self.problem else [self._describe_used()]
        for name, one in self.videos.items():
            where = f"{name}: " if len(self.videos) > 1 else ""
            if one.problem:
                lines.append(f"Not used: {one.problem}")
            if one.stale:
                lines.append(
                    f"{where}boxes of {_names(one.stale)} were corrected since; extract them again to use them."
                )
            if one.gone:
                lines.append(f"{where}{_names(one.gone)} renamed or deleted since; extract again to use the rows.")
            automated = len(one.labels.bouts) - len(one.reviewed.bouts)
            if automated:
                lines.append(f"{where}{counted(automated, 'automated bout')} not used: accept or correct them first.")
            unused = _unused(self, name, one)
            if unused and self.features:
                lines.append(f"{where}labels of {_names(map(format_id, unused))} have no features and are not used.")
        if self.features and not self.trained_features:
            lines.append("Untrained weights: what is learned from these features has no meaning.")
        return "\n".join(lines)

    def _describe_used(self) -> str:
        videos = len({name for name, _ in self.individuals})
        bouts = ", ".join(f"{name} {number}" for name, number in self.bouts.items())
        predicted = sum(len({owner(one, who) for who in one}) for one in self.features.values())
        return (
            f"Learns from {counted(sum(self.individuals.values()), 'row')} of "
            f"{counted(len(self.individuals), 'individual')} in {counted(videos, 'video')}; bouts: {bouts}. "
            f"Proposes bouts for {counted(predicted, 'individual')} in {counted(len(self.features), 'video')}."
        )


def _usable(features: Features, tracked: TrackedVideo) -> Features | None:
    """Return features without individuals that are out of date, by the ids of the labels; None if none is left.

    Rows of the whole image are about the only individual that is labelled.
    """
    names = {one: individual_of_rows(one, tracked) if one == "" else one for one in features}
    kept = {one: name for one, name in names.items() if one not in tracked.out_of_date and len(features[one])}
    if not kept:
        return None
    return Features(
        **{
            part: {name: getattr(features, part)[one] for one, name in kept.items() if one in getattr(features, part)}
            for part in ("rows", "frames", "chunk_starts", "first_frame", "last_frame")
        },
        fps=features.fps,
        provenance=features.provenance,
    )


def _problem(name: str, one: VideoData, source: dict[str, Any]) -> str:
    """Return why features do not fit the `source` of those before, which is completed; empty if they do."""
    if one.features is None:
        return ""
    unknown = [individual for individual in one.features if individual not in one.features.frames]
    if unknown:
        return f"{name}: the frames of the rows of {_names(map(format_id, unknown))} are not known."
    own, labelled = one.features.n_video_frames, one.labels.n_frames
    if own is not None and labelled is not None and own != labelled:
        return f"{name}: its features are of a video with {own} frames, its labels of one with {labelled}."
    found = source_of(one.features)
    try:
        check_source(name, found, source)
    except FeaturesError as error:
        return dock_text(error)
    source.update({key: value for key, value in found.items() if source.get(key) is None})
    return ""


def _unused(data: TrainingData, name: str, one: VideoData) -> list[Id]:
    """Return the individuals of a video that have labels and no features."""
    return [who for who in one.reviewed.assessed if (name, who) not in data.individuals]


def _rows_in(frames: Any, ranges: Ranges) -> int:
    """Return the number of rows whose frame is in ranges."""
    if not ranges:
        return 0
    edges = np.searchsorted(frames, np.array(ranges, np.float64).reshape(-1))
    return int((edges[1::2] - edges[::2]).sum())


def _names(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _MOST_NAMES} more" if len(listed) > _MOST_NAMES else ""
    return f"{', '.join(listed[:_MOST_NAMES])}{more}"
