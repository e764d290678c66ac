"""The ethogram below the image: columns of playhead and bouts are computed here from frames, and read by color."""

import numpy as np
import pytest

from napari_i3d import Annotation, Behavior, Bout, Ethogram
from napari_i3d.rendering.ethogram_strip import EthogramStrip
from napari_i3d.rendering.individuals import individuals_of
from napari_i3d.rendering.painting import TextPainter, rgb8

WINDOW, WIDTH, FRAMES = 100.0, 640, 400
RED, BLUE, GREEN = "#d01010", "#1010d0", "#10a010"
ETHOGRAM = Ethogram((Behavior("a", color=RED), Behavior("b", color=BLUE, exclusive=False), Behavior("c", color=GREEN)))
BOUTS = [Bout("m", "a", 50, 80), Bout("m", "c", 120, 121), Bout("f", "a", 60, 100), Bout("f", "b", 70, 90)]


def strip_of(annotation: Annotation, height: int = 400) -> EthogramStrip:
    return EthogramStrip(
        individuals_of(None, annotation), annotation, TextPainter(12), WIDTH, height, (WINDOW, 4.0), FRAMES
    )


def drawn(strip: EthogramStrip, frame: int) -> np.ndarray:
    picture = np.empty((strip.height, WIDTH, 3), np.uint8)
    strip.draw(picture, frame)
    return picture


def rows_of(picture: np.ndarray, strip: EthogramStrip, color: str) -> dict[int, list[int]]:
    """Return the columns of the lanes that have a color, by row of pixels."""
    left, right = strip.lanes_px
    rows, columns = np.nonzero((picture[:-20, left:right] == rgb8(color)).all(axis=2))
    return {row: (columns[rows == row] + left).tolist() for row in np.unique(rows).tolist()}


def column(strip: EthogramStrip, edge: float, frame: int) -> float:
    left, right = strip.lanes_px
    return (left + right) / 2 + (edge - frame - 0.5) * (right - left) / WINDOW


@pytest.mark.parametrize("frame", [0, 40, 65, 79, 120, 399])
def test_bouts_and_playhead_are_in_their_columns(frame: int) -> None:
    strip = strip_of(Annotation(ETHOGRAM, BOUTS[:2], n_frames=FRAMES))
    picture = drawn(strip, frame)
    left, right = strip.lanes_px
    head = np.flatnonzero((picture[10, left:right] == 255).all(axis=1)) + left
    assert np.abs(head.mean() + 0.5 - (left + right) / 2) <= 1
    assert len(head) == 2
    first, last = max(column(strip, 50, frame), left), min(column(strip, 80, frame), right)
    rows = rows_of(picture, strip, RED)
    if last < left or first > right:
        assert not rows
    for columns in rows.values():
        assert abs(min(columns) - first) <= 1
        assert abs(max(columns) + 1 - last) <= 1
    under = 50 <= frame < 80  # beside the playhead there is the color of what is on now
    beside = picture[10, [head[0] - 2, head[-1] + 2]]
    if 51 <= frame < 79 or not under:
        assert ((beside == rgb8(RED)).all(axis=1) == under).all()


def test_behaviors_at_the_same_time_share_the_lane() -> None:
    strip = strip_of(Annotation(ETHOGRAM, BOUTS[2:], n_frames=FRAMES))
    picture = drawn(strip, 110)
    red, blue = (rows_of(picture, strip, color) for color in (RED, BLUE))
    assert set(red).isdisjoint(blue)
    assert abs(len(red) - len(blue)) <= 1
    assert abs(min(blue[min(blue)]) - column(strip, 70, 110)) <= 1


def test_lanes_are_in_the_order_of_individuals() -> None:
    strip = strip_of(Annotation(ETHOGRAM, [BOUTS[0], BOUTS[3]], individuals=("f", "m"), n_frames=FRAMES))
    picture = drawn(strip, 70)
    assert max(rows_of(picture, strip, BLUE)) < min(rows_of(picture, strip, RED))


def test_assessed_unknown_and_outside_differ() -> None:
    annotation = Annotation(ETHOGRAM, (), {"m": ((350, 380),)}, n_frames=FRAMES)
    strip = strip_of(annotation)
    picture = drawn(strip, 380)
    lane = picture[6:24]
    assessed, unknown, outside = (
        lane[:, round(column(strip, (first + stop) / 2, 380))] for first, stop in ((350, 378), (382, 399), (405, 425))
    )
    assert len(np.unique(assessed, axis=0)) <= 2
    assert assessed[len(assessed) // 3].sum() > unknown[len(unknown) // 5].sum()
    assert len(np.unique(unknown[:-4], axis=0)) == 2, "a thin line"
    assert len(np.unique(outside, axis=0)) == 1, "nothing"


def test_what_nobody_reviewed_is_dimmed() -> None:
    reviewed, proposed = (
        drawn(strip_of(Annotation(ETHOGRAM, [Bout("m", "a", 0, 90, origin=origin)], n_frames=FRAMES)), 70)
        for origin in ("curated", "automated")
    )
    spot = (10, 260)
    assert (reviewed[spot] == rgb8(RED)).all()
    assert 80 < proposed[spot][0] < 180


def test_behaviors_of_the_same_color_have_hatches() -> None:
    twins = Ethogram((Behavior("a", color=RED), Behavior("b", color=RED)))
    strip = strip_of(Annotation(twins, [Bout("m", "a", 0, 60), Bout("m", "b", 60, 120)], n_frames=FRAMES))
    picture = drawn(strip, 60)
    left, right = strip.lanes_px
    middle = (left + right) // 2
    plain, hatched = picture[10, middle - 100 : middle - 5], picture[10, middle + 5 : middle + 100]
    assert (plain == rgb8(RED)).all()
    share = (hatched == rgb8(RED)).all(axis=1).mean()
    assert 0.3 < share < 0.7


def test_lanes_without_room_are_counted() -> None:
    annotation = Annotation(ETHOGRAM, [Bout(number, "a", 0, 9) for number in range(30)], n_frames=FRAMES)
    strip = strip_of(annotation, height=100)
    assert 0 < strip.left_out < 30
    assert strip.height < 200


def test_thousands_of_bouts_are_drawn_like_their_window() -> None:
    """Against a table of all frames."""
    random = np.random.default_rng(4)
    edges = np.sort(random.choice(np.arange(1, 20_000), 4000, replace=False)).reshape(-1, 2)
    bouts = [Bout("m", "a", int(start), int(stop)) for start, stop in edges]
    annotation = Annotation(ETHOGRAM, bouts, n_frames=20_000)
    strip = EthogramStrip(
        individuals_of(None, annotation), annotation, TextPainter(12), WIDTH, 400, (WINDOW, 4.0), 20_000
    )
    table = annotation.to_table("m")[:, 0]
    left, right = strip.lanes_px
    for frame in (500, 9999, 19_000):
        row = (drawn(strip, frame)[10] == rgb8(RED)).all(axis=1)
        for other in range(frame - 40, frame + 40):
            x = round(column(strip, other + 0.5, frame))
            if abs(x - (left + right) / 2) > 4:
                assert row[x] == bool(table[other]), (frame, other)
