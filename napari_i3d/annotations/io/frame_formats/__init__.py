"""Formats of labels frame by frame, one a module."""

from napari_i3d.annotations.io.format import AnnotationFormat

FORMATS: tuple[AnnotationFormat, ...] = ()
"""In the order in which they are tried."""
