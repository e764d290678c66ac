"""The files that features are written to, and writing them."""

import os
from collections.abc import Sequence
from pathlib import Path

from napari_i3d.errors import FeaturesError
from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import Layout, dlc2action_ids, export_features, individual_paths
from napari_i3d.features.io.sidecar import json_path
from napari_i3d.features.io.store import StoreDtype, store_path
from napari_i3d.features.io.writing import check_content, write_features
from napari_i3d.individuals import Id

LONGEST_NAME_BYTES = 255


def individual_outputs(
    output: Path, layout: Layout, individuals: Sequence[Id], *, metadata: bool = False
) -> dict[Id, Path]:
    """Return the file of each individual, after checking that all can be written under their names.

    If each individual has its own file, its id is added to the name of `output`. `metadata`: whether first and last
    frames are added. Raises `FeaturesError` if two individuals would share a name, an id does not fit, or a name is too
    long.
    """
    if layout.one_file:
        names = dlc2action_ids(individuals).values() if layout.for_dlc2action else individuals
        check_content(list(names), output.suffix, metadata=metadata or layout is Layout.DLC2ACTION)
        paths = dict.fromkeys(individuals, store_path(output) if layout is Layout.STORE else output)
    else:
        paths = individual_paths(output.with_suffix(".npy"), list(individuals))
    for path in paths.values():
        if len(os.fsencode(json_path(path).name)) > LONGEST_NAME_BYTES:
            raise FeaturesError(
                f"{path.name}: a name too long for a file", hint="shorten the name of the video or the id"
            )
    return paths


def output_paths(output: Path, layout: Layout, individuals: Sequence[Id]) -> list[Path]:
    """Return the files that features are saved to; errors as in `individual_outputs`."""
    return list(dict.fromkeys(individual_outputs(output, layout, individuals).values()))


def save_features(
    features: Features,
    output: Path,
    layout: Layout,
    *,
    metadata: bool = False,
    store_dtype: StoreDtype = StoreDtype.FLOAT32,
) -> list[Path]:
    """Write features in a layout, optionally with their first and last frames; return the files.

    Raises `FeaturesError` if they do not fit the layout, and `OutputError`.
    """
    if layout is Layout.DICT:
        write_features(output, features, metadata=metadata)
        return [output]
    return export_features(output if layout.one_file else output.with_suffix(".npy"), features, layout, store_dtype)
