"""Write boxes as netCDF of movement.

It is netCDF 3, which xarray and movement also open, and which needs only scipy.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.files import atomic_writer
from napari_i3d.errors import OutputError
from napari_i3d.tracking.io.format import VideoFacts
from napari_i3d.tracking.io.parsing.written_rows import rows_of, texts_of
from napari_i3d.tracking.tracklets import Tracking

# More would be a netCDF 3 array that other programs cannot read.
_MOST_BYTES = 2**31 - 4


def write(path: Path, tracking: Tracking, video: VideoFacts | None) -> tuple[str, ...]:
    """Write boxes as arrays of movement; return notes."""
    rows = rows_of(tracking, by_frame=False)
    labels, texts = texts_of(rows.ids)
    n_frames = int(rows.frames.max(initial=-1)) + 1
    if n_frames * len(rows.ids) * 16 > _MOST_BYTES:
        raise OutputError(
            f"{len(rows.ids)} individuals in {n_frames} frames are too many for an array of netCDF",
            hint="choose another format",
        )
    fps = video.fps if video is not None else None
    with atomic_writer(path) as file:
        file.writelines(_netcdf(labels, n_frames, fps, rows.frames, rows.places, rows.boxes))
    time = "frames from 0" if fps is None else f"seconds, at {fps:g} frames per second"
    return (f"times are {time}; positions are the centers of boxes, in pixels from 0", *texts, *rows.notes)


def _netcdf(
    labels: list[str],
    n_frames: int,
    fps: float | None,
    frames: NDArray[np.int64],
    places: NDArray[np.int64],
    boxes: NDArray[np.float64],
) -> Iterator[bytes]:
    from scipy.io import netcdf_file

    buffer = io.BytesIO()
    file = netcdf_file(buffer, "w", version=2)
    file.ds_type, file.source_software = "bboxes", "napari_i3d"
    file.time_unit = "frames" if fps is None else "seconds"
    if fps is not None:
        file.fps = np.float64(fps)
    for name, length in (("time", n_frames), ("space", 2), ("individuals", len(labels))):
        file.createDimension(name, length)
    time = file.createVariable("time", "i4" if fps is None else "f8", ("time",))
    time[:] = np.arange(n_frames) if fps is None else np.arange(n_frames) / fps
    for name, texts in (("space", ["x", "y"]), ("individuals", labels)):
        encoded = np.array([text.encode("utf-8", "replace") for text in texts])
        width = max(encoded.dtype.itemsize, 1)
        file.createDimension(f"characters_{name}", width)
        variable = file.createVariable(name, "S1", (name, f"characters_{name}"))
        variable[:] = encoded.astype(f"S{width}").view("S1").reshape(len(texts), width)
        variable._Encoding = "utf-8"
    centers, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    for name, values in (("position", centers), ("shape", sizes)):
        variable = file.createVariable(name, "f8", ("time", "space", "individuals"))
        variable[:] = np.nan
        variable.data[frames, 0, places] = values[:, 0]
        variable.data[frames, 1, places] = values[:, 1]
    confidence = file.createVariable("confidence", "f8", ("time", "individuals"))
    confidence[:] = np.nan
    file.flush()
    yield bytes(buffer.getbuffer())
