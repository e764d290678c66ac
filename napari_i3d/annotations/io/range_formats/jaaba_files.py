"""Read the cells of JAABA's labels from Matlab files of version 5 and of version 7.3, which is HDF5."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_i3d._utils.text import counted
from napari_i3d.annotations.io.format import AnnotatedVideo
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import format_id
from napari_i3d.safe_loading.hdf5 import Hdf5File, is_hdf5, matches_hdf5, open_hdf5
from napari_i3d.safe_loading.matlab_files import SIGNATURE, has_variable, read_matlab

_FIELDS = ("t0s", "t1s", "names")
_MOST_NAME = 1000


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of an experiment.

    Attributes
    ----------
    flies
        Numbers of the flies, from 1.
    t0s, t1s
        Arrays of frames for each of them.
    names
        Lists of names for each of them.
    """

    flies: list[int]
    t0s: list[Any]
    t1s: list[Any]
    names: list[Any]


def has_labels(path: Path, head: bytes) -> bool:
    """Whether a file has JAABA's labels, by its variables."""
    if head.startswith(SIGNATURE):
        return has_variable(path, b"t0s") or (path.suffix.lower() == ".jab" and has_variable(path, b"x"))
    return matches_hdf5(path, head, lambda file: all(name in file for name in _FIELDS))


def read_labels(path: Path, video: AnnotatedVideo) -> tuple[Labels, list[str]]:
    """Return the labels of the only experiment, or of the one of the video, and notes.

    Raises
    ------
    AnnotationError
        The file is damaged, has no labels, or those of several experiments.
    """
    with path.open("rb") as file:
        newer = is_hdf5(file.read(4096))
    if newer:
        with open_hdf5(path, AnnotationError) as hdf5:
            return _from_hdf5(hdf5), []
    content = read_matlab(path, [*_FIELDS, "flies", "x"], AnnotationError)
    if all(name in content for name in _FIELDS):
        return _labels({name: content[name] for name in (*_FIELDS, "flies") if name in content}), []
    project = content.get("x")
    names = getattr(getattr(project, "dtype", None), "names", None) or ()
    if "labels" not in names or project is None or not project.size:
        raise AnnotationError(
            f"expected {', '.join(_FIELDS)}, or a project with labels, found neither",
            hint="save the labels in JAABA as a file of their own, or the project as a plain struct",
        )
    return _of_project(project.ravel()[0], video)


def _of_project(project: Any, video: AnnotatedVideo) -> tuple[Labels, list[str]]:
    experiments = np.asarray(project["labels"]).ravel()
    if not set(_FIELDS) <= set(experiments.dtype.names or ()):
        raise AnnotationError(f"expected {', '.join(_FIELDS)} in labels, found others")
    own = project["expDirNames"] if "expDirNames" in (project.dtype.names or ()) else np.empty(0, object)
    folders = [
        str(name.ravel()[0]) if isinstance(name, np.ndarray) and name.size else str(name) for name in own.ravel()
    ]
    labels = [_labels({name: one[name] for name in experiments.dtype.names or ()}) for one in experiments]
    if len(labels) == 1:
        return labels[0], []
    last = [folder.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] for folder in folders[: len(labels)]]
    chosen = [at for at, name in enumerate(last) if video.stem and name == video.stem]
    if len(chosen) != 1:
        listed = ", ".join(format_id(name) for name in last[:6])
        raise AnnotationError(
            f"the project has labels of {counted(len(labels), 'experiment')} ({listed}); none or several are called "
            "like the video",
            hint="give {video}: the folder of its experiment has its name",
        )
    return labels[chosen[0]], [f"of the experiments, {format_id(last[chosen[0]])} was read"]


def _labels(fields: dict[str, Any]) -> Labels:
    t0s, t1s, names = (_cells(fields[name]) for name in _FIELDS)
    names = [[_text(name) for name in _cells(cell)] for cell in names]
    stated = np.asarray(fields.get("flies", np.empty(0)))
    if stated.dtype == object:
        stated = np.array([one for cell in stated.ravel() for one in np.asarray(cell).ravel().tolist()])
    return _checked(stated, t0s, t1s, names)


def _checked(stated: Any, t0s: list[Any], t1s: list[Any], names: list[Any]) -> Labels:
    if stated.size and (stated.ndim > 1 and min(stated.shape) > 1):
        raise AnnotationError(f"expected labels of single flies, found those of groups of {min(stated.shape)}")
    if stated.size and (stated.dtype.kind not in "iuf" or not ((stated >= 1) & (stated == np.trunc(stated))).all()):
        raise AnnotationError("expected flies that are whole numbers from 1")
    flies = [int(fly) for fly in stated.ravel()] if stated.size else list(range(1, len(t0s) + 1))
    if len(set(flies)) < len(flies):
        raise AnnotationError("a fly is listed twice")
    if len(flies) < max(len(t0s), len(t1s), len(names)):
        raise AnnotationError(f"expected a fly for each of {len(t0s)} entries, found {len(flies)}")
    wrong = next((one for one in (*t0s, *t1s) if not isinstance(one, np.ndarray) or one.dtype.kind not in "iuf"), None)
    if wrong is not None:
        raise AnnotationError(f"expected frames that are numbers, found {format_id(str(wrong)[:40])}")
    return Labels(flies, t0s, t1s, names)


def _cells(value: Any) -> list[Any]:
    """Return the content of a cell array; other arrays are a cell of their own."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        return list(value.ravel(order="F"))
    return [value]


def _text(value: Any) -> Any:
    """Return text of Matlab: an array of one text, or of none."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "U" and value.size == 1:
        return str(value.ravel()[0])
    return value if isinstance(value, str) else repr(value)[:40] if np.size(value) else ""


def _from_hdf5(file: Hdf5File) -> Labels:
    t0s, t1s = (file.read_referenced(name) for name in ("t0s", "t1s"))
    names = [
        [_characters(name) for name in cell] if isinstance(cell, list) else []
        for cell in file.read_referenced("names", levels=2)
    ]
    stated = file.read("flies") if "flies" in file and file.shape("flies") else np.empty(0)
    return _checked(stated, t0s, t1s, names)


def _characters(codes: Any) -> str:
    if not isinstance(codes, np.ndarray) or codes.dtype.kind not in "iu" or codes.size > _MOST_NAME:
        raise AnnotationError("expected names that are text, found something else")
    return "".join(map(chr, codes.ravel(order="F").tolist()))
