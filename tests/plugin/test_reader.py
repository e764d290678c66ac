"""Videos, tracking and the sample opened as users do: by code, dropped on the window, from the menu."""

import os
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from napari.settings import get_plugin_settings, get_settings
from napari.utils.notifications import NotificationSeverity, notification_manager
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent

from helpers.clips import MakeClip, copy_clip
from helpers.processes import threads_called
from helpers.videos import HEIGHT, WIDTH
from napari_i3d import open_video, read_tracking, write_tracking
from napari_i3d.annotations.io.formats import READ
from napari_i3d.errors import VideoError
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.layers.video_layer import video_layer_data
from napari_i3d.plugin.reader import get_tracking_reader, get_video_reader
from napari_i3d.plugin.session.layer_sources import METADATA_KEY
from napari_i3d.projects.video_files import VIDEO_SUFFIXES
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.io.formats import FORMATS
from napari_i3d.video.lazy_array import VideoArray, no_image

PLUGIN = "napari-i3d"


class Hostile:
    def __reduce__(self):
        return os.system, ("touch hostile_was_run",)


@pytest.fixture
def remembered() -> Iterator[None]:
    """The user has told napari to open videos with this plugin: some of them napari offers to open too."""
    plugins = get_settings().plugins
    before = plugins.extension2reader
    plugins.extension2reader = {"*.mp4": PLUGIN}
    yield
    plugins.extension2reader = before


@pytest.fixture(scope="module")
def made(clip_of: MakeClip) -> SyntheticClip:
    return clip_of(30)


@pytest.fixture
def clip(made: SyntheticClip, tmp_path: Path) -> SyntheticClip:
    return copy_clip(made, tmp_path / "clip")


def said() -> list[str]:
    return [record.message for record in notification_manager.records]


def problems() -> list[str]:
    records = notification_manager.records
    return [record.message for record in records if record.severity >= NotificationSeverity.WARNING]


