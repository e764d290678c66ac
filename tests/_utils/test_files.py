"""Files that appear whole or not at all."""

import hashlib
import os
from pathlib import Path

import pytest

from napari_i3d._utils import files
from napari_i3d._utils.files import nearest_file
from napari_i3d.errors import OutputError


def test_atomic_writer_without_trouble_leaves_only_the_file(tmp_path: Path):
    path = tmp_path / "a.bin"
    with files.atomic_writer(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("trouble", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_atomic_writer_after_exception_keeps_what_stood_there(tmp_path: Path, trouble: type[BaseException]):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def write():
        with files.atomic_writer(path) as file:
            file.write(b"half")
            raise trouble

    with pytest.raises(trouble):
        write()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_atomic_writer_replaces_an_older_file(tmp_path: Path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"a much longer old content")
    with files.atomic_writer(str(path)) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"


def test_atomic_writer_with_a_long_name_still_writes(tmp_path: Path):
    path = tmp_path / ("x" * 250)
    with files.atomic_writer(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"


def test_unwritable_place_names_the_path(tmp_path: Path):
    path = tmp_path / "missing" / "a.bin"
    with pytest.raises(OutputError, match=r"a\.bin: cannot be written \(No such file or directory\)"):
        files.atomic_writer(path).__enter__()


def test_atomic_writer_refuses_folder_and_leaves_nothing(tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()

    def write():
        with files.atomic_writer(folder) as file:
            file.write(b"x")

    with pytest.raises(OutputError, match="cannot be written"):
        write()
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_make_folder_makes_parents_and_leaves_no_probe(tmp_path: Path):
    folder = files.make_folder(tmp_path / "a" / "b")
    assert folder.is_dir()
    assert list(folder.iterdir()) == []
    assert files.make_folder(folder) == folder


def test_make_folder_where_a_file_stands_is_refused(tmp_path: Path):
    (tmp_path / "a").write_text("")
    with pytest.raises(OutputError, match="not a folder that can be written to"):
        files.make_folder(tmp_path / "a")
    with pytest.raises(OutputError, match="not a folder that can be written to"):
        files.make_folder(tmp_path / "a" / "b")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_make_folder_without_permission_is_refused(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        files.make_folder(tmp_path)


def test_sha256_of_file_is_that_of_its_content(tmp_path: Path):
    content = bytes(range(256)) * 5000
    (tmp_path / "a").write_bytes(content)
    assert files.sha256_of(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_cache_folder_with_variable_set_is_that_folder(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(files.CACHE_VARIABLE, "~/somewhere")
    assert files.cache_folder() == Path.home() / "somewhere"


def test_cache_folder_without_the_variable_is_the_users(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(files.CACHE_VARIABLE)
    assert files.cache_folder().name == "napari_i3d"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["day1_tracks.pickle", "day2_tracks.pickle"], "day1_tracks.pickle"),
        (["day1.pkl"], "day1.pkl"),
        (["day1_Tracks.pickle", "day1.mp4", "day1.npy.json"], "day1_Tracks.pickle"),
        (["day10_trax.pickle", "day2_trax.pickle", "day3_trax.pickle"], None),  # of other videos, day3 is not one
        ([".day1_tracks.pickle"], None),
        ([], None),
    ],
)
def test_nearest_file_is_of_the_same_video(names: list[str], expected: str | None, tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).touch()
    found = nearest_file(tmp_path / "day1_trax.pickle", (".pickle", ".pkl"), "day1", {"day10", "day2", "day3", "day"})
    assert found == (None if expected is None else tmp_path / expected)


def test_nearest_file_of_no_folder_is_none(tmp_path: Path) -> None:
    assert nearest_file(tmp_path / "none" / "a.pickle", ()) is None
