"""Write CVAT for video 1.1, so that a person can go on editing in CVAT.

All boxes are written, as CVAT does it. Those that CVAT's interpolation gives to half a pixel are no key frames: CVAT
computes them when it imports the file, and a person has few boxes to move.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.files import atomic_writer
from napari_i3d.errors import OutputError
from napari_i3d.individuals import format_id
from napari_i3d.tracking.io.box_formats.key_frames import needed_key_frames
from napari_i3d.tracking.io.format import VideoFacts
from napari_i3d.tracking.io.parsing.box_rows import dropped
from napari_i3d.tracking.io.parsing.written_rows import texts_of
from napari_i3d.tracking.tracklets import Tracking, Tracklet, runs

NAME = "name"
"""The attribute that holds the name of an individual."""
TOLERANCE_PX = 0.5
_LABEL = "animal"
_DIGITS = 2
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write(path: Path, tracking: Tracking, video: VideoFacts | None) -> tuple[str, ...]:
    """Write boxes as tracks of CVAT; return notes."""
    names, texts = texts_of(tracking)
    for name in names:
        _check_name(name)
    n_boxes = n_keys = n_lost = 0
    with atomic_writer(path) as file:
        file.write(_meta(video).encode())
        for number, tracklet in enumerate(tracking.values()):
            writer = _TrackWriter(tracklet, number, video)
            for text in writer.lines():
                file.write(text.encode())
            n_boxes, n_keys, n_lost = n_boxes + writer.n_boxes, n_keys + writer.n_keys, n_lost + writer.n_lost
        file.write(b"</annotations>\n")
    notes = [
        "frames count from 0, corners are pixels with two decimals",
        f"{n_keys:,} of {n_boxes:,} boxes are key frames; CVAT's interpolation gives the others to {TOLERANCE_PX} px",
        f"make CVAT's task with a label {_LABEL} that has a text attribute {NAME}, which holds the names",
        *texts,
        *dropped(n_lost, "a side is not a finite number"),
    ]
    return tuple(notes)


def _check_name(name: str) -> None:
    wrong = _NOT_IN_XML.search(name)
    if wrong or not name.strip():
        raise OutputError(
            f"{format_id(name)}: expected a name that XML can hold, found {ascii(wrong[0]) if wrong else 'none'}",
            hint="rename it",
        )


def _meta(video: VideoFacts | None) -> str:
    facts = ""
    if video is not None:
        facts = (
            f"      <size>{video.n_frames}</size>\n      <mode>interpolation</mode>\n"
            f"      <start_frame>0</start_frame>\n      <stop_frame>{video.n_frames - 1}</stop_frame>\n"
        )
    size = ""
    if video is not None:
        size = (
            f"      <original_size>\n        <width>{video.width}</width>\n"
            f"        <height>{video.height}</height>\n      </original_size>\n"
        )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta>\n    <task>\n'
        f"{facts}      <labels>\n        <label>\n          <name>{_LABEL}</name>\n          <type>rectangle</type>\n"
        f"          <attributes>\n            <attribute>\n              <name>{NAME}</name>\n"
        "              <mutable>False</mutable>\n              <input_type>text</input_type>\n"
        "              <default_value></default_value>\n              <values></values>\n"
        "            </attribute>\n          </attributes>\n        </label>\n      </labels>\n"
        f"{size}    </task>\n  </meta>\n"
    )


class _TrackWriter:
    """The text of a track, run by run of frames with a box."""

    def __init__(self, tracklet: Tracklet, number: int, video: VideoFacts | None) -> None:
        self.n_boxes = self.n_keys = self.n_lost = 0
        self._tracklet, self._number = tracklet, number
        self._stop = None if video is None else video.n_frames
        name = escape(str(tracklet.id), {"\r": "&#13;"})
        self._attribute = f">\n      <attribute name={quoteattr(NAME)}>{name}</attribute>\n    </box>\n"

    def lines(self) -> Iterator[str]:
        tracklet = self._tracklet
        finite: NDArray[np.bool_] = np.asarray(np.isfinite(tracklet.boxes).all(axis=1))
        self.n_lost = int(tracklet.present.sum() - finite.sum())
        spans = runs(finite)
        if not spans:
            return
        yield f'  <track id="{self._number}" label="{_LABEL}" source="file">\n'
        for first, stop in spans:
            boxes = np.round(tracklet.boxes[first:stop], _DIGITS)
            keys = needed_key_frames(boxes, TOLERANCE_PX).tolist()
            self.n_boxes, self.n_keys = self.n_boxes + len(keys), self.n_keys + sum(keys)
            frame = tracklet.start + first
            rows = boxes.tolist()
            for key, row in zip(keys, rows, strict=True):
                yield self._box(frame, row, key)
                frame += 1
            # Gone from this frame on, which CVAT writes with the last box.
            if frame != self._stop:
                yield self._box(frame, rows[-1], True, outside=1)
        yield "  </track>\n"

    def _box(self, frame: int, row: list[float], key: bool, outside: int = 0) -> str:
        left, upper, right, lower = row
        return (
            f'    <box frame="{frame}" keyframe="{key:d}" outside="{outside}" occluded="0" xtl="{left:.2f}" '
            f'ytl="{upper:.2f}" xbr="{right:.2f}" ybr="{lower:.2f}" z_order="0"{self._attribute}'
        )
