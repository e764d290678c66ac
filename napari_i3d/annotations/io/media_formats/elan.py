"""ELAN's documents (``.eaf``): XML with tiers of annotations at times in milliseconds.

The individual is the participant of a tier, else its name; the behavior is the text of an annotation, or the name of
the tier if it has none. Annotations of tiers that depend on another have no times of their own and are left out. Our
own documents have tiers of a type `ASSESSED`, whose annotations are the frames that were looked at.
"""

import xml.parsers.expat as expat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from napari_i3d._utils.frame_ranges import Range
from napari_i3d._utils.text import counted, printable
from napari_i3d.annotations.io.format import AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.media_formats.elan_writing import ASSESSED, write
from napari_i3d.annotations.io.parsing.bout_collector import MAX_BOUTS, BoutCollector
from napari_i3d.annotations.io.parsing.frame_labels import within
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id, format_id

_ROOT = "ANNOTATION_DOCUMENT"
_UNITS = "milliseconds"
# Times may be rounded up to whole milliseconds as well as down.
_ROUNDING_S = 0.001
_BLOCK_BYTES = 1 << 20
_MOST_TIERS = 100_000
_MOST_MS = 1e12
_LISTED = 6


def _recognize(_path: Path, head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and f"<{_ROOT}".encode() in head


@dataclass
class _Tier:
    name: str
    participant: str | None
    kind: str
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    """Time slots of the beginning and of the end, and the text."""

    @property
    def looks(self) -> bool:
        """Whether its annotations are the frames that were looked at."""
        return self.kind == ASSESSED


class _Document:
    """Tiers, time slots and media, collected while the document is parsed."""

    def __init__(self) -> None:
        self.tiers: list[_Tier] = []
        self.times_ms: dict[str, float | None] = {}
        self.media: list[tuple[str, float]] = []
        self.annotators: set[str] = set()
        self.units = _UNITS
        self.n_dependent = self.n_rows = 0
        self._root = ""
        self._tier: _Tier | None = None
        self._slots: tuple[str, str] | None = None
        self._text: list[str] | None = None
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._refuse

    def read(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                self._feed(file)
        except OSError as error:
            raise AnnotationError(f"cannot be read ({error.strerror or error})") from error
        except expat.ExpatError as error:
            raise AnnotationError(
                f"expected XML of ELAN, found something else ({error})", hint="was the file copied completely?"
            ) from error
        except (KeyError, ValueError, LookupError) as error:
            line = self._parser.CurrentLineNumber
            raise AnnotationError(
                f"line {line}: expected an element of ELAN, found something else ({printable(str(error), 80)})"
            ) from error

    def _feed(self, file: BinaryIO) -> None:
        # The parser looks through an unfinished tag again with every block: large blocks, and no tag beyond one.
        n_bytes = 0
        while block := file.read(_BLOCK_BYTES):
            self._parser.Parse(block)
            n_bytes += len(block)
            if n_bytes - self._parser.CurrentByteIndex > _BLOCK_BYTES:
                raise AnnotationError(f"expected XML of ELAN, found a tag of more than {_BLOCK_BYTES} bytes")
        self._parser.Parse(b"", True)

    @staticmethod
    def _refuse(*_: Any) -> None:
        raise AnnotationError("expected XML without a document type, which ELAN does not write", hint="remove it")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "ALIGNABLE_ANNOTATION":
            self._slots = attributes["TIME_SLOT_REF1"], attributes["TIME_SLOT_REF2"]
        elif name == "ANNOTATION_VALUE":
            # Only where text matters: the blanks between elements are left to the parser.
            self._text = []
            self._parser.CharacterDataHandler = self._text.append
        elif name == "TIME_SLOT":
            value = attributes.get("TIME_VALUE")
            time_ms = None if value is None else float(int(value))
            if time_ms is not None and not 0 <= time_ms <= _MOST_MS:
                raise AnnotationError(
                    f"{format_id(attributes['TIME_SLOT_ID'])}: expected a time of a video, found {time_ms:g} ms"
                )
            self.times_ms[attributes["TIME_SLOT_ID"]] = time_ms
        elif name == "TIER":
            self._add_tier(attributes)
        elif name == "REF_ANNOTATION":
            self.n_dependent += 1
        elif name == "HEADER":
            self.units = attributes.get("TIME_UNITS", _UNITS)
        elif name == "MEDIA_DESCRIPTOR":
            self.media.append((attributes.get("MEDIA_URL", ""), float(int(attributes.get("TIME_ORIGIN", 0)))))
        elif not self._root and name != _ROOT:
            raise AnnotationError(f"expected XML of ELAN, with {_ROOT}, found {name[:40]!a}")
        self._root = self._root or name

    def _add_tier(self, attributes: dict[str, str]) -> None:
        if len(self.tiers) >= _MOST_TIERS:
            raise AnnotationError(f"expected at most {_MOST_TIERS} tiers, found more")
        kind = attributes.get("LINGUISTIC_TYPE_REF", "")
        participant = attributes.get("PARTICIPANT")
        # Programs write an empty participant where there is none.
        self._tier = _Tier(attributes["TIER_ID"], participant.strip() if participant else None, kind)
        self.tiers.append(self._tier)
        if attributes.get("ANNOTATOR", "").strip():
            self.annotators.add(attributes["ANNOTATOR"].strip())

    def _end(self, name: str) -> None:
        if name == "ANNOTATION_VALUE":
            self._parser.CharacterDataHandler = None
            text, self._text = "".join(self._text or ()), None
            if self._tier is not None and self._slots is not None:
                self._tier.rows.append((*self._slots, " ".join(text.split())))
                self.n_rows += 1
                if self.n_rows > MAX_BOUTS:
                    raise AnnotationError(f"expected at most {MAX_BOUTS} annotations, found more")
        elif name == "ALIGNABLE_ANNOTATION":
            self._slots = None
        elif name == "TIER":
            self._tier = None


def _read(path: Path, request: ReadRequest) -> ReadResult:
    document = _Document()
    document.read(path)
    if document.units != _UNITS:
        raise AnnotationError(f"expected times in {_UNITS}, found {document.units[:40]!a}")
    # Of our own documents, tiers without a participant are of the whole image.
    ours = any(tier.looks for tier in document.tiers)
    tiers = [tier for tier in document.tiers if tier.rows or tier.looks]
    if not tiers:
        raise AnnotationError("expected tiers with annotations at times, found none")
    collector = BoutCollector(request)
    frames = _frames_of_slots(document, request, collector)
    assessed: dict[Id, list[Range]] = {}
    for tier in tiers:
        who = tier.participant or ("" if ours else tier.name)
        looked = assessed.setdefault(collector.named(who), []) if tier.looks else None
        for number, (first, last, text) in enumerate(tier.rows, 1):
            place = f"{format_id(tier.name)}, annotation {number}"
            if first not in document.times_ms or last not in document.times_ms:
                raise AnnotationError(f"{place}: its time slot is missing; is the file damaged?")
            if first not in frames or last not in frames:
                collector.drop(place, "it has no time of its own")
            elif looked is None:
                collector.add(place, who, text or tier.name, frames[first], frames[last])
            elif frames[first] < frames[last]:
                looked.append((frames[first], frames[last]))
    collector.notes += _notes(document, [] if ours else tiers)
    annotator = document.annotators.pop() if len(document.annotators) == 1 else ""
    known = within(assessed, request.video) if ours else None
    return collector.result((), list(assessed), known, from_times=True, annotator=annotator)


def _frames_of_slots(document: _Document, request: ReadRequest, collector: BoutCollector) -> dict[str, int]:
    """Return the frame of each time slot that has a time."""
    clock = request.video.clock()
    slots = [slot for slot, time_ms in document.times_ms.items() if time_ms is not None]
    times_s = np.array([document.times_ms[slot] for slot in slots], np.float64) / 1000
    origin_s = _origin_s(document, request)
    if origin_s:
        collector.notes.append(f"the video begins {origin_s:g} s before the times of the document")
    frames = clock.shown_from(times_s + origin_s, _ROUNDING_S) if len(slots) else np.empty(0, np.int64)
    collector.notes.append("bouts have the frames shown from their start until their end")
    collector.say_rate(request.video, clock)
    return dict(zip(slots, frames.tolist(), strict=True))


def _origin_s(document: _Document, request: ReadRequest) -> float:
    """Return the time of the video at time 0 of the document; of several videos, the one of the name, or the first."""
    name = request.video.name
    own = [origin for url, origin in document.media if name and url.rsplit("/", 1)[-1] == name]
    return (own or [origin for _, origin in document.media] or [0.0])[0] / 1000


def _notes(document: _Document, tiers: list[_Tier]) -> list[str]:
    notes = []
    unnamed = [format_id(tier.name) for tier in tiers if tier.participant is None]
    if unnamed:
        more = f" and {len(unnamed) - _LISTED} more" if len(unnamed) > _LISTED else ""
        notes.append(f"tiers without a participant are taken for individuals: {', '.join(unnamed[:_LISTED])}{more}")
    if document.n_dependent:
        notes.append(f"{counted(document.n_dependent, 'annotation')} of dependent tiers left out: without times")
    return notes


FORMAT = AnnotationFormat(
    "elan",
    "ELAN eaf",
    (".eaf",),
    _recognize,
    _read,
    write,
    base="milliseconds from 0",
    ends="end after the last frame",
    lost="targets, confidence, where bouts are from",
)
