"""Where a tracking comes from, if not from a file of boxes of our own."""

from dataclasses import dataclass
from typing import Any

from napari_i3d.tracking.keypoints import KeypointBoxes


@dataclass(frozen=True)
class Origin:
    """The format that a tracking was read from, and how it was understood.

    Attributes
    ----------
    format
        Name of the format.
    notes
        What the reader found out or decided, one sentence each, without a period.
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
