"""Annotation files that run code, expand, or claim far more than they hold.

Each maker writes a file below a folder and returns its path; none may be read as an annotation.
"""

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py

from helpers import annotation_files as files

HEADER = "individual,behavior,start,stop\n"
OWN = '{"format": "napari_i3d annotation", "version": 1, "bouts": '
BORIS = '{"project_format_version": "7.0", "subjects_conf": {}, "behaviors_conf": {}, "observations": '


def honest(folder: Path) -> dict[str, Path]:
    """A file of each format that needs no further package to be made."""
    own = {
        "format": "napari_i3d annotation",
        "version": 1,
        "behaviors": [{"name": "walk"}],
        "bouts": [
            {"individual": who, "behavior": name, "frames": [start, stop]} for who, name, start, stop in files.BOUTS
        ],
    }
    (folder / "a.json").write_text(json.dumps(own))
    return {
        "json": folder / "a.json",
        "csv": files.plain_csv(folder / "a.csv"),
        "tuple": files.dlc2action_tuple(folder / "a.pickle"),
        "dictionary": files.dlc2action_dictionary(folder / "b.pickle"),
        "dlc2action csv": files.dlc2action_csv(folder / "b.csv"),
        "boris": files.boris_project(folder / "a.boris"),
        "tabular": files.write_rows(folder / "c.csv", files.tabular_rows("25", True)),
        "aggregated": files.write_rows(folder / "d.tsv", files.aggregated_rows("25", True), "\t"),
        "nwb": nwb(folder / "a.nwb"),
        "excel": excel(folder / "a.xlsx"),
        "predictions": predictions(folder / "c.pickle"),
    }


def predictions(path: Path) -> Path:
    import torch

    table = torch.rand((3, 50), generator=torch.Generator().manual_seed(1))
    facts = {"min_frames": {"a": 4}, "max_frames": {"a": 53}, "classes": {0: "walk", 1: "rest", 2: "groom"}}
    path.write_bytes(pickle.dumps({"a": table, **facts}))
    return path


def nwb(path: Path, change: Callable[[h5py.Group], None] | None = None) -> Path:
    """A file with one table of bouts, as the library writes it."""
    with h5py.File(path, "w") as file:
        behavior = file.create_group("processing/behavior")
        behavior.attrs["neurodata_type"] = "ProcessingModule"
        table = behavior.create_group("bouts")
        table.attrs["neurodata_type"] = "EthogramBouts"
        table.attrs["labeling_method"] = "manual"
        own = [one for one in files.BOUTS if one[0] == "male"]
        table["start_time"] = [start / 25 for *_, start, _ in own]
        table["stop_time"] = [stop / 25 for *_, stop in own]
        table["label"] = [name for _, name, *_ in own]
        if change is not None:
            change(table)
    return path


SHEET = "xl/worksheets/sheet1.xml"
_PARTS = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/'
        'vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/_rels/workbook.xml.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
        'Target="worksheets/sheet1.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.'
        'openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets>'
        "</workbook>"
    ),
}
_HEADER_ROW = ["Subject", "Behavior", "Behavior type", "Time", "Image index"]


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def row(number: int, texts: list[str]) -> str:
    return f'<row r="{number}">{"".join(cell(f"{chr(65 + at)}{number}", text) for at, text in enumerate(texts))}</row>'


