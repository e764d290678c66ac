"""Files of boxes that point elsewhere, expand, or claim far more than they hold.

Each maker writes a file below a folder and returns its path; none may be read as tracking.
"""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from scipy.io import netcdf_file

from helpers import box_files
from helpers.box_files import BOXES, VIA_HEADER, cvat_box

BOX = (1.0, 2.0, 3.0, 4.0)


def honest(folder: Path) -> dict[str, Path]:
    """A file of each format; `a.nc` is netCDF 4, `b.nc` netCDF 3."""
    import xarray as xr

    centers, sizes = box_files.movement_arrays(BOXES)
    dimensions = ("time", "space", "individuals")
    arrays = xr.Dataset(
        {"position": (dimensions, centers), "shape": (dimensions, sizes)},
        coords={"time": np.arange(len(centers)), "space": ["x", "y"], "individuals": list(map(str, BOXES))},
        attrs={"ds_type": "bboxes", "time_unit": "frames"},
    )
    arrays.to_netcdf(folder / "a.nc", engine="netcdf4")
    arrays.to_netcdf(folder / "b.nc", engine="scipy")
    (folder / "a.json").write_text(json.dumps(box_files.coco_vid(BOXES)))
    pose = {"nose": np.ones((10, 3)), "tail": np.ones((10, 3)) * 9}
    return {
        "netcdf4": folder / "a.nc",
        "netcdf3": folder / "b.nc",
        "coco": folder / "a.json",
        "cvat": box_files.cvat(folder / "a.xml", box_files.cvat_tracks(BOXES)),
        "mot": box_files.mot(folder / "a.txt", BOXES),
        "via": box_files.via_tracks(folder / "a.csv", BOXES),
        "via3": box_files.via3(folder / "b.csv", BOXES),
        "supervision": box_files.supervision(folder / "c.csv", BOXES),
        "nwb": box_files.nwb_poses(folder / "a.nwb", {"fly": pose}, None),
    }


def _xml(text: str) -> Callable[[Path], Path]:
    return _text("a.xml", text)


