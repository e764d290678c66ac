"""Writer of tracking, from a layer to a file of any format that is written."""

from pathlib import Path
from typing import Any

from napari import current_viewer

from napari_i3d.detection.files import write_detection
from napari_i3d.errors import TrackingError
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.saving.box_saving import Target, note_saved, write
from napari_i3d.plugin.session.layer_sources import METADATA_KEY, TrackingSource
from napari_i3d.tracking.io import box_pickle
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
    target = Target(Path(path).absolute(), written_format(path))
    viewer = current_viewer()
    videos = get_session(viewer).videos if viewer is not None else []
    tracked = next((tracked for tracked in videos if tracked.source is source), None)
    if tracked is not None:
        note_saved(tracked, target, write(tracked, target))
    elif source.detected is not None and target.format is box_pickle.FORMAT:
        write_detection(path, source.detected.detection, source.detected.settings, source.detected.video)
    else:
        write_tracking_file(path, source.tracking, target.format.name)
    return [path]