def excel(path: Path, rows: str | None = None, front: str = "") -> Path:
    """A sheet of tabular events, or of other rows below the header."""
    if rows is None:
        rows = row(2, ["a", "walk", "START", "1", "25"]) + row(3, ["a", "walk", "STOP", "2", "50"])
    sheet = (
        f'<?xml version="1.0"?>{front}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<dimension ref="A1:XFD1048576"/><sheetData>{row(1, _HEADER_ROW)}{rows}</sheetData></worksheet>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (_PARTS | {SHEET: sheet}).items():
            archive.writestr(name, text)
    return path


def _text(name: str, text: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_text(text)
        return folder / name

    return make


def _pickle(content: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "a.pickle").write_bytes(pickle.dumps(content))
        return folder / "a.pickle"

    return make


def _nwb(change: Callable[[h5py.Group], None]) -> Callable[[Path], Path]:
    return lambda folder: nwb(folder / "a.nwb", change)


def _replaced(name: str, **how: Any) -> Callable[[h5py.Group], None]:
    def change(table: h5py.Group) -> None:
        del table[name]
        table.create_dataset(name, **how)

    return change


def _linked(table: h5py.Group) -> None:
    del table["label"]
    table["label"] = h5py.ExternalLink("/etc/passwd", "label")


def _excel(*arguments: str) -> Callable[[Path], Path]:
    return lambda folder: excel(folder / "a.xlsx", *arguments)


def _zip_bomb(folder: Path) -> Path:
    path = excel(folder / "a.xlsx")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b" " * 300_000_000)
    return path


def _laughs() -> str:
    entities = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    return f"<!DOCTYPE worksheet [{entities}]>"


def _many_individuals(folder: Path) -> Path:
    (folder / "a.csv").write_text(HEADER + "".join(f"a{n},walk,0,5\n" for n in range(50_000)))
    return folder / "a.csv"


def _many_behaviors(folder: Path) -> Path:
    (folder / "a.csv").write_text(HEADER + "".join(f"a,walk{n},0,5\n" for n in range(50_000)))
    return folder / "a.csv"


def _many_rows(folder: Path) -> Path:
    (folder / "a.csv").write_text(HEADER + "a,b,0,5\n" * 3_000_000)
    return folder / "a.csv"


COMMAS = "," * 3_000_000
MAKERS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "deep json": (_text("a.json", OWN + "[" * 10**6), "not whole JSON"),
    "deep objects": (_text("a.json", OWN + '{"a":' * 10**6), "not whole JSON"),
    "many lists": (_text("a.json", OWN + "[" + "[]," * 5_000_000 + "[]]}"), "out of proportion"),
    "long digits": (_text("a.json", OWN + "[" + "9" * 10**6 + "]}"), "not whole JSON"),
    "bout of a trillion": (
        _text("a.json", OWN + '[{"individual": 1, "behavior": "b", "frames": [0, 1000000000000]}]}'),
        "whole number from 0",
    ),
    "id of 19 digits": (
        _text("a.json", OWN + '[{"individual": 99999999999999999999, "behavior": "b", "frames": [0, 1]}]}'),
        "ids that are text or whole numbers",
    ),
    "newer version": (_text("a.json", OWN.replace("1,", "2,") + "[]}"), "a newer file needs a newer"),
    "deep project": (_text("a.boris", BORIS + '{"a":' * 10**6), "not whole JSON"),
    "project of lists": (_text("a.boris", BORIS + '{"a": {"type": "MEDIA", "events": [[]]}}}'), "event 1: expected"),
    "many events": (
        _text("a.boris", BORIS + '{"a": {"type": "MEDIA", "events": [' + "[1,2,3]," * 3_000_000 + "[1,2,3]]}}}"),
        "at most 400000 events",
    ),
    "frame of a trillion": (_text("a.csv", HEADER + "a,b,0,1000000000000\n"), "row 2: .*whole number from 0"),
    "frame of a million digits": (_text("a.csv", HEADER + f"a,b,0,{'9' * 100_000}\n"), "row 2: stop: expected"),
    "negative frame": (_text("a.csv", HEADER + "a,b,-5,10\n"), "row 2: .*whole number from 0"),
    "frame of nan": (_text("a.csv", HEADER + "a,b,nan,10\n"), "row 2: start: expected a number"),
    "name of a megabyte": (_text("a.csv", HEADER + f"a,{'b' * 10**6},0,10\n"), "field larger than field limit"),
    "name that cannot be printed": (_text("a.csv", HEADER + "a,b\x1b[2J\x07,0,10\n"), "row 2: .*can be printed"),
    "millions of columns": (_text("a.csv", HEADER.strip() + COMMAS + "\n"), "no known annotation"),
    "millions of columns in a row": (_text("a.csv", HEADER + f"a,b,0,5{COMMAS}x\n"), "row 2: expected 4 fields"),
    "unclosed quotes": (_text("a.csv", HEADER + '"' + "a\n" * 10**7), "field larger than field limit"),
    "zeros": (_text("a.csv", HEADER + "\0" * 10**7), "no known|not a table|expected"),
    "many rows": (_many_rows, "at most"),
    "many individuals": (_many_individuals, "at most 1000 individuals"),
    "many behaviors": (_many_behaviors, "at most 1000 behaviors"),
    "intervals of a trillion": (_pickle({"a": {"b": [[0, 10**12]]}}), "whole number from 0"),
    "labels of lists": (_pickle((None, [["a"]], ["b"], [[[[1, 2, 0]]]])), "expected labels that are text"),
    "nested pickle": (_pickle({"a": {"b": [[[[[1]]]]]}}), r"expected \[start, end\]"),
    "long pickle": (_pickle({"a": {"b" * 10**6: [[1, 2, 3, 4]]}}), r"expected \[start, end\]"),
    "external link": (_nwb(_linked), "link elsewhere"),
    "times of two terabytes": (
        _nwb(_replaced("start_time", shape=(10**11,), dtype="f8", chunks=(1000,), compression="gzip")),
        "out of proportion",
    ),
    "times of nan": (_nwb(_replaced("start_time", data=[float("nan")] * 4)), "expected times of 0 seconds"),
    "negative times": (_nwb(_replaced("start_time", data=[-1.0] * 4)), "expected times of 0 seconds"),
    "times of another length": (_nwb(_replaced("start_time", data=[1.0])), "columns of the same length"),
    "times that are a table": (_nwb(_replaced("start_time", data=[[1.0]] * 4)), "expected a column of numbers"),
    "zip bomb": (_zip_bomb, "an archive"),
    "billion laughs": (_excel("<row r='2'><c r='A2'><v>&i;</v></c></row>", _laughs()), "without a document type"),
    "last row of a sheet": (_excel(row(1_048_576, ["a", "walk", "BEGIN", "1", "2"])), "expected START"),
    "column beyond all": (_excel('<row r="2"><c r="ZZZZZZ2"><v>1</v></c></row>'), "at most 2000 columns"),
    "row of a trillion": (_excel(row(10**12, ["a", "walk", "BEGIN", "1", "2"])), "expected START"),
    "unfinished sheet": (_excel("<row>" * 200_000), "not a whole Excel file"),
}  # fmt: skip
