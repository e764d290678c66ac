"""Edits of annotations against a model of single frames, and undo and redo against the states themselves."""

import copy
import json
import random

import pytest

from helpers.annotation_model import FrameModel
from napari_i3d import Annotation, AnnotationEditor, Behavior, Bout, Ethogram, Origin
from napari_i3d._utils.history import History
from napari_i3d.annotations.bouts import merge_overlapping
from napari_i3d.annotations.editing import bout_edits, ethogram_edits, identity_edits, painting
from napari_i3d.annotations.editing.edit_values import edit_of_values, edit_values
from napari_i3d.errors import AnnotationError

ETHOGRAM = Ethogram(
    (Behavior("run"), Behavior("groom"), Behavior("call", exclusive=False), Behavior("look", exclusive=False))
)
N_FRAMES = 60


def random_annotation(rng, n=25):
    bouts = []
    for _ in range(n):
        start = rng.randrange(N_FRAMES - 10)
        origin = rng.choice(list(Origin))
        confidence = rng.choice([0.5, 0.9]) if origin == Origin.AUTOMATED else None
        who, target = rng.choice("abc"), rng.choice([None, "b", "nest"])
        name = rng.choice(list(ETHOGRAM))
        bouts.append(Bout(who, name, start, start + rng.randint(1, 9), target, origin, confidence))
    assessed = {"a": [(5, 20)], "c": [(0, 3), (30, 40)]}
    return Annotation(ETHOGRAM, merge_overlapping(bouts), assessed, ("c", "a", "b", "d"), N_FRAMES)


def random_range(rng):
    start = rng.randrange(N_FRAMES - 1)
    return start, rng.randint(start + 1, min(start + 15, N_FRAMES))


def random_edit(rng, model, annotation):
    """Return an edit that can be done, and do it in the model."""
    who, names = rng.choice(model.individuals), [one.name for one in model.behaviors]
    start, stop = random_range(rng)
    if annotation.bouts and rng.random() < 0.45:
        return random_bout_edit(rng, model, annotation, start, stop)
    kind = rng.randrange(12)
    if kind <= 3 and names:
        name, target = rng.choice(names), rng.choice([None, None, "b", "nest"])
        note = rng.choice(["", "", "n"])
        model.add(who, name, start, stop, target, note)
        return painting.Add(who, name, start, stop, target, note=note)
    if kind == 4:
        name = rng.choice([None, *names])
        model.erase(who, start, stop, name)
        return painting.Erase(who, start, stop, name)
    if kind == 5:
        model.assessed |= {(who, frame) for frame in range(start, stop)}
        return painting.Assess(who, start, stop)
    if kind == 6:
        model.unassess(who, start, stop)
        return painting.Unassess(who, start, stop)
    if kind == 7:
        return random_ethogram_edit(rng, model)
    return random_identity_edit(rng, model, who, start, stop)


def random_bout_edit(rng, model, annotation, start, stop):
    bout = rng.choice(annotation.bouts)
    kind = rng.randrange(8)
    if kind == 0 and len(bout) > 1:
        frame = rng.randrange(bout.start + 1, bout.stop)
        lane = model.lanes[bout.individual, bout.behavior, bout.target]
        number = model._new(model.tokens[lane[frame]])
        lane.update(dict.fromkeys(range(frame, bout.stop), number))
        return bout_edits.SplitBout(bout, frame)
    if kind == 1:
        same = [
            one
            for one in annotation.of(bout.individual)
            if (one.behavior, one.target) == (bout.behavior, bout.target) and one != bout
        ]
        if same:
            other = rng.choice(same)
            (key, one), (_, two) = model.remove(bout), model.remove(other)
            facts = (
                one[0] if bout.origin == other.origin else "curated",
                one[1] if one[1] == two[1] else None,
                max(one[2], two[2]),
            )
            model.place(key, range(min(bout.start, other.start), max(bout.stop, other.stop)), facts)
            return bout_edits.MergeBouts((bout, other))
    if kind == 2:
        model.remove(bout)
        return bout_edits.DeleteBout(bout)
    if kind == 3:
        name = rng.choice([one.name for one in model.behaviors if one.name != bout.behavior] or [None])
        if name is not None:
            key, facts = model.remove(bout)
            model.place((key[0], name, key[2]), range(bout.start, bout.stop), (facts[0], None, facts[2]))
            return bout_edits.Relabel(bout, name)
    if kind == 4:
        target = rng.choice([one for one in (None, "b", "nest") if one != bout.target])
        key, facts = model.remove(bout)
        model.place((key[0], key[1], target), range(bout.start, bout.stop), facts)
        return bout_edits.SetTarget(bout, target)
    if kind == 5:
        lane = model.lanes[bout.individual, bout.behavior, bout.target]
        model.tokens[lane[bout.start]] = (bout.origin.value, bout.confidence, "n")
        return bout_edits.SetNote(bout, "n")
    if kind == 6 and bout.origin == Origin.AUTOMATED:
        key, facts = model.remove(bout)
        model.place(key, range(bout.start, bout.stop), facts)
        return bout_edits.Accept(bout)
    if (start, stop) == (bout.start, bout.stop):
        stop = start + 1 if stop > start + 1 else stop + 1
    key, facts = model.remove(bout)
    model.place(key, range(start, stop), facts)
    return bout_edits.MoveEdges(bout, start, stop)


