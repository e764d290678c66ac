"""DeepLabCut's tables of poses in HDF5 files, single- and multi-animal, in both layouts of pandas."""

from pathlib import Path

from napari_i3d.errors import TrackingError
from napari_i3d.safe_loading.hdf5 import matches_hdf5, open_hdf5
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat
from napari_i3d.tracking.io.parsing.pandas_hdf5 import read_table, table_keys
from napari_i3d.tracking.io.pose_formats.point_columns import LABELED_DATA, points_of_table

# Of an analyzed or filtered video, of stitched tracklets, of images. A refined file may have the first two.
_KEYS = ("df_with_missing", "tracks", "predictions")


def _recognize(path: Path, head: bytes) -> bool:
    return matches_hdf5(path, head, table_keys)


def _read(path: Path, options: ReadOptions) -> ReadResult:
    with open_hdf5(path, TrackingError) as file:
        found = table_keys(file)
        if not found:
            raise TrackingError("expected a table of pandas in the HDF5 file, found none")
        key = next((key for key in _KEYS if key in found), found[0])
        table = read_table(file, key)
    if table.index is None:
        raise TrackingError(LABELED_DATA)
    result = points_of_table(table.columns, table.values, table.index, options.video)
    if len(found) == 1:
        return result
    return ReadResult(result.content, (*result.notes, f"of the {len(found)} tables in the file, {key!r} was read"))


FORMAT = TrackingFormat("deeplabcut", "DeepLabCut h5", (".h5", ".hdf5"), _recognize, _read)
