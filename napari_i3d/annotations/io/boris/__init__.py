"""Files of BORIS."""

from napari_i3d.annotations.io.boris import project, tables
from napari_i3d.annotations.io.format import AnnotationFormat

FORMATS: tuple[AnnotationFormat, ...] = (project.FORMAT, tables.FORMAT)
"""In the order in which they are tried."""
