"""Painting of what does not move with the playhead: ruler, lanes and heads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPixmap, QPolygonF

from napari_i3d._utils.colors import hatch_color, luminance
from napari_i3d._utils.pixels import Pixels, hatch_pattern
from napari_i3d._utils.text import format_time
from napari_i3d.individuals import Id
from napari_i3d.plugin.timeline.geometry import Geometry
from napari_i3d.plugin.timeline.lane_layout import LaneLayout, Row
from napari_i3d.plugin.timeline.lane_raster import LaneRaster, StripColumns
from napari_i3d.plugin.timeline.lanes import LaneKind, Style, same_id
from napari_i3d.plugin.timeline.theme import TimelineTheme
from napari_i3d.plugin.timeline.time_scale import Tick, TimeScale, frame_ticks, time_ticks

TEXT_PX, SMALL_PX = 11, 9
_TICK_TEXT_PX = 92
_ARROW_PX, CHIP_PX = 8, 10
ARROW_ROOM_PX = 18
"""Width at the left of a head in which a click folds."""
_NAME_LEFT_PX = ARROW_ROOM_PX + CHIP_PX + 6
_INDENT_PX = 14
_NAMED_PX, _NAMED_HEIGHT_PX = 26, 12
"""Width and height from which a bout has its behavior's name in it."""
_NAMED_CHARACTERS = 4
"""Fewer characters, with dots, name nothing."""
_KINDS = {LaneKind.PREDICTIONS: "proposed", LaneKind.CLUSTERS: "clusters"}


@dataclass(frozen=True)
class View:
    """What is drawn where.

    Attributes
    ----------
    geometry, scale, layout
        Sizes, frames in view, rows.
    scroll
        Logical pixels of the layout above the view.
    times_s
        Time of each frame, if known.
    current
        The current individual.
    is_unfolded
        Returns whether an individual is unfolded.
    theme, font
        Colors, and the font of the widget.
    """

    geometry: Geometry
    scale: TimeScale
    layout: LaneLayout
    scroll: int
    times_s: NDArray[np.float64] | None
    current: Id | None
    is_unfolded: Callable[[Id], bool]
    theme: TimelineTheme
    font: QFont

    @property
    def rows(self) -> tuple[Row, ...]:
        """Rows in view."""
        return self.layout.rows_between(self.scroll, self.scroll + self.geometry.lanes_px)


def format_time_of(view: View, frame: int) -> str:
    """Return the time of a frame; empty if it is not known."""
    times_s = view.times_s
    return format_time(float(times_s[frame])) if times_s is not None and 0 <= frame < len(times_s) else ""


def text_font(font: QFont, size_px: int, *, bold: bool = False) -> QFont:
    """Return a font of another size."""
    other = QFont(font)
    other.setPixelSize(size_px)
    other.setBold(bold)
    return other


def head_width(names: Sequence[str], font: QFont) -> int:
    """Return the width of heads that names fit into, within limits."""
    metrics = QFontMetricsF(text_font(font, TEXT_PX, bold=True))
    longest = max((metrics.horizontalAdvance(name) for name in names), default=0.0)
    return int(min(max(longest + _NAME_LEFT_PX + 10, 100), 184)) // 4 * 4


def paint_body(view: View) -> QPixmap:
    """Return the ruler and the lanes; its left edge is that of the lanes."""
    geometry, theme = view.geometry, view.theme
    height = geometry.ruler_px + geometry.lanes_px
    times, frames = _ticks(view)
    pixmap = _pixmap(geometry.n_columns, round(height * geometry.ratio), geometry.ratio)
    painter = QPainter(pixmap)
    grid = [tick.frame for tick in times or frames if tick.text]
    raster = LaneRaster(view.scale, geometry.ratio, theme.lanes, grid)
    pixels, strips = raster.paint(view.rows, view.scroll, geometry.lanes_px, view.current)
    painter.drawImage(QPointF(0, geometry.ruler_px), _image(pixels, geometry.ratio))
    _paint_names(painter, view, strips)
    width = geometry.n_columns / geometry.ratio
    painter.fillRect(QRectF(0, 0, width, geometry.ruler_px), theme.ruler)
    _paint_ticks(painter, view, frames, geometry.ruler_px - 17, muted=times is not None)
    if times is not None:
        _paint_ticks(painter, view, times, 0, muted=False)
    painter.fillRect(QRectF(0, geometry.ruler_px - 1, width, 1), theme.line)
    painter.end()
    return pixmap