def random_ethogram_edit(rng, model):
    names = [one.name for one in model.behaviors]
    kind = rng.randrange(5) if len(names) > 2 else 0
    if kind == 0:
        behavior = Behavior(f"new{rng.randrange(10**6)}", color="#123456", exclusive=rng.random() < 0.5)
        model.behaviors.append(behavior)
        return ethogram_edits.AddBehavior(behavior)
    at = rng.randrange(len(names))
    behavior = model.behaviors[at]
    if kind == 1:
        new = f"renamed{rng.randrange(10**6)}"
        model.behaviors[at] = Behavior(new, behavior.key, behavior.color, behavior.description, behavior.exclusive)
        model.rename_behavior(behavior.name, new)
        return ethogram_edits.RenameBehavior(behavior.name, new)
    if kind == 2:
        exclusive = rng.random() < 0.5
        model.behaviors[at] = Behavior(behavior.name, "", "#654321", behavior.description, exclusive)
        return ethogram_edits.ChangeBehavior(behavior.name, key="", color="#654321", exclusive=exclusive)
    if kind == 3:
        index = rng.randrange(len(names))
        model.behaviors.insert(index, model.behaviors.pop(at))
        return ethogram_edits.MoveBehavior(behavior.name, index)
    del model.behaviors[at]
    model.lanes = {key: lane for key, lane in model.lanes.items() if key[1] != behavior.name}
    return ethogram_edits.DeleteBehavior(behavior.name)


def random_identity_edit(rng, model, who, start, stop):
    other = rng.choice([one for one in model.individuals if one != who] or [None])
    new = f"i{rng.randrange(10**6)}"
    kind = rng.randrange(6)
    if other is None or kind == 0:
        model.individuals.append(new)
        return identity_edits.AddIndividual(new)
    if kind == 1:
        model.rename(who, new)
        return identity_edits.RenameIndividual(who, new)
    if kind == 2:
        end = rng.choice([stop, None])
        model.permute({who: other, other: who}, start, end)
        return identity_edits.SwapIndividuals(who, other, start, end)
    replaced = rng.choice([(), ((start, stop),)])
    if kind == 3:
        end = rng.choice([stop, None])
        model.assign(who, other, start, end, replaced)
        return identity_edits.AssignIndividual(who, other, start, end, replaced)
    if kind == 4 and len(model.individuals) > 3:
        model.assign(who, other, 0, None, replaced)
        model.forget(who)
        return identity_edits.MergeIndividuals(other, who, replaced)
    if kind == 5 and len(model.individuals) > 3:
        model.delete(who)
        return identity_edits.DeleteIndividual(who)
    model.individuals.append(new)
    return identity_edits.AddIndividual(new)


