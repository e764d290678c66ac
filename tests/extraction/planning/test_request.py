"""What is asked for: kept as plain values, and refused alike by dock and command."""

import json

import pytest

from napari_i3d import ExtractionSettings
from napari_i3d.batch.options import BatchOptions
from napari_i3d.errors import SettingsError
from napari_i3d.extraction.planning.request import ExtractionOptions
from napari_i3d.features.io.layouts import Layout
from napari_i3d.tracking.gaps import Gaps

EVERY_FRAME = ExtractionSettings(pad=True)


OPTIONS = ExtractionOptions(
    settings=ExtractionSettings(frequency=2, pad=True, sample_mode="oversample", device="cuda:1"),
    weights="/some/file.pth",
    gaps=Gaps.SPLIT,
    layout=Layout.DICT,
    i3d_suffix="_i3d.npz",
    save_metadata=True,
)


def test_preferences_are_remembered_or_fall_to_defaults():
    plain = json.loads(json.dumps(OPTIONS.as_dict()))
    assert ExtractionOptions.from_dict(plain) == OPTIONS
    assert ExtractionOptions.from_dict({}) == ExtractionOptions()
    assert ExtractionOptions.from_dict(plain | {"layout": "gone"}) == ExtractionOptions()
    assert ExtractionOptions.from_dict(plain | {"settings": 3}) == ExtractionOptions()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layout": Layout.DLC2ACTION}, "one row for each frame"),
        ({"layout": Layout.DLC2ACTION_POSE, "settings": EVERY_FRAME, "save_metadata": True}, "no room for first"),
        ({"layout": Layout.MS_TCN, "save_metadata": True}, "bare arrays"),
        ({"layout": Layout.MS_TCN, "i3d_suffix": "_i3d.npy"}, "bare arrays"),
        ({"layout": Layout.DLC2ACTION, "settings": EVERY_FRAME, "i3d_suffix": ".npz"}, "needs a file name that ends"),
    ],
)
def test_layout_demands_are_same_in_dock_and_command(options, words, tmp_path):
    with pytest.raises(SettingsError, match=words):
        ExtractionOptions(**options)
    with pytest.raises(SettingsError, match=words):
        BatchOptions(dataset_path=tmp_path, output_path=tmp_path, **options)
