"""Writer of tracking, from a layer to a file of any format that is written."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from napari import current_viewer
from napari.utils.notifications import show_info

from napari_i3d.detection.files import write_detection
from napari_i3d.errors import TrackingError
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.session.layer_sources import METADATA_KEY, TrackingSource
from napari_i3d.tracking.io import box_pickle
from napari_i3d.tracking.io.format import VideoFacts
from napari_i3d.tracking.io.reading import video_facts
from napari_i3d.tracking.io.writing import write_tracking as write_tracking_file
from napari_i3d.tracking.io.writing import written_format


def write_tracking(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:  # noqa: ARG001 - npe2's signature
    """Write the tracking of a layer, whatever frame it shows.

    Parameters
    ----------
    path
        The file; its ending says the format.
    data
        Data of the layer: only the boxes of the current frame.
    attributes
        Attributes of the layer; its metadata hold a `TrackingSource`.

    Returns
    -------
    list of str
        The file written.

    Raises
    ------
    TrackingError
        The layer holds no tracking of this plugin.
    OutputError
        The file cannot be written, or its name has another ending.
    """
    # An error raised here is shown by napari as one notification.
    source = attributes.get("metadata", {}).get(METADATA_KEY)
    name = attributes.get("name", "this layer")
    if not isinstance(source, TrackingSource):
        raise TrackingError(
            f"{name}: expected a layer of boxes that napari-i3d opened, found one without tracking",
            hint="select that layer, then File > Save Selected Layers",
        )
    if source.detected is not None and written_format(path) is box_pickle.FORMAT:
        detected = source.detected
        write_detection(path, detected.detection, detected.settings, detected.video)
        return [path]
    notes = write_tracking_file(path, source.tracking, video=_video_of(source))
    if notes and current_viewer() is not None:
        show_info("\n".join(f"{Path(path).name}: {note}" for note in notes))
    return [path]


def _video_of(source: TrackingSource) -> VideoFacts | None:
    """Return the video whose tracking is saved: some formats hold its size, length or rate."""
    viewer = current_viewer()
    videos = get_session(viewer).videos if viewer is not None else []
    tracked = next((tracked for tracked in videos if tracked.source is source), None)
    facts = video_facts(tracked.video) if tracked is not None else None
    if tracked is None or facts is None or tracked.boxes_size is None:
        return facts
    return replace(facts, width=tracked.boxes_size[0], height=tracked.boxes_size[1])
