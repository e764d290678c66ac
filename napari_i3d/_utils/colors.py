"""Colors of individuals: safe for color-blind eyes, distinct within a video, the same for an id in every video."""

import zlib
from collections.abc import Iterable

from napari_i3d.individuals import Id

PALETTE = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7", "#0072b2")
"""Okabe and Ito's colors (https://jfly.uni-koeln.de/color/) without black, which is invisible on dark videos."""

HIGHLIGHT = "#ffffff"
"""Outline of the current individual's box."""

SHADOW = "#000000"
"""Shadow under the text of ids."""

Color = tuple[float, float, float]


def colors_of(individuals: Iterable[Id]) -> dict[Id, str]:
    """Return a color of `PALETTE`, as ``#rrggbb``, for each individual.

    An id prefers the color of its number or text, and takes the next free one if another individual has it. So `male`
    has
    the same color in every video, and no two individuals of a video share one before all are used.
    """
    colors: dict[Id, str] = {}
    used = [0] * len(PALETTE)
    for individual in individuals:
        fewest = min(used)
        place = _number(individual) % len(PALETTE)
        while used[place] > fewest:
            place = (place + 1) % len(PALETTE)
        used[place] += 1
        colors[individual] = PALETTE[place]
    return colors


def _number(individual: Id) -> int:
    # Unlike hash(), crc32 is the same in every run.
    text = str(individual)
    return int(text) if text.isascii() and text.isdecimal() else zlib.crc32(text.encode("utf-8", "surrogatepass"))


def rgb(color: str) -> Color:
    """Return ``#rrggbb`` as red, green and blue, 0 to 1."""
    red, green, blue = bytes.fromhex(color[1:])
    return red / 255, green / 255, blue / 255


CATEGORY_COLORS = ("#e69f00", "#56b4e9", "#009e73", "#d55e00", "#cc79a7", "#0072b2", "#f0e442", "#8c8c8c")
"""Okabe and Ito's colors, with gray instead of black, which is visible on light and dark backgrounds."""


def category_color(number: int) -> str:
    """Return the color of a cluster or individual; after eight they repeat, with another hatch or marker."""
    return CATEGORY_COLORS[number % len(CATEGORY_COLORS)]


def mix(one: str, other: str, share: float) -> str:
    """Return a color between two, as ``#rrggbb``; share 0 is the first, 1 the other."""
    mixed = (round(255 * ((1 - share) * a + share * b)) for a, b in zip(rgb(one), rgb(other), strict=True))
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def luminance(color: str) -> float:
    """Return the perceived brightness of ``#rrggbb``, 0 to 1."""
    red, green, blue = rgb(color)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def pack(color: str) -> int:
    """Return ``#rrggbb`` as 0xffRRGGBB."""
    return 0xFF000000 | int(color[1:], 16)


def hatch_color(color: str) -> str:
    """Return the color of the hatch on a color."""
    return mix(color, "#000000", 0.5) if luminance(color) > 0.4 else mix(color, "#ffffff", 0.5)
