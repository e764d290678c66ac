"""Keys for key frames in a real window, with and without the layer in which boxes are edited."""

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from helpers.clips import MakeClip
from helpers.windows import open_dock
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.corrections.key_frame_actions import ACTIONS, gone_from_here
from napari_i3d.plugin.keyboard.bindings import change_keys, shown_key
from napari_i3d.plugin.keys import ACTIONS as ALL

FRAMES = 40
KEYS = {"Left": Qt.Key.Key_Left, "Right": Qt.Key.Key_Right} | {n: getattr(Qt.Key, f"Key_{n}") for n in "890"}
MODIFIERS = {
    "": Qt.KeyboardModifier.NoModifier,
    "Ctrl": Qt.KeyboardModifier.ControlModifier,
    "Alt": Qt.KeyboardModifier.AltModifier,
}


class Keys:
    """A viewer whose actions are run by their keys."""

    def __init__(self, viewer) -> None:
        self.viewer, self.session = viewer, get_session(viewer)
        self.tracked = self.session.active

    def press(self, name: str) -> None:
        key = next(action.key for action in ACTIONS if action.name == name)
        modifier, _, letter = key.rpartition("-")
        QTest.keyClick(self.viewer.window._qt_viewer.canvas.native, KEYS[letter], MODIFIERS[modifier])
        QApplication.processEvents()

    def go(self, frame: int) -> None:
        self.viewer.dims.set_current_step(0, frame)

    def lefts(self, individual) -> dict[int, float]:
        tracklet = self.tracked.tracking[individual]
        frames = np.flatnonzero(tracklet.present)
        return {int(frame) + tracklet.start: float(tracklet.boxes[frame, 0]) for frame in frames}


def box(left: float) -> list[float]:
    return [left, 20.0, left + 40, 70.0]


def begin(keys: Keys) -> None:
    """Three boxes of one individual, and nothing said yet."""
    keys.tracked.set_tracking(None, None)
    for frame in (0, 10, 30):
        keys.tracked.editor.set_box(1, frame, box(3 * frame))
    keys.go(10)
    notification_manager.records.clear()


def messages() -> str:
    return "\n".join(note.message for note in notification_manager.records)


def one_key_interpolates_to_both_sides_in_one_step(keys):
    steps = keys.tracked.history.position
    keys.press("interpolate")
    assert keys.lefts(1) == pytest.approx({frame: 3.0 * frame for frame in range(31)})
    assert keys.tracked.history.position == steps + 1
    keys.tracked.editor.undo()
    assert sorted(keys.lefts(1)) == [0, 10, 30]


def each_side_has_its_own_key(keys):
    keys.press("interpolate_previous")
    assert sorted(keys.lefts(1)) == [*range(11), 30]
    keys.tracked.editor.undo()
    keys.press("interpolate_next")
    assert sorted(keys.lefts(1)) == [0, *range(10, 31)]


def keys_go_through_key_frames(keys):
    keys.press("next_key_frame")
    assert keys.session.frame == 30
    assert "key frame 3 of 3" in keys.viewer.status
    keys.press("next_key_frame")
    assert keys.session.frame == 30
    assert "no key frame after frame 30" in messages()
    keys.press("previous_key_frame")
    keys.press("previous_key_frame")
    assert keys.session.frame == 0
    keys.press("middle_key_frame")
    assert keys.session.frame == 20


def gone_names_the_key_that_the_user_chose(viewer, clip_of: MakeClip):
    viewer.open(str(clip_of(FRAMES).video), plugin="napari-i3d")
    session = get_session(viewer)
    change_keys({action.name: action.key for action in ALL} | {"gone_from_here": "Alt-9"})
    session.go_to(5)
    gone_from_here(session)
    assert f"Press {shown_key('Alt-9')} again to delete the boxes" in messages()


def gone_is_said_first_and_done_when_pressed_again(keys):
    keys.press("interpolate")
    keys.go(15)
    before, steps = keys.lefts(1), keys.tracked.history.position
    keys.press("gone_from_here")
    assert "again to delete the boxes of 1 in frames 15 to 29" in messages()
    assert keys.lefts(1) == before
    keys.go(16)  # what is said there is something else
    keys.press("gone_from_here")
    assert keys.lefts(1) == before
    keys.press("gone_from_here")
    assert sorted(keys.lefts(1)) == [*range(16), 30]
    assert keys.tracked.history.position == steps + 1
    keys.tracked.editor.undo()
    assert keys.lefts(1) == before