def _ticks(view: View) -> tuple[list[Tick] | None, list[Tick]]:
    room = _TICK_TEXT_PX * view.geometry.ratio
    times = None if view.times_s is None else time_ticks(view.scale, view.times_s, room)
    return times, frame_ticks(view.scale, room)


def _paint_ticks(painter: QPainter, view: View, ticks: Sequence[Tick], top: int, *, muted: bool) -> None:
    geometry, theme = view.geometry, view.theme
    painter.setFont(text_font(view.font, TEXT_PX - muted))
    width = geometry.n_columns / geometry.ratio
    for tick in ticks:
        x = np.floor(view.scale.column_of(tick.frame)) / geometry.ratio
        length = 15 if tick.text else 4
        painter.fillRect(QRectF(x, top + 16 - length, 1, length), theme.line)
        if tick.text and x + 4 + painter.fontMetrics().horizontalAdvance(tick.text) <= width:
            painter.setPen(theme.muted if muted else theme.text)
            painter.drawText(QPointF(x + 4, top + 12), tick.text)


def _paint_names(painter: QPainter, view: View, strips: Sequence[StripColumns]) -> None:
    """Write the names of behaviors into the bouts that are wide enough."""
    ratio = view.geometry.ratio
    font = text_font(view.font, TEXT_PX)
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    painter.save()
    painter.setClipRect(QRectF(0, view.geometry.ruler_px, view.geometry.n_columns / ratio, view.geometry.lanes_px))
    elided: dict[tuple[int, int], str] = {}
    for shown in strips:
        strip = shown.strip
        if strip.style is not None or strip.lane.kind is not LaneKind.LABELS or strip.height < _NAMED_HEIGHT_PX:
            continue
        y = view.geometry.ruler_px + strip.top - view.scroll
        wide = np.flatnonzero(shown.right - shown.left >= _NAMED_PX * ratio)
        for number in wide.tolist():
            left, right = int(shown.left[number]), int(shown.right[number])
            if shown.crowd[left:right].max() > 1:
                continue
            style = int(shown.bouts.style[number])
            room = int((right - left) / ratio) - 8
            text = elided.get((style, room))
            if text is None:
                text = metrics.elidedText(strip.lane.styles[style].name, Qt.TextElideMode.ElideRight, room)
                elided[style, room] = text
            if len(text) >= min(_NAMED_CHARACTERS, len(strip.lane.styles[style].name)):
                _draw_name(painter, QRectF(left / ratio + 4, y, room + 2, strip.height), text, strip.lane.styles[style])
    painter.restore()


def _draw_name(painter: QPainter, rect: QRectF, text: str, style: Style) -> None:
    if style.hatch:  # a plain ground, or the hatch would make it unreadable
        width = painter.fontMetrics().horizontalAdvance(text)
        painter.fillRect(QRectF(rect.left() - 2, rect.top(), width + 4, rect.height()), QColor(style.color))
    painter.setPen(QColor("#111111" if luminance(style.color) > 0.4 else "#ffffff"))
    painter.drawText(rect, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)


def paint_heads(view: View) -> QPixmap:
    """Return the heads of the rows in view."""
    geometry, theme = view.geometry, view.theme
    pixmap = _pixmap(
        round(geometry.head_px * geometry.ratio), round(geometry.lanes_px * geometry.ratio), geometry.ratio
    )
    pixmap.fill(theme.head)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for row in view.rows:
        _paint_head(painter, view, row)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
    painter.fillRect(QRectF(geometry.head_px - 1, 0, 1, geometry.lanes_px), theme.line)
    painter.end()
    return pixmap


