"""Only what a person labelled or reviewed is learned from, tested on, or counts as looked at."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.labelled import ETHOGRAM, Planted, make_planted
from napari_i3d import Annotation, Behavior, Bout, Ethogram, Features, learning
from napari_i3d.errors import AnnotationError
from napari_i3d.learning.labelled_rows import label_rows
from napari_i3d.learning.reviewed import reviewed


def bout(behavior: str, start: int, stop: int, origin: str = "manual", individual: str = "mouse") -> Bout:
    return Bout(individual, behavior, start, stop, origin=origin)


def assessed_by_frame(annotation: Annotation, n_frames: int) -> set[int]:
    """Return what counts as looked at, by the rule read aloud, frame by frame."""
    known = set()
    for frame in range(n_frames):
        here = annotation.bouts_at("mouse", frame)
        if any(one.origin != "automated" for one in here):
            known.add(frame)
            continue
        if not annotation.is_assessed("mouse", frame):
            continue
        stretch = [frame]
        for step in (-1, 1):
            at = frame + step
            while annotation.is_assessed("mouse", at) and not any(
                one.origin != "automated" for one in annotation.bouts_at("mouse", at)
            ):
                stretch.append(at)
                at += step
        if not any(one.origin == "automated" for at in stretch for one in annotation.bouts_at("mouse", at)):
            known.add(frame)
    return known


def test_stretches_with_automated_bouts_are_not_looked_at() -> None:
    random = np.random.default_rng(3)
    for _ in range(30):
        edges = np.sort(random.choice(np.arange(1, 199), 24, replace=False)).reshape(-1, 2)
        bouts = tuple(
            bout(
                str(random.choice(["walk", "groom"])), int(low), int(high), str(random.choice(["manual", "automated"]))
            )
            for low, high in edges
        )
        assessed = {"mouse": [(0, 90), (120, 200)]}
        annotation = Annotation(ETHOGRAM, (*bouts, bout("rear", 60, 80, "curated")), assessed, n_frames=200)
        found = reviewed(annotation)
        expected = assessed_by_frame(annotation, 200)
        assert {frame for frame in range(200) if found.is_assessed("mouse", frame)} == expected
        assert set(found.bouts) == {one for one in annotation.bouts if one.origin != "automated"}


def test_predictions_are_no_labels_until_reviewed() -> None:
    known, new = make_planted(1), make_planted(2)
    predicted = learning.train(known.features, known.annotation).predict(new.features)
    empty = replace(predicted, bouts=())
    renamed = replace(predicted, annotator="Ada")
    for one in (predicted, empty, renamed):
        assert reviewed(one).assessed == {}
        with pytest.raises(AnnotationError, match="expected assessed frames"):
            learning.train(new.features, one)
    accepted = [replace(one, origin="curated") if place % 2 else one for place, one in enumerate(predicted.bouts)]
    labelled = label_rows(new.features, replace(predicted, bouts=tuple(accepted)))
    inside = {frame for one in accepted if one.origin == "curated" for frame in range(one.start, one.stop)}
    assert set(labelled.frames[labelled.assessed].tolist()) == inside
    n_unknown = len(new.states) - len(inside)
    assert any("automated" in note and f"{n_unknown} frames" in note for note in labelled.notes)
    # Windows of predictions are still to be labelled.
    probe = learning.train(known.features, known.annotation)
    assert len(learning.next_windows(probe, new.features, predicted, count=1000)) > 5


def with_automated_mistakes(planted: Planted) -> tuple[Annotation, Annotation]:
    """Return labels of the first half, and the same with wrong automated bouts in the other half."""
    half = next(one.start for one in planted.annotation.bouts if one.start > len(planted.states) // 2)
    own = tuple(one for one in planted.annotation.bouts if one.stop <= half)
    labels = replace(planted.annotation, bouts=own, assessed={"mouse": [(0, own[-1].stop)]})
    wrong = {"walk": "groom", "groom": "rear", "rear": "walk"}
    added = tuple(
        replace(one, behavior=wrong[one.behavior], origin="automated")
        for one in planted.annotation.bouts
        if one.start >= half
    )
    mixed = replace(labels, bouts=own + added, assessed={"mouse": [(0, len(planted.states))]})
    return labels, mixed


def test_automated_bouts_change_no_probe_and_no_score() -> None:
    video = make_planted(1, n_bouts=60)
    labels, mixed = with_automated_mistakes(video)
    (plain,), (other,) = (learning.train(video.features, one).provenance["training"] for one in (labels, mixed))
    assert (plain["rows_sha256"], plain["labels_sha256"]) == (other["rows_sha256"], other["labels_sha256"])
    scores = [learning.evaluate(video.features, one) for one in (labels, mixed)]
    assert scores[0].frame_f1 == scores[1].frame_f1
    assert scores[0].bouts == scores[1].bouts
    assert any("automated bouts" in note for note in scores[1].notes)
    assert learning.label_errors(video.features, mixed) == learning.label_errors(video.features, labels)


def test_automated_bouts_beside_reviewed_ones_are_unknown() -> None:
    ethogram = Ethogram((Behavior("walk"), Behavior("rest"), Behavior("sniff", exclusive=False)))
    bouts = (
        bout("walk", 0, 10),
        bout("rest", 2, 4, "automated"),  # a person says it walks
        bout("sniff", 5, 8, "automated"),  # may well be
        bout("sniff", 20, 30),
        bout("walk", 25, 28, "automated"),
    )
    features = Features(rows={"mouse": np.zeros((40, 2), np.float32)}, frames={"mouse": np.arange(40.0)})
    shown = label_rows(features, Annotation(ethogram, bouts, {"mouse": [(0, 40)]}, n_frames=40)).shown
    assert shown[:, 0].tolist() == [1] * 10 + [0] * 15 + [-1] * 3 + [0] * 12
    assert shown[:, 1].tolist() == [0] * 40
    assert shown[:, 2].tolist() == [0] * 5 + [-1] * 3 + [0] * 12 + [1] * 10 + [0] * 10


def test_only_labelled_rows_of_a_file_are_read(tmp_path) -> None:
    planted = make_planted(1, first=0)
    start = len(planted.states)
    rows = np.full((start + 200, 32), np.nan, np.float32)  # what nobody labelled may not even be finite
    rows[:start] = planted.features["mouse"]
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    features = Features(rows={"mouse": np.asarray(mapped)}, frames={"mouse": np.arange(float(len(rows)))})
    labels = replace(planted.annotation, n_frames=None)
    probe = learning.train(features, labels)
    plain = learning.train(planted.features, labels)
    np.testing.assert_array_equal(probe.heads[0].weights, plain.heads[0].weights)
    assert learning.train(features, labels, start=plain).space is plain.space
    with pytest.raises(Exception, match=f"first at frame {start}"):
        learning.train(features, replace(labels, assessed={"mouse": [(0, start + 1)]}))