def back_copies_the_last_box_before(keys):
    keys.go(20)
    keys.press("back_here")
    assert keys.lefts(1)[20] == 30.0
    assert 20 in keys.tracked.editor.key_frames(1)
    keys.go(21)
    keys.press("copy_previous_box")
    assert keys.lefts(1)[21] == 30.0
    keys.go(25)
    keys.press("copy_previous_box")
    assert "expected a box in frame 24" in messages()
    assert 25 not in keys.lefts(1)


def key_frames_are_marked_beside_their_ids(keys):
    def texts() -> set[str]:
        layer = keys.session.boxes.display(keys.tracked).ids_layer
        return set(layer.features["id"][layer.shown])

    keys.press("interpolate")
    assert texts() == {"1 •"}
    keys.go(11)
    assert texts() == {"1"}
    keys.tracked.editor.set_box(1, 11, box(5))
    assert texts() == {"1 •"}
    keys.tracked.editor.undo()
    assert texts() == {"1"}


def test_keys_do_the_same_looking_and_editing(viewer, video_alone_of):
    viewer.open(str(video_alone_of(FRAMES)), plugin="napari-i3d")
    keys = Keys(viewer)
    parts = (
        one_key_interpolates_to_both_sides_in_one_step,
        each_side_has_its_own_key,
        keys_go_through_key_frames,
        gone_is_said_first_and_done_when_pressed_again,
        back_copies_the_last_box_before,
        key_frames_are_marked_beside_their_ids,
    )
    for editing in (False, True):
        for part in parts:
            begin(keys)
            if editing and not keys.session.box_editor.is_on:
                keys.press("edit_boxes")
            assert keys.session.box_editor.is_on == editing, part.__name__
            part(keys)


def without_an_individual_it_is_said_what_to_do(viewer, video_alone_of):
    viewer.open(str(video_alone_of(FRAMES)), plugin="napari-i3d")
    keys = Keys(viewer)
    for name in ("interpolate", "gone_from_here", "next_key_frame"):
        keys.press(name)
    assert messages().count("Select an individual first") == 3


def no_two_actions_have_the_same_key_and_none_is_napari_s(viewer):
    from napari.utils.key_bindings import coerce_keybinding

    bound = [coerce_keybinding(key) for action in ALL for key in (action.key, action.also) if key]
    assert len(set(bound)) == len(bound)
    get_session(viewer)
    viewer.add_shapes()
    for action in ACTIONS:
        if action.key:
            binding = coerce_keybinding(action.key)
            assert viewer.keymap[binding].__doc__ == action.text
            assert binding not in type(viewer.layers[0]).class_keymap


def test_keys_are_nobody_else_s_and_named_as_chosen(viewer, clip_of: MakeClip):
    no_two_actions_have_the_same_key_and_none_is_napari_s(viewer)
    gone_names_the_key_that_the_user_chose(viewer, clip_of)


def dock_offers_to_draw_boxes_and_shows_the_mode(viewer, qtbot):
    keys = Keys(viewer)
    dock = open_dock(viewer, "Individuals")
    qtbot.wait(20)
    assert not dock.draw_button.isHidden()
    dock.draw_button.click()
    assert keys.session.box_editor.is_on
    assert dock.draw_button.isHidden()
    assert "opposite one" in dock.empty.text()
    keys.tracked.editor.set_box(1, 0, box(10))
    qtbot.wait(20)
    assert dock.pages.currentIndex() == 0
    assert dock.corrections.edit.isChecked()
    keys.tracked.editor.undo()
    qtbot.wait(20)
    assert dock.pages.currentIndex() == 1
    keys.tracked.editor.redo()
    dock.corrections.edit.click()
    assert not keys.session.box_editor.is_on
    assert not dock.corrections.edit.isChecked()


def test_video_without_boxes_says_what_to_do(viewer, video_alone_of, qtbot):
    without_an_individual_it_is_said_what_to_do(viewer, video_alone_of)
    dock_offers_to_draw_boxes_and_shows_the_mode(viewer, qtbot)
