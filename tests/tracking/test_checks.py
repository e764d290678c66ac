"""The list of problems, against plain Python loops and on real tracking."""

import contextlib
import math
import statistics
import time
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_i3d.cli.shared.common import command_wording
from napari_i3d.errors import TrackingError
from napari_i3d.extraction.planning.crop_boxes import crop_boxes
from napari_i3d.extraction.settings import SampleMode
from napari_i3d.tracking.checks import Level, Problem, ProblemKind, check_tracking, require_valid_boxes
from napari_i3d.tracking.gaps import interpolate_gaps, split_gaps
from napari_i3d.tracking.io.box_pickle import read_tracking
from napari_i3d.tracking.tracklets import Tracking

SHAPE = (30, 100, 200, 3)  # frames, height, width, colors


def one(boxes: dict[int, Any], shape: tuple[int, ...] | None = SHAPE) -> list[Problem]:
    return check_tracking(Tracking.from_boxes({"a": boxes}), shape)


def still(n: int = 20, box: tuple[float, ...] = (10, 20, 50, 60)) -> dict[int, Any]:
    return dict.fromkeys(range(n), box)


def frames_by_kind(boxes: dict[int, list[float]]) -> dict[str, set[int]]:
    """The rules of the module once more, frame by frame."""
    found: dict[str, set[int]] = {kind.value: set() for kind in ProblemKind}
    first, last = min(boxes), max(boxes)
    if last - first + 1 < 8:
        found["short"].update(range(first, last + 1))
    sound = []
    for frame in range(first, last + 1):
        if frame >= SHAPE[0]:
            found["beyond-video"].add(frame)
        if frame not in boxes:
            found["gap"].add(frame)
            continue
        left, upper, right, lower = boxes[frame]
        if not all(map(math.isfinite, boxes[frame])):
            found["not-a-number"].add(frame)
        elif right < left or lower < upper:
            found["inverted"].add(frame)
        elif int(right) == int(left) or int(lower) == int(upper):
            found["empty"].add(frame)
        else:
            sound.append(frame)
            width = min(max(int(right), 0), 200) - min(max(int(left), 0), 200)
            height = min(max(int(lower), 0), 100) - min(max(int(upper), 0), 100)
            inside = (min(max(right, 0), 200) - min(max(left, 0), 200)) * (
                min(max(lower, 0), 100) - min(max(upper, 0), 100)
            )
            if width <= 0 or height <= 0 or 1 - inside / ((right - left) * (lower - upper)) > 0.25:
                found["outside"].add(frame)
    sizes = {f: math.sqrt((boxes[f][2] - boxes[f][0]) * (boxes[f][3] - boxes[f][1])) for f in sound}
    steps, factors = {}, {}
    for before, frame in pairwise(sound):
        x = [sum(boxes[f][i] for i in (0, 2)) / 2 for f in (before, frame)]
        y = [sum(boxes[f][i] for i in (1, 3)) / 2 for f in (before, frame)]
        steps[frame] = math.hypot(x[1] - x[0], y[1] - y[0]) / (frame - before)
        factors[frame] = abs(math.log(sizes[frame] / sizes[before]))
    if steps:
        limit = max(0.5 * statistics.median(sizes.values()), 10 * statistics.median(steps.values()))
        found["jump"] = {f for f, step in steps.items() if step > limit * (1 + 1e-12)}
        limit = max(math.log(1.5), 10 * statistics.median(factors.values()))
        found["size-change"] = {f for f, factor in factors.items() if factor > limit * (1 + 1e-12)}
    return found


