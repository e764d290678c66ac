"""Origin of a tracking that was read from the file of another program."""

from dataclasses import dataclass
from typing import Any

from napari_i3d.tracking.keypoints import KeypointBoxes


@dataclass(frozen=True)
class Origin:
    """The format that a tracking was read from, and how it was interpreted.

    Attributes
    ----------
    format
        Name of the format.
    notes
        What the reader inferred or decided, one sentence each, without a period.
    boxes
        How key points became boxes; None: the file holds boxes.
    """

    format: str
    notes: tuple[str, ...] = ()
    boxes: KeypointBoxes | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the origin as JSON values, for provenance."""
        facts: dict[str, Any] = {"format": self.format, "notes": list(self.notes)}
        return facts if self.boxes is None else {**facts, "keypoint_boxes": self.boxes.as_dict()}
