"""The time line driven as a person does, and what is seen on it, pixel by pixel."""

from dataclasses import replace

import numpy as np
import pytest
from napari.utils.theme import available_themes
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QColor, QContextMenuEvent, QImage, QMouseEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget

from napari_i3d.plugin.timeline.lanes import (
    BoutArrays,
    Lane,
    LaneBout,
    LaneGroup,
    LaneKind,
    MarkedSpan,
    TimelineData,
    make_styles,
)
from napari_i3d.plugin.timeline.theme import make_theme
from napari_i3d.plugin.timeline.timeline_canvas import TimelineCanvas

N = 2000
STYLES = make_styles(["groom", "rear", "walk"])
LEFT, NO_BUTTON = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
ALT, CONTROL = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier
SIGNALS = (
    *("frame_requested", "individual_clicked", "bout_selected", "edge_drag_started", "edge_moved", "edge_released"),
    *("edge_drag_canceled", "span_marked", "lane_menu_requested", "limits_changed"),
)


def label_lane(*bouts: tuple[int, int, int]) -> Lane:
    start, stop, style = zip(*bouts, strict=True) if bouts else ((), (), ())
    return Lane(LaneKind.LABELS, STYLES, BoutArrays.make(start, stop, style))


def make_data() -> TimelineData:
    groups = (
        LaneGroup(
            "male", "male", "#e69f00", (label_lane((100, 200, 0), (200, 260, 1), (400, 401, 2), (900, 1000, 0)),)
        ),
        LaneGroup("female", "female", "#56b4e9", (label_lane((150, 300, 2)),), assessed=np.array([[0, 1000]])),
    )
    return TimelineData(N, groups, np.arange(N) / 25)


@pytest.fixture
def canvas(qtbot):
    found = TimelineCanvas("dark")
    qtbot.addWidget(found)
    found.resize(1100, 200)
    found.data = make_data()
    found.show()
    qtbot.waitExposed(found)
    found.emitted = []
    for name in SIGNALS:
        getattr(found, name).connect(lambda *values, name=name: found.emitted.append((name, *values)))
    return found


def told(canvas, name: str) -> list[tuple]:
    return [values for signal, *values in canvas.emitted if signal == name]


def x_of(canvas, place: float) -> int:
    """Return the logical pixel in which a frame begins."""
    return round(canvas.parts.x_of(canvas.scale.column_of(place)))


def y_of(canvas, row: int, strip: int = 0) -> int:
    found = canvas._layout.rows[row].strips[strip]
    return canvas.parts.ruler_px + found.top + found.height // 2 - canvas.scroll_px


def place(canvas, frame: float, row: int = 0) -> QPoint:
    return QPoint(x_of(canvas, frame), y_of(canvas, row))


def drag(canvas, begin: QPoint, *ends: QPoint, modifiers=NONE, release: bool = True) -> None:
    QTest.mousePress(canvas, LEFT, modifiers, begin)
    for end in ends:
        move(canvas, end, modifiers)
    if release:
        QTest.mouseRelease(canvas, LEFT, modifiers, ends[-1])


def move(canvas, end: QPoint, modifiers=NONE, buttons=LEFT) -> None:
    """Move the mouse; `QTest.mouseMove` knows no modifiers."""
    where = QPointF(canvas.mapToGlobal(end))
    event = QMouseEvent(QEvent.Type.MouseMove, QPointF(end), where, NO_BUTTON, buttons, modifiers)
    QApplication.sendEvent(canvas, event)


