"""Rows of features with the labels of their frames."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.frame_ranges import count_frames
from napari_i3d._utils.text import counted
from napari_i3d.annotations.annotation import NOT_ASSESSED, Annotation
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.errors import AnnotationError, FeaturesError
from napari_i3d.features.features import Features
from napari_i3d.features.row_blocks import Rows
from napari_i3d.features.sequence import FeatureSequence
from napari_i3d.features.table import FeatureTable
from napari_i3d.individuals import Id, format_individual
from napari_i3d.learning.reviewed import person_table, reviewed

FeaturesLike = Features | Mapping[str, Features]
AnnotationsLike = Annotation | Mapping[str, Annotation]

# Settings of an extraction that change what a row means; the others change which rows there are, or only the speed.
_SETTINGS_OF_ROWS = ("sample_mode", "normalization", "subtract_background")


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Rows of individuals of which frames were assessed, and the behaviors shown in the frames they stand for.

    Attributes
    ----------
    table
        The rows.
    individuals
        For each sequence of the table, the individual of the annotation: the whole one of pieces of a tracklet.
    ethogram
        The behaviors of all annotations.
    shown : (N, behaviors) int8
        1: the frame of the row shows the behavior; 0: it does not; -1: no person looked at the frame, or for the
        behavior.
    source
        What the rows were computed with; see `source_of`.
    notes
        Who has features or labels only, and whose automated bouts are not used.
    """

    table: FeatureTable
    individuals: tuple[Id, ...]
    ethogram: Ethogram
    shown: NDArray[np.int8]
    source: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @cached_property
    def assessed(self) -> NDArray[np.int64]:
        """Numbers of the rows whose frames were assessed: (n,) int64."""
        return np.flatnonzero((self.shown != NOT_ASSESSED).any(axis=1))

    @cached_property
    def frames(self) -> NDArray[np.int64]:
        """The frame whose label each row has: (N,) int64."""
        return label_frames(self.table.frames)


