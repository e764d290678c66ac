"""The behaviors that were used last, which new videos are offered."""

from dataclasses import asdict

from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.errors import AnnotationError
from napari_i3d.plugin.preferences import recall, remember

_SECTION = "behaviors"


def remember_behaviors(ethogram: Ethogram) -> None:
    """Keep behaviors for the next video; none are not kept."""
    if len(ethogram):
        remember(_SECTION, {"last": [asdict(behavior) for behavior in ethogram.values()]})


def known_behaviors() -> Ethogram:
    """Return the behaviors that were used last; none if there are none, or they cannot be read."""
    listed = recall(_SECTION).get("last")
    try:
        return Ethogram(tuple(Behavior(**one) for one in listed)) if isinstance(listed, list) else Ethogram()
    except (AnnotationError, TypeError):
        return Ethogram()
