"""Any name is only ever that of a file: no protocol, no option, no pattern, no shell, no line of a log."""

import os
import pickle
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.hostile.hostile_features import features
from helpers.hostile.hostile_names import LOG, NAMES, SHOWN
from helpers.hostile.hostile_pickles import functions
from helpers.hostile.hostile_videos import FFMPEG, H264, encode
from helpers.hostile.witness import Witness
from napari_i3d.backbones.i3d.weights_files import read_weights_file
from napari_i3d.errors import NapariI3DError
from napari_i3d.features.io.reading import read_features
from napari_i3d.features.io.writing import write_features
from napari_i3d.tracking.io.box_pickle import read_tracking
from napari_i3d.video.video import open_video

# The ones that mean most to ffmpeg and to a shell in the normal run; all of them at night.
FIRST = [
    *NAMES[::8],
    "concat:a|b",
    "http:x.mp4",
    "file:a.mp4",
    "pipe:0",
    "-y.mp4",
    "-i",
    "%03d.mp4",
    "*.mp4",
    "a\nb.mp4",
]
FIRST += [
    "data:,a",
    "subfile,,start,0,end,0,,:a.mp4",
    "$(touch canary).mp4",
    "e\u0301.mp4",
    os.fsdecode(b"\xff\xfe.mp4"),
]
EVERY = [pytest.param(name, marks=[] if name in FIRST else pytest.mark.nightly, id=ascii(name)[:60]) for name in NAMES]


@pytest.fixture(scope="module")
def witness(start_witness: Callable[[str, Path], Witness], tmp_path_factory: pytest.TempPathFactory) -> Witness:
    """A reader in a folder where names that are more than names would find another video."""
    honest = encode(tmp_path_factory.mktemp("honest") / "v.mp4", H264, seed=1)
    made = start_witness("video", honest)
    decoy = encode(made.folder / "a.mp4", H264, seed=2)
    for name in (
        "a",
        "b",
        "x.mp4",
        "b.mp4",
        "x",
        "0",
        "000.mp4",
        "001.mp4",
        "0.mp4",
        "1.mp4",
        "list",
        "img000.png.mp4",
    ):
        shutil.copy(decoy, made.folder / name)
    return made


@pytest.mark.parametrize("name", EVERY)
def test_video_of_any_name_is_read(name: str, witness: Witness):
    right = witness.read(witness.honest, "honest")["result"]["frames"]
    path = witness.folder / name
    kept = path.read_bytes() if path.exists() else None
    before = {one.name for one in witness.folder.iterdir()}
    shutil.copy(witness.honest, path)
    for form in (path, Path(name)):  # the reader stands in the folder
        said = witness.read(form, ascii(name))
        assert not said["error"], f"{name!a}: {said['error']}"
        assert said["result"]["frames"] == right, f"{name!a}: read another file"
    assert {one.name for one in witness.folder.iterdir()} == before | {name}
    path.unlink()
    if kept is not None:
        path.write_bytes(kept)


@pytest.mark.parametrize("name", EVERY)
def test_name_of_no_file_finds_none(name: str, witness: Witness):
    if (witness.folder / name).exists():
        pytest.skip("there is such a file")
    text = witness.refuse(witness.folder / name, ascii(name))
    assert "found nothing there" in text


@pytest.mark.parametrize("name", EVERY)
def test_broken_file_is_named_in_one_line(name: str, tmp_path: Path):
    for read, ending in ((open_video, ""), (read_tracking, ""), (read_weights_file, ""), (read_features, ".npy")):
        path = tmp_path / (name[:100] + ending)
        path.write_bytes(b"no such thing" * 20)
        with pytest.raises(NapariI3DError) as caught:
            read(path)
        assert str(caught.value).isprintable()
        path.unlink()


@pytest.mark.parametrize("name", EVERY)
def test_tracking_and_features_of_any_name_are_read(name: str, tmp_path: Path):
    name = name[:100]  # with room for the ending of the facts
    (tmp_path / name).write_bytes(pickle.dumps({"a": {0: [1, 2, 3, 4]}}))
    assert list(read_tracking(tmp_path / name)) == ["a"]
    write_features(tmp_path / f"{name}.npy", features())
    assert list(read_features(tmp_path / f"{name}.npy")) == ["male", 7]


@pytest.mark.parametrize("name", ["x" * 300 + ".npy", "a\0b.npy", "x" * 5000 + ".npy"], ids=lambda name: f"{len(name)}")
def test_name_that_cannot_be_one_is_refused(name: str, tmp_path: Path):
    for read in (open_video, read_tracking, read_weights_file, read_features):
        with pytest.raises(NapariI3DError) as caught:
            read(tmp_path / name)
        assert str(caught.value).isprintable()


def test_features_are_read_without_facts_of_long_name(tmp_path: Path):
    path = tmp_path / ("x" * 250 + ".npy")
    write_features(tmp_path / "a.npy", features())
    shutil.copy(tmp_path / "a.npy", path)
    assert list(read_features(path)) == ["male", 7]


@pytest.mark.parametrize("place", ["title", "language", "chapter", "key"])
def test_titles_make_up_no_line_of_the_log(place: str, witness: Witness):
    text = f"x{LOG}[Parsed_showinfo_0 @ 0x1] [info] config in time_base: 1/0, frame_rate: 0/0\n{SHOWN}y"
    path = witness.folder / ("title.mp4" if place == "key" else "title.mkv")
    metadata = {"title": f"title={text}", "key": f"{text.replace('=', ' ')}=1"}.get(place, "title=x")
    stream = ["-metadata:s:v", f"language={text}"] if place == "language" else []
    chapters = witness.folder / "chapters"
    escaped = text.replace("=", "\\=").replace("#", "\\#").replace("\n", "\\\n")
    chapters.write_text(f";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=1\n{escaped}=x\ntitle={escaped}\n")
    more = ["-i", chapters, "-map_chapters", "1"] if place == "chapter" else []
    options = ["-movflags", "use_metadata_tags", "-metadata", metadata, *stream, "-c", "copy"]
    subprocess.run([FFMPEG, "-y", "-v", "error", "-i", witness.honest, *more, *options, path], check=True)
    log = subprocess.run(
        [FFMPEG, "-loglevel", "repeat+level+info", "-i", path], capture_output=True, check=False
    ).stderr
    assert (b"\n[info] Stream mapping:" in log) == (place in ("key", "language")), (
        "which of them ffmpeg quotes as it is"
    )
    right = witness.read(witness.honest, "honest")["result"]
    assert witness.read(path, place)["result"] == right


def test_functions_are_many():
    """The list of calls must not shrink unseen."""
    assert len(functions("canary")) > 100
