"""Files of pose trackers that point elsewhere, call functions, or claim far more than they hold.

Each maker writes a file below a folder and returns its path; none may be read as tracking.
"""

import io
import json
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pose_files as make

ONE = make.planted(n_frames=40)
MICE = make.planted(ids=("resident", "intruder"), names=make.MOUSE_NAMES)


class Call:
    """Pickled, it makes the file `canary` when it is read by Python's own unpickler."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("open('canary', 'w').close()",)


CALL_TEXT = b"cos\nsystem\n(S'touch canary'\ntR."


def _analysis(folder: Path) -> Path:
    make.write_sleap_analysis(folder / "a.h5", ONE)
    return folder / "a.h5"


def _replaced(folder: Path, change: Callable[[h5py.File], None], write: Callable[[Path], Path] = _analysis) -> Path:
    path = write(folder)
    with h5py.File(path, "a") as file:
        change(file)
    return path


def external_link(folder: Path) -> Path:
    _analysis(folder).rename(folder / "elsewhere.h5")

    def change(file: h5py.File) -> None:
        del file["tracks"]
        file["tracks"] = h5py.ExternalLink("elsewhere.h5", "tracks")

    return _replaced(folder, change)


def soft_link(folder: Path) -> Path:
    def change(file: h5py.File) -> None:
        file.move("tracks", "hidden")
        file["tracks"] = h5py.SoftLink("/hidden")

    return _replaced(folder, change)


def circle_of_links(folder: Path) -> Path:
    def change(file: h5py.File) -> None:
        del file["tracks"]
        file["tracks"] = h5py.SoftLink("/tracks")

    return _replaced(folder, change)


def external_storage(folder: Path) -> Path:
    (folder / "raw.bin").write_bytes(ONE.points.tobytes())

    def change(file: h5py.File) -> None:
        shape = file["tracks"].shape
        del file["tracks"]
        file.create_dataset("tracks", shape, "f8", external=[(str(folder / "raw.bin"), 0, h5py.h5f.UNLIMITED)])

    return _replaced(folder, change)


def virtual_dataset(folder: Path) -> Path:
    _analysis(folder).rename(folder / "elsewhere.h5")

    def change(file: h5py.File) -> None:
        shape = file["tracks"].shape
        del file["tracks"]
        layout = h5py.VirtualLayout(shape, "f8")
        layout[:] = h5py.VirtualSource("elsewhere.h5", "tracks", shape)
        file.create_virtual_dataset("tracks", layout)

    return _replaced(folder, change)


def _of_shape(folder: Path, frames: int, **options: Any) -> Path:
    def change(file: h5py.File) -> None:
        for name in ("tracks", "track_occupancy", "point_scores"):
            del file[name]
        file.create_dataset("tracks", (3, 2, 3, frames), "f8", **options)

    return _replaced(folder, change)


def shape_without_content(folder: Path) -> Path:
    return _of_shape(folder, 10**9, chunks=(1, 1, 1, 10**5))


def shape_beyond_all_memory(folder: Path) -> Path:
    return _of_shape(folder, 10**15, chunks=(1, 1, 1, 10**5))


def gzip_bomb(folder: Path) -> Path:
    def change(file: h5py.File) -> None:
        for name in ("tracks", "track_occupancy", "point_scores"):
            del file[name]
        options = {"chunks": (1, 1, 1, 4 * 10**6), "compression": "gzip", "compression_opts": 9}
        tracks = file.create_dataset("tracks", (3, 2, 3, 2 * 10**7), "f8", **options)
        packed = zlib.compress(np.ones(4 * 10**6).tobytes(), 9)
        for place in np.ndindex(3, 2, 3, 5):
            tracks.id.write_direct_chunk((*place[:3], place[3] * 4 * 10**6), packed)

    return _replaced(folder, change)


def huge_chunk(folder: Path) -> Path:
    def change(file: h5py.File) -> None:
        for name in ("tracks", "track_occupancy", "point_scores"):
            del file[name]
        file.create_dataset("tracks", (3, 2, 3, 2 * 10**7), "f8", chunks=(3, 2, 3, 2 * 10**7), compression="gzip")
        file["tracks"].id.write_direct_chunk((0, 0, 0, 0), zlib.compress(bytes(10**8), 9))

    return _replaced(folder, change)


def many_long_names(folder: Path) -> Path:
    """One text of 20 MB that each of many names points to."""
    path = _analysis(folder)
    with h5py.File(path, "a") as file:
        del file["node_names"]
        names = file.create_dataset("node_names", (2000,), h5py.string_dtype())
        names[0] = "x" * (20 << 20)
        offset = names.id.get_offset()
    data = bytearray(path.read_bytes())
    for number in range(1, 2000):
        data[offset + 16 * number : offset + 16 * number + 16] = data[offset : offset + 16]
    path.write_bytes(data)
    return path


def pickled_columns(folder: Path) -> Path:
    def change(file: h5py.File) -> None:
        table = file["df_with_missing/table"]
        table.attrs["values_block_0_kind"] = np.bytes_(CALL_TEXT)
        file["df_with_missing"].attrs["non_index_axes"] = np.bytes_(CALL_TEXT)

    def write(folder: Path) -> Path:
        make.dlc_table(ONE).to_hdf(folder / "a.h5", key="df_with_missing", format="table", mode="w")
        return folder / "a.h5"

    return _replaced(folder, change, write)


def pickled_names(folder: Path) -> Path:
    """Names as PyTables stores objects: each a pickle of its own, in bytes of any length."""

    def change(file: h5py.File) -> None:
        del file["df_with_missing/axis1"], file["df_with_missing/block0_items_level0"]
        kind = h5py.vlen_dtype(np.uint8)
        level = file.create_dataset("df_with_missing/block0_items_level0", (1,), kind)
        level[0] = np.frombuffer(CALL_TEXT, np.uint8)

    def write(folder: Path) -> Path:
        make.dlc_table(ONE).to_hdf(folder / "a.h5", key="df_with_missing", mode="w")
        return folder / "a.h5"

    return _replaced(folder, change, write)


def tracklets_that_call(folder: Path) -> Path:
    columns = pd.MultiIndex.from_product([["s"], ["nose", "tail"], ["x", "y", "likelihood"]])
    path = folder / "a_el.pickle"
    path.write_bytes(pickle.dumps({"header": columns, 0: {"frame0": Call()}}))
    return path


def tracklets_with_calls_in_the_index(folder: Path) -> Path:
    path = folder / "a_el.pickle"
    path.write_bytes(b"\x80\x02}X\x06\x00\x00\x00headercpandas.core.indexes.base\n_new_Index\ncos\nsystem\n}\x86Rs.")
    return path


def npy_that_calls(folder: Path) -> Path:
    content = {"trajectories": np.ones((4, 2, 2)), "call": Call()}
    np.save(folder / "a.npy", content, allow_pickle=True)
    return folder / "a.npy"


def npz_that_calls(folder: Path) -> Path:
    call = np.array([Call()], object)
    names = ("X#wcentroid", "Y#wcentroid", "frame", "missing", "cm_per_pixel")
    np.savez(folder / "day_fish0.npz", **dict.fromkeys(names, call))
    return folder / "day_fish0.npz"


def npz_with_a_shape_it_does_not_hold(folder: Path) -> Path:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    with zipfile.ZipFile(folder / "day_fish0.npz", "w") as archive:
        for name in ("X#wcentroid", "Y#wcentroid", "frame", "missing", "cm_per_pixel"):
            archive.writestr(f"{name}.npy", header.getvalue())
    return folder / "day_fish0.npz"


def npz_bomb(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "day_fish0.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("X#wcentroid", "Y#wcentroid", "frame", "missing"):
            content = io.BytesIO()
            np.save(content, np.zeros(10**7))
            archive.writestr(f"{name}.npy", content.getvalue() * 4)
    return folder / "day_fish0.npz"


def matlab_bomb(folder: Path) -> Path:
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    pack = zlib.compressobj(9)
    start = (
        struct.pack("<6I", 14, 1 << 30, 6, 8, 6, 0) + struct.pack("<4I", 5, 8, 1, 10**8) + b"\x01\x00\x03\x00trx\x00"
    )
    parts = [pack.compress(start)] + [pack.compress(bytes(1 << 20)) for _ in range(800)] + [pack.flush()]
    packed = b"".join(parts)
    (folder / "trx.mat").write_bytes(header + struct.pack("<2I", 15, len(packed)) + packed)
    return folder / "trx.mat"


def csv_of_millions_of_columns(folder: Path) -> Path:
    count = 3 * 10**6
    lines = [",".join([name, *["a"] * count]) for name in ("scorer", "bodyparts", "coords")]
    (folder / "a.csv").write_text("\n".join([*lines, "0" + ",1" * count, ""]))
    return folder / "a.csv"


def csv_with_a_row_of_millions(folder: Path) -> Path:
    make.write_dlc_csv(folder / "a.csv", ONE)
    with (folder / "a.csv").open("a") as file:
        file.write("40" + "," * (40 << 20) + "\n")
    return folder / "a.csv"


def csv_with_a_quote_that_never_ends(folder: Path) -> Path:
    make.write_dlc_csv(folder / "a.csv", ONE)
    with (folder / "a.csv").open("a") as file:
        file.write('40,"' + "1.5," * (10 << 20))
    return folder / "a.csv"


def csv_with_a_frame_far_away(folder: Path) -> Path:
    make.write_dlc_csv(folder / "a.csv", ONE)
    text = (folder / "a.csv").read_text(encoding="utf-8")
    (folder / "a.csv").write_text(text.replace("\n39,", "\n99999999,"), encoding="utf-8")
    return folder / "a.csv"


def tidy_rows_of_many_animals(folder: Path) -> Path:
    rows = [f"{n * 9999},0,{n},1,1,1" for n in range(9999)]
    (folder / "a.csv").write_text("\n".join(["frame,time,individual,x,y,probability", *rows, ""]))
    return folder / "a.csv"


def json_of_great_depth(folder: Path) -> Path:
    (folder / "a.json").write_text('{"keypoints": ' + "[" * 10**6 + "]" * 10**6 + "}")
    return folder / "a.json"


def json_of_empty_lists(folder: Path) -> Path:
    (folder / "a.json").write_text('{"keypoints": [' + "[]," * (20 << 20) + "[]]}")
    return folder / "a.json"


def json_of_unequal_rows(folder: Path) -> Path:
    content = make.calms21(MICE)
    content["keypoints"][3] = content["keypoints"][3][0]
    (folder / "a.json").write_text(json.dumps({"a": {"b": content}}))
    return folder / "a.json"


def labels_far_apart(folder: Path) -> Path:
    def change(file: h5py.File) -> None:
        frames = file["frames"][()]
        frames["frame_idx"] *= 2 * 10**6
        file["frames"][...] = frames

    def write(folder: Path) -> Path:
        make.write_slp(folder / "a.slp", ONE)
        return folder / "a.slp"

    return _replaced(folder, change, write)


# What each must be refused for.
MAKERS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "external link": (external_link, "no known tracking format"),
    "soft link": (soft_link, "no known tracking format"),
    "circle of links": (circle_of_links, "no known tracking format"),
    "external storage": (external_storage, "lies in another file"),
    "virtual dataset": (virtual_dataset, "lies in another file"),
    "shape without content": (shape_without_content, "out of proportion"),
    "shape beyond all memory": (shape_beyond_all_memory, "out of proportion"),
    "gzip bomb": (gzip_bomb, "out of proportion"),
    "huge chunk": (huge_chunk, "out of proportion"),
    "many long names": (many_long_names, "texts longer than the file"),
    "pickled columns": (pickled_columns, "asks for os.system"),
    "pickled names": (pickled_names, "expected short texts"),
    "tracklets that call": (tracklets_that_call, "asks for builtins.exec"),
    "index that calls": (tracklets_with_calls_in_the_index, "asks for os.system"),
    "npy that calls": (npy_that_calls, "asks for builtins.exec"),
    "npz that calls": (npz_that_calls, "expected numbers, found objects"),
    "npz of a false shape": (npz_with_a_shape_it_does_not_hold, "in 0 bytes"),
    "npz bomb": (npz_bomb, "no known tracking format"),
    "matlab bomb": (matlab_bomb, "unpacks to more than"),
    "millions of columns": (csv_of_millions_of_columns, "lines far too long"),
    "row of millions": (csv_with_a_row_of_millions, "a line is longer than"),
    "quote that never ends": (csv_with_a_quote_that_never_ends, "a line is longer than"),
    "frame far away": (csv_with_a_frame_far_away, "100000000 frames apart"),
    "tidy rows of many animals": (tidy_rows_of_many_animals, "out of proportion"),
    "json of great depth": (json_of_great_depth, "recursion depth"),
    "json of empty lists": (json_of_empty_lists, "out of proportion"),
    "json of unequal rows": (json_of_unequal_rows, "as many in each frame"),
    "labels far apart": (labels_far_apart, "out of proportion"),
}


def honest(folder: Path) -> dict[str, Path]:
    """A file of each format that can be read."""
    paths = {"analysis": _analysis(folder), "slp": folder / "a.slp", "csv": folder / "a.csv", "json": folder / "a.json"}
    make.write_slp(paths["slp"], ONE)
    make.write_dlc_csv(paths["csv"], ONE)
    paths["json"].write_text(json.dumps({"a": {"b": make.calms21(MICE)}}))
    for layout in ("fixed", "table"):
        paths[layout] = folder / f"{layout}.h5"
        make.dlc_table(ONE).to_hdf(paths[layout], key="df_with_missing", format=layout, mode="w")
    paths |= {"tracklets": folder / "a_el.pickle", "jabs": folder / "jabs.h5", "mat": folder / "trx.mat"}
    make.write_tracklets(paths["tracklets"], ONE)
    make.write_jabs(paths["jabs"], make.Planted(ONE.ids, ONE.names, np.nan_to_num(ONE.points.repeat(4, 2), nan=9)))
    make.write_jaaba(paths["mat"], ONE)
    paths["mat73"] = folder / "trx73.mat"
    make.write_jaaba(paths["mat73"], ONE, newer=True)
    for kind in ("npy", "h5", "tidy"):
        (folder / kind).mkdir()
        paths[f"idtracker {kind}"] = make.write_idtracker(folder / kind, ONE, kind)
    paths["trex"] = make.write_trex(folder, ONE)[0]
    return paths