def _paint_head(painter: QPainter, view: View, row: Row) -> None:
    geometry, theme = view.geometry, view.theme
    top = row.top - view.scroll
    is_current = same_id(row.group.individual, view.current)
    if is_current and row.style is None:
        painter.fillRect(QRectF(0, top, geometry.head_px, row.height), theme.current_head)
    if is_current:
        painter.fillRect(QRectF(0, top, 3, row.height), theme.accent)
    first = row.strips[0] if row.strips else None
    middle = top + row.height / 2 if first is None else first.top - view.scroll + first.height / 2
    labels = row.group.lane(LaneKind.LABELS)
    left = float(ARROW_ROOM_PX)
    chip = min(CHIP_PX, row.height - 4)
    if row.style is None:
        if row.top:
            painter.fillRect(QRectF(0, top, geometry.head_px, 1), theme.background)
        if labels is not None and labels.styles:
            _draw_arrow(painter, ARROW_ROOM_PX / 2, middle, theme.muted, down=view.is_unfolded(row.group.individual))
        _draw_chip(painter, QRectF(left, middle - chip / 2, chip, chip), Style("", row.group.color))
    elif labels is not None:
        left += _INDENT_PX
        _draw_chip(painter, QRectF(left, middle - chip / 2, chip, chip), labels.styles[row.style])
    left += CHIP_PX + 6
    room = geometry.head_px - left - 6
    small = row.height < TEXT_PX + 2
    font = text_font(
        view.font, SMALL_PX if small else TEXT_PX - (row.style is not None), bold=is_current and row.style is None
    )
    painter.setFont(font)
    painter.setPen(theme.text if row.style is None else theme.muted)
    text = QFontMetricsF(font).elidedText(row.name, Qt.TextElideMode.ElideMiddle, room)
    flags = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
    painter.drawText(QRectF(left, middle - 10, room + 4, 20), flags, text)
    if row.style is None:
        painter.setFont(text_font(view.font, SMALL_PX))
        painter.setPen(theme.muted)
        for strip in row.strips[1:]:
            if strip.lane.kind in _KINDS and strip.height >= SMALL_PX - 1:
                rect = QRectF(0, strip.top - view.scroll - 3, geometry.head_px - 6, strip.height + 6)
                kind = "out of date" if strip.lane.outdated else _KINDS[strip.lane.kind]
                painter.drawText(rect, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), kind)


def _draw_arrow(painter: QPainter, x: float, y: float, color: QColor, *, down: bool) -> None:
    half, depth = _ARROW_PX / 2, _ARROW_PX * 0.32
    points = [(-half, -depth), (half, -depth), (0, depth)] if down else [(-depth, -half), (-depth, half), (depth, 0)]
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawPolygon(QPolygonF([QPointF(x + dx, y + dy) for dx, dy in points]))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _draw_chip(painter: QPainter, rect: QRectF, style: Style) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(style.color))
    painter.drawRoundedRect(rect, 2.5, 2.5)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if style.hatch:
        size = round(rect.width())
        pattern = hatch_pattern(style.hatch, np.arange(size), 1.0)
        for row, column in np.argwhere(pattern[np.arange(size) % len(pattern)]).tolist():
            painter.fillRect(QRectF(rect.left() + column, rect.top() + row, 1, 1), QColor(hatch_color(style.color)))


def _pixmap(width: int, height: int, ratio: float) -> QPixmap:
    pixmap = QPixmap(max(width, 1), max(height, 1))
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def _image(pixels: Pixels, ratio: float) -> QImage:
    """Return an image that shares the memory of pixels, which must outlive it."""
    height, width = pixels.shape
    memory: Any = pixels.data  # PyQt takes it, though its types do not say so
    image = QImage(memory, width, height, 4 * width, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    return image
