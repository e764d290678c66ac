"""CSV of supervision's CSVSink: ``x_min,y_min,x_max,y_max,class_id,confidence,tracker_id`` and the user's columns.

The number of the frame stands in the file only if the user's program added it.
"""

from pathlib import Path

import numpy as np

from napari_i3d.errors import TrackingError
from napari_i3d.individuals import format_id
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat
from napari_i3d.tracking.io.parsing.box_rows import dropped, frame_base, numbered, tracking_of_rows
from napari_i3d.tracking.io.parsing.csv_rows import header_of, read_chunks, read_head, require_whole_end

_CORNERS = ["x_min", "y_min", "x_max", "y_max"]
_TRACKER = "tracker_id"
_FRAMES = ("frame_number", "frame_index", "frame_idx", "frame_id", "frame", "frame_no", "frame_num")


def _recognize(_path: Path, head: bytes) -> bool:
    return {*_CORNERS, _TRACKER} <= set(header_of(head))


def _read(path: Path, options: ReadOptions) -> ReadResult:
    names = header_of(read_head(path))
    if missing := [name for name in (*_CORNERS, _TRACKER) if name not in names]:
        raise TrackingError(f"expected the columns {', '.join((*_CORNERS, _TRACKER))}, found no {missing[0]}")
    require_whole_end(path, ended=True)
    column = _frame_column(names)
    used = [column, *_CORNERS, _TRACKER]
    chunks = [
        chunk[used].to_numpy(np.float64)
        # By place: blanks around names in the header do not matter.
        for chunk in read_chunks(path, header=0, names=names, usecols=used, dtype=np.float64)
    ]
    table = np.concatenate(chunks) if chunks else np.empty((0, 6))
    del chunks
    tracked = ~np.isnan(table[:, 5]) & (table[:, 5] != -1)
    if len(table) and not tracked.any():
        raise TrackingError(f"expected ids in the column {_TRACKER}, found none; track the detections first")
    notes = dropped(int((~tracked).sum()), f"no {_TRACKER}")
    if not tracked.all():
        table = table[tracked]
    base, said = frame_base(table[:, 0], options, "supervision's examples")
    notes.insert(0, f"{said} (column {column})")
    ids, places = numbered(table[:, 5])
    return tracking_of_rows(ids, places, table[:, 0] - base, table[:, 1:5], notes)


def _frame_column(names: list[str]) -> str:
    found = [name for name in names if name.lower().replace(" ", "_") in _FRAMES]
    if len(found) == 1:
        return found[0]
    raise TrackingError(
        f"expected one column with the number of the frame ({', '.join(_FRAMES[:3])}, ...), found "
        f"{' and '.join(map(format_id, found)) or 'none'}; add it when writing: "
        "sink.append(detections, custom_data={'frame_number': number})"
    )


FORMAT = TrackingFormat("supervision", "supervision CSV", (".csv",), _recognize, _read)
