"""Annotation files of other programs, written here by plain code from the rules of their formats, with planted bouts.

Nothing of the package is used: what a reader makes of the files is compared with `BOUTS`.
"""

import csv
import json
import pickle
import random
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

N_FRAMES = 600
BOUTS: list[tuple[str, str, int, int]] = [
    ("female", "groom", 0, 1),
    ("female", "groom", 7, 8),
    ("female", "walk", 3, 90),
    ("female", "walk", 333, 334),
    ("female", "walk", 598, 600),
    ("male", "court", 41, 257),
    ("male", "groom", 257, 300),
    ("male", "walk", 0, 41),
    ("male", "walk", 45, 46),
    ("male", "walk", 300, 600),
]
"""Individual, behavior, first frame, and the one after the last. One begins, some end with the video."""
BEHAVIORS = ["walk", "court", "groom"]
RATES = ("25", "29.97", "30", "variable")


def frame_times(rate: str) -> np.ndarray:
    """Presentation times of the frames in seconds; the first is not 0, as in many files."""
    if rate == "variable":
        random_numbers = np.random.default_rng(5)
        steps = random_numbers.choice([0.02, 0.033, 0.04, 0.1, 0.25], N_FRAMES)
        return 1.4 + np.cumsum(steps).round(3)
    fps = 30000 / 1001 if rate == "29.97" else float(rate)
    return 0.08 + np.arange(N_FRAMES) / fps


def nominal_fps(rate: str) -> float:
    """What a program says of the rate."""
    return {"29.97": 29.97, "variable": 15.2}.get(rate) or float(rate)


def time_of(frame: int, rate: str) -> float:
    """Time of a frame from the first, to milliseconds, as players show it; the one after the last ends that."""
    times = frame_times(rate) - frame_times(rate)[0]
    if frame < N_FRAMES:
        return round(float(times[frame]), 3)
    return round(float(times[-1] + np.median(np.diff(times))), 3)


def plain_csv(path: Path, separator: str = ",", bouts: Iterable[tuple[str, str, int, int]] = BOUTS) -> Path:
    lines = [("individual", "behavior", "start", "stop"), *bouts]
    path.write_text("".join(separator.join(map(str, line)) + "\n" for line in lines))
    return path


def by_label(bouts: Iterable[tuple[str, str, int, int]] = BOUTS) -> dict[str, dict[str, list[list[int]]]]:
    found: dict[str, dict[str, list[list[int]]]] = {}
    for who, behavior, start, stop in bouts:
        found.setdefault(who, {name: [] for name in BEHAVIORS})[behavior].append([start, stop])
    return found


def dlc2action_tuple(path: Path, arrays: bool = True, length: int = N_FRAMES) -> Path:
    """As the annotation program saves it: arrays of [start, end, ambiguity], empty float arrays without intervals."""
    own = by_label()
    times: list[list[Any]] = [
        [[[*span, 0] for span in own[one][name]] for name in BEHAVIORS] for one in ("male", "female")
    ]
    if arrays:
        times = [[np.array(spans) for spans in one] for one in times]
    metadata = {
        "datetime": "31/10/2023 11:34:54",
        "annotator": "ann",
        "length": length,
        "video_file": "clip.mp4",
        "skeleton_files": [None],
    }
    path.write_bytes(pickle.dumps((metadata, list(BEHAVIORS), ["male", "female"], times)))
    return path


def dlc2action_dictionary(path: Path, numbers: int = 2) -> Path:
    """What the loader takes has two numbers, what its documentation asks for three."""
    own = {
        one: {name: [[*span, 0][:numbers] for span in spans] for name, spans in d.items()}
        for one, d in by_label().items()
    }
    path.write_bytes(pickle.dumps(own))
    return path


def dlc2action_csv(path: Path) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["animal", "action", "start", "end"])
        rows.writerows(BOUTS)
    return path


def events(rate: str, index: bool) -> list[list[Any]]:
    """START and STOP as BORIS has them, in the order of time; STOP is the first frame without the behavior."""
    found = []
    for who, behavior, start, stop in BOUTS:
        for frame in (start, stop):
            found.append([time_of(frame, rate), who, behavior, "", "", frame if index else "NA"])
    return sorted(found, key=lambda event: event[:3])


def boris_project(path: Path, rate: str = "25", index: bool = True, **changes: Any) -> Path:
    media = "/data/videos/clip.mp4"
    observation = {
        "file": {"1": [media], "2": []},
        "type": "MEDIA",
        "date": "2026-01-01T10:00:00",
        "description": "",
        "time offset": 0.0,
        "events": events(rate, index),
        "observation time interval": [0, 0],
        "independent_variables": {},
        "media_info": {
            "length": {media: time_of(N_FRAMES, rate)},
            "fps": {media: nominal_fps(rate)},
            "hasVideo": {media: True},
            "hasAudio": {media: False},
        },
        **changes,
    }
    behaviors = {
        str(number): {
            "type": "State event",
            "key": name[0].upper(),
            "code": name,
            "description": f"it does {name}",
            "color": "#ff0000" if name == "walk" else "",
            "category": "",
            "modifiers": "",
            "excluded": "",
            "coding map": "",
        }
        for number, name in enumerate(BEHAVIORS)
    }
    subjects = ("male", "female", "nobody's")
    project = {
        "time_format": "hh:mm:ss",
        "project_format_version": "7.0",
        "subjects_conf": {str(n): {"key": "", "name": name, "description": ""} for n, name in enumerate(subjects)},
        "behaviors_conf": behaviors,
        "observations": {"first visit": observation},
    }
    path.write_text(json.dumps(project, indent=4))
    return path


