"""The Extract dock runs the command's job: same bytes, resumed after Cancel or a kill, results judged alike.

The oracle is what the command writes for the same video, tracking and options, and how many chunks the network saw.
"""

import contextlib
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from napari.utils.notifications import notification_manager

from helpers import program_environment
from helpers.batches import facts_of, only, run
from helpers.clips import MakeClip
from helpers.networks import FakeNetwork, install_network
from helpers.windows import LONG_MS, answer_question, click, notifications, open_clip, open_dock, run_to_end
from napari_i3d import read_tracking, write_tracking
from napari_i3d._utils.files import exclusive, sha256_of
from napari_i3d.backbones import weights
from napari_i3d.backbones.pretrained import UNTRAINED
from napari_i3d.batch import runner
from napari_i3d.batch.options import BatchOptions
from napari_i3d.batch.output_paths import lock_path, partial_folder
from napari_i3d.extraction.planning.request import ExtractionOptions
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.store import StoreDtype
from napari_i3d.plugin.jobs.cancellation import StoppedError, StopRequest
from napari_i3d.plugin.jobs.extract_job import ExtractionRequest, run_extraction
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FRAMES, TOTAL, SHARD = 20, 26, 4


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> FakeNetwork:
    """The fake network for the dock and for the command's batch, in shards of 4 chunks."""
    return install_network(monkeypatch, (weights, runner), SHARD)


@pytest.fixture
def clip(clip_of: MakeClip, tmp_path: Path) -> SyntheticClip:
    return clip_of(FRAMES, tmp_path / "clip")


@pytest.fixture
def dock(make_napari_viewer, qtbot, clip, network):
    notification_manager.records.clear()
    return open_ready(make_napari_viewer(), qtbot, clip)


def open_ready(viewer, qtbot, clip: SyntheticClip):
    open_clip(viewer, clip)
    dock = open_dock(viewer, "Extract features")
    dock.form.weights.value = UNTRAINED
    dock.form.frequency.value = 1
    qtbot.waitUntil(dock.bar.run.isEnabled)
    return dock


def active(dock):
    return dock._session.active


def kept(clip: SyntheticClip) -> int:
    return len(list(partial_folder(output(clip)).glob("*.rows")))


def output(clip: SyntheticClip) -> Path:
    return clip.video.with_suffix(".npy")


def cancel_midway(qtbot, dock, clip, network, count: int = 2) -> None:
    """Run until some shards are kept, and cancel."""
    network.shared.slow_s = 0.15
    click(qtbot, dock.bar.run)
    qtbot.waitUntil(lambda: kept(clip) >= count, timeout=LONG_MS)
    click(qtbot, dock.bar.cancel)
    qtbot.waitUntil(lambda: "Cancelled" in dock.bar.status.text(), timeout=LONG_MS)
    network.shared.slow_s = 0.0


def by_command(clip: SyntheticClip, folder: Path, **choices: Any) -> Path:
    """Extract with the command's batch; return the folder."""
    options = BatchOptions(
        dataset_path=clip.video,
        output_path=folder,
        tracking_folder=clip.tracking.parent,
        tracking_suffix=clip.tracking.name.removeprefix(clip.video.stem),
        weights=UNTRAINED,
        **choices,
    )
    outcome = only(run(options))
    assert outcome.complete, outcome.summary()
    return folder


def facts_wherever(path: Path) -> dict[str, Any]:
    facts = facts_of(path)
    del facts["provenance"]["device"]
    return facts


