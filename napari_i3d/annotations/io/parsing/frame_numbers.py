"""Frames of bouts in files that count them."""

from dataclasses import dataclass

from napari_i3d.annotations.io.format import ReadRequest
from napari_i3d.annotations.validation import MAX_FRAME
from napari_i3d.errors import AnnotationError


@dataclass(frozen=True)
class FrameNumbers:
    """How a file numbers frames.

    Attributes
    ----------
    base
        The number of the video's first frame.
    inclusive
        Whether the last frame of a bout is part of it.
    """

    base: int
    inclusive: bool

    def frames(self, start: int, stop: int, place: str) -> tuple[int, int]:
        """Return a bout's frames, half-open, counted from 0.

        Raises
        ------
        AnnotationError
            A number is before the video's first frame, or larger than that of any video.
        """
        for number in (start, stop):
            if not self.base <= number <= MAX_FRAME:
                hint = "if frames count from 0, state {base=0}" if number == 0 and self.base == 1 else "correct it"
                raise AnnotationError(
                    f"{place}: expected frames from {self.base} to {MAX_FRAME}, found {number}", hint=hint
                )
        return start - self.base, stop - self.base + self.inclusive


def stated_numbers(request: ReadRequest, base: int, *, inclusive: bool) -> FrameNumbers:
    """Return how a file numbers frames: what the request says, else the usual of the program."""
    return FrameNumbers(
        base if request.base is None else request.base,
        inclusive if request.inclusive is None else request.inclusive,
    )
