"""Which files features are written to, and writing them."""

from pathlib import Path

from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import Layout, export_features, individual_paths
from napari_i3d.features.io.writing import write_features
from napari_i3d.individuals import Id


def output_paths(output: Path, layout: Layout, individuals: list[Id]) -> list[Path]:
    """Return the files that features are saved to.

    Raises
    ------
    FeaturesError
        Two individuals would get the same file.
    """
    if layout.one_file:
        return [output]
    return list(individual_paths(output.with_suffix(".npy"), individuals).values())


def save_features(features: Features, output: Path, layout: Layout, *, metadata: bool = False) -> list[Path]:
    """Write features in a layout, optionally with their first and last frames; return the files.

    Raises
    ------
    FeaturesError, OutputError
        They do not fit the layout, or a file cannot be written.
    """
    if layout is Layout.DICT:
        write_features(output, features, metadata=metadata)
        return [output]
    return export_features(output if layout.one_file else output.with_suffix(".npy"), features, layout)
