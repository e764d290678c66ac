"""Proposals become labels where a person labelled nothing, and all can be taken back: against plain frames."""

import random

import pytest

from napari_i3d import Annotation, AnnotationEditor, Behavior, Bout, Ethogram
from napari_i3d._utils.history import History
from napari_i3d.annotations.bouts import Origin
from napari_i3d.annotations.editing.bout_edits import MoveEdges
from napari_i3d.annotations.editing.painting import Add, AddAutomated
from napari_i3d.annotations.proposals import Proposals, shown_ethogram
from napari_i3d.errors import AnnotationError

N_FRAMES = 60
ETHOGRAM = Ethogram((Behavior("walk", "w"), Behavior("rest", "r"), Behavior("sing", "s", exclusive=False)))
PROPOSED = Ethogram((Behavior("walk"), Behavior("rest"), Behavior("sing", exclusive=False), Behavior("groom", "w")))
EXCLUSIVE = {"walk", "rest", "groom"}
IDS = ("1", 1)


def begun(*bouts: Bout, labels: Annotation | None = None):
    history = History()
    editor = AnnotationEditor(labels or Annotation(ETHOGRAM, n_frames=N_FRAMES), history)
    proposals = Proposals(history)
    proposals.propose(Annotation(PROPOSED, bouts, {}, IDS, N_FRAMES))
    return editor, proposals


def made(individual, behavior, start, stop, confidence=None) -> Bout:
    return Bout(individual, behavior, start, stop, origin=Origin.AUTOMATED, confidence=confidence)


def random_bouts(rng, per_lane=5):
    bouts = []
    for who in IDS:
        for name in PROPOSED:
            cuts = sorted(rng.sample(range(N_FRAMES + 1), 2 * per_lane))
            bouts += [made(who, name, *cuts[k : k + 2], round(rng.random(), 3)) for k in range(0, 2 * per_lane, 2)]
    return bouts


def lies(annotation, origins=tuple(Origin)):
    """{(individual, behavior, frame): (origin, confidence)} of an annotation."""
    return {
        (bout.individual, bout.behavior, frame): (bout.origin, bout.confidence)
        for bout in annotation.bouts
        if bout.origin in origins
        for frame in range(bout.start, bout.stop)
    }


def looked(annotation):
    return {(who, f) for who, own in annotation.assessed.items() for a, b in own for f in range(a, b)}


def keeps_out(one, other):
    return one == other or {one, other} <= EXCLUSIVE


def expected_accept(labels, seen, bout, behavior):
    """What acceptance makes of labelled and assessed frames, frame by frame; None if no frame is free."""
    labels, seen, added = dict(labels), set(seen), False
    for frame in range(bout.start, bout.stop):
        there = [b for (who, b, f) in labels if (type(who), who, f) == (type(bout.individual), bout.individual, frame)]
        blocked = any(
            labels[bout.individual, b, frame][0] is not Origin.AUTOMATED and keeps_out(b, behavior) for b in there
        )
        if blocked:
            continue
        for other in there:
            if keeps_out(other, behavior):
                del labels[bout.individual, other, frame]  # a program's label gives way
        confidence = bout.confidence if behavior == bout.behavior else None
        labels[bout.individual, behavior, frame] = (Origin.CURATED, confidence)
        seen.add((bout.individual, frame))
        added = True
    return (labels, seen) if added else None


@pytest.mark.parametrize("seed", range(8))
def test_random_reviews_agree_with_plain_frames(seed):
    rng = random.Random(seed)
    editor, proposals = begun(*random_bouts(rng))
    state = ({}, set(), set(proposals.editor.annotation.bouts), set())
    states = [state]
    for _ in range(60):
        labels, seen, left, rejected = state
        act = rng.choice(["accept", "accept", "relabel", "reject", "nothing", "label", "program", "undo"])
        bout = rng.choice(sorted(left, key=repr)) if left else None
        if act == "undo":
            if len(states) > 1:
                editor.undo()
                states.pop()
                state = states[-1]
        elif act in ("label", "program"):
            who, name, start = rng.choice(IDS), rng.choice(list(ETHOGRAM)), rng.randrange(N_FRAMES - 4)
            if act == "label":
                editor.do(Add(who, name, start, start + 4))
            else:
                editor.do(AddAutomated(who, name, ((start, start + 4),)))
            # How a person's and a program's labels meet is tested elsewhere.
            after = (lies(editor.annotation), looked(editor.annotation), left, rejected)
            states += [after] if (after != state or editor.history.position > len(states) - 1) else []
            state = states[-1]
        elif bout is not None and act in ("accept", "relabel"):
            behavior = bout.behavior if act == "accept" else rng.choice(list(ETHOGRAM))
            wanted = expected_accept(labels, seen, bout, behavior)
            if wanted is None:
                with pytest.raises(AnnotationError, match="expected frames that are not labelled yet"):
                    proposals.accept(editor, [bout], behavior)
            else:
                done = proposals.accept(editor, [bout], behavior)
                assert done.n_frames + done.n_kept == len(bout)
                state = (*wanted, left - {bout}, rejected)
                states.append(state)
        elif bout is not None:
            proposals.reject(editor, [bout], assess=act == "nothing")
            frames = {(bout.individual, frame) for frame in range(bout.start, bout.stop)} if act == "nothing" else set()
            named = {(bout.individual, bout.behavior, frame) for frame in range(bout.start, bout.stop)}
            state = (labels, seen | frames, left - {bout}, rejected | named)
            states.append(state)
        assert lies(editor.annotation) == state[0]
        assert looked(editor.annotation) == state[1]
        assert set(proposals.editor.annotation.bouts) == state[2]
        assert set(lies(proposals.rejected.annotation)) == state[3]
        assert editor.history.position == len(states) - 1
    editor.history.go_to(0)
    assert (lies(editor.annotation), set(proposals.editor.annotation.bouts)) == (states[0][0], states[0][2])


