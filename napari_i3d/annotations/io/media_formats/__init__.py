"""Formats of bouts at times in seconds, of programs that annotate any media, one a module."""

from napari_i3d.annotations.io.format import AnnotationFormat
from napari_i3d.annotations.io.media_formats import activitynet, elan, via3

FORMATS: tuple[AnnotationFormat, ...] = (elan.FORMAT, via3.FORMAT, activitynet.FORMAT)
"""In the order in which they are tried."""
