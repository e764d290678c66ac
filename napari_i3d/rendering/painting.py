"""Paint rectangles and text on images of bytes: text is drawn once by Pillow, and kept."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Image8 = NDArray[np.uint8]
"""(H, W, 3) uint8, RGB, written in place."""

_FEWEST_TEXT_PX = 11
_TEXT_SHARE = 0.018  # of the image's side
_KEPT = 1024  # texts
_HALO_OPACITY = 0.8
_DARK = 0.4  # luminance below which a color gets a light halo


def text_px_of(width: int, height: int) -> int:
    """Return the size of text, in pixels, that is legible on an image of a certain size."""
    return max(_FEWEST_TEXT_PX, round(_TEXT_SHARE * math.sqrt(width * height)))


def rgb8(color: str) -> NDArray[np.uint8]:
    """Return ``#rrggbb`` as three bytes."""
    return np.frombuffer(bytes.fromhex(color[1:]), np.uint8)


def fill(image: Image8, left: int, upper: int, right: int, lower: int, color: NDArray[np.uint8]) -> None:
    """Fill a rectangle of whole pixels, right and lower exclusive; what lies outside of the image is left out."""
    image[max(0, upper) : max(0, lower), max(0, left) : max(0, right)] = color


def outline(image: Image8, box: tuple[int, int, int, int], width: int, color: NDArray[np.uint8]) -> None:
    """Draw the lines of a box, `width` pixels wide, inside of it."""
    left, upper, right, lower = box
    fill(image, left, upper, right, min(upper + width, lower), color)
    fill(image, left, max(lower - width, upper), right, lower, color)
    fill(image, left, upper, min(left + width, right), lower, color)
    fill(image, max(right - width, left), upper, right, lower, color)


@dataclass(frozen=True, eq=False)
class PaintedText:
    """A text that can be put on images: its color times its opacity, and the transparency, both 0 to 255."""

    ink: NDArray[np.uint16]  # (h, w, 3)
    clear: NDArray[np.uint16]  # (h, w, 1)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.ink.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels, the same for all texts of a size."""
        return int(self.ink.shape[0])

    def put(self, image: Image8, left: int, upper: int) -> None:
        """Put the text on an image; what lies outside of it is left out."""
        first_x, first_y = max(0, -left), max(0, -upper)
        below = image[max(0, upper) : max(0, upper + self.height), max(0, left) : max(0, left + self.width)]
        height, width = below.shape[:2]
        part = slice(first_y, first_y + height), slice(first_x, first_x + width)
        below[:] = self.ink[part] + below * self.clear[part] // 255


class TextPainter:
    """Draws texts of one size, each with a halo that sets it off from any image.

    Parameters
    ----------
    size_px
        Size of the text in pixels.
    """

    def __init__(self, size_px: int) -> None:
        self.size_px = size_px
        self.halo_px = max(1, round(size_px / 10))
        self._kept: OrderedDict[tuple[str, str], PaintedText] = OrderedDict()
        self._shortened: dict[tuple[str, int], str] = {}

    @cached_property
    def _font(self) -> Any:
        return _load_font(self.size_px)

    @cached_property
    def line_px(self) -> int:
        """Height of a line."""
        ascent, descent = self._font.getmetrics()
        return int(ascent + descent + 2 * self.halo_px)

    def paint(self, text: str, color: str) -> PaintedText:
        """Return a text in a color, ``#rrggbb``."""
        key = text, color
        if key not in self._kept:
            self._kept[key] = self._painted(text, color)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def shorten(self, text: str, most_px: int) -> str:
        """Return a text that is at most so wide, its end replaced by an ellipsis if need be."""
        key = text, most_px
        if key not in self._shortened:
            while text and self._width(text if text == key[0] else f"{text}…") > most_px:
                text = text[:-1]
            self._shortened[key] = text if text == key[0] else f"{text}…"
        return self._shortened[key]

    def _width(self, text: str) -> int:
        return round(float(self._font.getlength(text))) + 2 * self.halo_px

    def _painted(self, text: str, color: str) -> PaintedText:
        size = max(1, self._width(text)), self.line_px
        masks = []
        for stroke in (self.halo_px, 0):
            mask = Image.new("L", size)
            ascent = self._font.getmetrics()[0]
            place = self.halo_px, self.halo_px + ascent
            ImageDraw.Draw(mask).text(place, text, fill=255, font=self._font, anchor="ls", stroke_width=stroke)
            masks.append(np.asarray(mask, np.float32)[..., None] / 255)
        halo, letters = masks
        color8 = rgb8(color).astype(np.float32)
        light = float(color8 @ np.array([0.2126, 0.7152, 0.0722])) / 255 < _DARK
        opacity = np.maximum(letters, halo * _HALO_OPACITY)
        ink = letters * color8 + (opacity - letters) * (255.0 if light else 0.0)
        return PaintedText(np.rint(ink).astype(np.uint16), np.rint((1 - opacity) * 255).astype(np.uint16))


def _load_font(size_px: int) -> Any:
    """Return matplotlib's font, which has the letters of more languages than Pillow's own; that, if it is missing."""
    from matplotlib import get_data_path

    path = Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return ImageFont.truetype(path, size_px) if path.is_file() else ImageFont.load_default(size_px)
