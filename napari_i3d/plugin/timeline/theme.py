"""Colors of the time line in napari's themes."""

from dataclasses import dataclass

from napari.utils.theme import get_theme
from qtpy.QtGui import QColor

from napari_i3d._utils.colors import luminance, mix, pack

_PLAYHEAD = "#ff4b3e"


@dataclass(frozen=True)
class LaneColors:
    """Colors of the lanes as 0xffRRGGBB.

    Attributes
    ----------
    background
        Beside the lanes, and where an individual is not tracked.
    lane, current_lane
        Frames that were looked at; of the current individual.
    hatch
        Lines on frames that were not looked at.
    grid
        Vertical lines at the ticks.
    """

    background: int
    lane: int
    current_lane: int
    hatch: int
    grid: int


@dataclass(frozen=True)
class TimelineTheme:
    """Colors of a theme.

    Attributes
    ----------
    lanes
        Colors of the lanes.
    background, ruler, head, current_head
        Grounds.
    line
        Borders and ticks.
    text, muted
        Text, and less important text.
    playhead, accent
        The current frame, and what is marked or selected.
    card
        Ground of what is shown beside the pointer.
    """

    lanes: LaneColors
    background: QColor
    ruler: QColor
    head: QColor
    current_head: QColor
    line: QColor
    text: QColor
    muted: QColor
    playhead: QColor
    accent: QColor
    card: QColor


def make_theme(name: str) -> TimelineTheme:
    """Return the colors for one of napari's themes, by its name."""
    theme = get_theme(name)
    background, foreground, primary, secondary, text, current = (
        getattr(theme, field).as_hex(format="long")
        for field in ("background", "foreground", "primary", "secondary", "text", "current")
    )
    dark = luminance(background) < 0.5
    lanes = LaneColors(
        background=pack(background),
        lane=pack(mix(foreground, primary, 0.25) if dark else mix(background, "#ffffff", 0.65)),
        current_lane=pack(mix(primary, current, 0.1) if dark else mix("#ffffff", current, 0.22)),
        hatch=pack(mix(primary, secondary, 0.4) if dark else mix(background, text, 0.2)),
        grid=pack(mix(foreground, primary, 0.9) if dark else mix(background, text, 0.13)),
    )
    accent = mix(current, "#ffffff", 0.35) if dark else mix(current, "#1030a0", 0.55)
    return TimelineTheme(
        lanes=lanes,
        background=QColor(background),
        ruler=QColor(foreground if dark else mix(background, foreground, 0.6)),
        head=QColor(mix(background, foreground, 0.6)),
        current_head=QColor(mix(primary, current, 0.25) if dark else mix(background, current, 0.45)),
        line=QColor(primary if dark else mix(background, text, 0.25)),
        text=QColor(text),
        muted=QColor(mix(text, background, 0.38)),
        playhead=QColor(_PLAYHEAD),
        accent=QColor(accent),
        card=QColor(mix(background, "#000000", 0.35) if dark else "#ffffff"),
    )
