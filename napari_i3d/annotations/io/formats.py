"""Registry of the annotation formats, in the order in which they are tried."""

from napari_i3d.annotations.io import bout_formats, frame_formats, media_formats, range_formats
from napari_i3d.annotations.io.format import AnnotationFormat

FORMATS: tuple[AnnotationFormat, ...] = (
    *bout_formats.FORMATS,
    *range_formats.FORMATS,
    *media_formats.FORMATS,
    # Ground truth of MS-TCN, plain text, is the last.
    *frame_formats.FORMATS,
)
WRITTEN: tuple[AnnotationFormat, ...] = tuple(known for known in FORMATS if known.write is not None)
"""The formats that can be written."""
READ: tuple[AnnotationFormat, ...] = tuple(known for known in FORMATS if known.read is not None)
"""The formats that can be read."""