def drop(viewer, *paths: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(
        QPointF(50, 50),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    viewer.window._qt_viewer.dropEvent(event)


def videos(viewer) -> list:
    return [layer for layer in viewer.layers if isinstance(layer.data, VideoArray)]


def shown(layer) -> np.ndarray:
    return np.asarray(layer._slice.image.raw)


def test_video_becomes_one_lazy_image_layer(viewer, numbered_clip: Path) -> None:
    (layer,) = viewer.open(numbered_clip, plugin=PLUGIN)
    assert layer.name == "numbered"
    assert layer.rgb
    assert not layer.multiscale
    assert layer.data.shape == (120, HEIGHT, WIDTH, 3)
    assert tuple(layer.contrast_limits) == (0, 255)
    assert layer.metadata[METADATA_KEY].video is layer.data.video
    tracked = get_session(viewer).active
    assert (tracked.name, tracked.layer, tracked.video) == ("numbered", layer, layer.data.video)
    assert said() == []


def test_frame_shown_is_the_one_on_the_slider(viewer, numbered_clip: Path, decoded: np.ndarray) -> None:
    (layer,) = viewer.open(numbered_clip, plugin=PLUGIN)
    for number in (119, 0, 1, 2, 60, 59, 58, 31, 30, 29, 90):
        viewer.dims.set_current_step(0, number)
        np.testing.assert_array_equal(shown(layer), decoded[number])
    viewer.dims.set_current_step(0, 90)
    for key, number in (("Right", 91), ("Left", 90), ("Left", 89)):
        from napari.components._viewer_key_bindings import increment_dims_left, increment_dims_right

        (increment_dims_right if key == "Right" else increment_dims_left)(viewer)
        np.testing.assert_array_equal(shown(layer), decoded[number])


def test_fast_slider_ends_at_the_last_frame(viewer, numbered_clip, decoded, qtbot) -> None:
    (layer,) = viewer.open(numbered_clip, plugin=PLUGIN)
    slider = viewer.window._qt_viewer.dims.slider_widgets[0].slider
    for value in (10, 80, 33, 117, 64):
        slider.setValue(value)
    np.testing.assert_array_equal(shown(layer), decoded[64])


@pytest.mark.parametrize("suffix", ["mp4", "MP4", "avi", "mkv", "mov", "webm"])
def test_formats_of_videos_are_read(suffix: str, viewer, shared: Path, tmp_path: Path) -> None:
    sources = {"avi": "mpeg4_bframes.avi", "webm": "vp9_altref.webm"}
    source = shared / "data" / "difficult" / sources.get(suffix, "bframes_open_gop.mp4")
    path = tmp_path / f"video.{suffix}"
    if suffix in ("mkv", "mov"):
        import subprocess

        import imageio_ffmpeg

        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", source, "-c", "copy", path]
        subprocess.run(command, check=True)
    else:
        shutil.copy(source, path)
    (layer,) = viewer.open(path, plugin=PLUGIN)
    assert len(layer.data) == 120
    viewer.dims.set_current_step(0, 77)
    with open_video(path) as video:
        np.testing.assert_array_equal(shown(layer), video[77])


def test_every_ending_of_videos_is_claimed() -> None:
    from npe2 import PluginManifest

    readers = PluginManifest.from_distribution(PLUGIN).contributions.readers
    claimed = {pattern for reader in readers for pattern in reader.filename_patterns}
    endings = {ending for known in FORMATS for ending in known.endings}
    labels = {ending for known in READ for ending in known.endings if ending.count(".") == 1}
    assert claimed == {f"*{suffix}" for suffix in VIDEO_SUFFIXES | endings | labels}


@pytest.mark.parametrize("name", ["text.mp4", "empty.mp4", "folder_gone/none.mp4", "sound.mp4"])
def test_what_is_no_video_is_told_of_once(name: str, viewer, remembered, tmp_path: Path, shared: Path) -> None:
    path = tmp_path / name
    if name == "text.mp4":
        path.write_text("not a video at all\n" * 50)
    elif name == "empty.mp4":
        path.touch()
    elif name == "sound.mp4":
        shutil.copy(shared / "data" / "difficult" / "audio_only_NO_VIDEO.mp4", path)
    else:
        path.parent.mkdir()
        path.write_bytes(b"\0" * 2000)
    drop(viewer, path)
    assert len(viewer.layers) == 0
    (record,) = notification_manager.records
    assert record.severity == NotificationSeverity.ERROR
    assert type(record).__name__ == "Notification"  # without a traceback behind it
    assert path.name in record.message
    assert "\n" not in record.message
    assert viewer.open(path, plugin=PLUGIN) == []


def test_without_a_viewer_errors_are_raised(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("no video")
    with pytest.raises(VideoError, match=r"text\.mp4: expected a video file"):
        get_video_reader(str(path))(str(path))


def test_cut_off_video_says_what_was_left_out(viewer, numbered_clip: Path, tmp_path: Path) -> None:
    import subprocess

    import imageio_ffmpeg

    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        "-i",
        numbered_clip,
        "-c",
        "copy",
        tmp_path / "whole.mkv",
    ]
    subprocess.run(command, check=True)
    content = (tmp_path / "whole.mkv").read_bytes()
    path = tmp_path / "cut.mkv"
    path.write_bytes(content[: len(content) * 2 // 3])
    (layer,) = viewer.open(path, plugin=PLUGIN)
    assert len(layer.data) < 120
    assert len(said()) == 1
    assert "cut off" in said()[0]


def test_tracking_beside_its_video_comes_along(viewer, clip: SyntheticClip) -> None:
    layers = viewer.open(clip.video, plugin=PLUGIN)
    assert len(layers) == 2
    session = get_session(viewer)
    assert len(session.videos) == 1
    tracked = session.active
    assert list(tracked.tracking) == ["striped", "spotted"]
    assert tracked.tracking_path == clip.tracking
    assert tracked.tracking_layer is layers[1]
    assert said() == ["animals.mp4: opened together with its tracking, animals_tracks.pickle"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_video_and_tracking_dropped_together_are_opened_once(order, viewer, remembered, clip: SyntheticClip) -> None:
    paths = [clip.video, clip.tracking]
    drop(viewer, *(paths[place] for place in order))
    session = get_session(viewer)
    assert len(session.videos) == 1
    assert session.active.video is not None
    assert session.active.tracking_path == clip.tracking
    assert len(videos(viewer)) == 1
    assert sum(layer.name.startswith("Boxes") for layer in viewer.layers) == 1
    assert problems() == []


def test_of_several_tracking_files_none_is_taken(viewer, clip: SyntheticClip) -> None:
    shutil.copy(clip.tracking, clip.video.with_name("animals_again.pkl"))
    assert len(viewer.open(clip.video, plugin=PLUGIN)) == 1
    (message,) = said()
    assert "animals_again.pkl, animals_tracks.pickle" in message
    viewer.open(clip.video.with_name("animals_again.pkl"), plugin=PLUGIN)
    assert get_session(viewer).active.tracking_path.name == "animals_again.pkl"


def test_other_files_beside_a_video_are_left_alone(viewer, clip: SyntheticClip) -> None:
    folder = clip.video.parent
    clip.tracking.rename(folder / "animals2_tracks.pickle")
    shutil.copy(clip.video, folder / "animals2.mp4")
    (folder / "animals_features.pickle").write_bytes(pickle.dumps({"striped": np.zeros((20, 2048), np.float32)}))
    (folder / "animals_list.pkl").write_bytes(pickle.dumps([1, 2, 3]))
    (folder / "animals_hostile.pickle").write_bytes(pickle.dumps(Hostile()))
    (folder / "animals_empty.pickle").touch()
    assert len(viewer.open(clip.video, plugin=PLUGIN)) == 1
    assert said() == []
    assert len(viewer.open(folder / "animals2.mp4", plugin=PLUGIN)) == 2


def test_several_videos_keep_their_own_tracking(viewer, made: SyntheticClip, tmp_path: Path) -> None:
    tracking = read_tracking(made.tracking)
    for name in ("day1", "day10", "day2"):
        shutil.copy(made.video, tmp_path / f"{name}.mp4")
        write_tracking(tmp_path / f"{name}_tracks.pickle", tracking)
    opened = viewer.open([tmp_path / f"{name}.mp4" for name in ("day1", "day10", "day2")], plugin=PLUGIN)
    assert len(opened) == 6
    found = {tracked.video.path.stem: tracked.tracking_path.name for tracked in get_session(viewer).videos}
    assert found == {name: f"{name}_tracks.pickle" for name in ("day1", "day10", "day2")}


def test_same_named_videos_keep_their_folders_tracking(viewer, made: SyntheticClip, tmp_path: Path) -> None:
    for camera in ("left", "right"):
        (tmp_path / camera).mkdir()
        shutil.copy(made.video, tmp_path / camera / "day1.mp4")
        shutil.copy(made.tracking, tmp_path / camera / "day1_tracks.pickle")
        viewer.open(tmp_path / camera / "day1.mp4", plugin=PLUGIN)
    videos = get_session(viewer).videos
    assert [tracked.tracking_path.parent for tracked in videos] == [tracked.video.path.parent for tracked in videos]


def test_tracking_of_another_video_is_told(viewer, made: SyntheticClip, tmp_path: Path) -> None:
    tracks = tmp_path / "tracks"
    tracks.mkdir()
    shutil.copy(made.video, tmp_path / "day1.mp4")
    for name in ("day1", "day10"):
        shutil.copy(made.tracking, tracks / f"{name}_tracks.pickle")
    viewer.open([tmp_path / "day1.mp4", tracks / "day1_tracks.pickle"], plugin=PLUGIN)
    assert said() == []
    viewer.open(tracks / "day10_tracks.pickle", plugin=PLUGIN)
    assert "day10_tracks.pickle is named after no open video" in said()[0]
    assert "in place of day1_tracks.pickle" in said()[0]


def test_early_tracking_goes_to_the_video_named_alike(viewer, made, tmp_path: Path, qtbot) -> None:
    tracks = tmp_path / "tracks"
    tracks.mkdir()
    for name in ("day1", "day10"):
        shutil.copy(made.video, tmp_path / f"{name}.mp4")
    shutil.copy(made.tracking, tracks / "day10_tracks.pickle")
    viewer.open([tracks / "day10_tracks.pickle", tmp_path / "day1.mp4", tmp_path / "day10.mp4"], plugin=PLUGIN)
    one, ten = get_session(viewer).videos
    qtbot.waitUntil(lambda: ten.tracking is not None)
    assert (one.name, ten.name, one.tracking) == ("day1", "day10", None)


def test_tracking_of_several_videos_finds_its_own(viewer, made: SyntheticClip, tmp_path: Path) -> None:
    tracks = tmp_path / "tracks"
    tracks.mkdir()
    for name in ("a", "b"):
        shutil.copy(made.video, tmp_path / f"{name}.mp4")
        shutil.copy(made.tracking, tracks / f"{name}_boxes.pickle")
    files = [tracks / "b_boxes.pickle", tmp_path / "a.mp4", tmp_path / "b.mp4", tracks / "a_boxes.pickle"]
    viewer.open(files[1:3], plugin=PLUGIN)
    viewer.open([files[0], files[3]], plugin=PLUGIN)
    found = {tracked.video.path.stem: tracked.tracking_path.name for tracked in get_session(viewer).videos}
    assert found == {"a": "a_boxes.pickle", "b": "b_boxes.pickle"}


@pytest.mark.parametrize("content", ["hostile", "features", "list", "text", "empty"])
def test_foreign_pickle_is_told_once_and_not_run(content: str, viewer, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    contents = {
        "hostile": pickle.dumps(Hostile()),
        "features": pickle.dumps({"male": np.zeros((3, 2048))}),
        "list": pickle.dumps([1, 2]),
        "text": b"no pickle",
        "empty": b"",
    }
    path = tmp_path / "some.pickle"
    path.write_bytes(contents[content])
    drop(viewer, path)
    assert not (tmp_path / "hostile_was_run").exists()
    assert len(viewer.layers) == 0
    (record,) = notification_manager.records
    assert type(record).__name__ == "Notification"
    assert record.severity == NotificationSeverity.ERROR
    assert record.message.startswith("some.pickle: ")
    assert "\n" not in record.message


def test_foreign_pickle_is_left_to_other_readers(tmp_path: Path, clip: SyntheticClip) -> None:
    path = tmp_path / "some.pickle"
    path.write_bytes(pickle.dumps([1, 2]))
    assert get_tracking_reader(str(path)) is None
    assert get_tracking_reader([str(clip.tracking)]) is None
    assert get_tracking_reader(str(clip.tracking)) is not None


def test_foreign_pickle_is_left_to_another_plugin(viewer, tmp_path: Path) -> None:
    from npe2 import DynamicPlugin

    path = tmp_path / "some.pickle"
    path.write_bytes(pickle.dumps([1, 2]))
    with DynamicPlugin("other-plugin") as other:

        @other.contribute.reader(filename_patterns=["*.pickle"])
        def get_reader(path):
            return lambda _: [(np.zeros((4, 4)), {}, "image")]

        assert get_tracking_reader(str(path)) is None
    assert get_tracking_reader(str(path)) is not None


def test_sample_opens_with_its_tracking(viewer, home: Path) -> None:
    layers = viewer.open_sample(PLUGIN, "animals")
    assert [layer.name for layer in layers] == ["animals", "Boxes: animals_tracks"]
    tracked = get_session(viewer).active
    assert len(tracked.video) == 72
    assert list(tracked.tracking) == ["striped", "spotted"]
    assert tracked.video.path.is_relative_to(home)
    written = tracked.video.path.stat().st_mtime_ns
    viewer.layers.clear()
    viewer.open_sample(PLUGIN, "animals")
    assert get_session(viewer).active.video.path.stat().st_mtime_ns == written
    assert said() == []


def test_removed_video_leaves_no_process(viewer, numbered_clip: Path, ffmpegs, qtbot) -> None:
    (layer,) = viewer.open(numbered_clip, plugin=PLUGIN)
    viewer.dims.set_current_step(0, 50)
    qtbot.waitUntil(lambda: 80 in layer.data.cache)
    assert len(threads_called("frames of ")) == 1
    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: ffmpegs() == 0 and not threads_called("frames of "))
    assert get_session(viewer).videos == []


def test_removed_video_can_be_added_again(viewer, numbered_clip: Path, decoded: np.ndarray) -> None:
    (layer,) = viewer.open(numbered_clip, plugin=PLUGIN)
    viewer.layers.remove(layer)
    viewer.add_layer(layer)
    viewer.dims.set_current_step(0, 44)
    np.testing.assert_array_equal(shown(layer), decoded[44])
    assert get_session(viewer).active.layer is layer


def test_closed_viewer_leaves_no_process(viewer, numbered_clip: Path, ffmpegs, qtbot) -> None:
    viewer.open(numbered_clip, plugin=PLUGIN)
    viewer.dims.set_current_step(0, 50)
    viewer.close()
    qtbot.waitUntil(lambda: ffmpegs() == 0 and not threads_called("frames of "))


def test_deleted_video_leaves_the_viewer_usable(viewer, numbered_clip: Path, tmp_path: Path, qtbot) -> None:
    path = Path(shutil.copy(numbered_clip, tmp_path / "gone.mp4"))
    (layer,) = viewer.open(path, plugin=PLUGIN)
    path.unlink()
    layer.data.release()
    for number in (60, 10, 61, 119):
        viewer.dims.set_current_step(0, number)
        np.testing.assert_array_equal(shown(layer), no_image(HEIGHT, WIDTH))
    (message,) = problems()
    assert "gone.mp4: has changed or gone" in message
    viewer.open_sample(PLUGIN, "animals")
    assert len(videos(viewer)) == 2
    assert len(problems()) == 1


def test_memory_for_frames_is_as_set(viewer, numbered_clip: Path) -> None:
    settings = get_plugin_settings(PLUGIN).video
    settings.frames_kept_mb = 32
    try:
        (layer,) = viewer.open(numbered_clip, plugin=PLUGIN)
    finally:
        settings.frames_kept_mb = 512
    assert layer.data.cache.capacity == 32 * 2**20 // (HEIGHT * WIDTH * 3)


@pytest.mark.parametrize("turn", ["3d", "axes"])
def test_all_frames_at_once_are_not_read(turn: str, viewer, numbered_clip: Path, qtbot, monkeypatch) -> None:
    monkeypatch.setattr("napari_i3d.video.lazy_array.LARGEST_BYTES", 1_000_000)
    (layer,) = viewer.open(numbered_clip, plugin=PLUGIN)
    if turn == "3d":
        viewer.dims.ndisplay = 3
    else:
        viewer.dims.roll()
    qtbot.waitUntil(lambda: viewer.dims.ndisplay == 2 and viewer.dims.order == (0, 1, 2))
    viewer.dims.set_current_step(0, 7)
    assert shown(layer).shape == (HEIGHT, WIDTH, 3)
    (message,) = said()
    assert "frame by frame" in message


def test_settings_of_the_person_are_not_touched() -> None:
    assert Path(get_settings().config_path) == Path(os.environ["NAPARI_CONFIG"])


def test_two_viewers_have_a_session_each(make_napari_viewer, numbered_clip: Path) -> None:
    one, two = make_napari_viewer(), make_napari_viewer()
    two.open(numbered_clip, plugin=PLUGIN)
    one.add_image(np.zeros((4, 4)))
    assert len(get_session(two).videos) == 1
    assert get_session(one).videos == []


def test_all_videos_share_the_memory_for_frames(numbered_clip: Path, shared: Path) -> None:
    with open_video(numbered_clip) as one, open_video(shared / "data" / "flies_centered_pair.mp4") as other:
        arrays = [video_layer_data(video)[0] for video in (one, other)]
        for array in arrays:
            array.frame(0)
        limit_mb = 512
        assert sum(array.cache.capacity * array.video.shape[1] * array.video.shape[2] * 3 for array in arrays) <= (
            limit_mb * 2**20
        )
        for array in arrays:
            array.release()
