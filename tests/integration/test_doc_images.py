"""Images of the README and of docs: each is made by the script, and what the pages say of them is true."""

import importlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import napari_i3d
from helpers.demo import DemoRun
from napari_i3d import explore, read_features
from napari_i3d.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "images"
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
EXPLORING = (ROOT / "docs" / "exploring.md").read_text(encoding="utf-8")
REMAKE = "run: python docs/make_images.py"


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch):
    """Load a script of `docs` by name."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module


@pytest.fixture
def make_images(scripts):
    return scripts("make_images")


def test_images_shown_kept_and_made_are_the_same(make_images) -> None:
    made = {f"{name}.png" for name in (*make_images.FIGURES, *make_images.WINDOWS)}
    assert {path.name for path in FOLDER.iterdir()} == made
    shown = {
        (page.parent / (first or second)).resolve()
        for page in PAGES
        for first, second in re.findall(r'!\[[^\]]*\]\(([^)]+)\)|src="([^"]+)"', page.read_text(encoding="utf-8"))
    }
    assert shown == {FOLDER / name for name in made}


def test_images_are_small_current_and_described(make_images) -> None:
    for path in FOLDER.iterdir():
        assert path.stat().st_size <= make_images.MOST_BYTES, f"{path.name}; {REMAKE}"
        with Image.open(path) as image:
            text = image.text
        version = f"napari_i3d {napari_i3d.__version__},"
        assert text["Software"].startswith(version), f"{path.name} is not of {version} {REMAKE}"
        assert "Video: " in text["Description"]
        if path.stem not in ("problems", "editing"):
            assert "untrained weights" in text["Description"]


@pytest.fixture(scope="module")
def figures(demo: DemoRun, tmp_path_factory: pytest.TempPathFactory):
    """The folders of the demo, and of the figures that the script makes of it."""
    work, out = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("images")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        script = importlib.import_module("make_images")
        script.make_figures(work, out, script.FIGURES[:1], demo=demo.folder)
        # Others by the same command in this process, which has imported what it takes.
        patch.setattr(script, "_command", lambda _, *arguments: main([str(argument) for argument in arguments]))
        script.make_figures(work, out, script.FIGURES[1:], demo=demo.folder)
    return demo.folder, out


def test_script_makes_figures(figures, make_images) -> None:
    _, out = figures
    assert {path.stem for path in out.iterdir()} == set(make_images.FIGURES)
    for path in out.iterdir():
        with Image.open(path) as fresh, Image.open(FOLDER / path.name) as kept:
            assert fresh.text == kept.text, f"{path.name}; {REMAKE}"
            assert fresh.size == kept.size, f"{path.name}; {REMAKE}"


def test_text_about_the_figures_is_true(figures, tmp_path: Path) -> None:
    demo, _ = figures
    features = read_features(demo / "napari_i3d_demo.npy")
    behaviors = napari_i3d.write_synthetic_clip(tmp_path).behaviors
    resting = np.array(behaviors["striped"]) == "resting"
    assert np.flatnonzero(resting).tolist() == list(range(24, 48))
    assert "The rest, frames 24 to 47, is the bright square" in EXPLORING
    assert "at frames 23 and 48" in EXPLORING

    # The map: the spotted animal, the striped one, and its rest; a row is computed from 8 frames.
    table = explore.table_of_features(features)
    found = explore.clusters(explore.principal_components(table))
    assert found.count == 3
    labels = {
        sequence.individual: found.labels[start:][: len(sequence)]
        for sequence, start in zip(table.sequences, table.starts, strict=False)
    }
    (spotted,) = set(labels["spotted"])
    inside = np.arange(72)[28:44]
    outside = np.r_[0:20, 52:72]
    (rest,) = set(labels["striped"][inside])
    (running,) = set(labels["striped"][outside])
    assert len({spotted, rest, running}) == 3

    # The self-similarity of the striped one.
    standardized = explore.standardize(table)
    changes = [change.frame for change in explore.novelty(standardized).changes if change.individual == "striped"]
    assert changes == [23, 48]
    rows = explore.standardize(explore.table_of_features(features, ["striped"]))
    matrix = explore.similarity_image(rows).values
    assert matrix.shape == (72, 72)
    assert matrix[np.ix_(inside, inside)].min() > 0.9
    assert matrix[np.ix_(inside, outside)].max() < 0
    off_diagonal = np.abs(np.subtract.outer(outside, outside)) >= 8
    assert np.median(matrix[np.ix_(outside, outside)][off_diagonal]) < 0.5


def test_small_png_keeps_the_colors_that_fit(scripts) -> None:
    small_png = scripts("small_png").small_png
    # A large gray noise, which takes most of a palette, and a small orange frame, as around one animal.
    random = np.random.default_rng(8)
    pixels = np.repeat(random.integers(90, 200, (200, 300, 1)), 3, axis=2).astype(np.uint8)
    pixels += random.integers(0, 12, pixels.shape, dtype=np.uint8)
    pixels[50:80, 50] = (213, 94, 0)
    image = Image.fromarray(pixels)
    sizes = []
    for most_bytes, error in ((200_000, 0), (125_000, 5), (60_000, 24)):
        file = small_png(image, most_bytes)
        sizes.append(len(file))
        with Image.open(io.BytesIO(file)) as small:
            change = np.abs(np.asarray(small.convert("RGB")).astype(int) - pixels)
        assert change.max() <= error
        assert change[50:80, 50].max() <= min(error, 12)
    assert sizes == sorted(sizes, reverse=True)
    with pytest.raises(ValueError, match="make it smaller"):
        small_png(image, 1000)


def test_mistakes_of_image_are_found_by_check(make_images, tmp_path: Path) -> None:
    clip = napari_i3d.write_synthetic_clip(tmp_path)
    make_images._write_mistakes(clip.tracking, tmp_path / "mistakes.pickle")
    tracking = napari_i3d.read_tracking(tmp_path / "mistakes.pickle")
    with napari_i3d.open_video(clip.video) as video:
        kinds = [str(problem.kind) for problem in napari_i3d.check_tracking(tracking, video.shape)]
    assert {"gap", "empty", "jump"} <= set(kinds)


def test_video_without_its_tracking_or_credit_is_refused(make_images, capsys) -> None:
    for arguments in (["--video", "a.mp4"], ["--features", "a.npy"], ["--video", "a.mp4", "--tracking", "a.pickle"]):
        with pytest.raises(SystemExit):
            make_images.main(arguments)
        assert "takes --video, --tracking and --credit together" in capsys.readouterr().err
