"""What napari is told of the plugin, and that being told costs nothing."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from npe2 import PluginManifest

import napari_i3d
from napari_i3d.tracking.io.writing import WRITTEN
from napari_i3d.video.frame_budget import DEFAULT_LIMIT_MB

HEAVY = ("torch", "matplotlib", "pooch", "safetensors")

START = f"""
import json, sys
import napari
from npe2 import PluginManager

def loaded():
    return [name for name in {HEAVY!r} if name in sys.modules]

plugin, video = sys.argv[1] == "with", sys.argv[2]
steps = {{}}
PluginManager.instance().discover()
if not plugin:
    PluginManager.instance().disable("napari-i3d")
viewer = napari.Viewer(show=False)
steps["started"] = loaded()
if plugin:
    viewer.open(video, plugin="napari-i3d")
    viewer.dims.set_current_step(0, 5)
    steps["opened"] = loaded()
    viewer.window.add_plugin_dock_widget("napari-i3d", "Individuals")
    steps["docked"] = loaded()
    assert len(viewer.layers) >= 2
viewer.close()
print(json.dumps(steps))
"""


def heavy_modules(plugin: str, video: Path) -> dict[str, list[str]]:
    """Which of the heavy modules are loaded at each step, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", START, plugin, str(video)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution("napari-i3d")


def test_manifest_is_valid() -> None:
    path = Path(napari_i3d.__file__).with_name("napari.yaml")
    done = subprocess.run(
        [sys.executable, "-m", "npe2", "validate", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "valid" in done.stdout


def test_each_command_names_something_that_is_there(manifest: PluginManifest) -> None:
    for command in manifest.contributions.commands:
        module, name = command.python_name.split(":")
        assert callable(getattr(import_module(module), name)), command.id


def test_everything_of_the_plugin_can_be_reached(manifest: PluginManifest) -> None:
    contributions = manifest.contributions
    assert [widget.display_name for widget in contributions.widgets] == [
        "Individuals",
        "Crop preview",
        "Extract features",
        "Plot features",
        "Explore features",
        "Annotate",
        "Learn behaviors",
    ]
    assert [sample.key for sample in contributions.sample_data] == ["animals"]
    written = {ending for known in WRITTEN for ending in known.endings}
    (writer,) = contributions.writers
    assert set(writer.filename_extensions) == written
    assert writer.filename_extensions[0] == ".pickle"
    in_menus = {item.command for items in contributions.menus.values() for item in items}
    assert in_menus == {widget.command for widget in contributions.widgets}


def test_setting_of_memory_has_default_of_code(manifest: PluginManifest) -> None:
    assert manifest.contributions.configurations["video"].properties["frames_kept_mb"].default == DEFAULT_LIMIT_MB


def test_starting_napari_and_opening_video_loads_nothing_heavy(clip_of) -> None:
    clip = clip_of(12)
    napari_alone = heavy_modules("without", clip.video)["started"]
    assert "torch" not in napari_alone
    assert "matplotlib" not in napari_alone
    assert heavy_modules("with", clip.video) == dict.fromkeys(("started", "opened", "docked"), napari_alone)
