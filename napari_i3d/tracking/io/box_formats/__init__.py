"""Formats of boxes, one a module."""

from napari_i3d.tracking.io.format import TrackingFormat

FORMATS: tuple[TrackingFormat, ...] = ()
"""In the order in which they are tried."""
