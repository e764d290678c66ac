"""NWB files with the extension ndx-ethogram: tables of bouts with a start and stop in seconds and a label.

A frame belongs to a bout if its presentation time is in [start_time, stop_time). The files are HDF5 and are read as
such, without the library. A table has no individual by the standard; the files written here name it in ``parameters``.
"""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import printable
from napari_i3d.annotations.bouts import Origin
from napari_i3d.annotations.io.bout_formats.nwb_ethogram_writing import OBSERVED, write
from napari_i3d.annotations.io.format import AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.frame_clock import FrameClock
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector, known_video
from napari_i3d.annotations.io.parsing.plain_behavior import PlainBehaviors
from napari_i3d.errors import AnnotationError, NapariI3DError
from napari_i3d.individuals import Id
from napari_i3d.safe_loading.hdf5 import Hdf5File, matches_hdf5, open_hdf5
from napari_i3d.safe_loading.json_text import parse_json

_BOUTS, _ETHOGRAM = "EthogramBouts", "Ethogram"
_VIDEO = "/acquisition/video"
_MOST_GROUPS = 10_000
_DEEPEST = 5


def _recognize(path: Path, head: bytes) -> bool:
    return matches_hdf5(path, head, lambda file: next(_tables(file, _BOUTS), None) is not None)


def _tables(file: Hdf5File, kind: str) -> Iterator[str]:
    """Yield the paths of tables of a type."""
    groups = ["/processing", "/intervals", "/scratch", "/analysis"]
    seen = 0
    while groups and seen < _MOST_GROUPS:
        group = groups.pop(0)
        with contextlib.suppress(NapariI3DError):  # a link elsewhere
            for name in file.names(group):
                seen += 1
                path = f"{group}/{name}"
                found = _attribute(file, path, "neurodata_type")
                if found == kind:
                    yield path
                elif found == "ProcessingModule" and path.count("/") < _DEEPEST:
                    groups.append(path)


def _attribute(file: Hdf5File, path: str, name: str) -> str:
    try:
        value = file.attribute(path, name)
    except NapariI3DError:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def _read(path: Path, request: ReadRequest) -> ReadResult:
    collector = BoutCollector(request)
    with open_hdf5(path, AnnotationError) as file:
        facts, fps, times_s = _video_facts(file)
        video, notes = known_video(request, facts.get("file", ""), facts.get("frames"), fps)
        collector.notes += notes
        if video.times_s is None and times_s is not None:
            clock = FrameClock(times_s, fps)
        else:
            clock = video.clock(fps)
            collector.say_rate(video, clock)
        assessed: dict[Id, list[tuple[int, int]]] = {}
        known = True
        annotators = []
        # HDF5 has groups in the order of their names.
        for table in sorted(_tables(file, _BOUTS), key=lambda table: _place(file, table)):
            individual = _individual(file, table)
            _add_table(file, table, individual, collector, clock)
            annotators.append(_attribute(file, table, "annotator"))
            parent, _, name = table.rpartition("/")
            observed = f"{parent}/{OBSERVED} {name}"
            if individual is not None and observed in file:
                lows, highs = _ranges(file, observed, clock)
                pairs = zip(lows, highs, strict=False)
                assessed.setdefault(individual, []).extend((low, high) for low, high in pairs if low < high)
            elif individual is None or individual not in assessed:
                known = False
        behaviors = _behaviors(file)
    named = {collector.named(one): ranges for one, ranges in assessed.items()}
    return collector.result(
        behaviors,
        list(named),
        named if known else None,
        video,
        from_times=True,
        annotator=next(filter(None, annotators), ""),
    )


