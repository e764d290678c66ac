"""Writer of tracking, from a layer to a file."""

from pathlib import Path
from typing import Any

from napari_i3d.errors import OutputError, TrackingError
from napari_i3d.plugin.session.layer_sources import METADATA_KEY, TrackingSource
from napari_i3d.tracking.io.box_pickle import write_tracking as write_tracking_file

_ENDINGS = (".pickle", ".pkl")


def write_tracking(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:  # noqa: ARG001 - npe2's signature
    """Write the tracking of a layer, whatever frame it shows.

    Parameters
    ----------
    path
        The file, ``.pickle`` or ``.pkl``.
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
    if Path(path).suffix.lower() not in _ENDINGS:
        raise OutputError(f"{path}: tracking is saved as .pickle", hint="choose a name that ends so")
    write_tracking_file(path, source.tracking)
    return [path]
