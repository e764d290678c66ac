"""Events that BORIS exports as a table: tabular (a row for each event) and aggregated (a row for each bout).

Comma-, semicolon- or tab-separated text, or Excel. Tables of old versions have lines about the observation in front.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from napari_i3d._utils.text import printable
from napari_i3d.annotations.io.boris.events import (
    NOBODY,
    POINT,
    START,
    STOP,
    Event,
    add_bout,
    add_events,
    conventions,
    file_name,
    frames_of,
    single_media,
)
from napari_i3d.annotations.io.format import AnnotatedVideo, AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector, known_video
from napari_i3d.annotations.io.parsing.excel_files import is_excel, read_excel
from napari_i3d.annotations.io.parsing.text_files import Table, head_lines, header_place, parse_number, read_table
from napari_i3d.errors import AnnotationError

_KIND = ("behavior type", "status")
_NOT_STATED = frozenset({"", "NA", "nan", "None", "Not found", "NaN"})
_WITHOUT_VIDEO = ("live", "from ")
_MEDIA = ("media file name", "media file", "media file path")


def _is_header(names: list[str]) -> bool:
    return "behavior" in names and any(kind in names for kind in _KIND) and ("time" in names or "start (s)" in names)


def _recognize(path: Path, head: bytes) -> bool:
    if is_excel(path, head):
        return True
    return header_place(head_lines(head), _is_header) is not None


def _read(path: Path, request: ReadRequest) -> ReadResult:
    with path.open("rb") as file:
        excel = file.read(4) == b"PK\x03\x04"
    table = read_excel(path, _is_header) if excel else read_table(path, _is_header)
    if not _is_header(list(table.names)):
        raise AnnotationError("expected the columns Behavior, Behavior type, and Time or Start (s), found others")
    collector = BoutCollector(request)
    collector.notes += table.notes
    columns = _Columns(table)
    rows = columns.rows_of_observation(request)
    kind = next((text for _, row in rows if (text := columns.text(row, "observation type"))), "")
    if kind.lower().startswith(_WITHOUT_VIDEO):
        raise AnnotationError(f"expected an observation of a video, found {printable(kind, 40)!r}")
    name = single_media(dict.fromkeys(columns.text(row, *_MEDIA) for _, row in rows), "the table")
    fps = columns.single_number(rows, "fps", "fps (frame/s)")
    length_s = columns.single_number(rows, "media duration (s)", "total length")
    video, notes = known_video(request, name, None, fps, length_s)
    collector.notes += notes
    conventions(collector)
    if table.column("start (s)") is not None:
        _add_aggregated(rows, columns, collector, video, fps)
    else:
        events = [columns.event(place, row, "time", "image index", "comment") for place, row in rows]
        add_events(events, collector, video, fps)
    return collector.result(video=video, from_times=True)


def _add_aggregated(
    rows: list[tuple[str, list[str]]],
    columns: "_Columns",
    collector: BoutCollector,
    video: AnnotatedVideo,
    fps: float | None,
) -> None:
    firsts = [columns.event(place, row, "start (s)", "image index start", "comment start") for place, row in rows]
    lasts = [columns.event(place, row, "stop (s)", "image index stop", "comment stop") for place, row in rows]
    frames = frames_of([*firsts, *lasts], collector, video, fps).tolist()
    inclusive = bool(collector.request.inclusive)
    for at, (first, last) in enumerate(zip(firsts, lasts, strict=True)):
        point = first.kind == POINT
        add_bout(collector, first, last, frames[at], frames[len(firsts) + at] + inclusive, point=point)


@dataclass(frozen=True)
class _Columns:
    """Access to a table by the names of its columns."""

    table: Table
    _columns: dict[tuple[str, ...], int | None] = field(default_factory=dict, repr=False)

    def text(self, row: list[str], *names: str) -> str:
        """Return a field, without blanks; empty if it is not stated."""
        if names not in self._columns:
            self._columns[names] = self.table.column(*names)
        column = self._columns[names]
        if column is None:
            return ""
        text = row[column].strip()
        return "" if text in _NOT_STATED else text

    def rows_of_observation(self, request: ReadRequest) -> list[tuple[str, list[str]]]:
        """Return the rows of the observation of the video."""
        rows = list(self.table.records())
        column = self.table.column("observation id")
        names = {} if column is None else dict.fromkeys(row[column] for _, row in rows)
        if len(names) < 2 or column is None:
            return rows
        stem = request.video.stem
        own = [
            name
            for name in names
            if stem and any(row[column] == name and stem in self._stems(row, name) for _, row in rows)
        ]
        if len(own) != 1:
            listed = ", ".join(printable(name, 40) for name in list(own or names)[:10])
            raise AnnotationError(
                f"expected one observation{f' of the video {printable(stem, 60)}' if stem else ''}, found "
                f"{len(own or names)} ({listed})",
                hint="give {video} whose name is that of the media file of one observation, or export it alone",
            )
        return [(place, row) for place, row in rows if row[column] == own[0]]

    def _stems(self, row: list[str], name: str) -> tuple[str, str]:
        return name, AnnotatedVideo(file_name(self.text(row, *_MEDIA))).stem

    def single_number(self, rows: list[tuple[str, list[str]]], *names: str) -> float | None:
        """Return the number that all rows have in a column; None if it is not one number."""
        texts = {self.text(row, *names) for _, row in rows}
        if len(texts) != 1:
            return None
        try:
            number = parse_number(texts.pop().rpartition(":")[2], "", "")
        except AnnotationError:
            return None
        return number if 0 < number < 1e9 else None

    def event(self, place: str, row: list[str], time: str, index: str, comment: str) -> Event:
        """Return the event in a row."""
        time_text, index_text = self.text(row, time), self.text(row, index)
        offset = self.text(row, "time offset (s)")
        offset_s = parse_number(offset, place, "Time offset") if offset else 0.0
        time_s = parse_number(time_text, place, time) - offset_s if time_text else None
        number = parse_number(index_text, place, index) if index_text else None
        if number is not None and (number < 0 or number != int(number)):
            raise AnnotationError(f"{place}: {index}: expected the number of a frame, found {number:g}")
        subject = self.text(row, "subject")
        kind = self.text(row, *_KIND).upper()
        if kind not in (START, STOP, POINT, "STATE", ""):
            raise AnnotationError(f"{place}: expected START, STOP, POINT or STATE, found {kind[:40]!a}")
        return Event(
            place,
            time_s,
            None if number is None else int(number),
            "" if subject == NOBODY else subject,
            self.text(row, "behavior"),
            "" if kind == "STATE" else kind,
            tuple(row[at].strip() for at in self._modifier_columns),
            self.text(row, comment, "comment"),
        )

    @cached_property
    def _modifier_columns(self) -> list[int]:
        return [at for at, name in enumerate(self.table.names) if name.startswith("modifier")]


FORMAT = AnnotationFormat(
    "boris-table",
    "BORIS tabular or aggregated events",
    (".csv", ".tsv", ".xlsx"),
    _recognize,
    _read,
    base="seconds from the first frame, and frames from 0",
    ends="STOP is the first frame without the behavior",
    lost="assessed frames, behaviors without events",
)
