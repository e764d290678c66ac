"""Check whether an existing result is up to date (provenance and checksum)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import sha256_of
from napari_i3d.errors import FeaturesError, OutputError
from napari_i3d.extraction.planning.request import WITHOUT_EFFECT
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.sidecar import json_path
from napari_i3d.features.io.store import FACTS_NAME, StoreDtype, is_store, read_store_facts, verify_store
from napari_i3d.individuals import Id


class ResultState(Enum):
    """State of an existing result."""

    CURRENT = auto()
    """Up to date, or without provenance."""
    OTHER = auto()
    """Intact, but of other input or settings."""
    DAMAGED = auto()
    UNSURE = auto()
    """Intact; whether it is up to date shows when video and tracking have been read."""


@dataclass(frozen=True)
class ResultCheck:
    """State of a result; `text` describes the difference or damage."""

    state: ResultState
    text: str = ""


_CURRENT, _UNSURE = ResultCheck(ResultState.CURRENT), ResultCheck(ResultState.UNSURE)


@dataclass(frozen=True, kw_only=True)
class ExpectedResult:
    """Input and settings of an up-to-date result."""

    video: Path
    settings: ExtractionSettings
    layout: Layout
    store_dtype: StoreDtype = StoreDtype.FLOAT32  # of a store
    weights_sha256: str
    tracking: Mapping[str, Any]  # sha256 of its file, gaps, chosen individuals and reading, as in provenance; or empty
    video_sha256: str | None = None  # of the file's content; None: not known yet
    crops_sha256: Mapping[Id | None, str] | None = None  # by individual, None for all of them; None: not known yet


def check_result(path: Path, expected: ExpectedResult, individual: Id | None = None) -> ResultCheck:
    """Check an existing features file; one without a ``.json`` counts as up to date.

    `individual` is given if the file holds only this one. Raises `OutputError` if the result cannot be read.
    """
    of_store = is_store(path)
    if expected.layout is Layout.STORE and not of_store:
        return _UNSURE  # no result, but in its way if one is to be written there
    if path.is_dir() and not of_store:
        return _CURRENT
    facts_path = path / FACTS_NAME if of_store else json_path(path)
    try:
        facts = read_store_facts(path) if of_store else json.loads(facts_path.read_bytes())
        provenance, checksum = dict(facts["provenance"]), facts["sha256"]
        video, settings = dict(provenance["video"]), dict(provenance["settings"])
    except FileNotFoundError:
        return _CURRENT
    except (ValueError, LookupError, TypeError, RecursionError, FeaturesError):
        return ResultCheck(ResultState.DAMAGED, f"{facts_path.name} was damaged")
    except OSError as error:
        raise OutputError(f"{facts_path}: cannot be read ({error.strerror or error})", hint="check the disk") from error
    try:
        if verify_store(path) if of_store else sha256_of(path) != checksum:
            text = f"{path.name} was damaged (its checksum is not that of what was written)"
            return ResultCheck(ResultState.DAMAGED, text)
    except FeaturesError as error:
        return ResultCheck(ResultState.DAMAGED, error.message.text)
    except OSError as error:
        raise OutputError(f"{path}: cannot be read ({error.strerror or error})", hint="check the disk") from error
    if text := _other_choices(facts, provenance, video, settings, expected):
        return ResultCheck(ResultState.OTHER, text)
    of_video = _check_video(video, expected)
    return of_video if of_video is not _CURRENT else _check_tracking(provenance, expected, individual)


def _other_choices(
    facts: dict[str, Any],
    provenance: dict[str, Any],
    video: dict[str, Any],
    settings: dict[str, Any],
    expected: ExpectedResult,
) -> str:
    """Describe different options of a result; "" if there are none."""
    if video.get("file") != expected.video.name:
        return f"of the video {video.get('file')}"
    if facts.get("layout") not in (None, str(expected.layout)):
        return f"for {facts['layout']}"
    dtype = facts.get("dtype", StoreDtype.FLOAT32)
    if expected.layout is Layout.STORE and dtype != expected.store_dtype:
        return f"with store_dtype {dtype}"
    wanted: dict[str, Any] = json.loads(json.dumps(expected.settings.as_dict()))
    changed = [
        f"{name} {settings.get(name)}"
        for name, value in wanted.items()
        if name not in WITHOUT_EFFECT and settings.get(name) != value
    ]
    weights = provenance.get("weights")
    if isinstance(weights, dict) and weights.get("sha256") not in (None, expected.weights_sha256):
        changed.append(f"other weights ({weights.get('name')})")
    return f"with {', '.join(changed)}" if changed else ""


def _check_video(video: dict[str, Any], expected: ExpectedResult) -> ResultCheck:
    """Compare the video's content, or if they are unchanged only size and modification time."""
    other = ResultCheck(ResultState.OTHER, f"of another {expected.video.name} (its content has changed)")
    try:
        stat = expected.video.stat()
    except OSError:
        return _UNSURE
    if video.get("size_bytes") not in (None, stat.st_size):
        return other
    if video.get("sha256") is None or video.get("mtime_ns") == stat.st_mtime_ns:
        return _CURRENT
    if expected.video_sha256 is None:
        return _UNSURE
    return _CURRENT if video["sha256"] == expected.video_sha256 else other


def _check_tracking(provenance: dict[str, Any], expected: ExpectedResult, individual: Id | None) -> ResultCheck:
    """Compare the crops, or only file and options of the tracking if they are unchanged."""
    found = provenance.get("tracking")
    if not isinstance(found, dict):
        return _CURRENT
    crops = found.get("crops")
    entries = [entry for entry in crops if isinstance(entry, dict)] if isinstance(crops, list) else []
    # How our own pickles are read cannot be chosen; they have no origin.
    names = ("sha256", "gaps", "chosen", *(("reading",) if "origin" in found else ()))
    same = all(found.get(name) == expected.tracking.get(name) for name in names)
    # Without a file it is the same only for whole images; tracking made in the viewer has none either.
    whole_image = [entry.get("id") for entry in entries] == [""]
    if individual is None and same and (found.get("sha256") is not None or whole_image):
        return _CURRENT
    if expected.crops_sha256 is None:
        return _UNSURE
    checksum = found.get("sha256_of_crops")
    if individual is not None:
        checksum = next((entry.get("sha256") for entry in entries if entry.get("id") == individual), None)
    if checksum in (None, expected.crops_sha256.get(individual)):
        return _CURRENT
    same_file = found.get("sha256") is not None and found["sha256"] == expected.tracking.get("sha256")
    if same_file and (changed := _changed_choices(found, expected.tracking)):
        return ResultCheck(ResultState.OTHER, f"with {', '.join(changed)}")
    if found.get("edited") is True:
        return ResultCheck(ResultState.OTHER, "of boxes that were corrected by hand")
    return ResultCheck(ResultState.OTHER, "of another tracking, or of other individuals in it")


def _changed_choices(found: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Describe what was chosen for a result, other than now, when the same tracking file was read."""
    made, wanted = _choices(found), _choices(expected)
    return [
        f"no {name}" if value is None else f"{name} {value}"
        for name, value in made.items()
        if name in wanted and wanted[name] != value
    ]


def _choices(tracking: Mapping[str, Any]) -> dict[str, Any]:
    reading = tracking.get("reading")
    reading = reading if isinstance(reading, dict) else {}
    boxes = reading.get("keypoint_boxes")
    values = {"gaps": tracking.get("gaps"), **reading, **(boxes if isinstance(boxes, dict) else {})}
    return {name: value for name, value in values.items() if name != "keypoint_boxes"}
