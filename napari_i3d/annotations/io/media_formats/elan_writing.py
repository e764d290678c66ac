"""Write ELAN's documents.

A tier for each individual and behavior, since annotations of one tier may not overlap, and one for each individual
with the frames that were assessed. The time of a frame is the whole millisecond after it begins: programs that cut
off or round ``time * rate`` both find the frame.
"""

import datetime
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from napari_i3d._utils.files import atomic_writer
from napari_i3d._utils.frame_ranges import Range
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.io.format import WriteRequest
from napari_i3d.annotations.io.frame_clock import FrameClock
from napari_i3d.annotations.io.parsing.bouts_to_write import chosen_individuals, lost_notes, spans_of
from napari_i3d.annotations.io.parsing.written_text import texts_of
from napari_i3d.errors import OutputError
from napari_i3d.individuals import format_id

ASSESSED = "assessed"
"""The type of tiers with the frames that were assessed."""
_BEHAVIOR = "behavior"
_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MEDIA_TYPES = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".mpg": "video/mpeg"}

_Tier = tuple[str, str, str, list[tuple[int, int, str]]]
"""Name, participant, type, and start, stop and text of its annotations."""


def write(path: Path, annotation: Annotation, request: WriteRequest) -> tuple[str, ...]:
    """Write bouts at times in milliseconds; return notes."""
    individuals = chosen_individuals(annotation, request)
    names, notes = texts_of(individuals)
    tiers: list[_Tier] = []
    for individual in individuals:
        behind = f" ({names[individual]})" if names[individual] else ""
        for behavior in annotation.ethogram:
            rows = [(start, stop, behavior) for start, stop in spans_of(annotation, individual, behavior)]
            if rows:
                tiers.append((f"{behavior}{behind}", names[individual], _BEHAVIOR, rows))
        looked = [(start, stop, ASSESSED) for start, stop in annotation.assessed.get(individual, ())]
        tiers.append((f"frames {ASSESSED}{behind}", names[individual], ASSESSED, looked))
    for name, *_ in tiers:
        if _NOT_IN_XML.search(name):
            raise OutputError(f"{format_id(name)}: expected names that XML can hold", hint="rename it")
    if len({name for name, *_ in tiers}) < len(tiers):
        raise OutputError("two tiers would have the same name, of behavior and individual", hint="rename one of them")
    times_ms = _times_ms(request, [(start, stop) for *_, rows in tiers for start, stop, _ in rows])
    with atomic_writer(path) as file:
        file.write(_document(tiers, times_ms, request.video.name, annotation.annotator).encode())
    return (*notes, *lost_notes(annotation, individuals))


def _times_ms(request: WriteRequest, ranges: Iterable[Range]) -> dict[int, int]:
    """Return the whole milliseconds of frames."""
    frames = np.array(sorted({frame for pair in ranges for frame in pair}), np.int64)
    clock = request.clock()
    if not len(frames):
        return {}
    times_ms = np.floor(clock.start_s(frames) * 1000 + 1e-6).astype(np.int64) + 1
    times_ms[frames == 0] = 0
    _check_times(clock, frames, times_ms)
    return dict(zip(frames.tolist(), times_ms.tolist(), strict=True))


def _check_times(
    clock: FrameClock,
    frames: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]",
    times_ms: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]",
) -> None:
    wrong = clock.shown_from(times_ms / 1000, 0.001) != frames
    if wrong.any():
        raise OutputError(
            f"frame {int(frames[wrong][0])}: at this frame rate whole milliseconds, which ELAN has, do not tell frames "
            "apart",
            hint="choose another format",
        )


def _document(tiers: list[_Tier], times_ms: dict[int, int], video: str, annotator: str) -> str:
    # Each annotation has time slots of its own: ELAN moves all that share one.
    frames = [frame for *_, rows in tiers for start, stop, _ in rows for frame in (start, stop)]
    order = sorted(range(len(frames)), key=lambda at: frames[at])
    slots = {at: f"ts{number}" for number, at in enumerate(order, 1)}
    parts = [_beginning(video, annotator, len(frames) // 2), "    <TIME_ORDER>\n"]
    parts += [f'        <TIME_SLOT TIME_SLOT_ID="{slots[at]}" TIME_VALUE="{times_ms[frames[at]]}"/>\n' for at in order]
    parts.append("    </TIME_ORDER>\n")
    number = 0
    for name, participant, kind, rows in tiers:
        who = f" PARTICIPANT={quoteattr(participant)}" if participant else ""
        by = f" ANNOTATOR={quoteattr(_plain(annotator))}" if annotator else ""
        parts.append(f'    <TIER{by} LINGUISTIC_TYPE_REF="{kind}"{who} TIER_ID={quoteattr(name)}>\n')
        for *_, text in rows:
            number += 1
            parts.append(
                f'        <ANNOTATION>\n            <ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number}" '
                f'TIME_SLOT_REF1="{slots[2 * number - 2]}" TIME_SLOT_REF2="{slots[2 * number - 1]}">\n'
                f"                <ANNOTATION_VALUE>{escape(text)}</ANNOTATION_VALUE>\n"
                "            </ALIGNABLE_ANNOTATION>\n        </ANNOTATION>\n"
            )
        parts.append("    </TIER>\n")
    parts += [
        f'    <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="{kind}" TIME_ALIGNABLE="true"/>\n'
        for kind in (_BEHAVIOR, ASSESSED)
    ]
    return "".join([*parts, "</ANNOTATION_DOCUMENT>\n"])


def _beginning(video: str, annotator: str, n_annotations: int) -> str:
    date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    media = ""
    if video:
        kind = _MEDIA_TYPES.get(Path(video).suffix.lower(), "video/*")
        url = quote(_plain(video))
        media = (
            f'        <MEDIA_DESCRIPTOR MEDIA_URL="file:///{url}" MIME_TYPE="{kind}" RELATIVE_MEDIA_URL="./{url}"/>\n'
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<ANNOTATION_DOCUMENT AUTHOR={quoteattr(_plain(annotator))} DATE="{date}" FORMAT="3.0" VERSION="3.0" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:noNamespaceSchemaLocation="{_SCHEMA}">\n'
        f'    <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">\n{media}'
        f'        <PROPERTY NAME="lastUsedAnnotationId">{n_annotations}</PROPERTY>\n    </HEADER>\n'
    )


def _plain(text: str) -> str:
    return _NOT_IN_XML.sub("_", text)