def label_frames(frames: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the video frames that the labels of rows are taken from: (N,) int64.

    Frame r has the row of r, or of r + 0.5, the center of the chunk that padded extraction gives it; so
    `FeatureTable.find_rows` finds it too.
    """
    return np.floor(frames).astype(np.int64)


def owner(features: Features, individual: Id) -> Id:
    """Return the individual that rows belong to: itself, or the one whose tracklet was split at its gaps into pieces.

    Only what the features say about their tracking counts: ``a_part1`` may be a name that somebody chose.
    """
    tracking = features.provenance.get("tracking")
    if not isinstance(tracking, Mapping) or tracking.get("gaps") != "split":
        return individual
    split = [one.get("id") for one in tracking.get("gaps_mended") or () if isinstance(one, Mapping)]
    name, part, number = str(individual).rpartition("_part")
    if not part or not number.isdecimal():
        return individual
    return next((one for one in split if isinstance(one, str | int) and str(one) == name), individual)


def named_features(features: FeaturesLike) -> dict[str, Features]:
    """Return features by the name of their video, ``""`` for those of a single one."""
    return {"": features} if isinstance(features, Features) else dict(features)


def source_of(features: Features) -> dict[str, Any]:
    """Return what rows were computed with, as JSON values: weights, normalization, way of cropping, width."""
    weights, settings = features.provenance.get("weights"), features.provenance.get("settings")
    known = weights if isinstance(weights, Mapping) else {}
    chosen = settings if isinstance(settings, Mapping) else {}
    return {
        "width": next((rows.shape[1] for rows in features.values()), None),
        "weights": known.get("name"),
        "weights_sha256": known.get("sha256"),
        "trained": known.get("trained", True),
        **{name: chosen.get(name) for name in _SETTINGS_OF_ROWS},
    }


def check_source(name: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Check that rows were computed like others; what either does not say is not compared.

    Raises
    ------
    FeaturesError
        They differ.
    """
    for key, value in expected.items():
        other = found.get(key)
        if key == "weights" and expected.get("weights_sha256") and found.get("weights_sha256"):
            continue  # the same weights may have the name of a file
        if value is not None and other is not None and other != value:
            raise FeaturesError(
                f"{name or 'features'}: expected rows made with {key} {value}, found {other}",
                hint="extract all videos with the same weights and settings",
            )


def label_rows(features: FeaturesLike, annotations: AnnotationsLike) -> LabelledRows:
    """Bring features and annotations of the same videos and individuals together.

    Bouts that a program found are not labels until a person reviewed them; see `reviewed`. Of memory-mapped features,
    only the rows of assessed frames are read.

    Parameters
    ----------
    features, annotations
        Those of one video, or of several by name. Individuals match by id.

    Raises
    ------
    FeaturesError
        The frames of rows are unknown, labelled rows are not finite, or the features of two videos were made
        differently.
    AnnotationError
        No individual has features and assessed frames, an annotation is of a video with another number of frames, or
        annotations disagree about a behavior.
    """
    named = named_features(features)
    given = {"": annotations} if isinstance(annotations, Annotation) else dict(annotations)
    labels = {video: reviewed(annotation) for video, annotation in given.items()}
    ethogram = joint_ethogram(labels[video] for video in named if video in labels)
    source: dict[str, Any] = {}
    sequences, individuals, tables, alone, labelled = [], [], [], [], set()
    for video, one in named.items():
        annotation = labels.get(video)
        if annotation is None:
            alone.append(video)
            continue
        _check_length(video, one, annotation)
        for individual, rows in one.items():
            whole = owner(one, individual)
            if not len(rows) or not annotation.assessed.get(whole):
                alone.append(format_individual(video, individual))
                continue
            check_source(video, source_of(one), source)
            source = {**source_of(one), **{key: value for key, value in source.items() if value is not None}}
            sequences.append(sequence_of(video, one, individual, rows))
            individuals.append(whole)
            tables.append(_shown(given[video], annotation, whole, sequences[-1].frames, ethogram))
            labelled.add((video, whole))
    assessed = [(video, one) for video, own in labels.items() for one in own.assessed]
    lacking = [format_individual(*one) for one in assessed if one not in labelled]
    if not sequences or not len(ethogram) or all((table < 0).all() for table in tables):
        raise AnnotationError(
            f"expected assessed frames of an individual that has features, found labels of "
            f"{', '.join(lacking[:5]) or 'nobody'} and features of {', '.join(alone[:5]) or 'others'}",
            hint="ids and names of videos must be the same in both",
        )
    notes = [f"without labels, not used: {', '.join(alone[:10])}"] if alone else []
    notes += [f"without features, not used: {', '.join(lacking[:10])}"] if lacking else []
    notes += _notes_on_automated(given, labels)
    return LabelledRows(
        FeatureTable(tuple(sequences)), tuple(individuals), ethogram, np.concatenate(tables), source, tuple(notes)
    )


def _notes_on_automated(given: Mapping[str, Annotation], labels: Mapping[str, Annotation]) -> list[str]:
    frames = {
        format_individual(video, one): count_frames(ranges) - count_frames(labels[video].assessed.get(one, ()))
        for video, annotation in given.items()
        if labels[video] is not annotation
        for one, ranges in annotation.assessed.items()
    }
    found = [f"{name} ({counted(count, 'frame')})" for name, count in frames.items() if count]
    if not found:
        return []
    return [f"automated bouts that nobody reviewed, with the frames around them, not used: {', '.join(found[:10])}"]


def joint_ethogram(annotations: Iterable[Annotation]) -> Ethogram:
    """Return the behaviors of several annotations, in the order of their first appearance.

    Raises
    ------
    AnnotationError
        A behavior is exclusive in one and not in another.
    """
    behaviors: dict[str, Behavior] = {}
    for annotation in annotations:
        for behavior in annotation.ethogram.behaviors:
            known = behaviors.setdefault(behavior.name, behavior)
            if known.exclusive != behavior.exclusive:
                raise AnnotationError(
                    f"{behavior.name}: expected it to be exclusive in all annotations or in none, found both",
                    hint="change that of the behavior in the labels of one of the videos",
                )
    keys: set[str] = set()
    joined = []
    for behavior in behaviors.values():
        joined.append(replace(behavior, key="") if behavior.key in keys else behavior)
        keys.add(behavior.key)
    return Ethogram(tuple(joined))


def sequence_of(video: str, features: Features, individual: Id, rows: Rows) -> FeatureSequence:
    """Return rows of an individual, unread, with their frames; `FeaturesError` if these are unknown."""
    if individual not in features.frames:
        raise FeaturesError(
            f"{format_individual(video, individual)}: the video frames of its rows are not known",
            hint="extract it again, or make Features with frames",
        )
    trained = bool(source_of(features)["trained"])
    return FeatureSequence(video, individual, rows, features.frames[individual], features.fps, trained)


def _check_length(video: str, features: Features, annotation: Annotation) -> None:
    own, other = features.n_video_frames, annotation.n_frames
    if own is not None and other is not None and own != other:
        raise AnnotationError(
            f"{video or 'labels'}: expected labels of the video of the features, with {counted(own, 'frame')}, found "
            f"those of one with {counted(other, 'frame')}",
            hint="is it another video?",
        )


def _shown(
    annotation: Annotation, person: Annotation, individual: Id, frames: NDArray[np.float64], ethogram: Ethogram
) -> NDArray[np.int8]:
    at = label_frames(frames)
    own = person_table(annotation, person, individual, (int(at[0]), int(at[-1]) + 1))[at - at[0]]
    # Nobody looked for behaviors that are not in this annotation's ethogram.
    shown = np.full((len(at), len(ethogram)), NOT_ASSESSED, np.int8)
    for index, name in enumerate(annotation.ethogram):
        shown[:, ethogram.index(name)] = own[:, index]
    return shown
