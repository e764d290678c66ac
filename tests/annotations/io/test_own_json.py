"""Our own file keeps everything, is for people to read, and is refused if it is damaged or newer."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

import napari_i3d
from napari_i3d.annotations.annotation import Annotation, VideoFacts
from napari_i3d.annotations.bouts import Bout, Origin, merge_overlapping
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.annotations.io.format import AnnotatedVideo
from napari_i3d.annotations.io.reading import read_annotation_file
from napari_i3d.errors import AnnotationError


def random_annotation(seed: int) -> Annotation:
    numbers = random.Random(seed)
    ids = numbers.sample(["male", 0, 7, "", "7", 'a "b"\n', "\u00fc\u732b", "\ud800", "=x", -3], 5)
    names = ["walk", "rest", "gro,om", "\u8d70\u308b"]
    ethogram = Ethogram(
        tuple(
            Behavior(name, "wrgx"[n], numbers.choice(["", "#1a2b3c"]), numbers.choice(["", "x\ny"]), n % 2 == 0)
            for n, name in enumerate(names)
        )
    )
    bouts = []
    for _ in range(numbers.choice([0, 1, 40])):
        start = numbers.randrange(900)
        bouts.append(
            Bout(
                numbers.choice(ids[:4]),
                numbers.choice(names[:3]),
                start,
                start + numbers.choice([1, 2, 99]),
                numbers.choice([None, *ids]),
                numbers.choice(list(Origin)),
                numbers.choice([None, 0.0, 1.0, 0.1 + 0.2]),
                numbers.choice(["", "a note, \u2028 'quoted'"]),
            )
        )
    assessed = {one: tuple((at, at + 50) for at in range(0, 900, 100)) for one in ids[:3]}
    return Annotation(
        ethogram,
        merge_overlapping(bouts),
        numbers.choice([None, assessed]),
        tuple(ids),
        numbers.choice([None, 1000]),
        numbers.choice([None, 29.97, 30000 / 1001]),
        numbers.choice([None, VideoFacts("day 1.mp4", (640, 480)), VideoFacts("x.avi")]),
        numbers.choice(["", "Ann O'Tator"]),
        numbers.choice(["", "all\nof it"]),
    )


@pytest.mark.parametrize("seed", range(60))
def test_everything_survives(seed: int, tmp_path: Path):
    given = random_annotation(seed)
    napari_i3d.write_annotation(tmp_path / "a.json", given)
    read = napari_i3d.read_annotation(tmp_path / "a.json")
    assert read == given
    assert [(type(one), one) for one in read.individuals] == [(type(one), one) for one in given.individuals]
    napari_i3d.write_annotation(tmp_path / "b.json", read)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_file_has_one_line_for_each_bout(tmp_path: Path):
    given = Annotation(bouts=(Bout("male", "walk", 3, 9), Bout("male", "rest", 9, 12, "female", "curated", 0.5, "hm")))
    napari_i3d.write_annotation(tmp_path / "a.json", given, video=AnnotatedVideo("day1.mp4", 900, 30.0, None, (64, 48)))
    lines = (tmp_path / "a.json").read_text().splitlines()
    assert '{"individual": "male", "behavior": "walk", "frames": [3, 9], "origin": "manual"},' in lines
    content = json.loads((tmp_path / "a.json").read_text())
    assert content["version"] == 1
    assert content["conventions"] == "frames count from 0; in [start, stop] the frame stop is not included"
    assert content["video"] == {"name": "day1.mp4", "frames": 900, "fps": 30.0, "width": 64, "height": 48}
    assert content["bouts"][1] == {
        "individual": "male",
        "behavior": "rest",
        "frames": [9, 12],
        "origin": "curated",
        "target": "female",
        "confidence": 0.5,
        "note": "hm",
    }


def content(**changes: Any) -> dict[str, Any]:
    return {
        "format": "napari_i3d annotation",
        "version": 1,
        "video": {"name": "a.mp4", "frames": 100, "fps": 25.0},
        "behaviors": [{"name": "walk"}],
        "individuals": ["male"],
        "assessed": [{"individual": "male", "frames": [[0, 100]]}],
        "bouts": [{"individual": "male", "behavior": "walk", "frames": [3, 9]}],
        **changes,
    }


def test_file_written_by_hand_is_read(tmp_path: Path):
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(content(), indent=2).encode())
    read = napari_i3d.read_annotation(tmp_path / "a.json")
    assert read.bouts == (Bout("male", "walk", 3, 9),)
    (tmp_path / "a.json").write_text(json.dumps({key: content()[key] for key in ("format", "version", "bouts")}))
    assert napari_i3d.read_annotation(tmp_path / "a.json").bouts == (Bout("male", "walk", 3, 9),)


@pytest.mark.parametrize("version", [2, 1000, 0, "1", None, True, 1.5])
def test_unknown_version_is_refused(version: Any, tmp_path: Path):
    (tmp_path / "a.json").write_text(json.dumps(content(version=version)))
    with pytest.raises(AnnotationError, match="expected version 1 of the file"):
        napari_i3d.read_annotation(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"bouts": [{"individual": "male", "behavior": "walk", "frames": [9, 101]}]},
            "bout 1: expected bouts in the fr",
        ),
        ({"bouts": [{"individual": "male", "behavior": "walk", "frames": [-1, 5]}]}, "bout 1: .*whole number from 0"),
        ({"bouts": [{"individual": "male", "behavior": "walk", "frames": [1.5, 5]}]}, "bout 1: expected frames"),
        ({"bouts": [{"individual": "male", "behavior": "walk", "frames": [5]}]}, "bout 1: expected frames"),
        ({"bouts": [{"individual": "male", "behavior": "", "frames": [1, 5]}]}, "bout 1: behavior: expected a name"),
        ({"bouts": [{"behavior": "walk", "frames": [1, 5]}]}, "bout 1: expected the id"),
        ({"bouts": [["male", "walk", 1, 5]]}, "bout 1: expected an object"),
        ({"bouts": {}}, '"bouts": expected a list'),
        ({"behaviors": [{"name": "walk", "key": "long"}]}, "behavior 1: walk: expected a key of one letter"),
        ({"behaviors": [{"name": "a"}, {"name": "b", "color": "red"}]}, "behavior 2: b: expected a color"),
        ({"assessed": [{"individual": "male", "frames": [[0, 101]]}]}, "assessed frames: expected frames of a video"),
        ({"video": {"frames": "many"}}, "video: frames: expected a value"),
        ({"annotator": 7}, "annotator: expected text"),
        ({"individuals": [True]}, "individuals: expected the id"),
    ],
)
def test_invalid_content_is_named(changes: dict[str, Any], reason: str, tmp_path: Path):
    (tmp_path / "a.json").write_text(json.dumps(content(**changes)))
    with pytest.raises(AnnotationError, match=reason) as caught:
        napari_i3d.read_annotation(tmp_path / "a.json")
    assert str(caught.value).startswith("a.json (JSON of napari_i3d): ")


@pytest.mark.parametrize("confidence", ["NaN", "Infinity", "2", '"high"'])
def test_impossible_confidence_is_refused(confidence: str, tmp_path: Path):
    text = json.dumps(content()).replace('"frames": [3, 9]', f'"frames": [3, 9], "confidence": {confidence}')
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(AnnotationError, match=r"bout 1: .*confidence: expected 0 to 1"):
        napari_i3d.read_annotation(tmp_path / "a.json")


def test_file_of_another_video_is_refused_or_said(tmp_path: Path):
    (tmp_path / "a.json").write_text(
        json.dumps(content(video={"name": "a.mp4", "frames": 100, "width": 9, "height": 8}))
    )
    with pytest.raises(AnnotationError, match=r"video of 99 frames \(b.mp4\), found one of 100 frames \(a.mp4\)"):
        napari_i3d.read_annotation(tmp_path / "a.json", video=AnnotatedVideo("b.mp4", 99, 25.0))
    read = read_annotation_file(tmp_path / "a.json", video=AnnotatedVideo("b.mp4", 100, 25.0, None, (64, 48)))
    assert "the file is of a video called a.mp4, not b.mp4" in read.notes
    assert "the file is of a video of 9 x 8 pixels, but this one has 64 x 48" in read.notes