def test_real_network_gives_the_bytes_of_the_command(make_napari_viewer, qtbot, clip, tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # sums depend on the number of threads
    try:
        dock = open_ready(make_napari_viewer(), qtbot, clip)
        dock.form.frequency.value = 6
        qtbot.wait(300)
        run_to_end(qtbot, dock)
        there = by_command(clip, tmp_path / "out", settings=ExtractionSettings(frequency=6))
    finally:
        torch.set_num_threads(before)
    assert output(clip).read_bytes() == (there / "animals.npy").read_bytes()
    assert facts_wherever(output(clip).with_suffix(".npy.json")) == facts_wherever(there / "animals.npy.json")


@pytest.mark.parametrize("layout", [Layout.DICT, Layout.DLC2ACTION, Layout.MS_TCN])
def test_some_individuals_give_the_bytes_of_the_command(qtbot, dock, clip, tmp_path, layout):
    active(dock).chosen = ["spotted"]
    dock.form.layout.value = layout
    dock.form.pad.value = True
    dock.form.save_metadata.value = True
    qtbot.waitUntil(lambda: "1 individual" in dock.estimate_label.text())
    run_to_end(qtbot, dock)
    metadata = layout is not Layout.MS_TCN
    settings = ExtractionSettings(pad=True)
    chosen = {"individuals": ("spotted",), "layout": layout, "save_metadata": metadata}
    there = by_command(clip, tmp_path / "out", settings=settings, **chosen)
    names = sorted(path.name for path in there.iterdir() if path.name != "report.json")
    assert len(names) == 2
    for name in names:
        here = clip.video.with_name(name)
        if name.endswith(".json"):
            assert facts_wherever(here) == facts_wherever(there / name)
        else:
            assert here.read_bytes() == (there / name).read_bytes()


def test_store_of_float16_is_that_of_the_command(qtbot, dock, clip, tmp_path):
    dock.form.store_dtype.value = StoreDtype.FLOAT16
    assert dock.form.options().store_dtype is StoreDtype.FLOAT32
    assert dock.form.store_dtype.native.isHidden()
    dock.form.layout.value = Layout.STORE
    assert not dock.form.store_dtype.native.isHidden()
    remembered = ExtractionOptions.from_dict(dock.form.options().as_dict())
    assert (remembered.layout, remembered.store_dtype) == (Layout.STORE, StoreDtype.FLOAT16)
    qtbot.wait(300)
    run_to_end(qtbot, dock)
    chosen = {"layout": Layout.STORE, "store_dtype": StoreDtype.FLOAT16}
    there = by_command(clip, tmp_path / "out", **chosen) / "animals.features"
    here = clip.video.with_name("animals.features")
    names = sorted(path.name for path in there.glob("*.npy"))
    assert len(names) == 2
    for name in names:
        assert np.load(here / name).dtype == np.float16
        assert (here / name).read_bytes() == (there / name).read_bytes()


def test_file_of_another_program_is_named_in_provenance(qtbot, dock, clip):
    path = clip.tracking.with_name("animals.xml")
    write_tracking(path, active(dock).tracking, "cvat", active(dock).video)
    active(dock).set_tracking(read_tracking(path, video=active(dock).video), path)
    qtbot.wait(300)
    run_to_end(qtbot, dock)
    found = facts_wherever(output(clip).with_suffix(".npy.json"))["provenance"]["tracking"]
    assert found["file"] == "animals.xml"
    assert found["sha256"] == sha256_of(path)
    assert found["origin"]["format"] == "cvat"


def test_changed_file_is_not_named_in_provenance(qtbot, dock, clip):
    tracked = active(dock)
    moved = [Tracklet(t.id, t.start, t.boxes + 1) for t in tracked.tracking.values()]
    tracked.set_tracking(Tracking(moved), clip.tracking)
    qtbot.wait(300)
    run_to_end(qtbot, dock)
    assert "sha256" not in facts_wherever(output(clip).with_suffix(".npy.json"))["provenance"]["tracking"]


def test_run_after_cancel_computes_the_rest_only(qtbot, dock, clip, network, tmp_path):
    cancel_midway(qtbot, dock, clip, network)
    finished = SHARD * kept(clip)
    assert 2 * SHARD <= finished < TOTAL
    told = f"{finished} of {TOTAL} chunks are kept: Run resumes after them, Discard removes them"
    assert told in dock.bar.status.text()
    assert not output(clip).exists()
    qtbot.waitUntil(lambda: f"{finished} of {TOTAL} chunks were computed before" in dock.estimate_label.text())
    network.seen = 0
    run_to_end(qtbot, dock)
    assert network.seen == TOTAL - finished
    assert f"{finished} of {TOTAL} chunks were computed before" in dock.bar.status.text()
    assert notifications() == []
    assert output(clip).read_bytes() == (by_command(clip, tmp_path / "out") / "animals.npy").read_bytes()
    assert not partial_folder(output(clip)).exists()
    assert set(active(dock).features) == set(active(dock).tracking)
    assert dock.bar.discard.isHidden()


def test_video_closed_by_cancel_is_not_damaged(clip, network):
    stop = StopRequest()
    request = ExtractionRequest(
        clip.video,
        ExtractionOptions(weights=UNTRAINED),
        output(clip),
        read_tracking(clip.tracking),
        ("spotted", "striped"),
    )
    with contextlib.closing(run_extraction(request, stop)) as steps:
        while kept(clip) < 2:
            next(steps)
        stop.request()
        with pytest.raises(StoppedError):
            list(steps)
    assert kept(clip) >= 2


def test_command_goes_on_where_the_dock_was_cancelled(qtbot, dock, clip, network):
    cancel_midway(qtbot, dock, clip, network)
    finished = SHARD * kept(clip)
    network.seen = 0
    by_command(clip, clip.video.parent)
    assert network.seen == TOTAL - finished


def test_discard_removes_what_was_computed(qtbot, dock, clip, network):
    assert dock.bar.discard.isHidden()
    cancel_midway(qtbot, dock, clip, network)
    assert not dock.bar.discard.isHidden()
    click(qtbot, dock.bar.discard)
    assert not partial_folder(output(clip)).exists()
    assert "were removed" in dock.bar.status.text()
    assert dock.bar.discard.isHidden()
    assert "computed before" not in dock.estimate_label.text()
    network.seen = 0
    run_to_end(qtbot, dock)
    assert network.seen == TOTAL


def test_work_of_other_settings_starts_afresh(qtbot, dock, clip, network):
    cancel_midway(qtbot, dock, clip, network)
    dock.form.normalization.value = "kinetics"
    qtbot.wait(300)
    assert "computed before" not in dock.estimate_label.text()
    network.seen = 0
    run_to_end(qtbot, dock)
    assert network.seen == TOTAL
    assert "started afresh: the work found was with normalization symmetric" in dock.bar.status.text()


def test_other_boxes_start_afresh(qtbot, dock, clip, network):
    cancel_midway(qtbot, dock, clip, network)
    tracked = active(dock)
    tracked.set_tracking(Tracking(Tracklet(t.id, t.start, t.boxes + 1) for t in tracked.tracking.values()), None)
    qtbot.wait(300)
    network.seen = 0
    run_to_end(qtbot, dock)
    assert network.seen == TOTAL
    assert "of another tracking" in dock.bar.status.text()


def test_lock_of_another_process_is_told(qtbot, dock, clip, network):
    with exclusive(lock_path(output(clip))) as free:
        assert free
        run_to_end(qtbot, dock)
    assert "Another process is working on this features file" in dock.bar.status.text()
    assert network.seen == 0
    run_to_end(qtbot, dock)
    assert network.seen == TOTAL


@pytest.mark.parametrize(("reply", "computed"), [("Plot", 0), ("Cancel", 0), ("Replace", TOTAL)])
def test_result_that_is_up_to_date_is_offered(qtbot, dock, clip, network, reply, computed):
    by_command(clip, clip.video.parent)
    before = output(clip).read_bytes()
    network.seen = 0
    question = answer_question(reply)
    run_to_end(qtbot, dock)
    assert "animals.npy exists" in question[0]
    assert "up to date" in question[0]
    assert network.seen == computed
    assert output(clip).read_bytes() == before
    features = active(dock).features
    assert (features is None) is (reply == "Cancel")
    if features is not None:
        content = np.load(output(clip), allow_pickle=True).item()
        np.testing.assert_array_equal(features["spotted"], content["spotted"])
        assert active(dock).features_path == output(clip)


@pytest.mark.parametrize("reply", ["Cancel", "Replace"])
def test_result_of_other_settings_is_replaced_when_asked(qtbot, dock, clip, network, reply):
    by_command(clip, clip.video.parent, settings=ExtractionSettings(normalization="kinetics"))
    before = output(clip).read_bytes()
    question = answer_question(reply)
    run_to_end(qtbot, dock)
    assert "made with normalization kinetics" in question[0]
    assert "up to date" not in question[0]
    assert (output(clip).read_bytes() == before) is (reply == "Cancel")


def test_result_of_boxes_changed_since_is_outdated(qtbot, dock, clip):
    by_command(clip, clip.video.parent)
    tracked = active(dock)
    moved = [Tracklet(t.id, t.start, t.boxes + 1) for t in tracked.tracking.values()]
    tracked.set_tracking(Tracking(moved), clip.tracking)
    qtbot.wait(300)
    question = answer_question("Cancel")
    run_to_end(qtbot, dock)
    assert "made of another tracking" in question[0]


_KILLED = """
import sys, time
from pathlib import Path
import napari
from qtpy.QtCore import QTimer
from napari_i3d import read_tracking
from napari_i3d.backbones import weights
from napari_i3d.extraction.planning import shards
from napari_i3d.plugin.context import get_session
from helpers.networks import FACTS, FakeNetwork
network = FakeNetwork(slow_s=0.2)
weights.load_network = lambda _: (network, FACTS)
shards.SHARD_CHUNKS = int(sys.argv[3])
viewer = napari.Viewer()
dock = viewer.window.add_plugin_dock_widget("napari-i3d", "Extract features")[1]
viewer.open(sys.argv[1], plugin="napari-i3d")
session = get_session(viewer)
if session.active.tracking is None:
    session.add_tracking(read_tracking(sys.argv[2]), Path(sys.argv[2]))
dock.form.weights.value = "untrained"
def look():
    if dock.bar.run.isEnabled():
        dock.bar.run.click()
    if sys.argv[4] == "close" and len(list(Path(sys.argv[1]).parent.glob(".animals.npy.partial/*.rows"))) >= 2:
        viewer.close()
    else:
        QTimer.singleShot(50, look)
QTimer.singleShot(200, look)
napari.run()
print("closed")
"""


@pytest.mark.parametrize("end", [pytest.param("kill", marks=pytest.mark.nightly), "close"])
def test_run_after_napari_died_computes_the_rest_only(
    make_napari_viewer, qtbot, clip, network, start_program, tmp_path, end
):
    process = start_program(
        [sys.executable, "-c", _KILLED, str(clip.video), str(clip.tracking), str(SHARD), end],
        env=program_environment(OMP_NUM_THREADS="1"),
    )
    deadline = time.monotonic() + 120
    while kept(clip) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    if end == "kill":
        process.send_signal(signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert ("closed" in out) is (end == "close"), err
    assert "Traceback" not in err
    finished = SHARD * kept(clip)
    assert 2 * SHARD <= finished < TOTAL
    dock = open_ready(make_napari_viewer(), qtbot, clip)
    run_to_end(qtbot, dock)
    assert network.seen == TOTAL - finished
    assert f"{finished} of {TOTAL} chunks were computed before" in dock.bar.status.text()
    assert output(clip).read_bytes() == (by_command(clip, tmp_path / "out") / "animals.npy").read_bytes()
