"""The bouts that a probe or another program proposes for one video, apart from its labels."""

from psygnal import Signal

from napari_i3d.annotations.annotation import Annotation


class Predictions:
    """Proposed bouts of a video; they are never among its labels unless a person accepts them.

    Attributes
    ----------
    changed
        Signal, without arguments: the predictions are others.
    """

    changed = Signal()

    def __init__(self) -> None:
        self._annotation: Annotation | None = None
        self._source = ""

    @property
    def annotation(self) -> Annotation | None:
        """The proposed bouts that are left, with confidences; None: nothing was predicted."""
        return self._annotation

    @property
    def source(self) -> str:
        """What predicted them: the name of a probe or a file."""
        return self._source

    def set(self, annotation: Annotation | None, source: str = "") -> None:
        """Set or remove the predictions of all individuals."""
        self._annotation, self._source = annotation, source if annotation is not None else ""
        self.changed.emit()
