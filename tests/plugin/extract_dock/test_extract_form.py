"""What the Extract and Plot docks decide, without a window."""

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from napari_i3d import ExtractionSettings, Features, Tracking, open_video
from napari_i3d._utils.text import format_duration
from napari_i3d.batch.options import BatchOptions
from napari_i3d.errors import SettingsError, TrackingError
from napari_i3d.extraction.planning.estimate import estimate, rate_key
from napari_i3d.extraction.planning.request import ExtractionOptions
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.output_format import output_paths
from napari_i3d.plugin.features_dock.save_formats import SAVE_FORMS, form_of
from napari_i3d.plugin.jobs.cancellation import StoppedError, StopRequest
from napari_i3d.plugin.jobs.extract_job import ExtractionRequest
from napari_i3d.plugin.session import preferences
from napari_i3d.plugin.session.matching import individual_to_plot, owner_of
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.gaps import Gaps
from napari_i3d.tracking.io.box_pickle import read_tracking
from napari_i3d.tracking.tracklets import Tracklet

EVERY_FRAME = ExtractionSettings(pad=True)
OPTIONS = ExtractionOptions(
    settings=ExtractionSettings(frequency=2, pad=True, sample_mode="oversample", device="cuda:1"),
    weights="/some/file.pth",
    gaps=Gaps.SPLIT,
    layout=Layout.DICT,
    i3d_suffix="_i3d.npz",
    save_metadata=True,
)


class FakeVideo:
    """As much of a video as a plan needs."""

    path = Path("clip.mp4")
    remark = ""

    def __init__(self, n_frames: int) -> None:
        self.shape = (n_frames, 48, 64, 3)

    def __len__(self) -> int:
        return self.shape[0]


def tracking(n_frames: int = 20) -> Tracking:
    boxes = np.tile([0.0, 0, 10, 10], (n_frames, 1))
    return Tracking([Tracklet("a", 5, boxes), Tracklet("short", 0, boxes[:8])])


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
        ({"layout": Layout.DLC2ACTION, "settings": EVERY_FRAME, "i3d_suffix": ".npz"}, "needs an ending"),
    ],
)
def test_layout_demands_are_same_in_dock_and_command(options, words, tmp_path):
    with pytest.raises(SettingsError, match=words):
        ExtractionOptions(**options)
    with pytest.raises(SettingsError, match=words):
        BatchOptions(dataset_path=tmp_path, output_path=tmp_path, **options)


def test_estimate_counts_chunks_and_uses_what_was_measured():
    options = ExtractionOptions(settings=ExtractionSettings(frequency=3))
    cost = estimate(FakeVideo(100), tracking(), options, {})
    assert [len(chunks.starts) for chunks in cost.job.plan.tracklets] == [5]
    assert list(cost.job.plan.left_out) == ["short"]
    assert not cost.measured
    rates = {rate_key(options.settings): 2.0}
    assert (estimate(FakeVideo(100), tracking(), options, rates).seconds, cost.kept_chunks) == (10.0, 0)
    resumed = estimate(FakeVideo(100), tracking(), options, rates, kept_chunks=3)
    assert (resumed.seconds, resumed.measured, resumed.kept_chunks) == (4.0, True, 3)
    assert estimate(FakeVideo(100), None, options, {}).job.plan.total_chunks == 31
    with pytest.raises(TrackingError, match="has the 9 frames needed"):
        estimate(FakeVideo(7), None, options, {})


def test_estimate_refuses_boxes_after_end_of_video():
    last = max(tracklet.stop for tracklet in tracking().values())
    estimate(FakeVideo(last), tracking(), ExtractionOptions(), {})
    with pytest.raises(TrackingError, match="does the tracking belong to this video"):
        estimate(FakeVideo(last - 1), tracking(), ExtractionOptions(), {})


