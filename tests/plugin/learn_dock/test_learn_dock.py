"""From labels to proposals and back in real windows, on features that show a planted behavior in each frame."""

from dataclasses import replace

import numpy as np
import pytest
from napari.utils.key_bindings import coerce_keybinding
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from helpers.clips import MakeClip, copy_clip
from helpers.windows import choose_file, click, notifications, open_clip, open_dock
from napari_i3d import learning
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.editing.bout_edits import Relabel
from napari_i3d.annotations.editing.painting import Add
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.features.features import Features
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.learn_dock import background_training
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.editing.identity_edits import Swap

FRAMES, LABELLED, BLOCK = 600, 400, 20
ETHOGRAM = Ethogram((Behavior("groom", "g"), Behavior("rear", "r")))
ONE, TWO = "striped", "spotted"
NAMES = ("", *ETHOGRAM)
WAIT = 60_000


def states_of(individual: str) -> np.ndarray:
    """The planted behavior of each frame, 0 for none."""
    random = np.random.default_rng([ONE, TWO].index(individual))
    return np.repeat(random.permutation(np.arange(FRAMES // BLOCK) % 3), BLOCK)


def planted(weights: str = "some", seed: int = 5) -> Features:
    places = np.random.default_rng(7).standard_normal((3, 16)) * 3
    random = np.random.default_rng(seed)
    rows = {
        one: (places[states_of(one)] + random.standard_normal((FRAMES, 16))).astype(np.float32) for one in (ONE, TWO)
    }
    return Features(
        rows,
        {one: np.arange(FRAMES, dtype=np.float64) for one in rows},
        first_frame=dict.fromkeys(rows, 0),
        last_frame=dict.fromkeys(rows, FRAMES - 1),
        fps=25.0,
        provenance={"video": {"frames": FRAMES}, "weights": {"name": weights, "trained": weights != "untrained"}},
    )


def labels_of(individual: str = ONE, stop: int = LABELLED) -> Annotation:
    """The planted behaviors of the first frames, made by a plain loop."""
    states, bouts = states_of(individual), []
    for start in range(0, stop, BLOCK):
        if states[start]:
            if bouts and bouts[-1].stop == start and bouts[-1].behavior == NAMES[states[start]]:
                bouts[-1] = replace(bouts[-1], stop=start + BLOCK)
            else:
                bouts.append(Bout(individual, NAMES[states[start]], start, start + BLOCK))
    return Annotation(ETHOGRAM, tuple(bouts), {individual: [(0, stop)]}, n_frames=FRAMES, fps=25.0)


@pytest.fixture(scope="module")
def clip(clip_of: MakeClip) -> SyntheticClip:
    return clip_of(FRAMES)


@pytest.fixture
def viewer(make_napari_viewer, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NAPARI_I3D_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(background_training, "_SETTLE_MS", 50)
    notification_manager.records.clear()
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    return viewer


class Person:
    """Opens, labels, clicks and presses keys."""

    def __init__(self, viewer, clip: SyntheticClip, qtbot, features: Features | None = None) -> None:
        self.viewer, self.qtbot, self.session = viewer, qtbot, get_session(viewer)
        self.tracked = open_clip(viewer, clip)
        self.tracked.set_features(planted() if features is None else features, None)
        self.tracked.labels.set_annotation(labels_of(), None)
        self.dock = open_dock(viewer, "Learn behaviors")

    @property
    def learning(self):
        return self.session.learning

    def click(self, button) -> None:
        click(self.qtbot, button)
        self.wait()

    def wait(self) -> None:
        self.qtbot.waitUntil(lambda: self.dock.progress.worker is None, timeout=WAIT)

    def press(self, key: str) -> None:
        self.viewer.keymap[coerce_keybinding(key)](self.viewer)

    def click_row(self, rows, number: int) -> None:
        item = rows.topLevelItem(number)
        rows.scrollToItem(item)
        place = rows.visualItemRect(item).center()
        QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=place)


def shown(annotation: Annotation, individual: str) -> np.ndarray:
    """Return the behavior of each frame, by a loop over bouts."""
    found = np.zeros(FRAMES, np.int64)
    for bout in annotation.bouts:
        if bout.individual == individual:
            found[bout.start : bout.stop] = NAMES.index(bout.behavior)
    return found


def test_one_click_proposes_bouts_of_everyone(viewer, clip, qtbot, monkeypatch, tmp_path):
    person = Person(viewer, clip, qtbot)
    dock, tracked, session = person.dock, person.tracked, person.session
    assert "400 rows of 1 individual in 1 video" in dock.about.text()
    counts = {name: sum(b.behavior == name for b in labels_of().bouts) for name in ETHOGRAM}
    assert f"groom {counts['groom']}, rear {counts['rear']}" in dock.about.text()
    person.click(dock.train)
    assert dock.status.text().startswith(f"Trained on {len(labels_of().bouts)} bouts"), dock.status.text()
    found = tracked.predictions.annotation
    for individual in (ONE, TWO):
        assert (shown(found, individual) == states_of(individual)).mean() > 0.97
    assert {bout.origin for bout in found.bouts} == {Origin.AUTOMATED}
    assert tracked.labels.annotation == labels_of()

    # What to label next: none of it was looked at; the share of random ones is said.
    queue = person.learning.queue
    assert len(queue) == 20
    assert all(not labels_of().is_assessed(one.individual, one.start) for one in queue)
    random = sum(one.random for one in queue)
    assert "20 stretches to label, 4 of them (20%) drawn at random" in dock.queue.title.text()
    assert [row[3] for row in dock.queue.list.texts()].count("random") == random == 4
    person.click_row(dock.queue.list, 2)
    assert (tracked.current, session.frame) == (queue[2].individual, queue[2].start)
    assert tracked.span == (queue[2].start, queue[2].stop)
    person.press("Alt-Q")
    assert (tracked.current, tracked.span) == (queue[3].individual, (queue[3].start, queue[3].stop))
    session.labelling.on = True
    QTest.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_G)
    assert queue[3] not in person.learning.queue
    assert len(dock.queue.list.texts()) == 19
    person.press("Alt-Q")
    assert tracked.span == (queue[4].start, queue[4].stop)
    person.press("Alt-Shift-Q")
    assert tracked.span == (queue[2].start, queue[2].stop)
    dock.queue.list.setFocus()
    QTest.keyClick(dock.queue.list, Qt.Key.Key_Down)
    assert tracked.span == (queue[4].start, queue[4].stop)

    # Other smoothing is applied without training.
    probe = person.learning.probe
    dock.options.shortest.setValue(50)
    qtbot.waitUntil(lambda: len(tracked.predictions.annotation.bouts) < len(found.bouts), timeout=WAIT)
    person.wait()
    assert min(bout.stop - bout.start for bout in tracked.predictions.annotation.bouts) >= 40
    assert person.learning.probe is probe

    # Save it, train again, and open it: it proposes what it did before.
    path = tmp_path / "mouse.npz"
    choose_file(monkeypatch, "getSaveFileName", path)
    person.click(dock.files.save)
    assert learning.read_probe(path).ethogram == probe.ethogram
    choose_file(monkeypatch, "getOpenFileName", path)
    tracked.predictions.set(None)
    click(qtbot, dock.files.open)
    qtbot.waitUntil(lambda: tracked.predictions.annotation is not None, timeout=WAIT)
    person.wait()
    assert tracked.predictions.source == "mouse.npz"
    assert "mouse.npz applied" in dock.status.text()
    assert not person.learning.is_own
    assert notifications() == []


def test_scores_and_doubtful_labels_are_shown(viewer, clip, qtbot, monkeypatch, tmp_path):
    person = Person(viewer, clip, qtbot, planted("untrained"))
    dock, tracked = person.dock, person.tracked
    wrong = next(bout for bout in labels_of().bouts if bout.behavior == "groom" and bout.start > 100)
    tracked.labels.editor.do(Relabel(wrong, "rear"))
    mistaken = replace(wrong, behavior="rear")
    assert "Untrained weights" in dock.about.text()
    person.click(dock.scores.evaluate)
    expected = learning.evaluate({"animals": planted("untrained")}, {"animals": tracked.labels.annotation})
    table = dock.scores.table.texts()
    assert table[0] == ["groom", f"{expected.frame_f1['groom']:.3g}", str(expected.bouts["groom"])]
    assert table[2][0] == "mean (macro)"
    assert table[3][1] == f"{expected.majority_macro_f1:.3g}"
    assert table[4][1] == f"{expected.shuffled_macro_f1:.3g}"
    assert "say nothing about behavior" in dock.scores.text.text()
    assert expected.advice
    assert expected.advice in dock.scores.text.text()
    assert "Nobody knows yet how good" in dock.scores.text.text()
    curve, confusion = dock.scores.canvas.figure.axes[:2]
    assert [tuple(point) for point in curve.lines[0].get_xydata()] == list(expected.learning_curve)
    assert [label.get_text() for label in confusion.get_xticklabels()] == ["(none)", "groom", "rear"]
    person.click(dock.scores.copy)
    assert QApplication.clipboard().text() == expected.report()
    choose_file(monkeypatch, "getSaveFileName", tmp_path / "scores.csv")
    person.click(dock.scores.save)
    assert (tmp_path / "scores.csv").read_text() == expected.as_csv()
    choose_file(monkeypatch, "getSaveFileName", tmp_path / "scores.png")
    person.click(dock.scores.save)
    assert (tmp_path / "scores.png").read_bytes().startswith(b"\x89PNG")

    dock.tabs.setCurrentWidget(dock.doubtful)
    person.click(dock.doubtful.search)
    assert person.learning.doubtful[0].bout == mistaken
    assert dock.doubtful.list.texts()[0][2].startswith("rear 0.")
    person.click_row(dock.doubtful.list, 0)
    assert tracked.labels.selected == mistaken
    assert mistaken.start <= person.session.frame < mistaken.stop
    tracked.labels.editor.do(Relabel(mistaken, "groom"))
    assert all(one.bout != mistaken for one in person.learning.doubtful)
    tracked.labels.editor.undo()
    assert "The labels have changed since" in dock.scores.title.text()
    person.click(dock.doubtful.search)
    person.click_row(dock.doubtful.list, 0)
    person.click(dock.doubtful.right)
    person.click(dock.doubtful.search)
    assert all(one.bout != mistaken for one in person.learning.doubtful)

    # Random stretches, labelled throughout, say how good the probe is in the rest.
    person.click(dock.train)
    drawn = [one for one in person.learning.queue if one.random]
    for one in drawn:
        for bout in labels_of(one.individual, FRAMES).bouts:
            start, stop = max(bout.start, one.start), min(bout.stop, one.stop)
            if start < stop:
                tracked.labels.editor.add(one.individual, bout.behavior, start, stop)
        assert one in person.learning.queue or one.is_done
        tracked.labels.editor.assess(one.individual, one.start, one.stop)
        assert one not in person.learning.queue
    person.click(dock.scores.evaluate)
    assert f"In {len(drawn)} random windows with {25 * len(drawn)} rows" in dock.scores.text.text()

    # A data set, and a folder that is there already.
    tracked.labels.set_annotation(Annotation(ETHOGRAM, (*labels_of().bouts, *labels_of(TWO).bouts)), None)
    choose_file(monkeypatch, "getSaveFileName", tmp_path / "set")
    qtbot.waitUntil(dock.files.export.isEnabled)
    action = next(one for one in dock.files.programs.actions() if "MS-TCN" in one.text())
    action.trigger()
    person.wait()
    assert (tmp_path / "set" / "mapping.txt").exists()
    assert "Made " in dock.status.text()
    action.trigger()
    person.wait()
    assert "exists" in dock.status.text()
    assert notifications()[0].endswith("exists; choose another name")


def test_probe_is_trained_again_while_labelling(viewer, clip, qtbot):
    person = Person(viewer, clip, qtbot)
    dock, tracked = person.dock, person.tracked
    dock.options.retrain.setValue(3)
    dock.background._timer.setInterval(50)
    person.click(dock.train)
    first = person.learning.learned
    editor = tracked.labels.editor
    new = labels_of(TWO, FRAMES).bouts[:3]
    for bout in new[:2]:
        editor.do(Add(bout.individual, bout.behavior, bout.start, bout.stop))
    qtbot.waitUntil(lambda: "1 more edited bout" in dock.later.text(), timeout=WAIT)
    editor.undo()
    qtbot.waitUntil(lambda: "2 more edited bouts" in dock.later.text(), timeout=WAIT)
    for bout in new[1:]:
        editor.do(Add(bout.individual, bout.behavior, bout.start, bout.stop))
    with qtbot.waitSignal(dock.background._timer.timeout, timeout=WAIT):
        pass
    qtbot.waitUntil(lambda: person.learning.learned is not first, timeout=WAIT)
    again = person.learning.learned
    assert again.probe.space is first.probe.space  # it began with the first one
    assert again.request.data.bouts["groom"] + again.request.data.bouts["rear"] == len(labels_of().bouts) + 3
    assert dock.progress.worker is None
    assert person.learning.edits_since(again.request.data) == 0

    # What a person reviews stays until the review is over.
    predictions = tracked.predictions
    proposal = predictions.editor.bouts_of(ONE)[0]
    predictions.selected = proposal
    for bout in labels_of(TWO, FRAMES).bouts[6:9]:
        editor.do(Add(bout.individual, bout.behavior, bout.start, bout.stop))
    qtbot.waitUntil(lambda: "wait while" in dock.later.text(), timeout=WAIT)
    qtbot.wait(200)
    assert person.learning.learned is again
    assert predictions.selected is proposal
    predictions.reject(editor, [proposal])
    qtbot.wait(200)
    assert predictions.selected is None
    assert person.learning.learned is again  # a moment after it was rejected
    qtbot.waitUntil(lambda: person.learning.learned is not again, timeout=WAIT)
    assert "wait while" not in dock.later.text()

    # A run that is superseded by Train, or whose video is closed meanwhile, leaves no trace.
    for bout in labels_of(TWO, FRAMES).bouts[3:6]:
        editor.do(Add(bout.individual, bout.behavior, bout.start, bout.stop))
    qtbot.waitUntil(lambda: dock.background.is_running, timeout=WAIT)
    click(qtbot, dock.train)
    assert not dock.background.is_running
    person.wait()
    trained = person.learning.learned
    qtbot.wait(300)
    assert person.learning.learned is trained
    click(qtbot, dock.train)
    viewer.layers.clear()
    person.wait()
    assert person.session.videos == []
    assert person.learning.queue == ()
    qtbot.waitUntil(lambda: "Open a video first" in dock.about.text(), timeout=WAIT)
    assert not dock.train.isEnabled()
    assert notifications() == []


def test_bad_input_costs_only_itself(viewer, clip, qtbot, tmp_path):
    person = Person(viewer, clip, qtbot)
    dock, tracked = person.dock, person.tracked
    second = copy_clip(clip, tmp_path / "other", "second")
    other = open_clip(viewer, second)
    other.labels.set_annotation(labels_of(TWO), None)
    qtbot.waitUntil(lambda: "second: labels of spotted have no features" in dock.about.text(), timeout=WAIT)
    person.click(dock.train)
    assert tracked.predictions.annotation is not None
    assert other.predictions.annotation is None
    click(qtbot, dock.extract)
    assert any("Extract" in name for name in viewer.window.dock_widgets)
    assert person.session.active is other
    other.set_features(planted("others"), None)
    qtbot.waitUntil(lambda: "Not used: second" in dock.about.text(), timeout=WAIT)
    assert "expected rows made with weights some, found others" in dock.about.text()
    person.click(dock.train)
    assert other.predictions.annotation is None
    other.set_features(planted(seed=6), None)
    qtbot.waitUntil(lambda: "2 individuals in 2 videos" in dock.about.text(), timeout=WAIT)
    person.click(dock.train)
    assert (shown(other.predictions.annotation, ONE) == states_of(ONE)).mean() > 0.97
    assert {one.tracked for one in person.learning.queue} == {tracked, other}
    place = next(number for number, one in enumerate(person.learning.queue) if one.tracked is tracked)
    person.click_row(dock.queue.list, place)
    assert person.session.active is tracked

    # After a swap, rows belong to other animals: they neither train, nor are they proposed to label.
    tracked.editor.do(Swap(ONE, TWO, 100))
    assert all(one.tracked is other for one in person.learning.queue)
    qtbot.waitUntil(lambda: "boxes of spotted, striped were corrected since" in dock.about.text(), timeout=WAIT)
    assert "400 rows of 1 individual in 1 video" in dock.about.text()
    tracked.editor.undo()
    qtbot.waitUntil(lambda: "2 individuals in 2 videos" in dock.about.text(), timeout=WAIT)

    # Only one behavior, shown in all frames that were looked at: said, and the proposals stay.
    for one in (tracked, other):
        one.labels.set_annotation(Annotation(ETHOGRAM, (Bout(ONE, "groom", 0, 50),), {ONE: [(0, 50)]}), None)
    qtbot.waitUntil(lambda: "bouts: groom 2" in dock.about.text(), timeout=WAIT)
    before = other.predictions.annotation  # training in the background, of the labels before, may have ended until now
    person.click(dock.train)
    assert "expected frames with and without groom" in dock.status.text()
    assert other.predictions.annotation == before
    for one in (tracked, other):
        one.labels.set_annotation(Annotation(n_frames=FRAMES), None)
    qtbot.waitUntil(lambda: "No frames are labelled yet" in dock.about.text(), timeout=WAIT)
    assert not dock.train.isEnabled()

    # The dock is closed while it trains: nothing is proposed; a new dock has what was learned.
    tracked.labels.set_annotation(labels_of(), None)
    qtbot.waitUntil(lambda: "400 rows" in dock.about.text(), timeout=WAIT)
    learned = person.learning.learned
    click(qtbot, dock.train)
    viewer.window.remove_dock_widget(dock)
    qtbot.wait(50)
    assert person.learning.learned is learned
    again = open_dock(viewer, "Learn behaviors")
    assert again is not dock
    assert "Trained on" in again.status.text()
    assert again.train.isEnabled()
