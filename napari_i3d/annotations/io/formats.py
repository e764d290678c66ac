"""Registry of the annotation formats, in the order in which they are tried."""

from napari_i3d.annotations.io import boris, bout_formats, dlc2action, frame_formats
from napari_i3d.annotations.io.format import AnnotationFormat

# Of formats that are written with the same ending, the first is the default.
FORMATS: tuple[AnnotationFormat, ...] = (
    *bout_formats.FORMATS,
    *boris.FORMATS,
    *frame_formats.FORMATS,
    *dlc2action.FORMATS,
)
WRITTEN: tuple[AnnotationFormat, ...] = tuple(known for known in FORMATS if known.write is not None)
"""The formats that can be written."""
READ: tuple[AnnotationFormat, ...] = tuple(known for known in FORMATS if known.read is not None)
"""The formats that can be read."""