def test_estimate_refuses_gaps_and_splits_them_where_wanted():
    boxes = np.tile([0.0, 0, 10, 10], (30, 1))
    boxes[12] = np.nan
    gappy = Tracking([Tracklet("a", 0, boxes)])
    with pytest.raises(TrackingError, match="frame 12 is missing"):
        estimate(FakeVideo(100), gappy, ExtractionOptions(), {})
    cost = estimate(FakeVideo(100), gappy, ExtractionOptions(gaps=Gaps.SPLIT), {})
    assert [chunks.id for chunks in cost.job.plan.tracklets] == ["a_part1", "a_part2"]
    with pytest.raises(TrackingError, match="no individual was chosen"):
        _ = ExtractionRequest(Path("x.mp4"), ExtractionOptions(), Path("x.npy"), gappy).chosen


def test_files_of_a_layout_are_known_beforehand(tmp_path):
    assert output_paths(tmp_path / "x.npz", Layout.DICT, ["a", "b"]) == [tmp_path / "x.npz"]
    expected = [tmp_path / "x_a.npy", tmp_path / "x_b.npy"]
    assert output_paths(tmp_path / "x.npy", Layout.ACTIONFORMER, ["a", "b"]) == expected


def test_forms_add_the_ending_that_is_missing(tmp_path):
    for form in SAVE_FORMS:
        assert form_of(form.filter) is form
        assert form.path(str(tmp_path / "my.day")).name == f"my.day{form.ending}"
        assert form.path(str(tmp_path / f"x{form.ending}")).name == f"x{form.ending}"
    assert form_of("something else") is SAVE_FORMS[0]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "less than"), (40, "40 s"), (700, "12 min"), (12000, "3 h 20 min")]
)
def test_durations_are_told_as_a_person_does(seconds, text):
    assert text in format_duration(seconds)


def test_features_belong_to_the_video_they_came_from(clip_of, tmp_path):
    clip = clip_of(12, tmp_path)
    rows = np.zeros((12, 2048), np.float32)
    with open_video(clip.video) as video:
        tracked = TrackedVideo("animals")
        tracked.set_video(video, None)
        tracked.set_tracking(read_tracking(clip.tracking), clip.tracking)

        def owner(individual, last=11, **provenance):
            frames = {individual: np.linspace(0, last, 12)}
            return owner_of(Features(rows={individual: rows}, frames=frames, provenance=provenance), [tracked])

        assert owner("striped") is tracked
        assert owner("striped_part2", video={"file": "animals.mp4"}) is tracked
        assert owner("striped", video={"file": "other.mp4"}) is None
        facts = video.facts()
        assert owner("striped", video=facts) is tracked
        # A camera that gives every file the same name.
        assert owner("striped", video={**facts, "size_bytes": 5}) is None
        assert owner("striped", video={**facts, "frames": 13}) is None
        assert owner("stranger") is None
        assert owner("striped", last=12) is None


def test_piece_of_the_current_individual_is_plotted():
    features = Features(rows=dict.fromkeys(("b", "a_part1", "a_part2"), np.zeros((1, 4), np.float32)))
    assert individual_to_plot(features, "a") == "a_part1"
    assert individual_to_plot(features, "b") == "b"
    assert individual_to_plot(features, None) == individual_to_plot(features, "gone") == "b"
    assert individual_to_plot(Features(rows={}), "a") is None


def test_preferences_survive_damage_and_unwritable_places(tmp_path, monkeypatch):
    preferences.remember("a", {"x": 1})
    preferences.remember("b", {"y": 2})
    assert (preferences.recall("a"), preferences.recall("b")) == ({"x": 1}, {"y": 2})
    preferences.preferences_path().write_bytes(b"{damaged")
    assert preferences.recall("a") == {}
    (tmp_path / "file").touch()
    monkeypatch.setenv("NAPARI_I3D_HOME", str(tmp_path / "file" / "below"))
    preferences.remember("a", {"x": 1})
    assert preferences.recall("a") == {}


def test_stop_interrupts_what_is_waited_for_once():
    stop, called = StopRequest(), []
    stop.check()
    with stop.interrupting(lambda: called.append("first")):
        thread = threading.Thread(target=stop.ask)
        thread.start()
        thread.join()
        with pytest.raises(StoppedError):
            stop.check()
    stop.ask()
    assert called == ["first"]
    with pytest.raises(StoppedError), stop.interrupting(lambda: called.append("late")):
        raise AssertionError("not reached")
    assert called == ["first"]
