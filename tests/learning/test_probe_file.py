"""A probe comes back from its file as it was; other files are refused, and none is run."""

import io
import json
import zipfile

import numpy as np
import pytest

from helpers.labelled import make_planted, rewrite_probe
from napari_i3d import learning
from napari_i3d.errors import FeaturesError, OutputError


@pytest.fixture
def saved(tmp_path):
    video = make_planted(1)
    probe = learning.train(video.features, video.annotation, learning.ProbeSettings(context_frames=4))
    path = tmp_path / "mouse.npz"
    probe.save(path)
    return path, probe, video


def test_probe_comes_back_the_same(saved) -> None:
    path, probe, video = saved
    read = learning.read_probe(path)
    assert read.ethogram == probe.ethogram
    assert read.settings == probe.settings
    assert read.provenance == json.loads(json.dumps(dict(probe.provenance)))
    assert read.predict(video.features) == probe.predict(video.features)
    assert set(path.parent.iterdir()) == {path}


def test_no_object_is_in_the_file(saved) -> None:
    with np.load(saved[0], allow_pickle=False) as archive:
        assert all(archive[name].dtype.kind in "fu" for name in archive.files)


@pytest.mark.parametrize(
    "changes",
    [
        {"facts": np.frombuffer(b"[1, 2", np.uint8)},
        {"facts": np.frombuffer(b"[" * 100_000, np.uint8)},
        {"format": "napari_i3d probe 2"},
        {"mean": None},
        {"mean": np.zeros(7)},
        {"matrix": np.full((32, 32), np.nan)},
        {"matrix": np.array([{"a": 1}], object)},
        {"weights_0": np.zeros((3, 4))},
        {"bias_0": np.array([0, np.inf, 0, 0])},
        {"bias_0": np.zeros((4, 1))},
        {"classes": [["", "walk", "fly", "rear"]]},
        {"classes": [["walk", "groom", "rear", ""]]},
        {"classes": []},
        {"classes": {"a": 1}},
        {"ethogram": [{"name": "walk", "unknown": 1}]},
        {"ethogram": [{"name": 5}]},
        {"ethogram": 5},
        {"settings": {"components": -1}},
        {"settings": {"components": "many"}},
        {"settings": 3},
        {"provenance": {"source": 3}},
    ],
    ids=lambda changes: f"{next(iter(changes))}",
)
def test_hostile_files_are_refused(saved, changes) -> None:
    rewrite_probe(saved[0], **changes)
    with pytest.raises(FeaturesError, match="learn train"):
        learning.read_probe(saved[0])


def test_cut_and_foreign_files_are_refused(saved, tmp_path) -> None:
    content = saved[0].read_bytes()
    for wrong in (content[: len(content) // 2], b"", b"hello"):
        saved[0].write_bytes(wrong)
        with pytest.raises(FeaturesError):
            learning.read_probe(saved[0])
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("facts.npy", b"\0" * 200_000_000)
    saved[0].write_bytes(bomb.getvalue())
    with pytest.raises(FeaturesError):
        learning.read_probe(saved[0])
    with pytest.raises(FeaturesError):
        learning.read_probe(tmp_path / "missing.npz")


def test_other_endings_are_not_written(saved, tmp_path) -> None:
    with pytest.raises(OutputError, match="npz"):
        saved[1].save(tmp_path / "probe.pickle")
