"""Whether a result that exists is the one that is wanted: by what it was made of, and by its content."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import sha256_of
from napari_i3d.errors import OutputError
from napari_i3d.extraction.planning.request import WITHOUT_EFFECT
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.sidecar import json_path
from napari_i3d.individuals import Id


class ResultState(Enum):
    """What a result that exists is."""

    SOUND = auto()
    """The one that is wanted; or nothing is told of it."""
    OTHER = auto()
    """Whole, but made of or with something else."""
    DAMAGED = auto()
    """Not what was written."""
    UNSURE = auto()
    """Whole, and it may be the one that is wanted: that shows when video and tracking have been read."""


@dataclass(frozen=True)
class ResultCheck:
    """What a result is; `text` says in what it differs, or how it is damaged."""

    state: ResultState
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class ExpectedResult:
    """What a result is to be made of and with.

    Attributes
    ----------
    video
        The file.
    settings, layout, weights_sha256
        The choices.
    tracking
        ``sha256`` of its file, ``gaps`` and ``chosen`` individuals, as provenance tells them; empty for whole images.
    video_sha256
        Of the file's content; None: not known yet.
    crops_sha256
        Of what is cropped, by individual, and under None of all; None: not known yet.
    """

    video: Path
    settings: ExtractionSettings
    layout: Layout
    weights_sha256: str
    tracking: Mapping[str, Any]
    video_sha256: str | None = None
    crops_sha256: Mapping[Id | None, str] | None = None


def check_result(path: Path, wish: ExpectedResult, individual: Id | None = None) -> ResultCheck:
    """Judge the result at a path; one without a ``.json`` tells nothing, and is taken for what is wanted.

    Parameters
    ----------
    path
        A features file that exists.
    wish
        What it should be.
    individual
        The one that has the file for itself; None: the file is of all.

    Raises
    ------
    OutputError
        The result cannot be read.
    """
    facts_path = json_path(path)
    try:
        facts = json.loads(facts_path.read_bytes())
        provenance, checksum = dict(facts["provenance"]), facts["sha256"]
        made_of, made_with = dict(provenance["video"]), dict(provenance["settings"])
    except FileNotFoundError:
        return ResultCheck(ResultState.SOUND)
    except (ValueError, LookupError, TypeError, RecursionError):
        return ResultCheck(ResultState.DAMAGED, f"{facts_path.name} was damaged")
    except OSError as error:
        raise OutputError(f"{facts_path}: cannot be read ({error.strerror or error}); check the disk") from error
    try:
        if sha256_of(path) != checksum:
            return ResultCheck(
                ResultState.DAMAGED, f"{path.name} was damaged (its checksum is not that of what was written)"
            )
    except OSError as error:
        raise OutputError(f"{path}: cannot be read ({error.strerror or error}); check the disk") from error
    if text := _other_choices(facts, provenance, made_of, made_with, wish):
        return ResultCheck(ResultState.OTHER, text)
    verdicts = (_of_video(made_of, wish), _of_tracking(provenance, wish, individual))
    return next(
        (verdict for verdict in verdicts if verdict.state is not ResultState.SOUND), ResultCheck(ResultState.SOUND)
    )


def _other_choices(
    facts: dict[str, Any],
    provenance: dict[str, Any],
    made_of: dict[str, Any],
    made_with: dict[str, Any],
    wish: ExpectedResult,
) -> str:
    """Say in which choices a result differs; "" if in none."""
    if made_of.get("file") != wish.video.name:
        return f"of the video {made_of.get('file')}"
    if facts.get("layout") not in (None, str(wish.layout)):
        return f"for {facts['layout']}"
    wanted: dict[str, Any] = json.loads(json.dumps(wish.settings.as_dict()))
    changed = [
        f"{name} {made_with.get(name)}"
        for name, value in wanted.items()
        if name not in WITHOUT_EFFECT and made_with.get(name) != value
    ]
    weights = provenance.get("weights")
    if isinstance(weights, dict) and weights.get("sha256") not in (None, wish.weights_sha256):
        changed.append(f"other weights ({weights.get('name')})")
    return f"with {', '.join(changed)}" if changed else ""


def _of_video(made_of: dict[str, Any], wish: ExpectedResult) -> ResultCheck:
    """Judge by the video's content; where size and time of change are as they were, that is taken for the same."""
    other = ResultCheck(ResultState.OTHER, f"of another {wish.video.name} (its content has changed)")
    try:
        stat = wish.video.stat()
    except OSError:
        return ResultCheck(ResultState.UNSURE)
    if made_of.get("size_bytes") not in (None, stat.st_size):
        return other
    if made_of.get("sha256") is None or made_of.get("mtime_ns") == stat.st_mtime_ns:
        return ResultCheck(ResultState.SOUND)
    if wish.video_sha256 is None:
        return ResultCheck(ResultState.UNSURE)
    return ResultCheck(ResultState.SOUND) if made_of["sha256"] == wish.video_sha256 else other


def _of_tracking(provenance: dict[str, Any], wish: ExpectedResult, individual: Id | None) -> ResultCheck:
    """Judge by the tracking that was used; where file and choices are as they were, that is the same."""
    told = provenance.get("tracking")
    if not isinstance(told, dict):
        return ResultCheck(ResultState.SOUND)
    of_file = ("sha256", "gaps", "chosen", "origin")
    same = [told.get(name) for name in of_file] == [wish.tracking.get(name) for name in of_file]
    # Without a file it is the same only for whole images; tracking made in the viewer has none either.
    if individual is None and same and (told.get("sha256") is not None or _is_whole_image(told)):
        return ResultCheck(ResultState.SOUND)
    if wish.crops_sha256 is None:
        return ResultCheck(ResultState.UNSURE)
    made = told.get("sha256_of_crops") if individual is None else _of_individual(told, individual)
    if made in (None, wish.crops_sha256.get(individual)):
        return ResultCheck(ResultState.SOUND)
    return ResultCheck(ResultState.OTHER, "of another tracking, or of other individuals in it")


def _is_whole_image(told: dict[str, Any]) -> bool:
    crops = told.get("crops")
    return isinstance(crops, list) and [e.get("id") for e in crops if isinstance(e, dict)] == [""]


def _of_individual(told: dict[str, Any], individual: Id) -> Any:
    crops = told.get("crops")
    entries = crops if isinstance(crops, list) else []
    return next((e.get("sha256") for e in entries if isinstance(e, dict) and e.get("id") == individual), None)
