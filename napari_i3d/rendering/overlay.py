"""Draw boxes, ids, behaviors, frame number and time on the image of a frame."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.colors import SHADOW
from napari_i3d._utils.text import format_time
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.individuals import format_id
from napari_i3d.rendering.individuals import Individual
from napari_i3d.rendering.options import Part
from napari_i3d.rendering.painting import Image8, PaintedText, TextPainter, outline, rgb8
from napari_i3d.rendering.view import View
from napari_i3d.tracking.box_table import BoxTable

_TEXT, _WARNING = "#ffffff", "#f0e442"
_LINE_SHARE = 8  # of the size of the text
_HOUR_S = 3600
_MOST_NAME_SHARE = 0.4  # of the width

Box = tuple[int, int, int, int]
"""Left, upper, right, lower in pixels of the picture; right and lower are exclusive."""


class Overlay:
    """Draws on the pictures of a view.

    Parameters
    ----------
    individuals
        Those that are drawn.
    boxes
        The boxes of those that are tracked, in pixels of the video; None: no boxes.
    annotation
        Their behaviors; None: no behaviors.
    view
        The part of the video that is shown.
    painter
        Draws the texts.
    times_s
        Times of the frames of the video in seconds, from the first frame on.
    hide
        What is left out.
    """

    def __init__(
        self,
        individuals: Sequence[Individual],
        boxes: BoxTable | None,
        annotation: Annotation | None,
        view: View,
        painter: TextPainter,
        times_s: NDArray[np.float64],
        hide: frozenset[Part],
    ) -> None:
        self._individuals = {one.id: one for one in individuals}
        self._boxes, self._annotation, self._view, self._painter = boxes, annotation, view, painter
        self._times_s, self._hide = times_s, hide
        self.line_px = max(2, round(painter.size_px / _LINE_SHARE))

    def draw(self, picture: Image8, frame: int) -> None:
        """Draw what is known of a frame on its picture, (height, width, 3)."""
        placed = self._placed(frame)
        if Part.BOXES not in self._hide:
            shadow = max(1, self.line_px // 2)
            for left, upper, right, lower in placed.values():
                around = left - shadow, upper - shadow, right + shadow, lower + shadow
                outline(picture, around, shadow, rgb8(SHADOW))
            for one, box in placed.items():
                outline(picture, box, self.line_px, rgb8(one.color))
        for one, box in placed.items():
            sides = box[0], box[2]
            if Part.IDS not in self._hide:
                sides = self._put_above(picture, box, self._painter.paint(self._shorten(one.name), one.color))
            if Part.BEHAVIORS not in self._hide:
                self._put_behaviors(picture, one, frame, sides, placed)
        self._put_corner(picture, frame, self._unplaced(frame))

    def _placed(self, frame: int) -> dict[Individual, Box]:
        """Return the boxes of a frame that have a part in the picture."""
        if self._boxes is None:
            return {}
        width, height = self._view.size
        left, upper = self._view.corner(frame)
        places, boxes = self._boxes.at(frame)
        sides = np.rint((boxes - [left, upper, left, upper]) * self._view.enlarged)
        placed = {}
        # What lies far away is cut: it need not fit a whole number.
        for place, (x0, y0, x1, y1) in zip(
            places.tolist(), np.clip(sides, -1e6, 1e6).astype(int).tolist(), strict=True
        ):
            box = min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
            if box[0] < width and box[1] < height and box[2] > 0 and box[3] > 0:
                placed[self._individuals[self._boxes.ids[place]]] = box
        return placed

    def _unplaced(self, frame: int) -> list[Individual]:
        """Return the individuals without a box in a frame; what they do is listed in the corner."""
        boxed = (
            set() if self._boxes is None else {self._boxes.ids[place] for place in self._boxes.at(frame)[0].tolist()}
        )
        return [one for one in self._individuals.values() if one.id not in boxed]

    def _bouts(self, one: Individual, frame: int) -> list[Bout]:
        if self._annotation is None or one.annotated is None:
            return []
        ethogram = self._annotation.ethogram
        found = self._annotation.bouts_at(one.annotated, frame)
        return sorted(found, key=lambda bout: ethogram.index(bout.behavior))

    def _paint(self, bout: Bout, before: str = "") -> PaintedText:
        target = "" if bout.target is None else f" → {format_id(bout.target)}"
        unreviewed = " ?" if bout.origin is Origin.AUTOMATED else ""
        text = self._shorten(f"{before}{format_id(bout.behavior)}{target}") + unreviewed
        ethogram = self._annotation.ethogram if self._annotation is not None else None
        color = _TEXT if ethogram is None else ethogram.style_of(ethogram.index(bout.behavior))[0]
        return self._painter.paint(text, color)

    def _shorten(self, text: str) -> str:
        return self._painter.shorten(text, round(self._view.size[0] * _MOST_NAME_SHARE))

    def _put_above(self, picture: Image8, box: Box, text: PaintedText) -> tuple[int, int]:
        """Put a text above a box, or into it if there is no room; return how far box and text reach."""
        x = max(0, min(box[0], picture.shape[1] - text.width))
        y = box[1] - text.height
        text.put(picture, x, y if y >= 0 else max(0, box[1] + self.line_px))
        return min(x, box[0]), max(x + text.width, box[2])

    def _put_behaviors(
        self, picture: Image8, one: Individual, frame: int, sides: tuple[int, int], placed: Mapping[Individual, Box]
    ) -> None:
        """Put what an individual does beside its box, with its name if it comes to lie on the box of another one."""
        bouts, box = self._bouts(one, frame), placed[one]
        texts = [self._paint(bout) for bout in bouts]
        if not texts:
            return
        x, y = self._beside(picture, box, sides, texts)
        reach = x + max(text.width for text in texts), y + self._painter.line_px * len(texts)
        others = [other for individual, other in placed.items() if individual is not one]
        if any(
            x < right and left < reach[0] and y < lower and upper < reach[1] for left, upper, right, lower in others
        ):
            texts = [self._paint(bout, f"{one.name}: ") for bout in bouts]
            x, y = self._beside(picture, box, sides, texts)
        for number, text in enumerate(texts):
            text.put(picture, x, y + number * self._painter.line_px)

    def _beside(
        self, picture: Image8, box: Box, sides: tuple[int, int], texts: Sequence[PaintedText]
    ) -> tuple[int, int]:
        """Return the place of lines at the right of a box, at its left if there is no room, or else where there is.

        At the lower edge of the picture they begin above the box, and keep clear of what is there: `sides`.
        """
        height, width = picture.shape[:2]
        wide, line = max(text.width for text in texts), self._painter.line_px
        gap = self._painter.halo_px
        y = max(0, min(box[1], height - line * len(texts)))
        left, right = sides if y < box[1] else (box[0], box[2])
        if right + gap + wide <= width:
            return right + gap, y
        if left - gap - wide >= 0:
            return left - gap - wide, y
        # Below the id, which is in the box or above it.
        return max(0, width - wide), y + line

    def _put_corner(self, picture: Image8, frame: int, others: Iterable[Individual]) -> None:
        """Put the readout, a remark about the view, and the behaviors of individuals that are not in the picture."""
        lines = []
        if Part.READOUT not in self._hide:
            hours = bool(self._times_s[-1] >= _HOUR_S)
            time = format_time(float(self._times_s[frame]), hours=hours)
            lines.append(self._painter.paint(f"frame {frame}   {time}", _TEXT))
        if remark := self._view.remark(frame):
            lines.append(self._painter.paint(remark, _WARNING))
        if Part.BEHAVIORS not in self._hide:
            lines += [self._paint(bout, f"{one.name}: ") for one in others for bout in self._bouts(one, frame)]
        most = max(2, picture.shape[0] // (2 * self._painter.line_px))
        if len(lines) > most:
            lines = [*lines[: most - 1], self._painter.paint(f"and {len(lines) - most + 1} more", _TEXT)]
        for number, text in enumerate(lines):
            text.put(picture, self._painter.halo_px, self._painter.halo_px + number * self._painter.line_px)
