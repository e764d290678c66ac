"""Random windows say how good a probe is where nobody chose what to label."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.labelled import ETHOGRAM, Planted, make_planted
from napari_i3d import Annotation, Bout, Features, learning
from napari_i3d._utils.frame_ranges import merge_ranges
from napari_i3d.errors import AnnotationError


def labels_of(video: Planted, ranges: list[tuple[int, int]]) -> Annotation:
    """Return the true labels of ranges of frames only."""
    merged = merge_ranges(ranges)
    bouts = tuple(
        replace(one, start=max(one.start, low), stop=min(one.stop, high))
        for low, high in merged
        for one in video.annotation.bouts
        if one.overlaps(low, high)
    )
    return Annotation(ETHOGRAM, bouts, {"mouse": merged}, n_frames=len(video.states))


def random_windows(video: Planted, count: int, seed: int) -> tuple[learning.Window, ...]:
    probe = learning.train(video.features, video.annotation)
    return learning.next_windows(probe, video.features, count=count, length_frames=25, random_share=1, seed=seed)


def test_estimate_holds_for_frames_that_were_not_chosen() -> None:
    # The first quarter is easy, and labelled throughout; the rest is hard.
    video = make_planted(1, noise=0.3, n_bouts=160)
    easy = len(video.states) // 4
    rows = video.features["mouse"].copy()
    rows[easy:] += 2.4 * np.random.default_rng(0).standard_normal(rows[easy:].shape).astype(np.float32)
    features = replace(video.features, rows={"mouse": rows})
    true, estimates, covered = [], [], 0
    for seed in range(8):
        later = [w for w in random_windows(video, 80, seed) if w.start > easy][:30]
        labels = labels_of(video, [(0, easy), *((w.start, w.stop) for w in later)])
        found = learning.estimate_by_random_windows(features, labels, later)
        predicted = learning.train(features, labels).predict(features).to_table("mouse")
        rest = np.setdiff1d(np.arange(easy + 20, len(video.states)), [f for w in later for f in range(w.start, w.stop)])
        true.append((predicted[rest] == video.annotation.to_table("mouse")[rest]).all(axis=1).mean())
        covered += int(found.right_interval[0] <= true[-1] <= found.right_interval[1])
        assert found.right_interval[0] < found.right < found.right_interval[1]
        assert found.macro_f1_interval[0] < found.macro_f1 < found.macro_f1_interval[1]
        estimates.append(found.right)
        assert found.n_windows == 30
    assert covered >= 7
    assert abs(np.mean(estimates) - np.mean(true)) < 0.03
    # Scores of all labels are those of the easy part.
    assert learning.evaluate(features, labels).macro_f1 > found.macro_f1 + 0.05


def test_windows_are_tested_without_their_own_labels() -> None:
    # Rows tell stretches of 25 frames apart, and nothing else: only a leak could be right.
    video = make_planted(2, n_bouts=120)
    random = np.random.default_rng(0)
    rows = np.repeat(random.standard_normal((len(video.states) // 10 + 1, 64)), 10, axis=0)[: len(video.states)]
    features = replace(video.features, rows={"mouse": rows.astype(np.float32)})
    windows = random_windows(video, 40, 0)
    found = learning.estimate_by_random_windows(features, video.annotation, windows)
    assert found.macro_f1 < 0.45


def test_only_random_windows_that_are_labelled_count() -> None:
    video = make_planted(1, n_bouts=60, first=7)
    probe = learning.train(video.features, video.annotation)
    windows = learning.next_windows(probe, video.features, count=40, length_frames=20, random_share=0.5)
    chance = [window for window in windows if window.random]
    labelled = [window for window in windows if not window.random] + chance[:6]
    ranges = [(w.start, w.stop) for w in labelled] + [(chance[6].start, chance[6].stop - 1)]
    end = 7 + len(video.states)
    merged = merge_ranges(ranges)
    bouts = tuple(
        Bout("mouse", one.behavior, max(one.start, low), min(one.stop, high))
        for low, high in merged
        for one in video.annotation.bouts
        if one.overlaps(low, high)
    )
    labels = Annotation(ETHOGRAM, bouts, {"mouse": merged}, n_frames=end)
    found = learning.estimate_by_random_windows(video.features, labels, [*windows, *windows])
    assert found.n_windows == 6
    assert found.n_rows == sum(window.stop - window.start for window in chance[:6])
    assert "6 random windows" in found.report()
    assert "Too few random windows" in found.report()
    with pytest.raises(AnnotationError, match="found 0"):
        learning.estimate_by_random_windows(video.features, labels, labelled[:-6])


def test_sparse_rows_and_several_videos_are_counted_once() -> None:
    named, labels, windows = {}, {}, []
    for name, seed in (("x", 1), ("y", 2)):
        video = make_planted(seed, noise=0.1)
        frames = np.arange(3.5, len(video.states) - 4, 4)
        rows = video.features["mouse"][np.floor(frames).astype(int)]
        facts = {"video": {"frames": len(video.states)}}
        named[name] = Features(rows={"mouse": rows}, frames={"mouse": frames}, provenance=facts)
        labels[name] = video.annotation
    probe = learning.train(named, labels)
    windows = learning.next_windows(probe, named, count=20, length_frames=40, random_share=1)
    found = learning.estimate_by_random_windows(named, labels, windows)
    assert found.n_windows == 20
    assert found.n_rows == pytest.approx(200, abs=10)
    assert found.right > 0.9
