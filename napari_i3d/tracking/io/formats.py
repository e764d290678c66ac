"""Registry of the tracking formats, in the order in which they are tried."""

from napari_i3d.tracking.io import box_formats, box_pickle, pose_formats
from napari_i3d.tracking.io.format import TrackingFormat

# Any pickle that is none of the others is expected to be ours, so that its errors say what ours holds.
FORMATS: tuple[TrackingFormat, ...] = (*pose_formats.FORMATS, *box_formats.FORMATS, box_pickle.FORMAT)