@pytest.mark.parametrize("seed", range(60))
def test_random_edits_equal_single_frames(seed):
    rng = random.Random(seed)
    first = random_annotation(rng)
    model, editor = FrameModel(first), AnnotationEditor(first)
    assert model.annotation() == first
    states, serials = [first], [0]
    for _ in range(40):
        before = copy.deepcopy(model)
        edit = random_edit(rng, model, states[-1])
        editor.describe(edit)
        assert editor.do(edit_of_values(json.loads(json.dumps(edit_values(edit))))) == edit
        expected = model.annotation()
        if expected == states[-1]:
            model = before
        assert editor.annotation == expected, edit
        if editor.history.position > len(states) - 1:
            states.append(editor.annotation)
            serials.append(editor.history.serial)
        assert editor.annotation == states[-1]
    assert editor.history.position == len(states) - 1 > 20
    for position in [*rng.sample(range(len(states)), 10), 0]:
        editor.history.go_to(position)
        assert editor.annotation == states[position]
        assert editor.history.serial == serials[position]
    while editor.can_redo:
        editor.redo()
    assert editor.annotation == states[-1]
    replayed = AnnotationEditor(first)
    for step in editor.history.steps:
        for edit in editor.edits_of(step):
            replayed.do(edit)
    assert replayed.annotation == states[-1]
    # Nothing was validated on the way: the same values must pass.
    last = editor.annotation
    assert Annotation(last.ethogram, last.bouts, last.assessed, last.individuals, last.n_frames) == last


@pytest.fixture
def editor():
    bouts = (Bout("a", "run", 0, 20), Bout("a", "call", 0, 60), Bout("b", "run", 0, 60, "a"))
    return AnnotationEditor(Annotation(ETHOGRAM, bouts, individuals=("a", "b"), n_frames=60))


def test_painting_cuts_other_exclusive_behaviors(editor):
    edit = painting.Add("a", "groom", 5, 10)
    assert editor.describe(edit) == "label groom of a in frames 5 to 9; cuts 1 bout of other behaviors"
    editor.do(edit)
    assert editor.bouts_of("a") == (
        Bout("a", "run", 0, 5),
        Bout("a", "call", 0, 60),
        Bout("a", "groom", 5, 10),
        Bout("a", "run", 10, 20),
    )
    assert editor.annotation.conflicts() == ()
    assert editor.undo() == "label groom of a in frames 5 to 9"


def test_painting_extends_bouts_that_it_touches(editor):
    editor.add("a", "run", 20, 30)
    assert editor.bouts_of("a")[0] == Bout("a", "run", 0, 30)
    editor.add("a", "run", 31, 32)
    assert editor.bouts_of("a")[-1] == Bout("a", "run", 31, 32)


def test_painting_leaves_suggestions_beside_it_unreviewed():
    suggestion = Bout("a", "run", 0, 100, origin="automated", confidence=0.75)
    editor = AnnotationEditor(Annotation(ETHOGRAM, (suggestion,)))
    editor.add("a", "run", 40, 50)
    assert [(b.start, b.stop, b.origin, b.confidence) for b in editor.annotation.bouts] == [
        (0, 40, "automated", 0.75),
        (40, 50, "manual", None),
        (50, 100, "automated", 0.75),
    ]


def test_edit_that_changes_nothing_is_no_step(editor):
    first = editor.annotation
    editor.add("a", "run", 3, 9)
    editor.erase("a", 20, 60, "run")
    editor.assess("a", 0, 60)
    editor.move_edges(first.bouts[0], 0, 20)
    assert not editor.can_undo
    assert editor.annotation is first


def test_only_the_last_movement_of_a_drag_counts(editor):
    first, drag, calls = editor.annotation, object(), []
    editor.connect(calls.append)
    bout = Bout("b", "run", 0, 60, "a")
    for stop in (50, 40, 3, 55):
        editor.move_edges(bout, 0, stop, merge=drag)
        assert editor.bouts_of("b") == (Bout("b", "run", 0, stop, "a"),)
    assert len(editor.history.steps) == 1
    assert editor.edits_of(editor.history.steps[0]) == [bout_edits.MoveEdges(bout, 0, 55)]
    assert len(calls) == 4
    editor.move_edges(bout, 0, 60, merge=drag)
    assert (len(editor.history.steps), editor.annotation) == (0, first)
    assert editor.history.is_saved
    editor.move_edges(bout, 0, 30, merge=drag)
    editor.history.seal()
    editor.erase("b", 0, 10, merge=drag)
    assert len(editor.history.steps) == 2
    editor.undo()
    editor.undo()
    assert editor.annotation == first


