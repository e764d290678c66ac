"""The docks with PySide6, which other plugins bring; all other tests run with PyQt6."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import qtpy

from helpers import program_environment
from napari_i3d.plugin.explore_dock.row_colors import ColorBy
from napari_i3d.plugin.widgets.choice_box import ChoiceBox


def test_other_tests_run_with_pyqt6() -> None:
    assert qtpy.API_NAME == "PyQt6"


def test_every_dock_works_with_pyside6(clip_of, tmp_path: Path) -> None:
    assert version("PySide6-Essentials")  # of the test extra: never skipped
    clip = clip_of(24, tmp_path / "clip")
    # A process of its own: a process can hold one binding only, and PySide6 does not live through many viewers.
    done = subprocess.run(
        [sys.executable, "-m", "helpers.drive_every_dock", str(clip.video), str(clip.tracking)],
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
        env=program_environment(QT_API="pyside6"),
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["binding"] == "PySide6"
    assert found["rows"] == {"striped": 5, "spotted": 5}
    assert found["crops"] == [[224, 224, 3], [224, 224, 3], [256, 340, 3]]
    assert found["hits"] > 0
    assert found["complaints"] == []


def test_choices_are_the_values_given(qtbot) -> None:
    box = ChoiceBox([("by cluster", ColorBy.CLUSTER), ("by time", ColorBy.TIME)])
    qtbot.addWidget(box.native)
    seen = []
    box.changed.connect(seen.append)
    # As PySide6 keeps it.
    box.native.setItemData(1, "time")
    box.native.setCurrentIndex(1)
    assert box.value is ColorBy.TIME
    assert seen == [ColorBy.TIME]
    assert seen[0] is ColorBy.TIME
    box.value = ColorBy.CLUSTER
    assert box.native.currentIndex() == 0
