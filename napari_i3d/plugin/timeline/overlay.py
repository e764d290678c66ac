"""Painting of what moves over the lanes: playhead, marked span, selected bout and what is said beside the pointer."""

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QPointF, QRect, QRectF, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from napari_i3d.plugin.timeline.hover import Hover
from napari_i3d.plugin.timeline.lane_layout import Row, Strip
from napari_i3d.plugin.timeline.lanes import LaneBout, LaneKind, MarkedSpan, same_id
from napari_i3d.plugin.timeline.painter import SMALL_PX, TEXT_PX, View, format_time_of, text_font

PLAYHEAD_PX = 7
"""Half the width of the playhead's head in the ruler."""
HANDLE_PX = 5
"""Width of the handles of a selected bout."""
EDITED = (LaneKind.LABELS, LaneKind.PREDICTIONS)
"""Lanes whose bouts have edges that can be dragged."""
_WIDE_PX = 2.0
"""Width of a frame from which the playhead covers the whole frame."""


@dataclass(frozen=True)
class Moving:
    """What moves.

    Attributes
    ----------
    frame
        Frame that the viewer shows; None: no playhead.
    span
        The marked span.
    selected
        The selected bout.
    dragged
        The selected bout as it becomes when the edge that is dragged is released here.
    hover
        What is said beside the pointer.
    """

    frame: int | None = None
    span: MarkedSpan | None = None
    selected: LaneBout | None = None
    dragged: LaneBout | None = None
    hover: Hover | None = None


def paint_overlay(painter: QPainter, view: View, moving: Moving) -> None:
    """Paint what moves."""
    lanes = QRect(view.geometry.lanes)
    painter.save()
    painter.setClipRect(lanes)
    if moving.hover is not None:
        _paint_hover_line(painter, view, moving.hover)
    if moving.span is not None:
        _paint_span(painter, view, moving.span)
    if moving.selected is not None:
        _paint_selected(painter, view, moving.selected, moving.dragged)
    painter.setClipRect(QRect(lanes.left(), 0, lanes.width(), view.geometry.height))
    _paint_overview(painter, view, moving.frame)
    if moving.hover is not None:
        _paint_pill(painter, view, moving.hover)
    if moving.frame is not None:
        _paint_playhead(painter, view, moving.frame)
    painter.restore()
    _paint_corner(painter, view, moving.frame)
    if moving.hover is not None and moving.hover.lines:
        _paint_card(painter, view, moving.hover)


def playhead_rect(view: View, frame: int) -> QRect:
    """Return what is painted again when the playhead leaves or reaches a frame."""
    left, right = view.geometry.span(view.scale, frame, frame + 1)
    left, right = max(left, -20.0), min(right, view.geometry.width + 20.0)
    return QRectF(left - PLAYHEAD_PX - 2, 0, right - left + 2 * PLAYHEAD_PX + 4, view.geometry.height).toAlignedRect()


def strips_of(view: View, bout: LaneBout) -> Sequence[Strip]:
    """Return the strips in view that show a bout."""
    return [
        strip
        for row in view.rows
        if same_id(row.group.individual, bout.individual)
        for strip in row.strips
        if strip.lane.kind is bout.kind
        and (strip.style is None or strip.lane.styles[strip.style].name == bout.behavior)
    ]


def _rows_of(view: View, span: MarkedSpan) -> Sequence[Row]:
    rows = [row for row in view.rows if same_id(row.group.individual, span.individual)]
    own = [row for row in rows if row.style is not None and row.name == span.behavior]
    return own or [row for row in rows if row.style is None]