def test_drag_that_fails_keeps_its_last_movement(editor):
    bout, drag = Bout("a", "run", 0, 20), object()
    editor.move_edges(bout, 0, 30, merge=drag)
    with pytest.raises(AnnotationError, match="a video of 60, found 60"):
        editor.move_edges(bout, 0, 61, merge=drag)
    assert editor.bouts_of("a")[0] == Bout("a", "run", 0, 30)
    editor.move_edges(bout, 0, 40, merge=drag)
    assert [step.words for step in editor.history.steps] == ["move run of a in frames 0 to 19 to frames 0 to 39"]
    editor.undo()
    assert editor.bouts_of("a")[0] == bout


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda e: e.add("a", "fly", 0, 3), r"\(run, groom, call, look\), found fly"),
        (lambda e: e.add("a", "run", 50, 61), "a video of 60, found 60"),
        (lambda e: e.add("a", "run", 5, 5), "found 5 and 5"),
        (lambda e: e.do(painting.Add("a", "run", 5, 6, origin="automated")), "found automated"),
        (lambda e: e.erase("c", 0, 3), "no individual c in the annotation; it has a, b"),
        (lambda e: e.split(Bout("a", "run", 0, 20), 20), "from 1 to 19, found 20"),
        (lambda e: e.delete(Bout("a", "run", 0, 19)), "expected the bout run of a in frames 0 to 18"),
        (lambda e: e.merge([Bout("a", "run", 0, 20), Bout("a", "call", 0, 60)]), "found run of a in frames 0"),
        (lambda e: e.rename_individual("a", "b"), "b: expected an id without bouts"),
        (lambda e: e.swap_individuals("a", "a"), "the same one twice"),
        (lambda e: e.do(ethogram_edits.RenameBehavior("run", "call")), "two with name 'call'"),
        (lambda e: e.do(ethogram_edits.ChangeBehavior("run", key="ab")), "one letter or digit"),
    ],
)
def test_impossible_edits_change_nothing(editor, edit, words):
    first = editor.annotation
    with pytest.raises(AnnotationError, match=words):
        edit(editor)
    assert editor.annotation is first
    assert not editor.can_undo


def test_group_is_one_step(editor):
    first = editor.annotation
    with editor.group("paint twice"):
        editor.add("a", "groom", 0, 5)
        editor.add("a", "groom", 8, 9)
    assert len(editor.history.steps) == 1

    def paint_and_fail():
        with editor.group():
            editor.add("a", "groom", 0, 15)
            editor.add("a", "fly", 0, 5)

    with pytest.raises(AnnotationError):
        paint_and_fail()
    assert [b.stop for b in editor.bouts_of("a") if b.behavior == "groom"] == [5, 9]
    assert editor.undo() == "paint twice"
    assert editor.annotation == first


def test_changes_name_individuals_and_frames(editor):
    calls = []
    disconnect = editor.connect(calls.append)
    editor.add("a", "groom", 5, 10)
    (start, stop), *_ = (calls[-1].ranges[one] for one in ("a",))
    assert start <= 5
    assert 10 <= stop <= 60
    assert (set(calls[-1].ranges), calls[-1].ethogram) == ({"a"}, False)
    editor.undo()
    assert set(calls[-1].ranges) == {"a"}
    editor.rename_individual("a", "male")
    assert calls[-1].renamed == {"a": "male"}
    assert set(calls[-1].ranges) == {"male", "b"}  # b's bout is directed at it
    editor.do(identity_edits.AddIndividual("new"))
    assert (calls[-1].added, calls[-1].removed) == (("new",), ())
    editor.undo()
    assert calls[-1].removed == ("new",)
    editor.do(ethogram_edits.RenameBehavior("run", "walk"))
    assert calls[-1].ethogram
    n_calls = len(calls)
    disconnect()
    editor.undo()
    assert len(calls) == n_calls


def test_unchanged_bouts_are_shared(editor):
    before = editor.annotation
    editor.add("a", "groom", 5, 10)
    after = editor.annotation
    assert before.of("b")[0] is after.of("b")[0]
    assert after is editor.annotation