def _add_table(file: Hdf5File, table: str, individual: Id | None, collector: BoutCollector, clock: FrameClock) -> None:
    starts, stops = _ranges(file, table, clock)
    labels = file.texts(f"{table}/label")
    method = _attribute(file, table, "labeling_method")
    origin = method if method in list(Origin) else Origin.MANUAL
    more: dict[str, list[Any]] = {}
    if f"{table}/confidence" in file:
        values = _numbers(file, f"{table}/confidence").tolist()
        more["confidence"] = [None if math.isnan(value) else value for value in values]
    if f"{table}/target" in file:
        more["target"] = [_id(text) if text else None for text in file.texts(f"{table}/target")]
    if f"{table}/note" in file:
        more["note"] = file.texts(f"{table}/note")
    name = printable(table.rpartition("/")[2], 60)
    if {len(stops), len(labels), *map(len, more.values())} != {len(starts)}:
        raise AnnotationError(f"{name}: expected columns of the same length, found others")
    for row, (start, stop, label) in enumerate(zip(starts, stops, labels, strict=True)):
        own = {key: values[row] for key, values in more.items()}
        collector.add(f"{name}, row {row}", individual, label, start, stop, origin=origin, **own)


def _ranges(file: Hdf5File, table: str, clock: FrameClock) -> tuple[list[int], list[int]]:
    """Return the first frames of a table's intervals, and the ones after the last."""
    starts, stops = (clock.shown_from(_numbers(file, f"{table}/{end}_time")).tolist() for end in ("start", "stop"))
    return starts, stops


def _numbers(file: Hdf5File, path: str) -> NDArray[np.float64]:
    if not math.prod(file.shape(path) or (0,)):
        return np.empty(0)
    values = file.read(path)
    if values.ndim != 1 or values.dtype.kind not in "iuf":
        raise AnnotationError(f"{printable(path, 120)}: expected a column of numbers, found another array")
    with np.errstate(all="ignore"):  # long numbers beyond the range become infinite, and are refused later
        return values.astype(np.float64)


def _individual(file: Hdf5File, table: str) -> Id | None:
    facts = _facts(_attribute(file, table, "parameters"))
    found = facts.get("individual")
    return found if isinstance(found, str | int) and not isinstance(found, bool) else None


def _place(file: Hdf5File, table: str) -> int:
    place = _facts(_attribute(file, table, "parameters")).get("place")
    return place if type(place) is int else 0


def _id(text: str) -> Id:
    with contextlib.suppress(AnnotationError):
        found = parse_json(text, AnnotationError)
        if isinstance(found, str | int) and not isinstance(found, bool):
            return found
    return text


def _facts(text: str) -> dict[str, Any]:
    with contextlib.suppress(AnnotationError):
        found = parse_json(text, AnnotationError)
        if isinstance(found, dict):
            return found
    return {}


def _video_facts(file: Hdf5File) -> tuple[dict[str, Any], float | None, NDArray[np.float64] | None]:
    """Return name and number of frames, the rate, and the times of the frames that the file states of its video."""
    if _VIDEO not in file:
        return {}, None, None
    stated = _facts(_attribute(file, _VIDEO, "description"))
    facts: dict[str, Any] = {}
    if isinstance(stated.get("file"), str):
        facts["file"] = stated["file"]
    if type(stated.get("frames")) is int and 0 < stated["frames"] < 10**8:
        facts["frames"] = stated["frames"]
    rate = stated.get("fps")
    rate = float(rate) if isinstance(rate, int | float) and 0 < rate < 1e6 else None
    if f"{_VIDEO}/timestamps" in file:
        return facts, rate, _numbers(file, f"{_VIDEO}/timestamps")
    if f"{_VIDEO}/starting_time" in file:
        value = file.attribute(f"{_VIDEO}/starting_time", "rate")
        if isinstance(value, float | np.floating) and 0 < value < 1e6:
            rate = float(value)
    return facts, rate, None


def _behaviors(file: Hdf5File) -> list[Any]:
    plain = PlainBehaviors()
    for table in _tables(file, _ETHOGRAM):
        if not math.prod(file.shape(f"{table}/behavior") or (0,)):
            continue
        names, texts = file.texts(f"{table}/behavior"), file.texts(f"{table}/definition")
        exclusive = file.attribute(table, "exclusive")
        for name, text in zip(names, texts, strict=False):
            plain.add(name, description=text, exclusive=exclusive is None or bool(exclusive))
    return plain.behaviors


FORMAT = AnnotationFormat(
    "nwb",
    "NWB, ndx-ethogram",
    (".nwb",),
    _recognize,
    _read,
    write,
    base="seconds from the first frame",
    ends="stop_time is the time of the first frame after the bout",
    lost="keys, colors; of other programs also the individuals",
)
