"""Errors: sentence and hint apart, a hint in the words of each interface, and the way through a pickle.

Hints are found in the source by reading its syntax tree, so that a setting without a name in an interface is seen.
"""

import ast
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import napari_i3d
from napari_i3d import errors
from napari_i3d.cli.main import _parser
from napari_i3d.cli.shared.common import command_wording
from napari_i3d.errors import Message, NapariI3DError, TrackingError, python_wording
from napari_i3d.plugin.messages import dock_wording

GAPS = Message("male: frame 4 is missing", "use {gaps=split} or {gaps=interpolate}")
SOURCE = Path(napari_i3d.__file__).parent
# Of the command, of conversions and of the detection of individuals, which no dock offers.
OF_NO_DOCK = {"base", "fps", "memory_gb", "piece_frames", "tracking_folder", "tracking_suffix", "video"} | {
    "contrast",
    "min_area",
    "reference",
    "threshold",
}
# What docks put into their own sentences.
OF_TEMPLATES = {"edit_boxes", "end", "interpolate", "key", "name"}
SETTING = re.compile(r"\{([a-z_]\w*)(?:=[^{}]*)?\}")


# Files and commands for other programs, whose words they have.
FOR_OTHERS = SOURCE / "learning" / "datasets"


def texts() -> Iterator[str]:
    """Yield the texts of the core that are not documentation; what is put into a text at run time is ``...``."""
    for path in SOURCE.rglob("*.py"):
        if path.is_relative_to(FOR_OTHERS):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        others = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # documentation
        others |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else "..." for part in node.values)
            elif isinstance(node, ast.Constant) and id(node) not in others and isinstance(node.value, str):
                yield node.value


@pytest.mark.parametrize(
    ("wording", "hint"),
    [
        (command_wording, "use --gaps split or --gaps interpolate"),
        (python_wording, 'use gaps="split" or gaps="interpolate"'),
        (dock_wording, "use 'Gaps: split into pieces' or 'Gaps: interpolate boxes'"),
    ],
)
def test_hint_has_the_words_of_its_interface(wording: errors.Wording, hint: str) -> None:
    assert GAPS.in_words(wording) == f"male: frame 4 is missing; {hint}"


@pytest.mark.parametrize(
    ("setting", "command", "python", "dock"),
    [
        ("{pad=True}", "--pad", "pad=True", "'a row for every frame'"),
        ("{frequency=1}", "--frequency 1", "frequency=1", "'Every n-th frame: 1'"),
        ("{save_metadata}", "--save_metadata", "save_metadata", "'first and last frame in the file'"),
        ("{video_size}", "--video_w and --video_h", "the setting video_size", "'Boxes are for size'"),
        ("{try_again}", "give the same command again", "try again", "press Run again"),
        (
            "{weights=untrained}",
            "--weights untrained",
            'weights="untrained"',
            "'Weights: untrained (to try things out)'",
        ),
    ],
)
def test_settings_and_actions_have_names(setting: str, command: str, python: str, dock: str) -> None:
    for wording, words in ((command_wording, command), (python_wording, python), (dock_wording, dock)):
        assert Message("x", f"{setting}, please").in_words(wording) == f"x; {words}, please"


def test_sentence_with_braces_stays_as_it_is() -> None:
    assert str(TrackingError("{gaps=split}.pickle: {0} %s {id: {frame: box}}")) == (
        "{gaps=split}.pickle: {0} %s {id: {frame: box}}"
    )


@pytest.mark.parametrize("kind", [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")])
def test_errors_survive_pickling(kind: type[NapariI3DError]) -> None:
    for error in (kind(GAPS.text, GAPS.hint), kind("without a hint")):
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is kind
        assert copy.message == error.message
        assert str(copy) == str(error)


@pytest.fixture(scope="module")
def named() -> set[str]:
    """Return the settings that hints name."""
    return {name for text in texts() for name in SETTING.findall(text)} - OF_TEMPLATES


def test_settings_in_hints_are_options_of_the_command(named: set[str]) -> None:
    options = {"download", "try_again", "video_size"}
    commands = [_parser()]
    while commands:
        actions = commands.pop()._actions
        options |= {option.removeprefix("--") for action in actions for option in action.option_strings}
        commands += [one for action in actions if isinstance(action.choices, dict) for one in action.choices.values()]
    assert {"gaps", "pad", "batch_size", "weights"} <= named <= options


def test_settings_in_hints_have_names_in_the_docks(named: set[str]) -> None:
    for name in named - OF_NO_DOCK:
        assert name not in dock_wording(name, "")


def test_no_sentence_names_an_option() -> None:
    for path in SOURCE.rglob("*.py"):
        if "cli" in path.parts or path.is_relative_to(FOR_OTHERS):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.search(r"(^|\W)--[a-z]", node.value), f"{path}: {node.value!r}"


def test_hints_hold_no_names_of_files() -> None:
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "hint":
                inserted = [ast.unparse(part) for part in ast.walk(node.value) if isinstance(part, ast.FormattedValue)]
                assert not any("path" in name for name in inserted), path