def _text(name: str, text: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_text(text)
        return folder / name

    return make


def _laughs() -> str:
    entities = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    track = '<track id="0"><box frame="0"><attribute name="name">&i;</attribute></box></track>'
    return f"<!DOCTYPE annotations [{entities}]><annotations>{track}</annotations>"


EXTERNAL = (
    '<!DOCTYPE annotations [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotations><track id="0" label="&x;">'
    f"{cvat_box(0, BOX)}</track></annotations>"
)
TRACK = f'<track id="0" label="a">{cvat_box(0, BOX)}'


def many_tracks(folder: Path) -> Path:
    """200,000 individuals of one box each."""
    text = "".join(
        f'<track id="{n}" label="a{n}">{cvat_box(0, BOX)}{cvat_box(1, BOX, 1)}</track>' for n in range(200_000)
    )
    (folder / "a.xml").write_text(f"<annotations>{text}</annotations>")
    return folder / "a.xml"


def many_ids(folder: Path) -> Path:
    (folder / "a.txt").write_text("".join(f"{n},{n},1,1,5,5,1\n" for n in range(1, 300_000)))
    return folder / "a.txt"


def _spread(folder: Path) -> Path:
    """Each individual has a box in the first and in a late frame."""
    (folder / "a.txt").write_text("".join(f"1,{n},1,1,5,5,1\n4000000,{n},1,1,5,5,1\n" for n in range(1, 2000)))
    return folder / "a.txt"


def _netcdf4(change: Callable[[h5py.File], None]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = honest(folder)["netcdf4"]
        for other in folder.iterdir():
            if other != path:
                other.unlink()
        with h5py.File(path, "a") as file:
            change(file)
        return path

    return make


def _external(file: h5py.File) -> None:
    del file["position"]
    file["position"] = h5py.ExternalLink("/etc/passwd", "position")


def _claims(file: h5py.File) -> None:
    del file["position"]
    file.create_dataset("position", (10**9, 2, 10**3), "f8", chunks=(1000, 2, 10), compression="gzip")


def netcdf3_claims(folder: Path) -> Path:
    """The header states 2**31 - 1 individuals, the file holds one."""
    path = folder / "a.nc"
    with netcdf_file(path, "w") as file:
        for name, length in (("time", 7), ("space", 2), ("individuals", 3)):
            file.createDimension(name, length)
        for name in ("position", "shape"):
            file.createVariable(name, "f8", ("time", "space", "individuals"))[:] = 1.0
    data = path.read_bytes()
    places = data.index(b"individuals\x00") + 12
    path.write_bytes(data[:places] + b"\x7f\xff\xff\xff" + data[places + 4 :])
    return path


def netcdf3_long_name(folder: Path) -> Path:
    """A name of 2**31 - 1 bytes."""
    path = folder / "a.nc"
    head = b"CDF\x01" + bytes(4) + b"\x00\x00\x00\x0a\x00\x00\x00\x01\x7f\xff\xff\xff"
    path.write_bytes(head + b"position space individuals")
    return path


def _labels(name: str, text: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "labels").mkdir()
        (folder / "labels" / name).write_text(text)
        return folder / "labels"

    return make


COMMAS = ",".join("1" * 3_000_000)
ATTRIBUTES = " ".join(f"a{n}=''" for n in range(10**6))
SHAPE = '"{""name"":""rect"",""x"":1,""y"":2,""width"":3,""height"":4}"'
VIA = ",".join(VIA_HEADER) + "\n"

MAKERS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "billion laughs": (_xml(_laughs()), "without a document type"),
    "external entity": (_xml(EXTERNAL), "without a document type"),
    "unclosed elements": (_xml("<annotations>" + "<track>" * 1_000_000), "at most 50000 tracks"),
    "one attribute of 100 MB": (_xml("<annotations><track label='" + "a" * 10**8), "expected XML of CVAT"),
    "million attributes": (_xml(f"<annotations><track {ATTRIBUTES}>"), "expected XML"),
    "late frame": (_xml(f"<annotations>{TRACK}{cvat_box(99_999_999, BOX)}</track></annotations>"), "wrong frame number"),
    "task of a trillion": (
        _xml(f"<annotations><meta><task><size>99999999</size></task></meta>{TRACK}</track></annotations>"),
        "wrong frame number",
    ),
    "number of a million digits": (_xml(f"<annotations>{TRACK.replace('0', '9' * 10**6)}"), "a tag of more than|line 1"),
    "many tracks": (many_tracks, "at most 50000"),
    "many ids": (many_ids, "at most 50000"),
    "frames far apart": (_spread, "wrong frame number"),
    "frame of a trillion": (_text("a.txt", "1,1,1,1,5,5,1\n1000000000000,1,1,1,5,5,1\n"), "found 999999999999"),
    "huge number": (_text("a.txt", f"1,1,1,1,5,5,1\n{'9' * 400},1,1,1,5,5,1\n"), "no known tracking"),
    "millions of columns": (_text("a.csv", f"x_min,y_min,x_max,y_max,tracker_id,frame,{COMMAS}\n"), "no known tracking"),
    "millions of columns of MOT": (_text("a.txt", f"1,1,1,1,5,5,1\n2,1,1,1,5,5,{COMMAS[:-4]},\n3,"), "cut off"),
    "unclosed quotes": (_text("a.csv", VIA + '"' + "a\n" * 10**7), "expected rows of a table|at least one"),
    "deep cells": (_text("a.csv", VIA + f"1.png,1,{{}},1,0,{SHAPE},{'[' * 10**6}\n"), "expected JSON"),
    "deep json": (_text("a.json", '{"images":[{"frame_id":1}],"annotations":' + "[" * 10**6), "something else"),
    "deep objects": (_text("a.json", '{"images":[{"frame_id":1}],"a":' + '{"a":' * 10**6), "something else"),
    "long digits": (_text("a.json", '{"images":[{"frame_id":' + "9" * 10**6 + "}]}"), "something else"),
    "external link": (_netcdf4(_external), "link elsewhere"),
    "array of two terabytes": (_netcdf4(_claims), "out of proportion"),
    "netCDF 3 beyond its end": (netcdf3_claims, "not a whole netCDF file"),
    "netCDF 3 of a long name": (netcdf3_long_name, "not a whole netCDF file"),
    "label of frame a trillion": (_labels("a_999999999999.txt", "0 0.5 0.5 0.1 0.1 1\n"), "expected frames up to"),
    "label of many digits": (_labels(f"a_{'9' * 100}.txt", "0 0.5 0.5 0.1 0.1 1\n"), "no known|at least one"),
    "label of nan": (_labels("a_1.txt", "0 0.5 0.5 0.1 0.1 0.5 nan\n"), "found only detections|expected"),
}  # fmt: skip
