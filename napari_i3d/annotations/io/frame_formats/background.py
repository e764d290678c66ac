"""Labels of frames in which no behavior is shown, in formats in which every frame has a label."""

BACKGROUND = "background"
"""The one that is written."""
_NAMES = frozenset({BACKGROUND, "other", "none", "null", "nothing", "no_label", "no_behavior", "no_action", "sil"})


def is_background(label: str) -> bool:
    """Return whether a label says that no behavior is shown."""
    return label.strip().lower().replace(" ", "_").strip("_") in _NAMES
