"""Checksum of the content of a tracking, independent of its file."""

import hashlib
import json

import numpy as np

from napari_i3d._utils.blocks import blocks
from napari_i3d.tracking.tracklets import Tracking, Tracklet


def content_sha256(tracking: Tracking) -> str:
    """Return a checksum of ids, their order, frames and boxes, 64 hexadecimal digits.

    It is the same for a tracking that was written to a file and read again, if the format keeps boxes exactly.
    """
    digest = hashlib.sha256()
    for tracklet in tracking.values():
        digest.update(json.dumps([tracklet.id, tracklet.start, len(tracklet)]).encode())
        digest.update(np.packbits(tracklet.present).tobytes())
        for rows in blocks(len(tracklet)):
            digest.update(tracklet.boxes[rows][tracklet.present[rows]].astype("<f8", copy=False).data)
    return digest.hexdigest()


def tracklet_sha256(tracklet: Tracklet) -> str:
    """Return the checksum of the content of one tracklet, as that of a tracking of it alone."""
    return content_sha256(Tracking((tracklet,)))
