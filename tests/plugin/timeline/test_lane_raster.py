"""The image of lanes, pixel by pixel, against a plain loop over columns and bouts."""

import numpy as np
import pytest

from napari_i3d._utils.colors import hatch_color, rgb
from napari_i3d.plugin.timeline.lane_layout import arrange
from napari_i3d.plugin.timeline.lane_raster import FAINTEST, LaneRaster
from napari_i3d.plugin.timeline.lanes import BoutArrays, Lane, LaneGroup, LaneKind, Style, TimelineData, make_styles
from napari_i3d.plugin.timeline.theme import LaneColors
from napari_i3d.plugin.timeline.time_scale import TimeScale

N = 3000
BACKGROUND, LANE, CURRENT, HATCH, GRID = "#101010", "#303030", "#404060", "#707070", "#505050"
COLORS = LaneColors(*(0xFF000000 | int(color[1:], 16) for color in (BACKGROUND, LANE, CURRENT, HATCH, GRID)))
STYLES = (Style("a", "#e69f00"), Style("b", "#56b4e9"), Style("c", "#e69f00", 1), Style("d", "#0072b2", 2))


def one_lane(bouts: BoutArrays, kind: LaneKind = LaneKind.LABELS, styles=STYLES, **known) -> TimelineData:
    return TimelineData(N, (LaneGroup("male", "male", "#ffffff", (Lane(kind, styles, bouts),), **known),))


def random_bouts(seed: int, number: int, longest: int) -> BoutArrays:
    random = np.random.default_rng(seed)
    start = random.integers(0, N - 1, number)
    stop = np.minimum(start + random.integers(1, longest, number), N)
    return BoutArrays.make(start, stop, random.integers(0, len(STYLES), number), random.random(number))


def rasterize(data: TimelineData, scale: TimeScale, ratio: float = 1.0, grid=(), is_unfolded=lambda _: False):
    layout = arrange(data, is_unfolded, 60)
    image, _ = LaneRaster(scale, ratio, COLORS, grid).paint(layout.rows, 0, layout.height)
    return image, layout.rows[0].strips[0]


def hexes(pixels) -> list[str]:
    return [f"#{int(pixel) & 0xFFFFFF:06x}" for pixel in pixels]


def blend(under: str, over: str, opacity: float) -> tuple[float, ...]:
    return tuple(255 * (a + (b - a) * opacity) for a, b in zip(rgb(under), rgb(over), strict=True))


def is_near(color: str, wanted: tuple[float, ...]) -> bool:
    return all(abs(255 * got - value) <= 1 for got, value in zip(rgb(color), wanted, strict=True))


