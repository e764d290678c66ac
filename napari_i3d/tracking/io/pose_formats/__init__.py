"""Formats of key points and centroids, one a module."""

from napari_i3d.tracking.io.format import TrackingFormat
from napari_i3d.tracking.io.pose_formats import (
    deeplabcut_csv,
    deeplabcut_h5,
    deeplabcut_tracklets,
    sleap_analysis,
    sleap_labels,
)

FORMATS: tuple[TrackingFormat, ...] = (
    deeplabcut_h5.FORMAT,
    *deeplabcut_csv.FORMATS,
    deeplabcut_tracklets.FORMAT,
    sleap_analysis.FORMAT,
    sleap_labels.FORMAT,
)
"""In the order in which they are tried."""
