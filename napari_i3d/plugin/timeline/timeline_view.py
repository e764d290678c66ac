"""The time line as a picture: what it shows, which frames are in view, and painting from a cache."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from psygnal import Signal
from qtpy.QtCore import QRect, QSize, Qt
from qtpy.QtGui import QPainter, QPaintEvent, QPixmap, QResizeEvent
from qtpy.QtWidgets import QScrollBar, QSizePolicy, QWidget

from napari_i3d.individuals import Id
from napari_i3d.plugin.timeline.geometry import Geometry
from napari_i3d.plugin.timeline.hover import Hover
from napari_i3d.plugin.timeline.lane_layout import LaneLayout, Strip, arrange
from napari_i3d.plugin.timeline.lanes import LaneBout, MarkedSpan, TimelineData, bouts_of, same_id
from napari_i3d.plugin.timeline.overlay import Moving, paint_overlay, playhead_rect
from napari_i3d.plugin.timeline.painter import View, head_width, paint_body, paint_heads
from napari_i3d.plugin.timeline.theme import make_theme
from napari_i3d.plugin.timeline.time_scale import TimeScale

_STEP_FRAMES = 64
"""A longer way of the playhead is a jump, which is always followed."""


class TimelineView(QWidget):
    """Shows lanes, playhead, marked span and selected bout; a new frame paints the playhead only.

    Parameters
    ----------
    theme
        Name of one of napari's themes.

    Attributes
    ----------
    limits_changed
        Signal, with the first and last place in view, in frames; frame f covers ``[f, f + 1)``.
    """

    limits_changed = Signal(tuple)

    def __init__(self, theme: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = make_theme(theme)
        self._data = TimelineData(1)
        self._scale = TimeScale.whole(1, 1)
        self._unfolded: set[tuple[type, Id]] = set()
        self._current: Id | None = None
        self._moving = Moving()
        self._expected: LaneBout | None = None
        self._layout = LaneLayout()
        self._body: QPixmap | None = None
        self._heads: QPixmap | None = None
        self._bar = QScrollBar(Qt.Orientation.Vertical, self)
        self._bar.hide()
        self._bar.valueChanged.connect(self._repaint)
        self.parts = Geometry(1, 1, 1.0, 100, 0, with_times=False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)

    @property
    def data(self) -> TimelineData:
        """What is shown. The frames in view stay if the length of the video does, and so does what is selected."""
        return self._data

    @data.setter
    def data(self, data: TimelineData) -> None:
        before, self._data = self._data, data
        if data.n_frames != before.n_frames:
            self._moving = Moving(frame=self._moving.frame)
            self.scale = TimeScale.whole(data.n_frames, self._scale.n_columns)
        kept = (bout for bout in (self._expected, self._moving.selected) if bout is not None)
        self._expected = None
        self._moving = replace(self._moving, selected=next(filter(None, map(self._find, kept)), None))
        self._arrange()

    def _find(self, bout: LaneBout) -> LaneBout | None:
        """Return a bout as it is in the data now; None if it is gone."""
        group = self._data.group(bout.individual)
        lane = None if group is None else group.lane(bout.kind)
        if group is None or lane is None:
            return None
        return next((b for b in bouts_of(group, lane, lane.bouts.within(bout.start, bout.stop)) if b == bout), None)

    def set_theme(self, theme: str) -> None:
        """Use the colors of one of napari's themes, by its name."""
        self._theme = make_theme(theme)
        self._repaint()

    @property
    def frame(self) -> int | None:
        """Frame of the playhead."""
        return self._moving.frame

    def set_frame(self, frame: int | None) -> None:
        """Move the playhead; None hides it. The view follows, unless the user moved it away while the video plays."""
        before = self._moving.frame
        if frame == before:
            return
        self._moving = replace(self._moving, frame=frame)
        if frame is not None and not self._is_dragging():
            scale = self._scale
            was_seen = before is None or scale.start <= before < scale.stop
            if (was_seen or abs(frame - (before or 0)) > _STEP_FRAMES) and 0 <= frame < scale.n_frames:
                self.scale = scale.containing(frame)
        self._update_playhead(before, frame)

    def _is_dragging(self) -> bool:
        return False

    @property
    def current(self) -> Id | None:
        """The current individual, which stands out."""
        return self._current

    @current.setter
    def current(self, individual: Id | None) -> None:
        if not same_id(individual, self._current):
            self._current = individual
            self._repaint()
            self.reveal(individual)

    @property
    def span(self) -> MarkedSpan | None:
        """The marked span."""
        return self._moving.span

    @span.setter
    def span(self, span: MarkedSpan | None) -> None:
        self._move(span=span)

    @property
    def selected(self) -> LaneBout | None:
        """The selected bout; setting it emits no signal."""
        return self._moving.selected

    @selected.setter
    def selected(self, bout: LaneBout | None) -> None:
        self._move(selected=None if bout is None else self._find(bout))

    @property
    def dragged(self) -> LaneBout | None:
        """What the selected bout becomes when the mouse is released."""
        return self._moving.dragged

    @dragged.setter
    def dragged(self, bout: LaneBout | None) -> None:
        self._move(dragged=bout)

    def expect(self, bout: LaneBout | None) -> None:
        """Select a bout when it appears in the data."""
        self._expected = bout

    def _move(self, **changes: MarkedSpan | LaneBout | Hover | None) -> None:
        moving = replace(self._moving, **changes)  # type: ignore[arg-type]
        if moving != self._moving:
            self._moving = moving
            self.update()

    @property
    def scale(self) -> TimeScale:
        """The frames in view."""
        return self._scale

    @scale.setter
    def scale(self, scale: TimeScale) -> None:
        if scale != self._scale:
            self._scale = scale
            self._moving = replace(self._moving, hover=None)
            self._body = None
            self.update()
            self.limits_changed.emit(self.limits)

    @property
    def limits(self) -> tuple[float, float]:
        """First and last place in view, in frames; frame f covers ``[f, f + 1)``."""
        return self._scale.start, self._scale.stop

    @limits.setter
    def limits(self, limits: tuple[float, float]) -> None:
        self.scale = self._scale.showing(*limits)

    def fit(self) -> None:
        """Show the whole video."""
        self.scale = TimeScale.whole(self._scale.n_frames, self._scale.n_columns)

    @property
    def scroll_px(self) -> int:
        """Height of the rows above those in view."""
        return self._bar.value()

    @scroll_px.setter
    def scroll_px(self, scroll: int) -> None:
        self._bar.setValue(scroll)

    def reveal(self, individual: Id | None) -> None:
        """Scroll to the rows of an individual."""
        rows = [row for row in self._layout.rows if same_id(row.group.individual, individual)]
        if rows:
            top, bottom = rows[0].top, rows[-1].top + rows[-1].height
            if bottom > self.scroll_px + self.parts.lanes_px:
                self.scroll_px = min(bottom - self.parts.lanes_px, top)
            if top < self.scroll_px:
                self.scroll_px = top

    def is_unfolded(self, individual: Id) -> bool:
        """Return whether an individual has a row for each behavior."""
        return (type(individual), individual) in self._unfolded

    def unfold(self, individuals: Iterable[Id]) -> None:
        """Show a row for each behavior of individuals."""
        self._unfolded |= {(type(one), one) for one in individuals}
        self._arrange()

    def fold(self, individuals: Iterable[Id]) -> None:
        """Show one row only for each of individuals."""
        self._unfolded -= {(type(one), one) for one in individuals}
        self._arrange()

    def bouts_in(self, strip: Strip, first: int, last: int) -> Sequence[LaneBout]:
        """Return the bouts of a strip that have a frame in ``[first, last)``."""
        return bouts_of(strip.group, strip.lane, strip.bouts.within(first, last))

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size that shows a few individuals."""
        return QSize(900, 220)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the size below which no lane is seen: with all other docks, the window must fit a small screen."""
        return QSize(260, 44)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Keep the frames in view."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Lay out rows and parts anew."""
        names = [group.name for group in self._data.groups]
        behaviors = [s.name for g in self._data.groups if self.is_unfolded(g.individual) for s in g.lanes[0].styles]
        head = min(head_width([*names, *behaviors], self.font()), max(self.width() // 3, 60) // 4 * 4)
        with_times = self._data.times_s is not None
        parts = Geometry(self.width(), self.height(), self.devicePixelRatioF(), head, 0, with_times)
        self._layout = arrange(self._data, self.is_unfolded, parts.lanes_px)
        above = self._layout.height - parts.lanes_px
        if above > 0:
            parts = replace(parts, bar_px=self._bar.sizeHint().width())
        self._bar.setVisible(above > 0)
        self._bar.setGeometry(parts.width - parts.bar_px, parts.ruler_px, parts.bar_px, parts.lanes_px)
        self._bar.setRange(0, max(above, 0))
        self._bar.setPageStep(parts.lanes_px)
        self.parts = parts
        if self._scale.n_columns != parts.n_columns:
            self._scale = self._scale.resized(parts.n_columns)
        self._repaint()

    def _repaint(self) -> None:
        self._body = self._heads = None
        self.update()

    def _view(self) -> View:
        return View(
            geometry=self.parts,
            scale=self._scale,
            layout=self._layout,
            scroll=self.scroll_px,
            times_s=self._data.times_s,
            current=self._current,
            is_unfolded=self.is_unfolded,
            theme=self._theme,
            font=self.font(),
        )

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, ARG002
        """Paint from the cache, and what moves over it."""
        if self.devicePixelRatioF() != self.parts.ratio:
            self._arrange()  # moved to another screen
        view = self._view()
        if self._body is None:
            self._body = paint_body(view)
        if self._heads is None:
            self._heads = paint_heads(view)
        painter = QPainter(self)
        parts = self.parts
        # The lanes end at a whole device pixel, perhaps before the edge.
        painter.fillRect(QRect(parts.width - parts.bar_px - 1, 0, parts.bar_px + 1, parts.height), self._theme.ruler)
        painter.drawPixmap(parts.head_px, 0, self._body)
        painter.drawPixmap(0, parts.ruler_px, self._heads)
        paint_overlay(painter, view, self._moving)
        if self.hasFocus():
            painter.fillRect(QRect(0, 0, parts.width, 2), self._theme.accent)
        painter.end()

    def _update_playhead(self, before: int | None, after: int | None) -> None:
        view = self._view()
        for frame in (before, after):
            if frame is not None:
                self.update(playhead_rect(view, frame))
        self.update(QRect(0, 0, self.parts.head_px, self.parts.ruler_px))
        self.update(self.parts.overview)
