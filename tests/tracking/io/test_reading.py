"""Files of boxes through the registry, and files of no known format."""

import os
from pathlib import Path

import pytest

import napari_i3d
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.format import VideoFacts
from napari_i3d.tracking.io.formats import FORMATS
from napari_i3d.tracking.io.recognition import recognize
from napari_i3d.tracking.tracklets import Tracking

BOXES = {"male": {3: [1, 2, 3, 4], 5: [1, 2, 3, 5]}, 0: {7: [0, 0, 9, 9]}}


def test_pickle_reads_as_before(tmp_path: Path):
    path = tmp_path / "a.anything"
    napari_i3d.write_tracking(path, Tracking.from_boxes(BOXES), "pickle")
    for name in (None, "pickle"):
        tracking = napari_i3d.read_tracking(path, format=name)
        assert {i: (t.start, t.stop, t.gaps) for i, t in tracking.items()} == {"male": (3, 6, ((4, 5),)), 0: (7, 8, ())}
        assert tracking.origin is None
        assert list(tracking.facts()) == ["individuals"]


def test_names_and_titles_are_unique():
    assert len({known.name for known in FORMATS}) == len({known.title for known in FORMATS}) == len(FORMATS)
    for known in FORMATS:
        assert known.name == known.name.lower().replace(" ", "-")
        assert all(ending.startswith(".") and ending == ending.lower() for ending in known.endings)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.txt", b"hello\n", "a.txt: of no known tracking format"),
        ("a.json", b'{"a": 1}', "text, perhaps JSON of no known"),
        ("a.h5", b"\x89HDF\r\n\x1a\n" + bytes(90), "an HDF5 file of no known"),
        ("a.npy", b"\x93NUMPY\x01\x00", "a numpy file of no known"),
        ("config.yaml", b"Task: x\n", "a configuration, of no known"),
        ("a.pickle", b"", "the file is empty"),
    ],
)
def test_unknown_file_lists_what_is_known(tmp_path: Path, name: str, content: bytes, found: str):
    (tmp_path / name).write_bytes(content)
    for read in (napari_i3d.read_tracking, recognize):
        with pytest.raises(TrackingError) as caught:
            read(tmp_path / name)
        assert found in str(caught.value)
        assert str(caught.value).isprintable()
        if content:
            assert FORMATS[-1].title in str(caught.value)


def test_missing_file_offers_a_similar_one(tmp_path: Path):
    napari_i3d.write_tracking(tmp_path / "day1_tracks.pickle", Tracking.from_boxes(BOXES))
    with pytest.raises(TrackingError, match=r"no such file in .*; is it day1_tracks\.pickle\?"):
        napari_i3d.read_tracking(tmp_path / "day1_trakcs.pickle")


def test_folder_and_pipe_are_refused(tmp_path: Path):
    with pytest.raises(TrackingError, match="a folder of no known tracking format"):
        napari_i3d.read_tracking(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TrackingError, match="device or pipe"):
        napari_i3d.read_tracking(tmp_path / "pipe")


def test_unknown_format_name_lists_names(tmp_path: Path):
    with pytest.raises(TrackingError, match=r"format: expected one of .*pickle, found 'elephant'"):
        napari_i3d.read_tracking(tmp_path / "a", format="elephant", video=VideoFacts(1, 1, 1, 1.0))
