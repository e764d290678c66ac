"""Read a probe from a file that may come from a stranger."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import format_path
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.errors import FeaturesError, NapariI3DError
from napari_i3d.learning.probe.boosting import ANSWERS, MOST_TREES, QUESTIONS, BoostedHead
from napari_i3d.learning.probe.feature_space import FeatureSpace
from napari_i3d.learning.probe.heads import NONE, Head
from napari_i3d.learning.probe.logistic import LinearHead
from napari_i3d.learning.probe.probe import Probe
from napari_i3d.learning.probe.settings import Classifier, ProbeSettings
from napari_i3d.learning.probe.writing import FORMAT
from napari_i3d.safe_loading.json_text import parse_json
from napari_i3d.safe_loading.numpy_files import Archive, open_npz


def read_probe(path: str | os.PathLike[str]) -> Probe:
    """Read a probe, without running any code in its file.

    Raises
    ------
    FeaturesError
        The file is no probe, is damaged, or its parts do not fit each other.
    """
    path = Path(path)
    try:
        with open_npz(path, FeaturesError) as archive:
            return _probe(archive)
    except NapariI3DError as error:
        raise FeaturesError(
            f"{format_path(path)}: {error.message.text}", hint="is it a file of `napari-i3d learn train`?"
        ) from error


def _probe(archive: Archive) -> Probe:
    facts = parse_json(_array(archive, "facts", "u", 1).tobytes(), FeaturesError)
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        found = facts.get("format") if isinstance(facts, dict) else type(facts).__name__
        raise FeaturesError(f"expected a file of format {FORMAT!r}, found {ascii(found)[:60]}")
    space = FeatureSpace(_array(archive, "mean", "f", 1), _array(archive, "matrix", "f", 2))
    settings, provenance, listed = facts.get("settings"), facts.get("provenance"), facts.get("classes")
    if not isinstance(settings, dict) or not isinstance(provenance, dict) or not isinstance(listed, list) or not listed:
        raise FeaturesError("expected settings, provenance and classes")
    if not isinstance(provenance.get("source", {}), dict):
        raise FeaturesError("expected a source of the features")
    try:
        ethogram = Ethogram(tuple(Behavior(**entry) for entry in facts.get("ethogram") or ()))
        chosen = ProbeSettings(**settings)
    except TypeError as error:
        raise FeaturesError("expected the settings and behaviors of a probe") from error
    inputs = space.matrix.shape[1] * (3 if chosen.context_frames else 1)
    heads = tuple(_head(archive, number, own, ethogram, chosen, inputs) for number, own in enumerate(listed))
    if len(space.mean) != len(space.matrix):
        raise FeaturesError(f"{len(space.mean)} means of features for components of {len(space.matrix)}")
    names = [name for head in heads for name in head.classes[1:]]
    if len(set(names)) < len(names):
        raise FeaturesError("a behavior has two classifiers")
    return Probe(ethogram, space, heads, chosen, provenance)


def _head(
    archive: Archive, number: int, classes: object, ethogram: Ethogram, settings: ProbeSettings, inputs: int
) -> Head:
    if not isinstance(classes, list) or len(classes) < 2 or classes[0] != NONE:
        raise FeaturesError("expected classes of each classifier, none of them first")
    if any(not isinstance(name, str) or name not in ethogram for name in classes[1:]):
        raise FeaturesError("expected classes that are behaviors of the ethogram")
    bias = _bias(archive, number)
    if bias.shape != (len(classes),):
        raise FeaturesError(f"bias of shape {bias.shape} for {len(classes)} classes")
    if settings.classifier is Classifier.BOOSTING:
        return _trees(archive, number, tuple(classes), bias, inputs)
    weights = _array(archive, f"weights_{number}", "f", 2)
    if weights.shape != (inputs, len(classes)):
        raise FeaturesError(
            f"weights of shape {weights.shape} for {inputs} inputs and {len(classes)} classes; they do not fit"
        )
    return LinearHead(tuple(classes), weights, bias)


def _trees(
    archive: Archive, number: int, classes: tuple[str, ...], bias: NDArray[np.float64], inputs: int
) -> BoostedHead:
    features, tree_classes = (
        _array(archive, f"features_{number}", "i", 2),
        _array(archive, f"tree_classes_{number}", "i", 1),
    )
    thresholds, values = _array(archive, f"thresholds_{number}", "f", 2), _array(archive, f"values_{number}", "f", 2)
    count = len(features)
    if count > MOST_TREES:
        raise FeaturesError(f"expected at most {MOST_TREES} trees, found {count}")
    shapes = features.shape, thresholds.shape, values.shape, tree_classes.shape
    if shapes != ((count, QUESTIONS), (count, QUESTIONS), (count, ANSWERS), (count,)):
        raise FeaturesError(f"trees of {QUESTIONS} questions expected, found arrays of shapes {shapes}")
    for name, found, most in (("features", features, inputs), ("tree_classes", tree_classes, len(classes))):
        if ((found < 0) | (found >= most)).any():
            raise FeaturesError(f"{name}: expected numbers from 0 to {most - 1}, found others")
    return BoostedHead(
        classes,
        features.astype(np.int32),
        thresholds.astype(np.float32),
        values,
        tree_classes.astype(np.int32),
        bias,
    )


def _array(archive: Archive, name: str, kind: str, axes: int) -> NDArray[Any]:
    if name not in archive.names:
        raise FeaturesError(f"expected an array {name!r}, found none")
    array = archive[name]
    if array.dtype.kind != kind or array.ndim != axes or (kind == "u" and array.dtype != np.uint8):
        raise FeaturesError(f"{name}: expected {axes} axes of numbers, found {array.dtype} of shape {array.shape}")
    if kind == "f":
        array = array.astype(np.float64)
        if not np.isfinite(array).all():
            raise FeaturesError(f"{name}: expected finite numbers")
    return array


def _bias(archive: Archive, number: int) -> NDArray[np.float64]:
    """Return a bias; that of a class that was never seen is minus infinity, but not that of all."""
    name = f"bias_{number}"
    if name not in archive.names:
        raise FeaturesError(f"expected an array {name!r}, found none")
    bias = archive[name]
    if bias.dtype != np.float64 or bias.ndim != 1 or not (bias < np.inf).all() or not np.isfinite(bias).any():
        raise FeaturesError(f"{name}: expected finite numbers")
    return bias.copy()
