"""Formats of boxes, one a module, and those that hold boxes or key points."""

from napari_i3d.tracking.io.box_formats import (
    coco_vid,
    cvat_xml,
    mot,
    movement_netcdf,
    nwb_pose,
    supervision_csv,
    ultralytics,
    via3_csv,
    via_tracks,
)
from napari_i3d.tracking.io.format import TrackingFormat

FORMATS: tuple[TrackingFormat, ...] = (
    cvat_xml.FORMAT,
    mot.FORMAT,
    ultralytics.FORMAT,
    via_tracks.FORMAT,
    via3_csv.FORMAT,
    supervision_csv.FORMAT,
    coco_vid.FORMAT,
    movement_netcdf.FORMAT,
    nwb_pose.FORMAT,
)
"""In the order in which they are tried."""
