"""Probes: classifiers of behaviors on the features of individuals."""

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.errors import FeaturesError
from napari_i3d.features.features import Features
from napari_i3d.features.row_blocks import Rows, read_rows
from napari_i3d.features.sequence import FeatureSequence
from napari_i3d.individuals import Id, format_individual
from napari_i3d.learning.labelled_rows import check_source, owner, sequence_of, source_of
from napari_i3d.learning.probabilities import RowProbabilities, annotation_of
from napari_i3d.learning.probe.feature_space import FeatureSpace
from napari_i3d.learning.probe.heads import Head
from napari_i3d.learning.probe.inputs import context_offsets, neighbors
from napari_i3d.learning.probe.logistic import LinearHead
from napari_i3d.learning.probe.settings import ProbeSettings
from napari_i3d.learning.probe.writing import write_probe
from napari_i3d.learning.smoothing import Smoothing

# Few rows at once, so that what is computed of them stays in the processor's cache.
_ROWS = 256
_BOOSTED_ROWS = 4096
"""Trees cost a call for each block."""


@dataclass(frozen=True, eq=False)
class Probe:
    """A classifier of behaviors; see `train`.

    Attributes
    ----------
    ethogram
        The behaviors of the labels; those that no label shows are not predicted.
    space
        What the probe sees of a row.
    heads
        Its classifiers.
    settings
        How it was trained.
    provenance
        As JSON values: features and labels it was trained on, with their checksums; versions.
    """

    ethogram: Ethogram
    space: FeatureSpace
    heads: tuple[Head, ...]
    settings: ProbeSettings = field(default_factory=ProbeSettings)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def trained_features(self) -> bool:
        """False if the features came of untrained weights, so that predictions mean nothing."""
        return bool(self.provenance.get("source", {}).get("trained", True))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the probe to a file; see `write_probe`."""
        write_probe(path, self)

    def predict(self, features: Features, smoothing: Smoothing | None = None) -> Annotation:
        """Predict the bouts of all individuals of a video.

        Parameters
        ----------
        features
            Their features; may be memory-mapped, as they are read in blocks.
        smoothing
            How probabilities become bouts; None: the defaults.

        Returns
        -------
        Annotation
            Bouts of origin "automated" with confidences; only frames that a row stands for are assessed.

        Raises
        ------
        FeaturesError
            Rows were made otherwise than those of the training, are not finite, or their frames are unknown.
        """
        rows = list(self.probabilities(features))
        return annotation_of(
            rows, self.ethogram, smoothing or Smoothing(), n_frames=features.n_video_frames, fps=features.fps
        )

    def probabilities(self, features: Features, video: str = "") -> Iterator[RowProbabilities]:
        """Yield the probabilities of each individual; errors as in `predict`."""
        check_source(video, source_of(features), self.provenance.get("source", {}))
        for individual, rows in features.items():
            if not len(rows):
                continue
            if rows.shape[1] != self.space.width:
                raise FeaturesError(
                    f"{format_individual(video, individual)}: expected {self.space.width} features in a row, found "
                    f"{rows.shape[1]}",
                    hint="extract all videos with the same weights",
                )
            # Without values, which would be read once more to be checked.
            sequence = sequence_of(video, features, individual, rows[:, :0])
            values = self._values(rows, sequence)
            yield RowProbabilities(
                sequence,
                owner(features, individual),
                tuple(head.classes for head in self.heads),
                values,
                _limits(features, individual),
            )

    def _values(self, rows: Rows, sequence: FeatureSequence) -> tuple[NDArray[np.float32], ...]:
        """Return the probabilities of each head."""
        offsets = context_offsets(self.settings, sequence.step_frames)
        linear = [head for head in self.heads if isinstance(head, LinearHead)]
        if len(linear) == len(self.heads):
            return self._linear(linear, rows, sequence, offsets)
        values = tuple(np.empty((len(rows), len(head.classes)), np.float32) for head in self.heads)
        reach = max(offsets)
        size = max(_BOOSTED_ROWS, 2 * reach)
        for first, end in sequence.stretches:
            for start in range(first, end, size):
                stop = min(start + size, end)
                low, high = max(start - reach, first), min(stop + reach, end)
                scores = np.concatenate(
                    [self.space.apply(read_rows(rows, at, min(at + _ROWS, high))) for at in range(low, high, _ROWS)]
                )
                _check_finite(scores, sequence, low)
                near = neighbors(np.arange(start, stop), sequence.stretches, offsets) - low
                inputs = scores[near].reshape(stop - start, -1)
                for own, head in zip(values, self.heads, strict=True):
                    own[start:stop] = head.probabilities(inputs)
        return values

    def _linear(
        self, heads: list[LinearHead], rows: Rows, sequence: FeatureSequence, offsets: tuple[int, ...]
    ) -> tuple[NDArray[np.float32], ...]:
        classes = sum(len(head.classes) for head in heads)
        weights = np.concatenate([head.weights for head in heads], axis=1)
        # Everything is linear up to the softmax: one product of the rows for all components, offsets and classes.
        pieces = np.split(weights, len(offsets))
        product = self.space.then(np.concatenate(pieces, axis=1))
        parts = np.empty((len(rows), classes * len(offsets)), np.float32)
        for start in range(0, len(rows), _ROWS):
            parts[start : start + _ROWS] = product.apply(read_rows(rows, start, start + _ROWS))
        _check_finite(parts, sequence)
        logits = parts[:, :classes].copy() if len(offsets) == 1 else np.zeros((len(rows), classes), np.float32)
        if len(offsets) > 1:
            for place, near in enumerate(neighbors(np.arange(len(rows)), sequence.stretches, offsets).T):
                logits += parts[near, place * classes : (place + 1) * classes]
        ends = np.cumsum([len(head.classes) for head in heads])[:-1]
        return tuple(head.softmax(own) for head, own in zip(heads, np.split(logits, ends, axis=1), strict=True))


def _check_finite(values: NDArray[np.float32], sequence: FeatureSequence, first: int = 0) -> None:
    """Check what was computed of rows from `first` on; raise `FeaturesError` that names the first bad frame."""
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if bad.size:
        raise FeaturesError(
            f"{sequence.name}: expected finite features, found others at frame {sequence.frames[first + bad[0]]:g}",
            hint="extract this individual again, or leave it out",
        )


def _limits(features: Features, individual: Id) -> tuple[int, int]:
    first, last = features.first_frame.get(individual, 0), features.last_frame.get(individual)
    ends = [end for end in (None if last is None else last + 1, features.n_video_frames) if end is not None]
    return first, min(ends) if ends else math.floor(features.frames[individual][-1]) + 1
