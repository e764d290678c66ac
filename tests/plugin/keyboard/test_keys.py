"""Keys are chosen in the dialog or in the file, used at once, and refused if something else has them."""

import json
from pathlib import Path

import numpy as np
import pytest
from napari.utils.key_bindings import coerce_keybinding
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QPoint, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDialogButtonBox

from helpers.clips import MakeClip
from helpers.windows import click, notifications, open_clip, open_dock
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.keyboard.actions import Action
from napari_i3d.plugin.keyboard.bindings import KeyBindings, change_keys
from napari_i3d.plugin.keyboard.key_dialog import KeyDialog
from napari_i3d.plugin.keyboard.key_file import keys_path, parse_key
from napari_i3d.plugin.keyboard.napari_keys import napari_use
from napari_i3d.plugin.keys import ACTIONS


def write(content: object) -> None:
    keys_path().parent.mkdir(parents=True, exist_ok=True)
    keys_path().write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


@pytest.fixture
def session(viewer):
    return get_session(viewer)


@pytest.fixture
def dialog(viewer, qtbot, session):
    dock = open_dock(viewer, "Individuals")
    dialog = KeyDialog(dock, session.keys)
    dialog.show()
    qtbot.waitExposed(dialog)
    yield dialog
    dialog.close()


def press(dialog, name: str, key: Qt.Key, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    """Double click on the key of an action, and press another one."""
    dialog.tree.scrollToItem(dialog.items[name])
    place = dialog.tree.visualItemRect(dialog.items[name]).center()
    where = QPoint(dialog.tree.columnViewportPosition(1) + 10, place.y())
    QTest.mouseClick(dialog.tree.viewport(), Qt.MouseButton.LeftButton, pos=where)
    QTest.mouseDClick(dialog.tree.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert dialog.edit is not None
    QTest.keyClick(dialog.edit, key, modifiers)


def test_default_keys_exist_and_differ():
    keys = [key for action in ACTIONS for key in (action.key, action.also) if key]
    assert all(parse_key(key) is not None for key in keys)
    assert len({str(parse_key(key)) for key in keys}) == len(keys)
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)


def default_keys_are_bound(session):
    keys = [str(parse_key(key)) for action in ACTIONS for key in (action.key, action.also) if key]
    assert set(keys) <= {str(key) for key in session.viewer.keymap}
    assert notifications("warning") == []
    assert not keys_path().exists()


def test_chosen_key_works_at_once_and_next_time(viewer, make_napari_viewer, qtbot, session, dialog, clip_of: MakeClip):
    press(dialog, "next_individual", Qt.Key.Key_F6)
    assert dialog.message.text().startswith("Double click")
    click(qtbot, dialog.buttons.button(QDialogButtonBox.StandardButton.Ok))
    assert json.loads(keys_path().read_text())["next_individual"] == "F6"
    assert json.loads(keys_path().read_text()).keys() == {action.name for action in ACTIONS}
    dock = next(iter(viewer.window.dock_widgets.values()))
    assert "<b>F6</b>" in dock.help.text()
    assert "<b>J</b>" not in dock.help.text()
    tracked = open_clip(viewer, clip_of(20))
    first = tracked.current
    viewer.keymap[coerce_keybinding("F6")](viewer)
    assert tracked.current != first
    assert coerce_keybinding("J") not in viewer.keymap
    other = get_session(make_napari_viewer())
    assert other.keys.key("next_individual") == "F6"
    assert coerce_keybinding("F6") in other.viewer.keymap


def test_keys_are_pressed_in_the_real_window(make_napari_viewer, qtbot, clip_of: MakeClip):
    write({"next_individual": "Ctrl+Alt+F6"})
    viewer = make_napari_viewer(show=True)
    tracked = open_clip(viewer, clip_of(20))
    first = tracked.current
    canvas = viewer.window._qt_viewer.canvas.native
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_F6, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: tracked.current != first)


TAKEN = [
    (Qt.Key.Key_N, Qt.KeyboardModifier.NoModifier, "it is the key of 'next problem"),
    (Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier, "napari uses it for 'Reset view"),
    (Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier, "napari uses it for 'Save Selected Layers"),
    (Qt.Key.Key_E, Qt.KeyboardModifier.NoModifier, "napari uses it for"),
    (Qt.Key.Key_F7, Qt.KeyboardModifier.NoModifier, "another plugin or a script uses it"),
]


def key_can_be_taken_away_and_all_reset(qtbot, session, dialog):
    press(dialog, "next_individual", Qt.Key.Key_Delete)
    press(dialog, "next_problem", Qt.Key.Key_J)
    press(dialog, "first_frame", Qt.Key.Key_Escape)
    assert (dialog.keys["next_individual"], dialog.keys["next_problem"], dialog.keys["first_frame"]) == ("", "J", "G")
    click(qtbot, dialog.buttons.button(QDialogButtonBox.StandardButton.RestoreDefaults))
    assert dialog.keys == session.keys.defaults
    click(qtbot, dialog.buttons.button(QDialogButtonBox.StandardButton.Cancel))
    assert not keys_path().exists()


def test_dialog_refuses_taken_keys_and_resets(qtbot, session, dialog):
    session.viewer.bind_key("F7", lambda _: None)
    for key, modifiers, who in TAKEN:
        press(dialog, "next_individual", key, modifiers)
        assert who in dialog.message.text()
        assert dialog.keys["next_individual"] == "J"
        assert dialog.items["next_individual"].text(1) == "J"
    key_can_be_taken_away_and_all_reset(qtbot, session, dialog)


