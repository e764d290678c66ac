"""Formats of key points and centroids, one a module."""

from napari_i3d.tracking.io.format import TrackingFormat
from napari_i3d.tracking.io.pose_formats import (
    calms21,
    deeplabcut_csv,
    deeplabcut_h5,
    deeplabcut_tracklets,
    idtracker,
    jaaba,
    jabs,
    sleap_analysis,
    sleap_labels,
    trex,
)

FORMATS: tuple[TrackingFormat, ...] = (
    deeplabcut_h5.FORMAT,
    *deeplabcut_csv.FORMATS,
    deeplabcut_tracklets.FORMAT,
    sleap_labels.FORMAT,
    sleap_analysis.FORMAT,
    idtracker.FORMAT,
    trex.FORMAT,
    calms21.FORMAT,
    jabs.FORMAT,
    jaaba.FORMAT,
)
"""In the order in which they are tried."""
