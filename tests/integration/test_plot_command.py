"""``napari-i3d plot`` as a user gives it."""

import numpy as np
import pytest

from napari_i3d.cli.main import main
from napari_i3d.features.features import Features
from napari_i3d.features.io.writing import write_features


@pytest.fixture(scope="module")
def place(clip_of, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plot")
    clip = clip_of(40, folder, "clip")
    random = np.random.default_rng(0)
    states = np.repeat(random.standard_normal((2, 2048)) * 3, 20, axis=0)
    rows = {i: (states + random.standard_normal((40, 2048))).astype(np.float32) for i in ("striped", "spotted")}
    video = {"frames": 40, "width_px": 384, "height_px": 288}
    features = Features(rows=rows, frames={i: np.arange(40.0) for i in rows}, fps=25.0, provenance={"video": video})
    write_features(folder / "clip.npy", features)
    return folder, clip


@pytest.mark.parametrize("kind", ["heatmap", "map", "similarity", "ethogram"])
def test_every_kind_is_drawn_with_and_without_video(place, kind, tmp_path, capsys):
    folder, clip = place
    plain, imaged = tmp_path / "plain.svg", tmp_path / "imaged.png"
    assert main(["plot", str(folder / "clip.npy"), "--kind", kind, "--out", str(plain)]) == 0
    assert plain.read_bytes().startswith(b"<?xml")
    with_video = ["--video", str(clip.video), "--tracking", str(clip.tracking), "--individuals", "spotted"]
    assert main(["plot", str(folder / "clip.npy"), "--kind", kind, *with_video, "--out", str(imaged)]) == 0
    assert imaged.read_bytes().startswith(b"\x89PNG")
    assert f"{kind} of clip.npy: {imaged}" in capsys.readouterr().out


def test_same_seed_gives_the_same_figure(place, tmp_path):
    folder, _ = place
    for name in ("one.png", "two.png"):
        options = ["--kind", "map", "--clusters", "3", "--seed", "5", "--out", str(tmp_path / name)]
        assert main(["plot", str(folder / "clip.npy"), *options]) == 0
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--out", "x.txt"], 1, "figures are saved as .png, .svg or .pdf, not as .txt"),
        (["--out", "nowhere/x.png"], 1, "no such folder"),
        (["--tracking", "t.pickle"], 2, "set --video too"),
        (["--seed", "-1"], 2, "seed: expected a whole number from 0"),
        (["--individuals", "male"], 1, "no features of individual 'male'; there are: striped, spotted"),
        (["--video", "gone.mp4"], 1, "gone.mp4"),
        (["--kind", "ethogram", "--clusters", "0"], 1, "at least 1 cluster, found 0"),
        (["--kind", "similarity", "--half-width", "0"], 1, "half width: expected a positive number"),
    ],
)
def test_undrawable_figure_is_said_and_nothing_written(place, options, status, message, tmp_path, monkeypatch, capsys):
    folder, _ = place
    monkeypatch.chdir(tmp_path)
    assert main(["plot", str(folder / "clip.npy"), "--out", "figure.png", *options]) == status
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_video_of_another_length_is_refused(place, clip_of, tmp_path, capsys):
    folder, clip = place
    other = clip_of(12)
    options = ["--video", str(other.video), "--tracking", str(clip.tracking), "--out", str(tmp_path / "x.png")]
    assert main(["plot", str(folder / "clip.npy"), *options]) == 1
    assert "made from, 40 frames, found one of 12" in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()


def test_features_without_frames_have_heat_map_only(tmp_path, capsys):
    np.save(tmp_path / "old.npy", {"male": np.random.default_rng(0).random((12, 2048), np.float32)}, allow_pickle=True)
    assert main(["plot", str(tmp_path / "old.npy"), "--out", str(tmp_path / "x.png")]) == 0
    assert main(["plot", str(tmp_path / "old.npy"), "--kind", "ethogram", "--out", str(tmp_path / "y.png")]) == 1
    assert "male: the video frames of its rows are not known" in capsys.readouterr().err
