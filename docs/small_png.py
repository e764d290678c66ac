"""Small PNG files for the repository, optionally with a caption in the image."""

import io
import textwrap
from collections.abc import Iterator
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

_MARGIN_PX = 8


def small_png(image: Image.Image, most_bytes: int, **text: str) -> bytes:
    """Encode an image in at most `most_bytes`, with as many colors as fit.

    Tries all colors, 64 and 32 levels of red, green and blue, and a palette of 256 colors; raises ValueError if none
    fits. Transparent parts become white. `text` is stored in the file under its keywords.
    """
    opaque = Image.new("RGB", image.size, "white")
    rgba = image.convert("RGBA")
    opaque.paste(rgba, mask=rgba)
    info = PngInfo()
    for keyword, value in text.items():
        info.add_text(keyword, value)
    for attempt in _attempts(opaque):
        file = io.BytesIO()
        attempt.save(file, "PNG", optimize=True, pnginfo=info)
        if file.tell() <= most_bytes:
            return file.getvalue()
    raise ValueError(f"expected an image of at most {most_bytes:,} bytes, found {file.tell():,}; make it smaller")


def _attempts(image: Image.Image) -> Iterator[Image.Image]:
    yield image
    for most in (63, 31):
        yield image.point([round(round(level * most / 255) * 255 / most) for level in range(256)] * 3)
    # A median cut would lose the colors of small areas, such as the frame around one animal.
    yield image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)


def with_caption(image: Image.Image, caption: str, size_px: int = 16) -> Image.Image:
    """Return the image with wrapped text below it."""
    font = ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf", size_px)
    letters = int((image.width - 2 * _MARGIN_PX) / font.getlength(caption) * len(caption) * 0.95)
    lines = textwrap.wrap(caption, letters)
    line_px = round(1.4 * size_px)
    height = image.height + len(lines) * line_px + 2 * _MARGIN_PX
    captioned = Image.new("RGB", (image.width, height), "white")
    captioned.paste(image.convert("RGB"))
    draw = ImageDraw.Draw(captioned)
    for number, line in enumerate(lines):
        draw.text((_MARGIN_PX, image.height + _MARGIN_PX + number * line_px), line, fill="black", font=font)
    return captioned
