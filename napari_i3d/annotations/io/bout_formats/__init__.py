"""Formats of bouts, one a module."""

from napari_i3d.annotations.io.bout_formats import bout_csv
from napari_i3d.annotations.io.format import AnnotationFormat

FORMATS: tuple[AnnotationFormat, ...] = (bout_csv.FORMAT,)
"""In the order in which they are tried."""
