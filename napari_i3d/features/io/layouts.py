"""Features as action-segmentation programs read them.

The expectations of each program were found by reading and running it:

- DLC2Action (type ``features``): a dictionary ``{id: (frames, values)}`` with text ids, and ``min_frames``,
  ``max_frames``, without which labels shift; an array needs a row for each frame between the two. Its annotation
  program calls a whole-number id n ``ind{n}``: under any other name its labels are dropped, silently.
- DLC2Action beside poses (types ``dlc_*`` with a feature suffix): the same with a row for each frame of the pose file,
  so of the video, and without these two entries, which it would read as individuals.
- MS-TCN, ASFormer: a bare array (values, frames) in a file of its own. Names are cut at their first dot.
- ActionFormer, OpenTAD: the same as (frames, values).
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from napari_i3d.errors import FeaturesError, Message, SettingsError
from napari_i3d.features.features import Features
from napari_i3d.features.io.sidecar import Place
from napari_i3d.features.io.store import STORE_SUFFIX, StoreDtype, store_path
from napari_i3d.features.io.store_writing import write_store
from napari_i3d.features.io.writing import WRITERS, write_dictionary, write_features, write_rows, write_with_facts
from napari_i3d.features.row_blocks import PlacedRows
from napari_i3d.individuals import Id

DLC2ACTION_WITHOUT_TRACKING = "ind0"
_DLC2ACTION_FORBIDDEN = ("---", "+")


class Layout(StrEnum):
    """The program that a features file is made for."""

    DICT = "dict"
    STORE = "store"
    DLC2ACTION = "dlc2action"
    DLC2ACTION_POSE = "dlc2action-pose"
    MS_TCN = "ms-tcn"
    ACTIONFORMER = "actionformer"

    @property
    def one_file(self) -> bool:
        """Whether all individuals of a video share one file, or one folder."""
        return self in (Layout.DICT, Layout.STORE) or self.for_dlc2action

    @property
    def for_dlc2action(self) -> bool:
        """Whether it is for DLC2Action, which needs a row for each frame."""
        return self in (Layout.DLC2ACTION, Layout.DLC2ACTION_POSE)


def export_features(
    path: str | Path,
    features: Features,
    layout: str = "dlc2action",
    store_dtype: str = StoreDtype.FLOAT32,
) -> list[Path]:
    """Write features as an action-segmentation program reads them.

    Parameters
    ----------
    path
        The file; ``"ms-tcn"`` and ``"actionformer"`` have a file for each individual: ``folder/stem.npy`` makes
        ``folder/stem_{id}.npy``, and ``"store"`` is a folder: ``folder/stem.npy`` makes ``folder/stem.features``.
    features
        The features.
    layout
        ``"dlc2action"``, ``"dlc2action-pose"``, ``"ms-tcn"`` (also ASFormer), ``"actionformer"`` (also OpenTAD),
        ``"store"`` or ``"dict"``.
    store_dtype
        Numbers of a store: ``"float32"``, or ``"float16"`` for half the size; other layouts always have float32.

    Returns
    -------
    list of Path
        The files written, without the ``.json`` beside each; of a store, its folder.

    Raises
    ------
    FeaturesError
        The features do not fit the layout.
    OutputError
        A file cannot be written.
    """
    path = Path(path)
    try:
        chosen = Layout(layout)
    except ValueError:
        raise FeaturesError(f"layout: expected one of {', '.join(Layout)}, found {layout!r}") from None
    dtype = check_store_dtype(store_dtype)
    if chosen is Layout.DICT:
        write_features(path, features)
        return [path]
    if chosen is Layout.STORE:
        write_store(store_path(path), features, dtype)
        return [store_path(path)]
    if chosen.for_dlc2action:
        places = _dlc2action_places(features, chosen)
        write_dictionary(path, features, places, metadata=chosen is Layout.DLC2ACTION, layout=str(chosen))
        return [path]
    paths = individual_paths(path, list(features))
    for individual, target in paths.items():
        rows = features[individual]
        write = _write_columns if chosen is Layout.MS_TCN else write_rows
        write_with_facts(target, features, partial(write, rows=PlacedRows(rows)), [individual], str(chosen))
    return list(paths.values())


def check_store_dtype(dtype: str) -> StoreDtype:
    """Return the numbers of a store; raise `SettingsError` for others."""
    try:
        return StoreDtype(dtype)
    except ValueError:
        raise SettingsError(f"store_dtype: expected one of {', '.join(StoreDtype)}, found {dtype!r}") from None


def endings_of(layout: Layout) -> list[str]:
    """Return the endings of files of a layout, the usual one first; a store may also be named after a ``.npy``."""
    if layout is Layout.DICT:
        return list(WRITERS)
    if layout is Layout.STORE:
        return [STORE_SUFFIX, ".npy"]
    return [ending for ending in WRITERS if ending != ".npz"] if layout.for_dlc2action else [".npy"]


def check_suffix(suffix: str, layout: Layout) -> None:
    """Check that the ending of features files names a format that the layout has, or raise `SettingsError`."""
    allowed = endings_of(layout)
    if Path(f"stem{suffix}").suffix.lower() not in allowed or "/" in suffix or "\\" in suffix:
        raise SettingsError(
            f"layout {layout} needs a file name that ends in {' or '.join(allowed)}, found {suffix!r}",
            hint=f"use {{i3d_suffix={allowed[0]}}}",
        )


def _write_columns(file: BinaryIO, rows: PlacedRows) -> None:
    """Write rows as a ``.npy`` of float32 (values, rows), block by block."""
    n_rows, n_values = rows.shape
    header = {"descr": "<f4", "fortran_order": False, "shape": (n_values, n_rows)}
    np.lib.format.write_array_header_1_0(file, header)
    begin, first = file.tell(), 0
    for block in rows.blocks():
        for number, column in enumerate(np.ascontiguousarray(block.T, "<f4")):
            file.seek(begin + 4 * (number * n_rows + first))
            file.write(column.data.cast("B"))
        first += len(block)


def _dlc2action_places(features: Features, layout: Layout) -> dict[Id, Place]:
    """Return where DLC2Action finds each individual in the file."""
    names = dlc2action_ids(features)
    for individual, name in names.items():
        if not features.one_row_a_frame(individual):
            raise FeaturesError(
                f"{name}: DLC2Action needs one row for each frame", hint="extract with {pad=True} and {frequency=1}"
            )
    if layout is Layout.DLC2ACTION:
        return {individual: Place(name) for individual, name in names.items()}
    n_frames = features.n_video_frames
    if n_frames is None or any(features.last_frame[individual] >= n_frames for individual in features):
        raise FeaturesError(
            f"layout {layout} needs a row for each frame of the video, whose number is not known", hint="extract again"
        )
    return {individual: Place(name, features.first_frame[individual], n_frames) for individual, name in names.items()}


def dlc2action_ids(individuals: Iterable[Id]) -> dict[Id, str]:
    """Return the names of individuals in DLC2Action and its annotation program: a whole number n is ``ind{n}``.

    Raises `FeaturesError` for an id that it cannot read, or two that would be the same.
    """
    owners: dict[str, Id] = {}
    for individual in individuals:
        name = f"ind{individual}" if isinstance(individual, int) else individual or DLC2ACTION_WITHOUT_TRACKING
        if any(part in name for part in _DLC2ACTION_FORBIDDEN):
            raise FeaturesError(f"{name}: DLC2Action allows no '---' and no '+' in ids", hint="rename the individual")
        if name in owners:
            raise FeaturesError(
                f"individuals {owners[name]!r} and {individual!r} would both be called {name!r} for DLC2Action",
                hint="rename one of them",
            )
        owners[name] = individual
    return {individual: name for name, individual in owners.items()}


def shift_note(
    first_frames: Mapping[Id, int], layout: Layout, *, pad: bool, frequency: int, metadata: bool
) -> Message | None:
    """Warn that programs which count rows would shift individuals that start late; None if there are none.

    A dictionary of padded rows looks like a row for each frame of the video, and is one of the tracklet. `metadata`:
    whether
    the file states first and last frames.
    """
    late = [individual for individual, first in first_frames.items() if first > 0]
    if not late or layout is not Layout.DICT or metadata or not pad:
        return None
    who = f"{late[0]} starts" if len(late) == 1 else f"{late[0]} and {len(late) - 1} more start"
    at = "at" if len(late) == 1 else "late, the earliest at"
    earliest = min(first_frames[individual] for individual in late)
    every = "frame" if frequency == 1 else f"{frequency} frames"
    return Message(
        f"{who} {at} frame {earliest}: a program that takes row 0 for frame 0, and a row for each {every}, "
        "would shift it without a word",
        hint="use {save_metadata=True}, or the {layout} of the program",
    )


def individual_paths(path: Path, individuals: list[Id]) -> dict[Id, Path]:
    """Return the file of each individual: ``folder/stem.npy`` becomes ``folder/stem_{id}.npy``.

    Dots, at the first of which some programs cut names, and characters that some file system does not allow become
    ``_``. Without tracking the file has the name of the video. Raises `FeaturesError` if two individuals would share a
    file.
    """
    stem = without_dots(path.name.removesuffix(".npy"))
    paths: dict[Id, Path] = {}
    taken: dict[str, Id] = {}
    for individual in individuals:
        text = without_dots(re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]', "_", str(individual)).rstrip(". "))
        name = f"{stem}_{text}.npy" if individual != "" else f"{stem}.npy"
        other = taken.setdefault(name.casefold(), individual)
        if other is not individual:
            raise FeaturesError(f"{other!r} and {individual!r} would share the file {name}", hint="rename one of them")
        paths[individual] = path.with_name(name)
    return paths


def without_dots(stem: str) -> str:
    """Return a stem as programs see it that cut names at the first dot."""
    return stem.replace(".", "_")