@st.composite
def walks(draw: st.DrawFn) -> dict[int, list[float]]:
    """A walk with small steps, some frames missing and some boxes spoilt."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, start = draw(st.integers(1, 60)), draw(st.integers(0, 10))
    rows = np.cumsum(rng.normal(0, draw(st.sampled_from([0, 0.5, 5])), (n, 2)), axis=0) + rng.uniform(-30, 200, 2)
    rows = np.hstack([rows, rows + rng.uniform(0.2, 60, 2)])
    for _ in range(draw(st.integers(0, 8))):
        at, side = rng.integers(n), rng.integers(4)
        rows[at, side] += draw(st.sampled_from([0.3, 7, -30, 100, -1000, math.nan, math.inf, -math.inf]))
    keep = rng.random(n) > draw(st.sampled_from([0, 0.1, 0.7]))
    keep[0] = True
    # Rounded, so that no comparison hangs on the last bit.
    return {start + i: [round(s, 3) for s in row] for i, row in enumerate(rows.tolist()) if keep[i]}


@settings(max_examples=300)
@given(walks())
def test_random_walk_problems_equal_those_of_plain_loop(boxes: dict[int, list[float]]):
    problems = one(boxes)
    expected = frames_by_kind(boxes)
    found: dict[str, set[int]] = {kind: set() for kind in expected}
    for problem in problems:
        spelt = problem.message.removeprefix("a: ").split(":")[0].split(" ")[1]
        first, _, last = spelt.partition("-")
        assert (int(first), int(last or first) + 1) == (problem.frame, problem.stop)
        frames = set(range(int(first), int(last or first) + 1))
        assert not frames & found[problem.kind], "two problems of a kind share a frame"
        if problem.kind is not ProblemKind.OUTSIDE:
            assert int(first) - 1 not in found[problem.kind], "neighbors are not one problem"
        found[problem.kind] |= frames
    assert found == expected
    assert [p.frame for p in problems] == sorted(p.frame for p in problems)


@given(walks())
def test_sound_boxes_equal_those_of_plain_loop(boxes: dict[int, list[float]]):
    expected = frames_by_kind(boxes)
    tracklet = Tracking.from_boxes({"a": boxes})["a"]
    if any(expected[kind] for kind in ("gap", "not-a-number", "inverted", "empty")):
        with pytest.raises(TrackingError, match=r"^a: frames? \d"):
            require_valid_boxes(tracklet)
    else:
        require_valid_boxes(tracklet)


def test_missing_frames_are_refused_as_the_design_says():
    boxes = {f: [1, 2, 9, 9] for f in range(1499) if f != 1007 and not 1010 <= f <= 1021}
    with pytest.raises(TrackingError) as caught:
        require_valid_boxes(Tracking.from_boxes({"male": boxes})["male"])
    found = "male: frames 1007, 1010-1021 are missing between its first (0) and last (1498)"
    assert str(caught.value) == f'{found}; use gaps="split" or gaps="interpolate"'
    assert caught.value.message.in_words(command_wording) == f"{found}; use --gaps split or --gaps interpolate"


@pytest.mark.parametrize(
    ("box", "match"),
    [
        (None, "^a: frame 5 is missing between its first"),
        ([1, 2, 3, math.nan], "^a: frame 5 has a box with a side that is not a finite number; correct or remove it"),
        ([-math.inf, 2, 3, 4], "not a finite number"),
        ([5, 2, 4, 4], "^a: frame 5 has an inverted box, expected left < right"),
        ([4, 2, 4, 4], "^a: frame 5 has an empty box, less than a pixel"),
        ([4.1, 2, 4.9, 4], "empty box"),
    ],
)
def test_box_without_a_pixel_is_refused(box: Any, match: str):
    boxes = still()
    if box is None:
        del boxes[5]
    else:
        boxes[5] = box
    with pytest.raises(TrackingError, match=match):
        require_valid_boxes(Tracking.from_boxes({"a": boxes})["a"])


def test_long_list_of_frames_is_shortened():
    boxes = {f: [1, 2, 9, 9] for f in range(0, 2001, 2)}
    with pytest.raises(TrackingError, match=r"frames 1, 3, 5, 7, 9, 11 and 994 more ranges \(1000 frames in all\) are"):
        require_valid_boxes(Tracking.from_boxes({"a": boxes})["a"])


def test_clean_tracking_has_no_problems():
    assert one(still()) == []


@pytest.mark.parametrize(
    ("box", "found"),
    [
        ([-1.5, 20, 50, 60], None),
        ([-10, 20, 50, 60], None),
        ([-30, 20, 50, 60], "a: frame 5: up to 38% of the box lies outside the image of 200 x 100"),
        ([160, 20, 260, 60], "a: frame 5: up to 60% of the box"),
        ([10, 80, 50, 130], "a: frame 5: up to 60% of the box"),
        ([200, 20, 240, 60], "a: frame 5: the box lies wholly outside the image of 200 x 100"),
        ([-40, 20, 0, 60], "wholly outside"),
        ([-40, 20, 0.9, 60], "wholly outside"),
        ([10, 100, 50, 140], "wholly outside"),
    ],
)
def test_box_at_rim_is_problem_beyond_quarter(box: list[float], found: str | None):
    messages = [p.message for p in one(still() | {5: box}) if p.kind == "outside"]
    assert len(messages) == (found is not None)
    assert not found or found in messages[0]


def test_unknown_video_shape_yields_no_video_problem():
    boxes = still(100, (-500, -500, -400, -400))
    assert one(boxes, None) == []
    assert {p.kind for p in one(boxes)} == {"outside", "beyond-video"}


def test_frames_beyond_the_video_are_one_problem():
    (problem,) = one(still(45))
    assert problem == Problem(
        "a", 30, ProblemKind.BEYOND_VIDEO, "a: frames 30-44 (15 frames): the video has 30 frames", Level.ERROR, stop=45
    )


def test_still_animals_jump_and_return_is_one_problem():
    (problem,) = one(still() | {5: (40, 20, 80, 60)})
    assert (problem.frame, problem.kind) == (5, "jump")
    assert problem.message == "a: frames 5-6 (2 frames): its center moves 30.0 px a frame (median 0.0, limit 20.0)"


def test_fast_animal_is_no_jump():
    boxes = {f: (f * 6, 10, f * 6 + 4, 14) for f in range(25)}
    assert one(boxes) == []


@pytest.mark.parametrize(("step", "found"), [(59, []), (61, ["jump"])])
def test_fast_animals_jump_is_ten_median_steps(step: int, found: list[str]):
    boxes = {f: (f * 6 + late, 10, f * 6 + 4 + late, 14) for f in range(20) for late in [step - 6 if f > 9 else 0]}
    assert [p.kind for p in one(boxes)] == found


@pytest.mark.parametrize(("factor", "found"), [(9, []), (11, ["size-change"])])
def test_restless_box_change_is_ten_median_changes(factor: int, found: list[str]):
    scales = [0.1 * (f % 2) for f in range(19)] + [0.1 * factor]
    halves = [9 * math.exp(scale) for scale in scales]
    boxes = {f: (100 - half, 50 - half, 100 + half, 50 + half) for f, half in enumerate(halves)}
    assert [p.kind for p in one(boxes)] == found


def test_step_across_a_gap_counts_by_frame():
    boxes = still(10) | dict.fromkeys(range(15, 25), (100, 20, 140, 60))
    assert [p.kind for p in one(boxes)] == ["gap"]
    assert [p.kind for p in one({f: b for f, b in boxes.items() if f < 10} | {11: (100, 20, 140, 60)})] == [
        "gap",
        "jump",
    ]


def test_sudden_change_of_size_is_a_problem():
    (problem,) = one(still() | {19: (20, 30, 40, 50)})
    assert (problem.frame, problem.kind) == (19, "size-change")
    assert "a factor of 2.00" in problem.message


def test_tracklet_shorter_than_a_chunk_is_a_problem():
    assert [p.kind for p in one(still(7))] == ["short"]
    assert one(still(8)) == []


def test_absurd_coordinates_bring_no_warning_and_no_exception():
    boxes = still() | {3: (-1e308, -1e308, 1e308, 1e308), 9: (1e308, 1e308, 1.7e308, 1.7e308)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert {p.frame for p in one(boxes)} >= {3, 9}


def test_problems_come_by_individual_in_file_order():
    tracking = Tracking.from_boxes({"b": still(3), 1: {0: [1, 1, 9, 9], 20: [1, 1, 9, 9]}})
    assert [(p.id, p.frame, p.kind) for p in check_tracking(tracking)] == [("b", 0, "short"), (1, 1, "gap")]


def test_hundred_thousand_frames_are_checked_fast():
    rng = np.random.default_rng(0)
    rows = np.cumsum(rng.normal(0, 1, (100_000, 2)), axis=0)
    boxes = dict(enumerate(np.hstack([rows, rows + 40]).tolist()))
    tracking = Tracking.from_boxes({"a": boxes})
    began = time.process_time()
    check_tracking(tracking, (100_000, 1000, 1000))
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("name", "shape", "n_problems"),
    [
        ("flies_courtship_clip_tracks", (1500, 1024, 1024, 3), 0),
        ("flies_courtship_clip_float_unclipped", (1500, 1024, 1024, 3), 0),
        ("spiders_tracktor_tracks", (2352, 1080, 1920, 3), 0),
    ],
)
def test_proofread_tracking_has_no_problems(shared: Path, name: str, shape: tuple[int, ...], n_problems: int):
    assert len(check_tracking(read_tracking(shared / "data" / f"{name}.pickle"), shape)) == n_problems


def test_false_tracks_of_real_pair_are_found(shared: Path):
    problems = check_tracking(read_tracking(shared / "data/flies_centered_pair_tracks.pickle"), (1100, 384, 384, 3))
    assert [(p.frame, p.kind) for p in problems if p.id in ("1", "2")] == [(1099, "size-change")]
    assert sum(p.kind == "short" for p in problems) == 37
    assert len(problems) <= 40


def test_gaps_of_the_predictions_are_found_and_mended(shared: Path):
    tracking = read_tracking(shared / "data/flies_courtship_clip_INVALID_gaps.pickle")
    gaps = [p for p in check_tracking(tracking) if p.kind == "gap"]
    assert {p.id for p in gaps} == {"male"}
    assert sum(stop - first for first, stop in tracking["male"].gaps) == 193
    assert len(gaps) == len(tracking["male"].gaps)
    for resolved in (split_gaps(tracking), interpolate_gaps(tracking)):
        assert not [p for p in check_tracking(resolved) if p.kind == "gap"]
        for tracklet in resolved.values():
            require_valid_boxes(tracklet)
    assert len(split_gaps(tracking)) == len(gaps) + 2


@pytest.mark.parametrize(
    ("boxes", "errors", "warnings"),
    [
        (still() | {9: (10, 20, 90, 90)}, set(), {"size-change"}),
        (still() | {9: (150, 20, 240, 60)}, set(), {"jump", "outside"}),
        (still() | {9: (201, 20, 240, 60)}, {"outside"}, {"jump"}),
        (still() | {9: (30, 20, 10, 60)}, {"inverted"}, set()),
        (still() | {9: (10, 20, 10, 60)}, {"empty"}, set()),
        (still() | {9: (10, 20, math.inf, 60)}, {"not-a-number"}, set()),
        (still() | {22: (10, 20, 50, 60)}, {"gap"}, set()),
        (still(31), {"beyond-video"}, set()),
    ],
)
def test_what_extraction_refuses_is_error_and_nothing_else(
    boxes: dict[int, Any], errors: set[str], warnings: set[str]
) -> None:
    problems = one(boxes)
    assert {problem.kind.value for problem in problems if problem.level is Level.ERROR} == errors
    assert {problem.kind.value for problem in problems if problem.level is Level.WARNING} >= warnings
    tracklet = Tracking.from_boxes({"a": boxes})["a"]
    with contextlib.nullcontext() if not errors else pytest.raises(TrackingError):
        require_valid_boxes(tracklet)
        if tracklet.stop > SHAPE[0]:
            raise TrackingError("as plan_job does")
        crop_boxes(tracklet, (SHAPE[2], SHAPE[1]), SampleMode.CENTER_CROP)


def test_individuals_left_out_stop_nothing() -> None:
    short = dict.fromkeys((0, 1, 3), (10, 20, 10, 60))
    levels = {
        (problem.id, problem.kind.value): problem.level
        for problem in check_tracking(Tracking.from_boxes({"a": short, "b": still()}), SHAPE)
    }
    assert levels == dict.fromkeys((("a", "short"), ("a", "empty"), ("a", "gap")), Level.WARNING)
    levels = {problem.kind.value: problem.level for problem in one(short)}
    assert levels == {"short": Level.ERROR, "empty": Level.WARNING, "gap": Level.WARNING}
