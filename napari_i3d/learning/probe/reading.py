"""Read a probe from a file that may come from a stranger."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import format_path
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.errors import FeaturesError, NapariI3DError
from napari_i3d.learning.probe.feature_space import FeatureSpace
from napari_i3d.learning.probe.heads import NONE, Head
from napari_i3d.learning.probe.probe import Probe
from napari_i3d.learning.probe.settings import ProbeSettings
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
    heads = tuple(
        _head(classes, ethogram, _array(archive, f"weights_{number}", "f", 2), _bias(archive, number), inputs)
        for number, classes in enumerate(listed)
    )
    if len(space.mean) != len(space.matrix):
        raise FeaturesError(f"{len(space.mean)} means of features for components of {len(space.matrix)}")
    names = [name for head in heads for name in head.classes[1:]]
    if len(set(names)) < len(names):
        raise FeaturesError("a behavior has two classifiers")
    return Probe(ethogram, space, heads, chosen, provenance)


def _head(
    classes: object, ethogram: Ethogram, weights: NDArray[np.float64], bias: NDArray[np.float64], inputs: int
) -> Head:
    if not isinstance(classes, list) or len(classes) < 2 or classes[0] != NONE:
        raise FeaturesError("expected classes of each classifier, none of them first")
    if any(not isinstance(name, str) or name not in ethogram for name in classes[1:]):
        raise FeaturesError("expected classes that are behaviors of the ethogram")
    if weights.shape != (inputs, len(classes)) or bias.shape != (len(classes),):
        raise FeaturesError(
            f"weights of shape {weights.shape} for {inputs} inputs and {len(classes)} classes; they do not fit"
        )
    return Head(tuple(classes), weights, bias)


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
    """Return a bias; that of a class that was never seen is minus infinity."""
    name = f"bias_{number}"
    if name not in archive.names:
        raise FeaturesError(f"expected an array {name!r}, found none")
    bias = archive[name]
    if bias.dtype != np.float64 or bias.ndim != 1 or not np.isfinite(bias[1:]).all() or not (bias[:1] < np.inf).all():
        raise FeaturesError(f"{name}: expected finite numbers")
    return bias.copy()