TABULAR = (
    "Observation id,Observation date,Description,Observation duration,Observation type,Source,"
    "Time offset (s),Media duration (s),FPS,weather,Subject,Behavior,Behavioral category,"
    "Modifier #1,Behavior type,Time,Media file name,Image index,Image file path,Comment"
)
AGGREGATED = (
    "Observation id,Observation date,Description,Observation type,Source,Time offset (s),"
    "Coding duration,Media duration (s),FPS (frame/s),Subject,"
    "Observation duration by subject by observation,Behavior,Behavioral category,Behavior type,"
    "Start (s),Stop (s),Duration (s),Media file name,Image index start,Image index stop,"
    "Image file path start,Image file path stop,Comment start,Comment stop"
)
_OBSERVATION = ["first visit", "2026-01-01 10:00:00", ""]


def tabular_rows(rate: str, index: bool) -> list[list[str]]:
    header = TABULAR.split(",")
    rows, open_bouts = [header], set()
    length, fps = f"{time_of(N_FRAMES, rate):.3f}", f"{nominal_fps(rate):.3f}"
    for time, who, behavior, *_, frame in events(rate, index):
        kind = "STOP" if (who, behavior) in open_bouts else "START"
        open_bouts ^= {(who, behavior)}
        front = [*_OBSERVATION, length, "Media file(s)", "player #1:clip.mp4", "0.0", length, fps, "sunny"]
        rows.append([*front, who, behavior, "", "", kind, f"{time:.3f}", "/d/clip.mp4", str(frame), "NA", ""])
    return rows


def aggregated_rows(rate: str, index: bool) -> list[list[str]]:
    header = AGGREGATED.split(",")
    rows = [header]
    length, fps = f"{time_of(N_FRAMES, rate):.3f}", f"{nominal_fps(rate):.3f}"
    for who, behavior, start, stop in BOUTS:
        front = [*_OBSERVATION, "Media file", "player #1:clip.mp4", "0.0", length, length, fps]
        times = [f"{time_of(frame, rate):.3f}" for frame in (start, stop)]
        frames = [str(start), str(stop)] if index else ["NA", "NA"]
        name = ["STATE", *times, "1.0", "clip.mp4", *frames, "NA", "NA", "", ""]
        rows.append([*front, who, "9", behavior, "Not defined", *name])
    return rows


def old_tabular_lines(rate: str) -> list[str]:
    """A table of version 6 and before: fifteen lines about the observation, then the events."""
    front = [f"Observation id,first visit{',' * 7}", *("," * 8 for _ in range(14))]
    lines = [*front, "Time,Media file path,Total length,FPS,Subject,Behavior,Behavioral category,Comment,Status"]
    for row in tabular_rows(rate, False)[1:]:
        lines.append(f"{row[15]},clip.mp4,{row[7]},{row[8]},{row[10]},{row[11]},,,{row[14]}")
    return lines


def write_rows(path: Path, rows: list[list[str]], separator: str = ",", encoding: str = "utf-8") -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    return path


_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
    "xl/_rels/workbook.xml.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r2" Target="theme.xml"/><Relationship Id="r1" Target="worksheets/events.xml"/>'
        "</Relationships>"
    ),
    "xl/workbook.xml": (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.'
        'openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" r:id="r1"/></sheets></workbook>'
    ),
}
_SHEET = '<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData>'


def write_excel(path: Path, rows: list[list[str]]) -> Path:
    """A sheet with shared strings, numbers, and cells left out where there is nothing, as Excel saves it."""
    strings: dict[str, int] = {}
    lines = []
    for number, row in enumerate(rows, 1):
        cells = []
        for column, text in enumerate(row):
            place = f'r="{chr(65 + column)}{number}"'
            if text.replace(".", "", 1).isdigit():
                cells.append(f"<x:c {place}><x:v>{text}</x:v></x:c>")
            elif text:
                cells.append(f'<x:c {place} t="s"><x:v>{strings.setdefault(text, len(strings))}</x:v></x:c>')
        lines.append(f'<x:row r="{number}">{"".join(cells)}</x:row>')
    shared = "".join(f"<si><r><t>{text[:3]}</t></r><r><t>{text[3:]}</t></r></si>" for text in map(escape, strings))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _PARTS.items():
            archive.writestr(name, text)
        archive.writestr("xl/worksheets/events.xml", f"{_SHEET}{''.join(lines)}</x:sheetData></x:worksheet>")
        archive.writestr(
            "xl/sharedStrings.xml",
            f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{shared}</sst>',
        )
    return path


def random_bouts(seed: int, n_frames: int = N_FRAMES, *, touching: bool = True) -> list[tuple[str, str, int, int]]:
    """Bouts of two individuals and four behaviors; those of one behavior may touch."""
    numbers = random.Random(seed)
    found = []
    for who in ("male", "fe,male"):
        for behavior in ("walk", 'court "it"', "groom", "=rest"):
            at = numbers.randrange(10)
            while (stop := at + numbers.choice([1, 1, 2, 5, 60])) <= n_frames:
                found.append((who, behavior, at, stop))
                at = stop + numbers.choice([0, 1, 3, 20] if touching else [1, 3, 20])
    return found


def named(annotation: Any) -> list[tuple[Any, str, int, int]]:
    """The bouts of an annotation as in `BOUTS`."""
    return sorted((bout.individual, bout.behavior, bout.start, bout.stop) for bout in annotation.bouts)
