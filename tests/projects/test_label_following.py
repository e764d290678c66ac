"""Labels under corrections of boxes: in every frame, a box must keep the labels of the animal that is in it.

Boxes and labels are planted by animal: the left edge of a box says which animal it is, and a formula says what that
animal does in a frame, and to whom. Corrections only change under which id they are found.
"""

import random

import pytest

from napari_i3d import Annotation, AnnotationEditor, Behavior, Bout, Ethogram, Tracking, TrackingEditor
from napari_i3d._utils.history import History
from napari_i3d.errors import AnnotationError, TrackingError
from napari_i3d.projects.label_following import LabelFollowing
from napari_i3d.tracking.editing.box_edits import SetBox
from napari_i3d.tracking.editing.identity_edits import Assign, Delete, Merge, Rename, Split, Swap

NAMES = ("rest", "run", "groom", "follow")
N_FRAMES = 80
IDS = ("a", "b", 3, "d")


def does(animal, frame):
    return NAMES[(frame // (7 + animal) + animal) % 4]


def toward(animal, frame):
    """Return the animal that the behavior is directed at, or None."""
    other = (animal + 1 + frame // 20) % 4
    return other if does(animal, frame) == "follow" and other != animal else None


def has_box(animal, frame):
    return animal * 5 <= frame < N_FRAMES - animal * 3 and (frame + animal * 9) % 23 != 0


def planted():
    boxes = {
        who: {f: [100 * n, 0, 100 * n + 50, 50] for f in range(N_FRAMES) if has_box(n, f)} for n, who in enumerate(IDS)
    }
    bouts = []
    for n, who in enumerate(IDS):
        for frame in boxes[who]:
            target = toward(n, frame)
            target = None if target is None or not has_box(target, frame) else IDS[target]
            last = bouts[-1] if bouts else None
            if last and (last.individual, last.behavior, last.target, last.stop) == (
                who,
                does(n, frame),
                target,
                frame,
            ):
                bouts[-1] = Bout(who, last.behavior, last.start, frame + 1, target)
            else:
                bouts.append(Bout(who, does(n, frame), frame, frame + 1, target))
    assessed = {who: [(f, f + 1) for f in own] for who, own in boxes.items()}
    history = History()
    ethogram = Ethogram(tuple(map(Behavior, NAMES)))
    tracking = TrackingEditor(Tracking.from_boxes(boxes), history)
    annotation = AnnotationEditor(Annotation(ethogram, tuple(bouts), assessed, IDS, N_FRAMES), history)
    return tracking, annotation


def animals(tracking):
    """Return {(id, frame): animal} of all boxes."""
    return {
        (who, tracklet.start + row): round(tracklet.boxes[row, 0] / 100)
        for who, tracklet in tracking.items()
        for row in range(len(tracklet.boxes))
        if tracklet.present[row]
    }


def check(tracking, annotation):
    found, labels = animals(tracking.tracking), annotation.annotation
    ids = {(animal, frame): who for (who, frame), animal in found.items()}
    for (who, frame), animal in found.items():
        (bout,) = labels.bouts_at(who, frame)
        assert bout.behavior == does(animal, frame), (who, frame)
        target = toward(animal, frame)
        assert bout.target == (None if target is None else ids.get((target, frame))), (who, frame)
        assert labels.is_assessed(who, frame)
    labelled = {(bout.individual, frame) for bout in labels.bouts for frame in range(bout.start, bout.stop)}
    assert labelled == set(found)
    assert {(who, f) for who, own in labels.assessed.items() for a, b in own for f in range(a, b)} == set(found)
    assert not labels.conflicts()
    assert set(labels.individuals) == set(tracking.tracking)


def random_correction(rng, tracking):
    ids = list(tracking.keys)
    one, other = rng.sample(ids, 2)
    start = rng.randrange(N_FRAMES)
    stop = rng.choice([None, rng.randint(start + 1, N_FRAMES + 3)])
    new = rng.choice([other, f"new{rng.randrange(10**6)}"])
    replace = rng.random() < 0.5
    return rng.choice(
        [
            Swap(one, other, start, stop),
            Swap(one, other, start, stop),
            Assign(one, new, start, stop, replace),
            Assign(one, new, start, stop, replace),
            Merge(one, other, rng.random() < 0.3),
            Split(one, start, rng.choice([None, f"new{rng.randrange(10**6)}"])),
            Rename(one, f"new{rng.randrange(10**6)}"),
            *([Delete(one)] if rng.random() < 0.2 else []),
        ]
    )


@pytest.mark.parametrize("seed", range(25))
def test_boxes_keep_their_labels(seed):
    rng = random.Random(seed)
    tracking, annotation = planted()
    check(tracking, annotation)
    following = LabelFollowing(tracking, annotation)
    states, done = [(animals(tracking.tracking), annotation.annotation)], 0
    for _ in range(60):
        if len(tracking.keys) < 2:
            break
        try:
            following.do(random_correction(rng, tracking))
        except TrackingError:
            assert (animals(tracking.tracking), annotation.annotation) == states[-1]
            continue
        done += 1
        check(tracking, annotation)
        states.append((animals(tracking.tracking), annotation.annotation))
        assert tracking.history.position == done
    assert done > 10
    for state in reversed(states):
        assert (animals(tracking.tracking), annotation.annotation) == state
        tracking.undo()
    while tracking.can_redo:
        annotation.redo()
    assert (animals(tracking.tracking), annotation.annotation) == states[-1]


@pytest.mark.parametrize("seed", range(6))
def test_proposals_stay_with_their_animals(seed):
    rng = random.Random(seed)
    tracking, planted_bouts = planted()
    labels = AnnotationEditor(None, tracking.history)
    proposals, rejected = (AnnotationEditor(planted_bouts.annotation, tracking.history) for _ in range(2))
    following = LabelFollowing(tracking, labels, lambda: (proposals, rejected))
    states, done = [animals(tracking.tracking)], 0
    while done < 25 and len(tracking.keys) > 1:
        try:
            following.do(random_correction(rng, tracking))
        except TrackingError:
            assert animals(tracking.tracking) == states[-1]
            continue
        done += 1
        check(tracking, proposals)
        check(tracking, rejected)
        states.append(animals(tracking.tracking))
        assert tracking.history.position == done
    assert done > 10
    for state in reversed(states):
        assert animals(tracking.tracking) == state
        check(tracking, proposals)
        tracking.undo()


def test_proposals_never_stop_a_correction():
    tracking, _ = planted()
    bouts = (Bout("a", "run", 0, 5), Bout("old", "run", 0, 5))
    proposals = AnnotationEditor(Annotation(Ethogram(tuple(map(Behavior, NAMES))), bouts), tracking.history)
    following = LabelFollowing(tracking, AnnotationEditor(None, tracking.history), lambda: (proposals,))
    following.do(Rename("a", "old"))
    assert proposals.annotation.bouts == (Bout("old", "run", 0, 5),)
    tracking.undo()
    assert proposals.annotation.bouts == bouts


def test_words_are_those_of_the_boxes():
    tracking, annotation = planted()
    LabelFollowing(tracking, annotation).do(Swap("a", "b", 10))
    assert annotation.undo() == "swap a and b in frames 10 to 79"


def test_labels_after_the_last_box_follow():
    tracking, annotation = planted()
    annotation.add(3, "run", 76, 80)
    LabelFollowing(tracking, annotation).do(Swap(3, "d", 70))
    assert Bout("d", "run", 76, 80) in annotation.bouts_of("d")


def test_refused_labels_take_the_boxes_back():
    tracking, annotation = planted()
    annotation.add("old", "run", 0, 5)
    boxes = animals(tracking.tracking)
    with pytest.raises(AnnotationError, match="old: expected an id without bouts"):
        LabelFollowing(tracking, annotation).do(Rename("a", "old"))
    assert animals(tracking.tracking) == boxes
    assert tracking.history.position == 1


def test_split_avoids_ids_of_labels():
    tracking, annotation = planted()
    annotation.add("a_2", "run", 0, 5)
    assert LabelFollowing(tracking, annotation).do(Split("a", 30)).new == "a_3"
    assert annotation.bouts_of("a_2") == (Bout("a_2", "run", 0, 5),)


def test_unlabelled_individuals_are_corrected_alone():
    tracking, annotation = planted()
    empty = AnnotationEditor(None, tracking.history)
    following = LabelFollowing(tracking, empty)
    for edit in (Swap("a", "b", 10), Rename("a", "x"), Split("b", 30), Delete(3), SetBox("new", 3, [0, 0, 5, 5])):
        following.do(edit)
    assert empty.annotation == Annotation()
    assert annotation.annotation.bouts


def test_editors_must_share_a_history():
    tracking, _ = planted()
    with pytest.raises(ValueError, match="share a history"):
        LabelFollowing(tracking, AnnotationEditor())
