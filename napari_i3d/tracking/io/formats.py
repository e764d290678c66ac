"""Registry of the tracking formats, in the order in which they are tried."""

from napari_i3d.tracking.io.format import TrackingFormat

FORMATS: tuple[TrackingFormat, ...] = ()
