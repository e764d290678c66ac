"""Features as action-segmentation programs read them.

What each program expects was found by reading and running it:

- DLC2Action (type ``features``): a dictionary ``{id: (frames, values)}`` with text ids, and ``min_frames``,
  ``max_frames``; without these labels shift, and an array needs a row for each frame between the two.
- MS-TCN, ASFormer: a bare array (values, frames) in a file of its own.
- ActionFormer, OpenTAD: the same as (frames, values).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import FeaturesError, SettingsError
from napari_i3d.features.io import WRITERS, write_features, write_with_facts
from napari_i3d.features.model import Features, Id

DLC2ACTION_WITHOUT_TRACKING = "ind0"
_DLC2ACTION_FORBIDDEN = ("---", "+")


class Layout(StrEnum):
    """For which program a features file is made."""

    DICT = "dict"
    DLC2ACTION = "dlc2action"
    MS_TCN = "ms-tcn"
    ACTIONFORMER = "actionformer"

    @property
    def one_file(self) -> bool:
        """Whether all individuals of a video share one file."""
        return self in (Layout.DICT, Layout.DLC2ACTION)


def export_features(path: str | Path, features: Features, layout: str) -> list[Path]:
    """Write features in a layout and return the files written; see `Features.export`."""
    path = Path(path)
    try:
        chosen = Layout(layout)
    except ValueError:
        raise FeaturesError(f"layout: expected one of {', '.join(Layout)}, found {layout!r}") from None
    if chosen is Layout.DICT:
        write_features(path, features)
        return [path]
    if chosen is Layout.DLC2ACTION:
        write_features(path, for_dlc2action(features), metadata=True, layout=str(chosen))
        return [path]
    paths = individual_paths(path, list(features))
    for individual, target in paths.items():
        rows = features[individual]
        write = _array_writer(rows.T if chosen is Layout.MS_TCN else rows)
        write_with_facts(target, features, write, [individual], str(chosen))
    return list(paths.values())


def check_suffix(suffix: str, layout: Layout) -> None:
    """See that the ending of features files names a format in which the layout exists.

    Raises
    ------
    SettingsError
        It does not, or it would lead into another folder.
    """
    allowed = [".npy"] if layout is not Layout.DICT else list(WRITERS)
    if layout is Layout.DLC2ACTION:
        allowed = [ending for ending in WRITERS if ending != ".npz"]
    if Path(f"stem{suffix}").suffix.lower() not in allowed or "/" in suffix or "\\" in suffix:
        raise SettingsError(f"i3d_suffix: layout {layout} needs an ending {' or '.join(allowed)}, found {suffix!r}")


def _array_writer(array: NDArray[np.float32]) -> Callable[[BinaryIO], None]:
    def write(file: BinaryIO) -> None:
        np.lib.format.write_array(file, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)

    return write


def for_dlc2action(features: Features) -> Features:
    """Return features with the ids that DLC2Action accepts.

    Raises
    ------
    FeaturesError
        An individual has not one row for each frame, or its id does not fit.
    """
    new_ids = dlc2action_ids(features)
    for individual, new_id in new_ids.items():
        if not features.one_row_a_frame(individual):
            raise FeaturesError(
                f"{new_id}: DLC2Action needs one row for each frame: extract with --pad and --frequency 1"
            )

    def renamed(values: Any) -> Any:
        return {new_ids[individual]: value for individual, value in values.items()}

    return replace(
        features,
        rows=renamed(features.rows),
        frames=renamed(features.frames),
        chunk_starts=renamed(features.chunk_starts),
        first_frame=renamed(features.first_frame),
        last_frame=renamed(features.last_frame),
    )


def dlc2action_ids(individuals: Iterable[Id]) -> dict[Id, str]:
    """Return what DLC2Action calls each individual.

    Raises
    ------
    FeaturesError
        An id that it cannot read, or two that would be the same.
    """
    new_ids: dict[Id, str] = {}
    for individual in individuals:
        new_id = str(individual) if individual != "" else DLC2ACTION_WITHOUT_TRACKING
        if any(part in new_id for part in _DLC2ACTION_FORBIDDEN):
            raise FeaturesError(f"{new_id}: DLC2Action allows no '---' and no '+' in ids: rename the individual")
        if new_id in new_ids.values():
            raise FeaturesError(f"two individuals would both be called {new_id!r}: rename one")
        new_ids[individual] = new_id
    return new_ids


def individual_paths(path: Path, individuals: list[Id]) -> dict[Id, Path]:
    """Return the file of each individual: ``folder/stem.npy`` becomes ``folder/stem_{id}.npy``.

    Characters that some file system does not allow are replaced by ``_``. Without tracking the file keeps its name.

    Raises
    ------
    FeaturesError
        Two individuals would get the same file.
    """
    stem = path.name.removesuffix(".npy")
    paths: dict[Id, Path] = {}
    taken: dict[str, Id] = {}
    for individual in individuals:
        text = re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]', "_", str(individual)).rstrip(". ")
        name = f"{stem}_{text}.npy" if individual != "" else f"{stem}.npy"
        other = taken.setdefault(name.casefold(), individual)
        if other is not individual:
            raise FeaturesError(f"{other!r} and {individual!r} would share the file {name}: rename one of them")
        paths[individual] = path.with_name(name)
    return paths