def wheel(canvas, at: QPoint, along: int = 0, across: int = 0, modifiers=NONE) -> None:
    event = QWheelEvent(
        QPointF(at),
        QPointF(canvas.mapToGlobal(at)),
        QPoint(0, 0),
        QPoint(across, along),
        NO_BUTTON,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


def row_of_pixels(canvas, y: int) -> list[str]:
    image = canvas.grab().toImage()
    return [QColor(image.pixel(x, y)).name() for x in range(canvas.parts.head_px, canvas.width())]


def male_bout(start: int, stop: int, behavior: str) -> LaneBout:
    return LaneBout("male", LaneKind.LABELS, behavior, start, stop)


@pytest.mark.parametrize("limits", [(0, N), (80, 420), (395, 406)])
def test_columns_have_the_colors_of_their_bouts(canvas, limits):
    canvas.limits = limits
    lane = QColor(make_theme("dark").lanes.lane).name()
    grid = QColor(make_theme("dark").lanes.grid).name()
    strip = canvas._layout.rows[0].strips[0]
    pixels = row_of_pixels(canvas, canvas.parts.ruler_px + strip.top + 1)
    bouts = canvas.bouts_in(strip, 0, N)
    for column, color in enumerate(pixels[: canvas.parts.n_columns]):
        frames = range(*canvas.scale.frames_at(column))
        shown = [b.behavior for b in bouts if any(b.start <= frame < b.stop for frame in frames)]
        names = [style.name for style in STYLES if style.name in shown]
        if names:
            assert color == next(style.color for style in STYLES if style.name == names[0])
        else:
            assert color in (lane, grid)
    assert STYLES[2].color in pixels  # the bout of one frame


@pytest.mark.parametrize("theme", sorted(available_themes())[:2])
def test_playhead_covers_its_frame_and_no_other(canvas, theme):
    canvas.set_theme(theme)
    canvas.limits = (640, 660)
    canvas.set_frame(None)
    y = canvas.height() - 20
    without = row_of_pixels(canvas, y)
    canvas.set_frame(650)
    changed = [
        column for column, pair in enumerate(zip(without, row_of_pixels(canvas, y), strict=True)) if len(set(pair)) > 1
    ]
    assert changed == [column for column in range(canvas.parts.n_columns) if canvas.scale.frame_at(column) == 650]


def test_moved_playhead_leaves_no_trace(canvas):
    def on_screen():
        QApplication.processEvents()
        return canvas.screen().grabWindow(canvas.winId()).toImage()

    canvas.limits = (0, 400)
    shown = on_screen()
    for frame in (10, 399, 120, 121):
        canvas.set_frame(frame)
        assert on_screen() != shown
    canvas.set_frame(None)
    assert on_screen() == shown


@pytest.mark.parametrize("ratio", [1.5, 2.0])
def test_device_pixels_are_exact_on_fine_screens(canvas, monkeypatch, ratio):
    monkeypatch.setattr(canvas, "devicePixelRatioF", lambda: ratio)
    image = QImage(round(canvas.width() * ratio), round(canvas.height() * ratio), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    canvas.render(image)
    canvas.limits = (90, 270)
    canvas.render(image)
    y = round((canvas.parts.ruler_px + canvas._layout.rows[0].strips[0].top + 1) * ratio)
    first = round(canvas.parts.head_px * ratio)
    names = {STYLES[0].color: "groom", STYLES[1].color: "rear"}
    shown = [names.get(QColor(image.pixel(first + column, y)).name()) for column in range(canvas.parts.n_columns)]
    frames = [canvas.scale.frame_at(column) for column in range(canvas.parts.n_columns)]
    assert canvas.parts.n_columns > ratio * 990
    assert shown == ["groom" if 100 <= frame < 200 else "rear" if 200 <= frame < 260 else None for frame in frames]


def test_edge_drag_tells_frames_and_changes_nothing(canvas):
    before = canvas.data
    canvas.limits = (850, 1050)
    begin = place(canvas, 900)
    drag(canvas, begin, begin + QPoint(40, 0), begin + QPoint(91, 0), modifiers=ALT)
    bout = male_bout(900, 1000, "groom")
    expected = 900 + round(91 * canvas.scale.frames_per_column)
    assert told(canvas, "edge_drag_started") == [[bout, "start"]]
    assert told(canvas, "edge_moved")[-1] == told(canvas, "edge_released")[0] == [bout, "start", expected]
    assert canvas.data is before
    assert canvas.selected == bout


def test_dragged_bout_is_selected_when_data_has_it(canvas):
    canvas.edge_released.connect(lambda bout, edge, frame: setattr(canvas, "data", edited(canvas.data, bout, frame)))
    canvas.limits = (850, 1050)
    begin = place(canvas, 1000)
    drag(canvas, begin, begin - QPoint(30, 0), begin - QPoint(60, 0), modifiers=ALT)
    assert canvas.selected.start == 900
    assert canvas.selected.stop == 1000 - round(60 * canvas.scale.frames_per_column)


def edited(data: TimelineData, bout: LaneBout, stop: int) -> TimelineData:
    group = data.group(bout.individual)
    old = group.lane(bout.kind).bouts
    stops = np.where(old.index == bout.index, stop, old.stop)
    return data.with_group(group.with_bouts(bout.kind, BoutArrays.make(old.start, stops, old.style)))


@pytest.mark.parametrize("frame", [930, 931])
def test_edge_snaps_to_either_side_of_playhead(canvas, frame):
    canvas.limits = (850, 1050)
    canvas.set_frame(930)
    begin = place(canvas, 1000)
    drag(canvas, begin, begin - QPoint(50, 0), place(canvas, frame) + QPoint(2 if frame == 931 else -3, 0))
    assert told(canvas, "edge_released") == [[male_bout(900, 1000, "groom"), "stop", frame]]


def test_edge_snaps_to_bouts_of_the_individual(canvas):
    canvas.limits = (350, 1050)
    drag(canvas, place(canvas, 900), place(canvas, 700), place(canvas, 401) + QPoint(5, 0))
    assert told(canvas, "edge_released")[0][2] == 401
    canvas.emitted.clear()
    begin, end = place(canvas, 900), place(canvas, 401) + QPoint(5, 0)
    drag(canvas, begin, place(canvas, 700), end, modifiers=ALT)
    moved = round((end.x() - begin.x()) * canvas.scale.frames_per_column)
    assert told(canvas, "edge_released")[0][2] == 900 + moved > 401


def test_edge_cannot_pass_the_other_or_leave_the_video(canvas):
    canvas.limits = (850, 1050)
    begin = place(canvas, 900)
    drag(canvas, begin, begin + QPoint(900, 0), modifiers=ALT)
    assert told(canvas, "edge_released")[0][2] == 999
    canvas.emitted.clear()
    canvas.fit()
    canvas.limits = (0, 300)
    canvas.selected = male_bout(100, 200, "groom")
    begin = place(canvas, 100)
    drag(canvas, begin, begin - QPoint(900, 0), modifiers=ALT)
    assert told(canvas, "edge_released")[0][2] == 0


def test_edge_between_touching_bouts_is_that_of_the_side(canvas):
    canvas.limits = (80, 300)
    for offset, bout, edge in ((2, male_bout(200, 260, "rear"), "start"), (-3, male_bout(100, 200, "groom"), "stop")):
        canvas.selected = None
        canvas.emitted.clear()
        begin = place(canvas, 200) + QPoint(offset, 0)
        drag(canvas, begin, begin + QPoint(30, 0), modifiers=ALT)
        assert told(canvas, "edge_drag_started") == [[bout, edge]]


def test_escape_gives_the_drag_up(canvas):
    canvas.limits = (850, 1050)
    begin = place(canvas, 900)
    drag(canvas, begin, begin + QPoint(60, 0), release=False)
    assert canvas.dragged.start > 900
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.dragged is None
    QTest.mouseRelease(canvas, LEFT, NONE, begin + QPoint(60, 0))
    assert told(canvas, "edge_drag_canceled") == [[male_bout(900, 1000, "groom")]]
    assert told(canvas, "edge_released") == []


def test_short_bout_is_dragged_by_handles_beside_it(canvas):
    canvas.limits = (300, 500)
    canvas.selected = male_bout(400, 401, "walk")
    begin = QPoint(x_of(canvas, 401) + 3, y_of(canvas, 0))
    drag(canvas, begin, begin + QPoint(50, 0), modifiers=ALT)
    bout, edge, frame = told(canvas, "edge_released")[0]
    assert (bout.start, edge) == (400, "stop")
    assert frame == 401 + round(50 * canvas.scale.frames_per_column)


def test_click_selects_bout_and_its_individual(canvas):
    QTest.mouseClick(canvas, LEFT, NONE, place(canvas, 220, row=1))
    bout = LaneBout("female", LaneKind.LABELS, "walk", 150, 300)
    assert told(canvas, "individual_clicked") == [["female"]]
    assert told(canvas, "bout_selected") == [[bout]]
    assert told(canvas, "frame_requested") == []
    QTest.mouseClick(canvas, LEFT, NONE, place(canvas, 1700, row=0))
    assert told(canvas, "bout_selected") == [[bout], [None]]
    assert told(canvas, "individual_clicked")[-1] == ["male"]
    assert told(canvas, "frame_requested") == [[canvas.frame_at(x_of(canvas, 1700))]]


def test_one_frame_bout_is_found_by_the_pointer(canvas):
    canvas.fit()
    QTest.mouseClick(canvas, LEFT, NONE, place(canvas, 400) + QPoint(2, 0))
    assert told(canvas, "bout_selected") == [[male_bout(400, 401, "walk")]]


def test_drag_on_empty_lane_marks_frames_under_the_mouse(canvas):
    canvas.limits = (1000, 1200)
    begin, end = place(canvas, 1050.5, row=1), place(canvas, 1100.5, row=1)
    drag(canvas, begin, begin + QPoint(20, 0), end)
    start, stop = canvas.frame_at(begin.x()), canvas.frame_at(end.x()) + 1
    assert told(canvas, "span_marked") == [["female", start, stop, None]]
    assert canvas.span == MarkedSpan("female", start, stop)
    assert told(canvas, "frame_requested") == []
    canvas.emitted.clear()
    drag(canvas, end, begin)  # backwards
    assert told(canvas, "span_marked") == [["female", start, stop, None]]


def test_shift_marks_over_bouts_and_rows_name_behaviors(canvas):
    canvas.limits = (0, 400)
    canvas.unfold(["male"])
    names = [row.name for row in canvas._layout.rows]
    assert names == ["male", "groom", "rear", "walk", "female"]
    row = names.index("groom")
    drag(canvas, place(canvas, 120, row), place(canvas, 160.5, row), modifiers=SHIFT | ALT)
    individual, start, stop, behavior = told(canvas, "span_marked")[0]
    assert (individual, behavior) == ("male", "groom")
    assert start <= 120 < stop == canvas.frame_at(x_of(canvas, 160.5)) + 1


def test_ruler_seeks_by_click_and_drag(canvas):
    canvas.limits = (100, 300)
    QTest.mouseClick(canvas, LEFT, NONE, QPoint(x_of(canvas, 150) + 1, 10))
    assert told(canvas, "frame_requested") == [[150]]
    drag(canvas, QPoint(x_of(canvas, 200) + 1, 10), QPoint(x_of(canvas, 210) + 1, 150))
    assert told(canvas, "frame_requested")[1:] == [[200], [210]]
    canvas.fit()
    drag(canvas, QPoint(600, 10), QPoint(5000, 10))
    assert told(canvas, "frame_requested")[-1] == [N - 1]


def test_wheel_zooms_at_pointer_and_shift_pans(canvas):
    at = QPoint(700, 60)
    frame = canvas.frame_at(700)
    for _ in range(12):
        wheel(canvas, at, along=120)
        assert canvas.frame_at(700) == frame
    assert canvas.scale.frames_per_column < 0.2
    before = canvas.scale
    wheel(canvas, at, along=-120, modifiers=SHIFT)
    assert canvas.scale.start > before.start
    assert canvas.scale.frames_per_column == before.frames_per_column
    wheel(canvas, at, across=120)
    assert canvas.scale.start == pytest.approx(before.start)
    for _ in range(40):
        wheel(canvas, at, along=-120)
    assert canvas.limits == pytest.approx((0, N))


def test_middle_button_pans(canvas):
    canvas.limits = (500, 700)
    frame = canvas.frame_at(600)
    QTest.mousePress(canvas, Qt.MouseButton.MiddleButton, NONE, QPoint(600, 60))
    move(canvas, QPoint(450, 60))
    assert canvas.frame_at(450) == frame
    QTest.mouseRelease(canvas, Qt.MouseButton.MiddleButton, NONE, QPoint(450, 60))


def test_overview_pans_through_the_whole_video(canvas):
    canvas.limits = (0, 100)
    y = canvas.parts.overview.center().y()
    drag(canvas, QPoint(canvas.parts.head_px + 5, y), QPoint(canvas.width() + 50, y))
    assert canvas.limits[1] == pytest.approx(N)
    middle = canvas.parts.overview.center().x()
    QTest.mouseClick(canvas, LEFT, NONE, QPoint(middle, y))
    assert sum(canvas.limits) / 2 == pytest.approx(N / 2, abs=3)


def test_double_click_zooms_to_bout_and_back(canvas):
    QTest.mouseDClick(canvas, LEFT, NONE, place(canvas, 950))
    first, last = canvas.limits
    assert first < 900 < 1000 < last
    assert last - first < 200
    QTest.mouseDClick(canvas, LEFT, NONE, QPoint(600, 10))
    assert canvas.limits == pytest.approx((0, N))


def test_right_click_selects_and_asks_for_menu(canvas):
    at = place(canvas, 950)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, canvas.mapToGlobal(at))
    QApplication.sendEvent(canvas, event)
    ((hit, where),) = told(canvas, "lane_menu_requested")
    assert (hit.individual, hit.behavior, hit.bout) == ("male", "groom", male_bout(900, 1000, "groom"))
    assert hit.frame == canvas.frame_at(at.x())
    assert where == canvas.mapToGlobal(at)


def test_arrows_fold_and_heads_choose(canvas):
    QTest.mouseClick(canvas, LEFT, NONE, QPoint(8, y_of(canvas, 0)))
    assert canvas.is_unfolded("male")
    assert not canvas.is_unfolded("female")
    QTest.mouseClick(canvas, LEFT, SHIFT, QPoint(8, y_of(canvas, 0)))
    assert not canvas.is_unfolded("male")
    assert told(canvas, "individual_clicked") == []
    QTest.mouseClick(canvas, LEFT, NONE, QPoint(50, y_of(canvas, 1)))
    assert told(canvas, "individual_clicked") == [["female"]]


def test_readout_names_what_is_under_the_pointer(canvas):
    texts = []
    canvas.readout_changed.connect(texts.append)
    move(canvas, place(canvas, 950), buttons=NO_BUTTON)
    frame = canvas.frame_at(x_of(canvas, 950))
    assert texts[-1] == f"frame {frame}  ·  0:00:{frame / 25:06.3f}  ·  male  ·  groom"
    assert canvas._moving.hover.lines[0] == "groom · male"
    assert "frames 900 to 999  (100 frames, 4.00 s)" in canvas._moving.hover.lines
    move(canvas, place(canvas, 1500, row=1), buttons=NO_BUTTON)
    assert canvas._moving.hover.lines == ("female", "not looked at yet")
    QApplication.sendEvent(canvas, QEvent(QEvent.Type.Leave))
    assert texts[-1] == ""


def test_view_follows_the_playhead_unless_user_moved_away(canvas):
    canvas.limits = (0, 200)
    canvas.set_frame(199)
    assert canvas.limits == pytest.approx((0, 200))
    canvas.set_frame(200)
    assert canvas.limits == pytest.approx((180, 380))
    canvas.limits = (1500, 1700)
    canvas.set_frame(201)
    assert canvas.limits == pytest.approx((1500, 1700))
    canvas.set_frame(900)  # a jump
    assert canvas.limits == pytest.approx((880, 1080))


def test_keys_of_napari_pass_through(qtbot):
    class Window(QWidget):
        def __init__(self) -> None:
            super().__init__()
            self.keys: list[int] = []

        def keyPressEvent(self, event) -> None:  # noqa: N802
            if event.modifiers() == NONE:
                self.keys.append(event.key())

    window = Window()
    qtbot.addWidget(window)
    canvas = TimelineCanvas("dark", window)
    canvas.data = make_data()
    layout = QVBoxLayout(window)
    layout.addWidget(canvas)
    window.show()
    qtbot.waitExposed(window)
    canvas.setFocus()
    keys = [Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Space, Qt.Key.Key_G, Qt.Key.Key_0, Qt.Key.Key_Escape]
    for key in keys:
        QTest.keyClick(canvas, key)
    assert window.keys == keys
    QTest.keyClick(canvas, Qt.Key.Key_Plus, CONTROL)
    assert canvas.scale.frames_per_column < N / canvas.parts.n_columns
    QTest.keyClick(canvas, Qt.Key.Key_0, CONTROL)
    assert canvas.limits == pytest.approx((0, N))
    assert window.keys == keys


def test_many_individuals_scroll(canvas):
    groups = tuple(LaneGroup(n, f"mouse {n}", "#e69f00", (label_lane((10 * n, 10 * n + 9, 0)),)) for n in range(40))
    canvas.data = TimelineData(N, groups)
    canvas.current = 39
    assert canvas.scroll_px + canvas.parts.lanes_px >= canvas._layout.height
    bout = canvas.bouts_in(canvas._layout.rows[39].strips[0], 0, N)[0]
    QTest.mouseClick(canvas, LEFT, NONE, QPoint(x_of(canvas, 394), y_of(canvas, 39)))
    assert told(canvas, "bout_selected") == [[bout]]
    wheel(canvas, QPoint(20, 100), along=120 * 100)
    assert canvas.scroll_px == 0
    QTest.mouseClick(canvas, LEFT, NONE, QPoint(50, y_of(canvas, 0)))
    assert told(canvas, "individual_clicked")[-1] == [0]


def test_view_and_selection_outlive_an_edit(canvas):
    canvas.limits = (50, 450)
    canvas.selected = male_bout(100, 200, "groom")
    group = canvas.data.group("male")
    canvas.data = canvas.data.with_group(replace(group, lanes=(label_lane((100, 200, 0), (700, 800, 1)),)))
    assert canvas.limits == pytest.approx((50, 450))
    assert canvas.selected == male_bout(100, 200, "groom")
    canvas.data = canvas.data.with_group(replace(group, lanes=(label_lane((700, 800, 1)),)))
    assert canvas.selected is None
    canvas.data = TimelineData(50, (group,))
    assert canvas.limits == pytest.approx((0, 50))


def test_size_keeps_the_frames_in_view(canvas):
    canvas.limits = (100, 300)
    canvas.resize(700, 150)
    QApplication.processEvents()
    assert canvas.limits == pytest.approx((100, 300))
    assert canvas.parts.n_columns == 700 - canvas.parts.head_px


def test_data_may_follow_the_edge_while_it_is_dragged(canvas):
    def edit(bout: LaneBout, edge: str, frame: int) -> None:
        canvas.data = edited(canvas.data, bout, frame)

    canvas.edge_moved.connect(edit)
    canvas.limits = (850, 1050)
    begin = place(canvas, 1000)
    for step in (20, 45, 70):
        drag(canvas, begin, begin - QPoint(step, 0), modifiers=ALT, release=False)
        assert canvas.selected == canvas.dragged
        assert canvas.selected.stop == canvas.data.group("male").lane(LaneKind.LABELS).bouts.stop.max()
        QTest.keyClick(canvas, Qt.Key.Key_Escape)
        (bout,) = told(canvas, "edge_drag_canceled")[-1]
        canvas.data = edited(canvas.data, bout, bout.stop)
        assert canvas.selected == bout == male_bout(900, 1000, "groom")


def test_length_stands_beside_the_mouse_while_dragging(canvas):
    canvas.limits = (1000, 1200)
    begin, end = place(canvas, 1050.5, row=1), place(canvas, 1100.5, row=1)
    drag(canvas, begin, end, release=False)
    number = canvas.frame_at(end.x()) + 1 - canvas.frame_at(begin.x())
    assert canvas._moving.hover.lines == (f"{number} frames, {number / 25:.2f} s",)
    assert canvas._moving.hover.frame == canvas.frame_at(end.x())


def test_cursor_shows_where_edges_can_be_dragged(canvas):
    canvas.limits = (850, 1050)
    for frame, shape in ((900, Qt.CursorShape.SizeHorCursor), (950, Qt.CursorShape.ArrowCursor)):
        move(canvas, place(canvas, frame), buttons=NO_BUTTON)
        assert canvas.cursor().shape() == shape


def test_anything_a_user_does_stays_within_the_video(canvas):
    random = np.random.default_rng(4)
    sizes = [(1100, 200), (60, 30), (400, 90), (900, 500)]
    groups = make_data().groups
    contents = [make_data(), TimelineData(3), TimelineData(1, groups), TimelineData(10**8, groups)]
    for _ in range(400):
        at = QPoint(int(random.integers(0, canvas.width())), int(random.integers(0, canvas.height())))
        to = QPoint(int(random.integers(-200, canvas.width() + 200)), int(random.integers(-50, canvas.height() + 50)))
        match random.integers(0, 8):
            case 0:
                canvas.resize(*sizes[random.integers(0, len(sizes))])
            case 1:
                canvas.data = contents[random.integers(0, len(contents))]
            case 2:
                wheel(canvas, at, along=int(random.integers(-600, 600)))
            case 3:
                wheel(canvas, at, across=int(random.integers(-600, 600)))
            case 4:
                canvas.set_frame(int(random.integers(-5, canvas.scale.n_frames + 5)))
            case 5:
                QTest.mouseDClick(canvas, LEFT, NONE, at)
            case _:
                drag(canvas, at, to, modifiers=NONE if random.random() < 0.7 else SHIFT)
        canvas.grab()
        first, last = canvas.limits
        assert first >= 0
        assert last <= canvas.scale.n_frames * (1 + 1e-9)
        assert canvas.scale.n_frames == canvas.data.n_frames
        for (frame,) in told(canvas, "frame_requested"):
            assert 0 <= frame < canvas.scale.n_frames
        for _, start, stop, _ in told(canvas, "span_marked"):
            assert 0 <= start < stop <= canvas.scale.n_frames
        canvas.emitted.clear()