def test_swapping_twice_gives_the_first_annotation(editor):
    first = editor.annotation
    editor.swap_individuals("a", "b", 10, 30)
    assert Bout("b", "run", 10, 20) in editor.annotation.bouts
    assert Bout("a", "run", 10, 30, "b") in editor.annotation.bouts
    editor.swap_individuals("a", "b", 10, 30)
    assert editor.annotation == first


def test_new_behaviors_get_unused_colors():
    editor = AnnotationEditor()
    for number in range(8):
        editor.do(ethogram_edits.AddBehavior(Behavior(str(number))))
    colors = [behavior.color for behavior in editor.ethogram.behaviors]
    assert len(set(colors)) == 8
    editor.do(ethogram_edits.DeleteBehavior("3"))
    assert [behavior.color for behavior in editor.ethogram.behaviors] == colors[:3] + colors[4:]
    editor.do(ethogram_edits.AddBehavior(Behavior("again")))
    assert editor.ethogram["again"].color == colors[3]


def test_editors_share_a_history(editor):
    other = AnnotationEditor(editor.annotation, editor.history)
    editor.add("a", "groom", 5, 10)
    other.erase("b", 0, 30)
    assert editor.undo() == "erase all behaviors of b in frames 0 to 29"
    assert other.annotation.of("b") == (Bout("b", "run", 0, 60, "a"),)
    assert Bout("a", "groom", 5, 10) in editor.annotation.bouts


def test_history_holds_what_changed_only():
    bouts = tuple(Bout("a", "run", start, start + 5) for start in range(0, 200_000, 10))
    assessed = {"a": [(bout.start, bout.stop) for bout in bouts]}
    editor = AnnotationEditor(Annotation(ETHOGRAM, bouts, assessed), History())
    for start in range(100, 50_100, 50):
        editor.add("a", "groom", start, start + 3)
    held = [len(change.intervals) for step in editor.history.steps for change in step.changes]
    assert len(editor.history.steps) == 1000
    assert sum(held) <= 3 * 1000


def test_values_of_no_edit_are_refused():
    for values in ({}, {"edit": "Add"}, {"edit": "Nothing"}, {"edit": "Erase", "individual": "a", "start": "x"}):
        with pytest.raises(AnnotationError):
            edit_of_values(values)


def test_automated_bouts_leave_those_of_a_person():
    ethogram = Ethogram((Behavior("walk"), Behavior("rest"), Behavior("sing", exclusive=False)))
    bouts = (
        Bout("a", "walk", 5, 10),
        Bout("a", "rest", 20, 25),
        Bout("a", "sing", 0, 40),
        Bout("a", "walk", 30, 36, origin="automated", note="before"),
        Bout("b", "walk", 0, 40),
    )
    editor = AnnotationEditor(Annotation(ethogram, bouts, n_frames=40))
    edit = painting.AddAutomated("a", "rest", ((3, 12), (18, 22), (23, 33)), "cluster 2")
    assert editor.do(edit_of_values(edit_values(edit))) == edit
    found = [(bout.behavior, bout.start, bout.stop, str(bout.origin), bout.note) for bout in editor.bouts_of("a")]
    assert found == [
        ("sing", 0, 40, "manual", ""),
        ("rest", 3, 5, "automated", "cluster 2"),
        ("walk", 5, 10, "manual", ""),
        ("rest", 10, 12, "automated", "cluster 2"),
        ("rest", 18, 20, "automated", "cluster 2"),
        ("rest", 20, 25, "manual", ""),
        ("rest", 25, 33, "automated", "cluster 2"),
        ("walk", 33, 36, "automated", "before"),
    ]
    assert editor.bouts_of("b") == (bouts[4],)
    before = editor.annotation
    editor.do(painting.AddAutomated("c", "walk", ((0, 4), (4, 8))))
    assert [(bout.start, bout.stop) for bout in editor.bouts_of("c")] == [(0, 4), (4, 8)]
    assert editor.assessed_of("c") == ((0, 8),)
    editor.undo()
    assert editor.annotation == before
    editor.undo()
    assert editor.annotation.bouts == Annotation(ethogram, bouts, n_frames=40).bouts
    with pytest.raises(AnnotationError, match="video of 40"):
        editor.do(painting.AddAutomated("a", "walk", ((38, 41),)))
