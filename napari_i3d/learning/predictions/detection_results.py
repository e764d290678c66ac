"""The detections that ActionFormer and OpenTAD write down: segments of clips, with labels and scores."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from napari_i3d.annotations.io.parsing.text_files import decode, read_bytes
from napari_i3d.errors import AnnotationError
from napari_i3d.safe_loading import unpickler
from napari_i3d.safe_loading.json_text import parse_json

Detection = tuple[float, float, int | str, float]
"""Start and stop in seconds, number or name of the behavior, score."""
_ACTIONFORMER = ("t-start", "t-end", "label", "score")


def read_detections(path: Path, program: str) -> dict[str, list[Detection]]:
    """Read ``eval_results.pkl`` of ActionFormer, or ``result_detection.json`` of OpenTAD, by clip.

    Raises
    ------
    AnnotationError
        The file cannot be read, or has other content.
    """
    found = _actionformer(path) if program == "actionformer" else _opentad(path)
    if not found:
        raise AnnotationError("expected detections, found none")
    for own in found.values():
        for start, stop, _, score in own:
            if not (math.isfinite(start) and math.isfinite(stop) and 0 <= start <= stop and 0 <= score <= 1):
                raise AnnotationError(
                    f"expected segments with scores from 0 to 1, found {start:g} to {stop:g} s with {score:g}"
                )
    return found


def _actionformer(path: Path) -> dict[str, list[Detection]]:
    try:
        with path.open("rb") as file:
            content = unpickler.load(file, "not readable", AnnotationError)
    except OSError as error:
        raise AnnotationError(f"cannot be read ({error.strerror or error})") from error
    names = content.get("video-id") if isinstance(content, dict) else None
    columns: list[Any] = [content.get(key) for key in _ACTIONFORMER] if isinstance(content, dict) else []
    if not isinstance(names, list) or not all(
        isinstance(own, np.ndarray) and own.shape == (len(names),) and own.dtype.kind in "fiu" for own in columns
    ):
        raise AnnotationError(f"expected video-id, {', '.join(_ACTIONFORMER)} of each detection, found others")
    found: dict[str, list[Detection]] = {}
    for name, start, stop, label, score in zip(names, *(own.tolist() for own in columns), strict=True):
        found.setdefault(str(name), []).append((float(start), float(stop), int(label), float(score)))
    return found


def _opentad(path: Path) -> dict[str, list[Detection]]:
    content = parse_json(decode(read_bytes(path))[0], AnnotationError)
    results = content.get("results") if isinstance(content, dict) else None
    if not isinstance(results, dict):
        raise AnnotationError("expected results of clips, found others")
    return {name: [_detection(one) for one in _listed(own)] for name, own in results.items()}


def _listed(own: Any) -> list[Any]:
    if not isinstance(own, list):
        raise AnnotationError("expected a list of detections of each clip, found others")
    return own


def _detection(one: Any) -> Detection:
    try:
        start, stop = one["segment"]
        return float(start), float(stop), str(one["label"]), float(one["score"])
    except (TypeError, ValueError, KeyError, OverflowError):
        raise AnnotationError(f"expected detections with segment, label and score, found {str(one)[:60]!a}") from None
