"""Formats of bouts that belong to no single program, one a module."""

from napari_i3d.annotations.io.bout_formats import bout_csv, nwb_ethogram, own_json
from napari_i3d.annotations.io.format import AnnotationFormat

FORMATS: tuple[AnnotationFormat, ...] = (own_json.FORMAT, nwb_ethogram.FORMAT, bout_csv.FORMAT)
"""In the order in which they are tried."""