def keys_of_two_actions_can_be_exchanged_in_the_file(session):
    write({"next_individual": "N", "next_problem": "J", "previous_problem": "shift-f6"})
    keys = session.keys
    keys.load()
    assert (keys.key("next_individual"), keys.key("next_problem")) == ("N", "J")
    assert notifications("warning") == []


BAD_FILES = [
    (b"{", ["cannot be read as JSON"]),
    (b"[" * 100_000, ["cannot be read as JSON"]),
    (b"\xff\xfe", ["cannot be read as JSON"]),
    ([1], ["expected names of actions"]),
    ({"next_problem": "J"}, ["next_problem: J is taken, it is the key of 'next individual'"]),
    ({"next_problem": "Ctrl+R"}, ["next_problem: Ctrl+R is taken, napari uses it for 'Reset view"]),
    ({"next_problem": "Foo"}, ["next_problem: expected a key"]),
    ({"next_problem": 5}, ["next_problem: expected a key", "int"]),
    ({"next_problem": None}, ["next_problem: expected a key"]),
    ({"next_problem": ["N"]}, ["next_problem: expected a key"]),
    ({"next_problem": "N N"}, ["next_problem: expected a key"]),
    ({"next_problem": "a\nb" * 99}, ["next_problem: expected a key", "\\n"]),
    ({"destroy\n": "D"}, ["no action has this name"]),
]


def bad_lines_cost_only_themselves(session, content, said):
    write({**content, "whole_image": "F6"} if isinstance(content, dict) else content)
    keys = session.keys
    keys.load()
    (warning,) = notifications("warning")
    assert str(keys_path()) in warning
    assert all(text in warning for text in said)
    expected = keys.defaults | ({"whole_image": "F6"} if isinstance(content, dict) else {})
    assert {action.name: keys.key(action.name) for action in ACTIONS} == expected


def every_random_file_leaves_bound_keys(session):
    rng = np.random.default_rng(5)
    texts = ["", "N", "J", "Ctrl+S", "K", "Q", "Shift+K", "\x00", "Ctrl+", "é", "Shift-J"]
    for _ in range(50):
        write({action.name: texts[rng.integers(len(texts))] for action in ACTIONS if rng.random() < 0.7})
        session.keys.load()
        used = [key for action in ACTIONS if (key := session.keys.key(action.name))]
        used += [str(parse_key(action.also)) for action in ACTIONS if action.also]
        assert len(set(used)) == len(used)
        chosen = [
            key for action in ACTIONS if (key := session.keys.key(action.name)) != session.keys.defaults[action.name]
        ]
        assert all(not key or not napari_use(parse_key(key)) for key in chosen)


def test_file_of_keys_is_used_where_it_can_be(viewer):
    session = get_session(viewer)
    keys_of_two_actions_can_be_exchanged_in_the_file(session)
    for content, said in BAD_FILES:
        notification_manager.records.clear()
        bad_lines_cost_only_themselves(session, content, said)
    every_random_file_leaves_bound_keys(session)


def test_dialog_opens_from_the_help_menu(viewer, qtbot):
    dock = open_dock(viewer, "Individuals")
    seen = []

    def close() -> None:
        dialog = next(one for one in QApplication.topLevelWidgets() if isinstance(one, KeyDialog) and one.isVisible())
        seen.append(set(dialog.items))
        dialog.reject()

    QTimer.singleShot(300, close)
    dock.keys_action.trigger()
    assert seen == [{action.name for action in ACTIONS}]
    assert "<i>Look</i>" in dock.help.text()
    assert "<i>Mouse</i>" in dock.help.text()


def test_unwritable_folder_is_said_and_keeps_the_dialog(viewer, qtbot, dialog, home: Path):
    keys_path().mkdir(parents=True)
    press(dialog, "next_individual", Qt.Key.Key_F6)
    click(qtbot, dialog.buttons.button(QDialogButtonBox.StandardButton.Ok))
    assert "cannot be written" in notifications()[0]
    assert dialog.isVisible()


def default_key_that_a_kind_of_layer_has_is_bound(viewer, session):
    action = Action("paint", "paint", lambda _: None, "E")
    assert "napari uses it" in napari_use(parse_key("E"))
    keys = KeyBindings(session, [action])
    assert keys.key("paint") == "E"
    assert keys.taken("E", {"paint": ""}, "paint") == ""
    assert notifications("warning") == []


def tooltips_name_the_key(session):
    action = next(action for action in ACTIONS if action.name == "next_individual")
    assert session.keys.tooltip(action) == "Next individual (J)"


def sentences_name_the_chosen_key_or_the_action(session):
    assert session.keys.called("interpolate") == "9"
    change_keys(session.keys.defaults | {"interpolate": "Alt-Shift-F9", "edit_boxes": ""})
    assert session.keys.called("interpolate") == "Alt+Shift+F9"
    assert session.keys.called("edit_boxes") == "'edit boxes in the canvas, or end that'"


def test_defaults_are_bound_and_named(viewer, session):
    default_keys_are_bound(session)
    tooltips_name_the_key(session)
    default_key_that_a_kind_of_layer_has_is_bound(viewer, session)
    sentences_name_the_chosen_key_or_the_action(session)
