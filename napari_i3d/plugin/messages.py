"""Messages of the core in the words of the docks."""

from napari_i3d.errors import Message, NapariI3DError

_FIELDS = {
    "batch_size": "Chunks at once",
    "contrast": "Animals are",
    "decoders": "Decoders",
    "device": "Computed on",
    "frequency": "Every n-th frame",
    "gaps": "Gaps",
    "i3d_suffix": "File ending",
    "keypoints": "Key points",
    "layout": "Made for",
    "max_gap_frames": "Fill gaps up to",
    "method": "map",
    "min_confidence": "Min. confidence",
    "min_frames": "Shortest",
    "min_keypoints": "Min. key points",
    "pad": "a row for every frame",
    "precision": "Precision",
    "sample_mode": "Image",
    "save_metadata": "first and last frame in the file",
    "size_px": "Size",
    "video_h": "and height",
    "video_size": "Boxes are for size",
    "video_w": "Resize to width",
    "weights": "Weights",
}
_CHOICES = {
    "center_crop": "center of the box",
    "interpolate": "interpolate boxes",
    "pca": "principal components",
    "split": "split into pieces",
    "untrained": "untrained (to try things out)",
}
_ACTIONS = {
    "min_area": "min_area of the command `napari-i3d detect`",
    "reference": "reference surroundings of the command `napari-i3d detect`",
    "threshold": "threshold of the command `napari-i3d detect`",
    "follow": "Follow the current individual",
    "download": "press Download in the Extract dock",
    "memory_gb": "memory_gb of the command `napari-i3d convert features`",
    "piece_frames": "piece_frames of the command `napari-i3d convert features`",
    "store_dtype": "the format without float16",
    "overwrite": "Replace",
    "try_again": "press Run again",
}


def dock_wording(name: str, value: str) -> str:
    """Return a setting as a field of a dock: ``'Gaps: split into pieces'``."""
    if name in _ACTIONS:
        return _ACTIONS[name]
    field = _FIELDS.get(name, name)
    return f"'{field}: {_CHOICES.get(value, value)}'" if value not in ("", "True") else f"'{field}'"


def dock_text(message: Message | NapariI3DError) -> str:
    """Return a message, or that of an error, in the words of the docks."""
    return (message.message if isinstance(message, NapariI3DError) else message).in_words(dock_wording)