def _paint_playhead(painter: QPainter, view: View, frame: int) -> None:
    geometry, color = view.geometry, view.theme.playhead
    left, right = geometry.span(view.scale, frame, frame + 1)
    if right < geometry.head_px or left > geometry.width:
        return
    top, height = geometry.ruler_px, geometry.height - geometry.ruler_px
    wide = right - left >= _WIDE_PX
    around = QColor(color if wide else view.theme.background)
    around.setAlpha(46 if wide else 170)
    # A narrow one has a margin, or it could not be seen among many bouts.
    painter.fillRect(QRectF(left - (not wide), top, max(right - left, 1) + 2 * (not wide), height), around)
    painter.fillRect(QRectF(left, top, max(1.0, round(1.0 * geometry.ratio) / geometry.ratio), height), color)
    if right - left >= 6:
        painter.fillRect(QRectF(right - 1, top, 1, height), color)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    middle = (left + right) / 2 if wide else left + 0.5
    half = PLAYHEAD_PX - 1
    y = top - 11.0
    corners = [(-half, y), (half, y), (half, y + 5), (0, y + 11), (-half, y + 5)]
    painter.drawPolygon(QPolygonF([QPointF(middle + dx, place) for dx, place in corners]))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _paint_span(painter: QPainter, view: View, span: MarkedSpan) -> None:
    geometry, accent = view.geometry, view.theme.accent
    left, right = geometry.span(view.scale, span.start, span.stop)
    if right < geometry.head_px or left > geometry.width:
        return
    left, right = max(left, geometry.head_px - 9.0), min(right, geometry.width + 9.0)
    for row in _rows_of(view, span):
        rect = QRectF(left, geometry.ruler_px + row.top - view.scroll, right - left, row.height)
        glow = QColor(accent)
        glow.setAlpha(80)
        painter.fillRect(rect, glow)
        for x in (left, right - 2):
            painter.fillRect(QRectF(x, rect.top(), 2, rect.height()), accent)
        painter.fillRect(QRectF(left, rect.top(), right - left, 1), accent)
        painter.fillRect(QRectF(left, rect.bottom() - 1, right - left, 1), accent)


def _paint_selected(painter: QPainter, view: View, bout: LaneBout, dragged: LaneBout | None) -> None:
    shown = dragged or bout
    for strip in strips_of(view, bout):
        rect = view.geometry.strip_rect(strip, view.scale, shown.start, shown.stop, view.scroll)
        if dragged is not None:
            style = next(style for style in strip.lane.styles if style.name == bout.behavior)
            before = view.geometry.strip_rect(strip, view.scale, bout.start, bout.stop, view.scroll)
            gone = QColor(view.theme.background)
            gone.setAlpha(150)
            painter.fillRect(before, gone)
            painter.fillRect(rect, QColor(style.color))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        outer = rect.adjusted(-0.5, -0.5, 0.5, 0.5)
        painter.setPen(QPen(view.theme.background, 3))
        painter.drawRoundedRect(outer, 2, 2)
        painter.setPen(QPen(view.theme.text, 1.5))
        painter.drawRoundedRect(outer, 2, 2)
        if bout.kind in EDITED:
            half = min(7.0, rect.height() / 2 + 2)
            for x in handle_places(rect):
                handle = QRectF(x, rect.center().y() - half, HANDLE_PX, 2 * half)
                painter.setPen(QPen(view.theme.background, 1))
                painter.setBrush(view.theme.text)
                painter.drawRoundedRect(handle, 2, 2)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)


def handle_places(rect: QRectF) -> tuple[float, float]:
    """Return the left edges of the two handles of a bout; those of a narrow one lie outside."""
    outside = HANDLE_PX if rect.width() < 4 * HANDLE_PX else HANDLE_PX / 2
    return rect.left() - outside, rect.right() - HANDLE_PX + outside


def _paint_hover_line(painter: QPainter, view: View, hover: Hover) -> None:
    left, right = view.geometry.span(view.scale, hover.frame, hover.frame + 1)
    color = QColor(view.theme.text)
    color.setAlpha(30)
    painter.fillRect(QRectF(left, view.geometry.ruler_px, max(right - left, 1.0), view.geometry.lanes_px), color)


def _paint_pill(painter: QPainter, view: View, hover: Hover) -> None:
    """Show frame and time of the pointer in the ruler."""
    geometry, theme = view.geometry, view.theme
    left, right = geometry.span(view.scale, hover.frame, hover.frame + 1)
    lines = (
        [format_time_of(view, hover.frame), f"{hover.frame:,}"] if view.times_s is not None else [f"{hover.frame:,}"]
    )
    painter.setFont(text_font(view.font, TEXT_PX - 1))
    width = max(painter.fontMetrics().horizontalAdvance(line) for line in lines) + 10
    x = min(max((left + right) / 2 - width / 2, geometry.head_px), geometry.lanes.right() + 1 - width)
    rect = QRectF(x, 1, width, geometry.ruler_px - 3)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.line, 1))
    painter.setBrush(theme.card)
    painter.drawRoundedRect(rect, 4, 4)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
    for number, line in enumerate(lines):
        painter.setPen(theme.text if number == 0 else theme.muted)
        height = rect.height() / len(lines)
        painter.drawText(QRectF(x, 1 + number * height, width, height), int(Qt.AlignmentFlag.AlignCenter), line)


