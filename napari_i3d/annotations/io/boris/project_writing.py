"""Write a project of BORIS with one observation.

BORIS rounds times to milliseconds, and programs that read its files turn a time into a frame by truncation or by
rounding. A time a quarter into the frame gives this frame either way. Two events of a subject and behavior cannot have
the same time, so bouts that touch are merged.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import atomic_writer
from napari_i3d._utils.frame_ranges import covers
from napari_i3d._utils.text import counted
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, merge_bouts
from napari_i3d.annotations.ethogram import Behavior
from napari_i3d.annotations.io.format import WriteRequest
from napari_i3d.annotations.io.parsing.not_held import not_held
from napari_i3d.annotations.io.parsing.written_text import texts_of
from napari_i3d.errors import OutputError

TARGET = "target"
"""Name of the set of modifiers that holds the target of a bout."""
_START_FRACTION, _STOP_FRACTION = 0.25, 0.25
# With --inclusive, a bout of one frame has both events in it.
_LAST_FRACTION = 0.4
_MOST_FPS = 400
_SEPARATOR = "|"
_VERSION = "7.0"


def write(path: Path, annotation: Annotation, request: WriteRequest) -> tuple[str, ...]:
    """Write the project, and return notes."""
    video = request.video
    clock = request.clock()
    individuals = request.wanted(annotation)
    names, notes = texts_of(individuals)
    targets = {bout.target for one in individuals for bout in annotation.of(one) if bout.target is not None}
    target_names, _ = texts_of(dict.fromkeys([*individuals, *targets]))
    _check_texts(annotation, [*target_names.values()])
    bouts = [bout for one in individuals for bout in annotation.of(one)]
    merged = list(_without_touching(bouts))
    starts = clock.start_s([bout.start for bout in merged], _START_FRACTION)
    if request.inclusive:
        stop_frames = [bout.stop - 1 for bout in merged]
        stops = clock.start_s(stop_frames, _LAST_FRACTION)
    else:
        stop_frames = [bout.stop for bout in merged]
        stops = clock.start_s(stop_frames, _STOP_FRACTION)
    with_target = {bout.behavior for bout in merged if bout.target is not None}
    events: list[list[Any]] = []
    for bout, start_s, stop_s, stop in zip(merged, starts.tolist(), stops.tolist(), stop_frames, strict=True):
        modifier = ""
        if bout.behavior in with_target:
            modifier = "None" if bout.target is None else target_names[bout.target]
        who = names[bout.individual]
        events.append([round(start_s, 3), who, bout.behavior, modifier, bout.note, bout.start])
        events.append([round(stop_s, 3), who, bout.behavior, modifier, "", stop])
    events.sort(key=lambda event: event[:3])
    end = video.n_frames or annotation.end
    project = _project(
        [_behavior(one, annotation, with_target, target_names.values()) for one in annotation.ethogram.values()],
        [name for name in names.values() if name],
        _observation(request, events, float(clock.start_s([end], 0.3)[0]), 1 / clock.frame_s),
    )
    with atomic_writer(path) as file:
        file.write(json.dumps(project, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"))
    if len(merged) < len(bouts):
        count = counted(len(bouts) - len(merged), "bout")
        notes.append(f"{count} merged with the one before, which it touches: BORIS cannot hold both")
    if 1 / clock.frame_s > _MOST_FPS:
        notes.append("times have milliseconds: at this frame rate only the frame numbers (Image index) are exact")
    if not clock.is_even:
        notes.append("the frame rate varies: a program that multiplies times by a rate does not get the frames")
    if any(not covers(annotation.assessed.get(one, ()), 0, end) for one in individuals) and end:
        notes.append("frames that nobody assessed cannot be told apart")
    if request.inclusive:
        notes.append("STOP is the last frame of a bout, as asked for")
    return (*notes, *not_held(annotation, individuals, notes=False))


def _without_touching(bouts: Iterable[Bout]) -> Iterator[Bout]:
    """Yield bouts, with those of the same individual, behavior and target merged that touch."""

    def kind(bout: Bout) -> tuple[str, str, str]:
        return repr(bout.individual), bout.behavior, repr(bout.target)

    # Bouts come in order of their starts, which sorting keeps.
    for _, own in groupby(sorted(bouts, key=kind), key=kind):
        chain: list[Bout] = []
        for bout in own:
            if chain and chain[-1].stop < bout.start:
                yield _merged(chain)
                chain = []
            chain.append(bout)
        yield _merged(chain)


def _merged(chain: list[Bout]) -> Bout:
    return merge_bouts(chain) if len(chain) > 1 else chain[0]


def _check_texts(annotation: Annotation, names: list[str]) -> None:
    wrong = next((name for name in names if _SEPARATOR in name or not name.isprintable()), None)
    if wrong is not None:
        raise OutputError(f"expected names without {_SEPARATOR} that can be printed, found {ascii(wrong)[:60]}")
    if any(name != name.strip() for name in (*names, *annotation.ethogram)):
        raise OutputError("expected names without blanks at their ends", hint="rename the individual or behavior")


def _behavior(one: Behavior, annotation: Annotation, with_target: set[str], names: Iterable[str]) -> dict[str, Any]:
    others = [
        other.name
        for other in annotation.ethogram.values()
        if one.exclusive and other.exclusive and other.name != one.name and "," not in other.name
    ]
    modifiers = {"0": {"name": TARGET, "description": "", "type": 0, "ask at stop": False, "values": sorted(names)}}
    return {
        "type": "State event",
        "key": one.key,
        "code": one.name,
        "description": one.description,
        "color": one.color,
        "category": "",
        "modifiers": modifiers if one.name in with_target else {},
        "excluded": ",".join(others),
        "coding map": "",
    }


def _observation(request: WriteRequest, events: list[list[Any]], length_s: float, fps: float) -> dict[str, Any]:
    media = request.video.name or "video"
    stop = "the last frame of the bout" if request.inclusive else "the first frame without the behavior"
    # The length is a little more than that of the video: exports leave out events beyond it, as a STOP at the end.
    information: dict[str, Any] = {
        "length": {media: round(length_s, 3)},
        "fps": {media: fps},
        "hasVideo": {media: True},
        "hasAudio": {media: False},
        "offset": {"1": 0.0},
    }
    if request.video.n_frames:
        information["frames"] = {media: request.video.n_frames}
    return {
        "file": {"1": [media], **{str(player): [] for player in range(2, 9)}},
        "type": "MEDIA",
        "date": "2000-01-01T00:00:00.000",
        "description": f"napari_i3d: frames count from 0, STOP is {stop}, times lie a quarter into the frame",
        "time offset": 0.0,
        "events": events,
        "observation time interval": [0, 0],
        "independent_variables": {},
        "visualize_spectrogram": False,
        "visualize_waveform": False,
        "media_creation_date_as_offset": False,
        "media_scan_sampling_duration": 0,
        "image_display_duration": 1,
        "close_behaviors_between_videos": False,
        "media_info": information,
    }


def _project(behaviors: list[dict[str, Any]], subjects: list[str], observation: dict[str, Any]) -> dict[str, Any]:
    media = observation["file"]["1"][0]
    return {
        "time_format": "s",
        "project_date": "2000-01-01T00:00:00",
        "project_name": Path(media).stem,
        "project_description": "Written by napari_i3d",
        "project_format_version": _VERSION,
        "subjects_conf": {
            str(number): {"key": "", "name": name, "description": ""} for number, name in enumerate(subjects)
        },
        "behaviors_conf": {str(number): one for number, one in enumerate(behaviors)},
        "observations": {Path(media).stem.strip() or "video": observation},
        "behavioral_categories": [],
        "behavioral_categories_config": {},
        "independent_variables": {},
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
    }