SCALES = [
    TimeScale.whole(N, 211),
    TimeScale.whole(N, 211).zoomed(3.3, 100),
    TimeScale.whole(N, 211).zoomed(17.7, 60),
    TimeScale.whole(N, 211).zoomed(150, 99),
]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_each_pixel_shows_the_bouts_of_its_frames(scale, ratio):
    bouts = random_bouts(2, 150, 60)
    image, strip = rasterize(one_lane(bouts), scale, ratio)
    top, height = round(strip.top * ratio), round((strip.top + strip.height) * ratio) - round(strip.top * ratio)
    both = set()
    for column in range(scale.n_columns):
        first, last = scale.frames_at(column)
        strength: dict[int, float] = {}
        for start, stop, style, opacity in zip(bouts.start, bouts.stop, bouts.style, bouts.opacity, strict=True):
            if start < last and stop > first:
                alpha = FAINTEST + (1 - FAINTEST) * opacity
                strength[int(style)] = max(strength.get(int(style), 0), alpha)
        shown = sorted(strength)
        for y in range(height):
            color = f"#{int(image[top + y, column]) & 0xFFFFFF:06x}"
            if not shown:
                assert color == LANE
                continue
            style = shown[y * len(shown) // height]
            main = blend(LANE, STYLES[style].color, strength[style])
            second = blend(LANE, hatch_color(STYLES[style].color), strength[style])
            assert is_near(color, main) or (STYLES[style].hatch and is_near(color, second))
            both.add((style, is_near(color, main)))
    assert {(2, True), (2, False), (3, True), (3, False)} <= both  # hatches have both colors


def test_one_frame_keeps_a_pixel_in_a_million():
    lane = Lane(LaneKind.LABELS, STYLES, BoutArrays.make([654_321], [654_322]))
    data = TimelineData(1_000_000, (LaneGroup(1, "1", "#ffffff", (lane,)),))
    scale = TimeScale.whole(1_000_000, 400)
    image, strip = rasterize(data, scale)
    row = hexes(image[strip.top])
    assert [column for column, color in enumerate(row) if color == STYLES[0].color] == [654_321 * 400 // 1_000_000]


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("room", [8, 60])
def test_proposals_have_lines_and_keep_every_behavior(ratio, room):
    scale, bouts = TimeScale.whole(N, 211), random_bouts(7, 150, 60)
    labels = Lane(LaneKind.LABELS, STYLES)
    lanes = (labels, Lane(LaneKind.PREDICTIONS, STYLES, bouts))
    layout = arrange(TimelineData(N, (LaneGroup("male", "male", "#ffffff", lanes),)), lambda _: False, room)
    image, _ = LaneRaster(scale, ratio, COLORS, ()).paint(layout.rows, 0, layout.height)
    strip = layout.rows[0].strips[1]
    block = image[round(strip.top * ratio) : round((strip.top + strip.height) * ratio)]
    lines = block == COLORS.background
    for column in range(scale.n_columns):
        first, last = scale.frames_at(column)
        within = (bouts.start < last) & (bouts.stop > first)
        shown = sorted(set(bouts.style[within].tolist()))
        for place in range(len(shown)):
            band = np.arange(len(block)) * len(shown) // len(block) == place
            assert not lines[band, column].all()
        few = len(shown) * round(4 * ratio) <= len(block)
        assert lines[:, column].any() == (bool(shown) and few)


def test_frame_wider_than_pixels_is_exact():
    scale = TimeScale.whole(20, 200)  # ten columns a frame
    data = TimelineData(
        20, (LaneGroup(1, "1", "#ffffff", (Lane(LaneKind.LABELS, STYLES, BoutArrays.make([3], [5])),)),)
    )
    image, strip = rasterize(data, scale)
    assert hexes(image[strip.top]) == [LANE] * 30 + [STYLES[0].color] * 20 + [LANE] * 150


@pytest.mark.parametrize("scale", SCALES)
def test_not_assessed_looks_different_from_nothing(scale):
    assessed = np.array([[0, 900], [901, 2000]])  # one frame between was missed
    image, strip = rasterize(one_lane(BoutArrays.make([], []), assessed=assessed), scale)
    block = image[strip.top : strip.top + strip.height]
    for column in range(scale.n_columns):
        frames = range(*scale.frames_at(column))
        missed = any(frame == 900 or frame >= 2000 for frame in frames)
        colors = set(hexes(block[:, column]))
        assert colors == ({BACKGROUND, HATCH} if missed else {LANE})


def test_absent_individual_has_no_lane():
    scale = TimeScale.whole(N, 300)
    image, strip = rasterize(
        one_lane(BoutArrays.make([1500], [1510]), present=np.array([[500, 1000]]), assessed=np.zeros((0, 2), np.int64)),
        scale,
    )
    row = hexes(image[strip.top])
    assert set(row[:50]) == set(row[100:150]) == {BACKGROUND}
    assert set(row[50:100]) <= {BACKGROUND, HATCH}
    assert row[150] == STYLES[0].color  # what is labelled there is not hidden


def test_touching_bouts_of_a_behavior_are_set_apart():
    scale = TimeScale.whole(100, 1000)
    bouts = BoutArrays.make([10, 20, 30], [20, 30, 40], [0, 0, 1])
    data = TimelineData(100, (LaneGroup(1, "1", "#ffffff", (Lane(LaneKind.LABELS, STYLES, bouts),)),))
    image, strip = rasterize(data, scale)
    row = hexes(image[strip.top])
    assert row[199:202] == [STYLES[0].color, BACKGROUND, STYLES[0].color]
    assert row[299:301] == [STYLES[0].color, STYLES[1].color]


def test_unfolded_rows_show_their_behavior_only():
    scale = TimeScale.whole(N, 300)
    data = one_lane(BoutArrays.make([0, 1000], [100, 1100], [0, 1]))
    layout = arrange(data, lambda _: True, 300)
    image, _ = LaneRaster(scale, 1.0, COLORS).paint(layout.rows, 0, layout.height)
    for row in layout.rows[1:]:
        colors = hexes(image[row.strips[0].top])
        assert (colors[5] == STYLES[0].color) == (row.style == 0)
        assert (colors[105] == STYLES[1].color) == (row.style == 1)


def test_scrolled_image_is_part_of_the_whole():
    scale = TimeScale.whole(N, 300)
    groups = tuple(
        LaneGroup(n, str(n), "#ffffff", (Lane(LaneKind.LABELS, STYLES, random_bouts(n, 200, 30)),),
                  assessed=np.array([[0, 1500]]))
        for n in range(6)
    )  # fmt: skip
    layout = arrange(TimelineData(N, groups), lambda _: False, 10)
    raster = LaneRaster(scale, 1.0, COLORS)
    whole, _ = raster.paint(layout.rows, 0, layout.height)
    for top in range(0, layout.height - 30, 7):
        part, _ = raster.paint(layout.rows_between(top, top + 30), top, 30)
        assert (part == whole[top : top + 30]).all()


def test_marks_are_two_pixels_wide_at_least():
    scale = TimeScale.whole(N, 300)
    image, strip = rasterize(one_lane(BoutArrays.make([1500], [1501]), LaneKind.MARKS), scale)
    row = hexes(image[strip.top])
    assert [column for column, color in enumerate(row) if color == STYLES[0].color] == [150, 151]


def test_grid_lies_under_bouts():
    scale = TimeScale.whole(N, 300)
    image, strip = rasterize(one_lane(BoutArrays.make([1000], [1100])), scale, grid=[500, 1050])
    row = hexes(image[strip.top])
    assert row[50] == GRID
    assert row[105] == STYLES[0].color


def test_many_styles_are_all_told_apart():
    styles = make_styles([str(n) for n in range(32)])
    starts = np.arange(32) * 90
    scale = TimeScale.whole(N, 1500)
    image, strip = rasterize(one_lane(BoutArrays.make(starts, starts + 60, np.arange(32)), styles=styles), scale)
    looks = set()
    for start in starts.tolist():
        left, right = scale.columns_of(start, start + 60)
        block = image[strip.top : strip.top + strip.height, left:right]
        slanted = bool((block[1:, :-1] == block[:-1, 1:]).all())
        values, counts = np.unique(block, return_counts=True)
        looks.add((tuple(values.tolist()), slanted, round(float(counts[0] / block.size), 1)))
    assert len(looks) == 32