def _paint_card(painter: QPainter, view: View, hover: Hover) -> None:
    theme = view.theme
    font = text_font(view.font, TEXT_PX)
    metrics = QFontMetricsF(font)
    width = max(metrics.horizontalAdvance(line) for line in hover.lines) + 16
    line_px = metrics.height() + 1
    height = line_px * len(hover.lines) + 8
    x, y = hover.x + 14, hover.y + 16
    if x + width > view.geometry.width - 2:
        x = max(hover.x - 10 - width, 2.0)
    if y + height > view.geometry.height - 2:
        y = max(hover.y - 10 - height, 2.0)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.line, 1))
    card = QColor(theme.card)
    card.setAlpha(242)
    painter.setBrush(card)
    painter.drawRoundedRect(QRectF(x, y, width, height), 4, 4)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
    for number, line in enumerate(hover.lines):
        painter.setFont(text_font(view.font, TEXT_PX, bold=number == 0))
        painter.setPen(theme.text if number == 0 else theme.muted)
        painter.drawText(QPointF(x + 8, y + 4 + line_px * number + metrics.ascent()), line)


def _paint_corner(painter: QPainter, view: View, frame: int | None) -> None:
    """Show the time and number of the current frame above the heads."""
    geometry, theme = view.geometry, view.theme
    painter.fillRect(QRectF(0, 0, geometry.head_px, geometry.ruler_px), theme.ruler)
    painter.fillRect(QRectF(0, geometry.ruler_px - 1, geometry.head_px, 1), theme.line)
    painter.fillRect(QRectF(geometry.head_px - 1, 0, 1, geometry.ruler_px), theme.line)
    bottom = geometry.overview
    painter.fillRect(QRectF(0, bottom.top(), geometry.head_px, bottom.height()), theme.head)
    painter.fillRect(QRectF(geometry.head_px - 1, bottom.top(), 1, bottom.height()), theme.line)
    if frame is None:
        return
    left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    y = 0.0
    if view.times_s is not None:
        painter.setFont(text_font(view.font, TEXT_PX, bold=True))
        painter.setPen(theme.text)
        painter.drawText(QRectF(8, 2, geometry.head_px - 10, 15), left, format_time_of(view, frame))
        y = 15.0
    painter.setFont(text_font(view.font, SMALL_PX + 1))
    painter.setPen(theme.muted)
    painter.drawText(QRectF(8, y + 1, geometry.head_px - 10, geometry.ruler_px - y - 3), left, f"frame {frame:,}")


def overview_thumb(view: View) -> QRectF:
    """Return the place of the frames in view in the overview."""
    bar = view.geometry.overview
    each = bar.width() / view.scale.n_frames
    width = max((view.scale.stop - view.scale.start) * each, 16.0)
    left = bar.left() + view.scale.start * each
    return QRectF(min(left, bar.right() + 1 - width), bar.top() + 2, width, bar.height() - 4)


def _paint_overview(painter: QPainter, view: View, frame: int | None) -> None:
    bar, theme = view.geometry.overview, view.theme
    painter.fillRect(bar, theme.ruler)
    painter.fillRect(QRectF(bar.left(), bar.top(), bar.width(), 1), theme.line)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.muted)
    painter.setOpacity(0.55)
    painter.drawRoundedRect(overview_thumb(view).adjusted(1, 1, -1, 0), 3, 3)
    painter.setOpacity(1)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
    if frame is not None:
        x = bar.left() + (frame + 0.5) * bar.width() / view.scale.n_frames
        painter.fillRect(QRectF(x - 1, bar.top() + 1, 2, bar.height() - 1), theme.playhead)