def test_only_the_free_rest_is_accepted():
    editor, proposals = begun(bout := made("1", "walk", 10, 40, 0.5))
    editor.add("1", "rest", 20, 25)
    editor.add("1", "sing", 30, 35)
    done = proposals.accept(editor, [bout])
    assert (done.n_bouts, done.n_frames, done.n_kept) == (1, 25, 5)
    found = [(b.behavior, b.start, b.stop, b.origin, b.confidence) for b in editor.bouts_of("1")]
    assert found == [
        ("walk", 10, 20, Origin.CURATED, 0.5), ("rest", 20, 25, Origin.MANUAL, None),
        ("walk", 25, 40, Origin.CURATED, 0.5), ("sing", 30, 35, Origin.MANUAL, None),
    ]  # fmt: skip
    assert editor.bouts_of(1) == ()
    assert editor.undo() == "accept walk of '1' in frames 10 to 39"
    assert proposals.editor.bouts_of("1") == (bout,)


def test_of_many_the_first_one_wins():
    sure, other = made("1", "rest", 20, 40, 0.9), made("1", "walk", 10, 30, 0.6)
    editor, proposals = begun(other, sure, apart := made(1, "walk", 10, 30, 0.6))
    assert proposals.accept(editor, [sure, other, apart]).n_bouts == 3
    assert [(b.behavior, b.start, b.stop) for b in editor.bouts_of("1")] == [("walk", 10, 20), ("rest", 20, 40)]
    assert [(b.behavior, b.start, b.stop) for b in editor.bouts_of(1)] == [("walk", 10, 30)]
    assert editor.history.position == 1
    editor.undo()
    assert not editor.annotation.bouts
    assert len(proposals.editor.annotation.bouts) == 3


def test_rejected_bouts_do_not_come_back():
    editor, proposals = begun(bout := made("1", "walk", 10, 30, 0.7))
    proposals.reject(editor, [bout])
    assert not editor.annotation.assessed
    again = [made("1", "walk", 15, 40), made("1", "walk", 2, 9), made("1", "rest", 12, 20), made(1, "walk", 10, 30)]
    inside = made("1", "walk", 12, 33)
    proposals.propose(Annotation(PROPOSED, (inside, *again[1:]), {}, IDS, N_FRAMES))
    assert set(proposals.editor.annotation.bouts) == set(again[1:])
    longer = made("1", "walk", 12, 50)  # most of it is new
    proposals.propose(Annotation(PROPOSED, (longer,), {}, IDS, N_FRAMES))
    assert proposals.editor.annotation.bouts == (longer,)
    editor.undo()
    proposals.propose(Annotation(PROPOSED, (inside,), {}, IDS, N_FRAMES))
    assert proposals.editor.annotation.bouts == (inside,)


def test_behavior_of_a_proposal_is_added_with_it():
    editor, proposals = begun(bout := made("1", "groom", 3, 9, 0.4))
    shown = shown_ethogram(editor.ethogram, proposals.editor.ethogram)["groom"]
    assert shown.key == ""  # walk has it
    proposals.accept(editor, [bout])
    assert list(editor.ethogram) == list(PROPOSED)
    assert editor.ethogram["groom"] == shown
    editor.undo()
    assert editor.ethogram == ETHOGRAM


def test_labelled_proposals_are_not_left_to_review():
    bouts = [made("1", "walk", 10, 20), made("1", "rest", 30, 40), made("1", "sing", 5, 9), made(1, "walk", 8, 16)]
    editor, proposals = begun(*bouts)
    assert [bout.start for bout in proposals.left(editor, "1")] == [5, 10, 30]
    editor.add("1", "rest", 8, 16)  # more than half of the walk
    editor.add("1", "walk", 30, 35)  # just half of the rest
    assert [bout.start for bout in proposals.left(editor, "1")] == [5, 30]
    assert proposals.left(editor, 1) == (bouts[3],)


def test_moved_edges_are_accepted_as_they_are():
    editor, proposals = begun(bout := made("1", "walk", 10, 20, 0.3))
    proposals.editor.do(MoveEdges(bout, 5, 25))
    (moved,) = proposals.left(editor, "1")
    proposals.accept(editor, [moved])
    assert editor.bouts_of("1") == (Bout("1", "walk", 5, 25, origin=Origin.CURATED, confidence=0.3),)
    editor.history.go_to(0)
    assert proposals.left(editor, "1") == (bout,)
