"""Formats of bouts in ranges of frames, of programs for mice and flies, one a module."""

from napari_i3d.annotations.io.format import AnnotationFormat
from napari_i3d.annotations.io.range_formats import bento, caltech, jaaba, jabs

FORMATS: tuple[AnnotationFormat, ...] = (caltech.FORMAT, bento.FORMAT, jabs.FORMAT, jaaba.FORMAT)
"""In the order in which they are tried."""
