"""Problems after random corrections, against a check of the whole tracking."""

import contextlib
from typing import Any

import numpy as np
import pytest

from napari_i3d import Tracking, TrackingEditor, check_tracking
from napari_i3d.errors import TrackingError
from napari_i3d.tracking import incremental_checks
from napari_i3d.tracking.incremental_checks import TrackingChecks

SHAPE = (90, 100, 200, 3)


def tracking(rng: np.random.Generator) -> Tracking:
    """Walks with missing frames, and boxes that are inverted, empty, infinite, outside or far off."""
    boxes: dict[Any, dict[int, list[float]]] = {}
    for name in ("a", "b", 1):
        n, start = int(rng.integers(1, 80)), int(rng.integers(0, 30))
        rows = np.cumsum(rng.normal(0, 2, (n, 2)), axis=0) + rng.uniform(0, 150, 2)
        rows = np.hstack([rows, rows + rng.uniform(1, 60, 2)])
        for _ in range(int(rng.integers(0, 10))):
            rows[rng.integers(n), rng.integers(4)] += rng.choice([0.3, -40, 100, -1000, np.nan, np.inf])
        boxes[name] = {start + row: rows[row].tolist() for row in range(n) if rng.random() > 0.15 or not row}
    return Tracking.from_boxes(boxes)


def correct(editor: TrackingEditor, rng: np.random.Generator, in_group: bool = False) -> None:
    ids: list[Any] = [*editor.tracking, "new", "other"]
    one, other = (ids[i] for i in rng.integers(0, len(ids), 2))
    start = int(rng.integers(0, 110))
    stop = start + int(rng.integers(1, 40))
    corner = rng.uniform(-30, 150, 2)
    box = [*corner, *corner + rng.uniform(0.5, 80, 2)]
    name, *arguments = [
        ("set_box", one, start, box),
        ("set_box", one, start, box),
        ("delete_boxes", one, start, stop),
        ("interpolate", one, start, stop),
        ("swap", one, other, start, stop if rng.random() < 0.5 else None),
        ("assign", one, other, start, stop, True),
        ("split", one, start),
        ("merge", one, other, True),
        ("rename", one, other),
        ("delete", one),
        ("clip", one, start, stop, (200, 100)),
        ("turn", one, start, stop),
        ("undo",),
        ("undo",),
        ("redo",),
    ][rng.integers(15)]
    if name not in ("undo", "redo") or not in_group:
        with contextlib.suppress(TrackingError):
            getattr(editor, name)(*arguments)


@pytest.mark.parametrize("shape", [SHAPE, None])
@pytest.mark.parametrize("seed", range(25))
def test_problems_after_each_edit_are_those_of_a_new_check(seed: int, shape: tuple[int, ...] | None):
    rng = np.random.default_rng(seed)
    editor = TrackingEditor(tracking(rng))
    checks = TrackingChecks(editor.tracking, shape)
    editor.connect(lambda change: checks.update(editor.tracking, change.ranges))
    assert checks.problems == check_tracking(editor.tracking, shape)
    for _ in range(80):
        if rng.random() < 0.2:
            with editor.group():
                for _ in range(3):
                    correct(editor, rng, in_group=True)
        else:
            correct(editor, rng)
        assert checks.problems == check_tracking(editor.tracking, shape)


def test_only_the_changed_range_is_measured(monkeypatch: pytest.MonkeyPatch):
    boxes = dict.fromkeys(range(1000), (10, 10, 30, 30))
    editor = TrackingEditor(Tracking.from_boxes({"a": boxes, "b": boxes}))
    checks, measured = TrackingChecks(editor.tracking, SHAPE), []

    def count(tracklet, image):
        measured.append(tracklet.id)
        return measure(tracklet, image)

    measure = incremental_checks.measure
    monkeypatch.setattr(incremental_checks, "measure", count)
    editor.connect(lambda change: checks.update(editor.tracking, change.ranges))
    for frame in range(400, 420):
        editor.set_box("a", frame, [20, 10, 30, 50])
    assert measured == ["a"]
    assert checks.problems == check_tracking(editor.tracking, SHAPE)
