"""The Extract dock computes with the boxes of the moment Run is pressed, names them, and tells when they are others.

The oracle is what the command writes for a file that holds the same boxes.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.batches import facts_of, only, run
from helpers.clips import MakeClip
from helpers.networks import FakeNetwork, install_network
from helpers.windows import LONG_MS, answer_question, click, notifications, open_clip, open_dock, run_to_end
from napari_i3d import read_features, read_tracking, write_tracking
from napari_i3d._utils.files import sha256_of
from napari_i3d.backbones import weights
from napari_i3d.backbones.pretrained import UNTRAINED
from napari_i3d.batch import runner
from napari_i3d.batch.options import BatchOptions
from napari_i3d.batch.output_paths import partial_folder
from napari_i3d.plugin.context import get_session
from napari_i3d.projects.tracking_saving import SavedTracking
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.content import content_sha256
from napari_i3d.tracking.tracklets import Tracking

FRAMES, SHARD = 20, 4


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> FakeNetwork:
    return install_network(monkeypatch, (weights, runner), SHARD)


@pytest.fixture
def clip(clip_of: MakeClip, tmp_path: Path) -> SyntheticClip:
    return clip_of(FRAMES, tmp_path / "clip")


@pytest.fixture
def dock(viewer, qtbot, clip, network):
    open_clip(viewer, clip)
    dock = open_dock(viewer, "Extract features")
    dock.form.weights.value = UNTRAINED
    dock.form.frequency.value = 1
    qtbot.waitUntil(dock.bar.run.isEnabled)
    return dock


@pytest.fixture
def tracked(viewer, dock):
    return get_session(viewer).active


def output(clip: SyntheticClip) -> Path:
    return clip.video.with_suffix(".npy")


def tracking_facts(clip: SyntheticClip) -> dict[str, Any]:
    return facts_of(output(clip).with_suffix(".npy.json"))["provenance"]["tracking"]


def correct(tracked) -> None:
    tracked.editor.swap("striped", "spotted", 10)
    tracked.editor.set_box("spotted", 2, (5, 5, 45, 60))


def by_command(clip: SyntheticClip, folder: Path, tracking: Tracking | None = None, output_folder: Path | None = None):
    """Run the command's batch; return its outcome."""
    folder.mkdir(exist_ok=True)
    write_tracking(folder / "animals_tracks.pickle", tracking or read_tracking(clip.tracking))
    return only(
        run(
            BatchOptions(
                dataset_path=clip.video,
                output_path=output_folder or folder,
                tracking_folder=folder,
                tracking_suffix="_tracks.pickle",
                weights=UNTRAINED,
            )
        )
    )


def test_unsaved_corrections_are_computed_and_named(qtbot, dock, clip, tracked, tmp_path):
    correct(tracked)
    qtbot.waitUntil(lambda: "although they are not saved" in dock.estimate_label.text())
    run_to_end(qtbot, dock)
    assert by_command(clip, tmp_path / "out", tracked.tracking).complete
    assert output(clip).read_bytes() == (tmp_path / "out" / "animals.npy").read_bytes()
    facts = tracking_facts(clip)
    assert (facts["edited"], facts["corrections"], facts["file"]) == (True, 2, None)
    assert facts["base_file"] == "animals_tracks.pickle"
    assert facts["content_sha256"] == content_sha256(tracked.tracking)
    assert "sha256" not in facts
    assert tracked.out_of_date == frozenset()
    assert notifications() == []


def test_saved_corrections_are_named_by_their_file(qtbot, dock, clip, tracked):
    correct(tracked)
    path = clip.video.with_name("animals_corrected.pickle")
    write_tracking(path, tracked.tracking)
    tracked.mark_saved(path, SavedTracking().origin)
    qtbot.wait(300)
    run_to_end(qtbot, dock)
    facts = tracking_facts(clip)
    assert (facts["file"], facts["sha256"], facts["edited"]) == (path.name, sha256_of(path), True)
    assert "base_file" not in facts


def test_uncorrected_boxes_are_not_called_edited(qtbot, dock, clip, tracked):
    tracked.editor.delete("striped")
    tracked.editor.undo()
    qtbot.wait(300)
    run_to_end(qtbot, dock)
    facts = tracking_facts(clip)
    assert "edited" not in facts
    assert facts["file"] == clip.tracking.name
    assert facts["content_sha256"] == content_sha256(read_tracking(clip.tracking))


def test_results_of_other_boxes_are_not_up_to_date(qtbot, dock, clip, tracked, network, tmp_path):
    run_to_end(qtbot, dock)
    before = output(clip).read_bytes()
    correct(tracked)
    qtbot.wait(300)
    asked = answer_question("Replace")
    run_to_end(qtbot, dock)
    assert "made of another tracking" in asked[0]
    assert output(clip).read_bytes() != before
    outcome = by_command(clip, tmp_path / "tracks", output_folder=clip.video.parent)
    assert not outcome.complete
    assert "made of boxes that were corrected by hand" in str(outcome.reason)
    network.seen = 0
    outcome = by_command(clip, tmp_path / "tracks", tracked.tracking, clip.video.parent)
    assert outcome.complete
    assert network.seen == 0


def test_kept_chunks_of_other_boxes_are_not_used(qtbot, dock, clip, tracked, network, tmp_path):
    correct(tracked)
    network.shared.slow_s = 0.15
    click(qtbot, dock.bar.run)
    qtbot.waitUntil(lambda: len(list(partial_folder(output(clip)).glob("*.rows"))) >= 2, timeout=LONG_MS)
    click(qtbot, dock.bar.cancel)
    qtbot.waitUntil(lambda: "Cancelled" in dock.bar.status.text(), timeout=LONG_MS)
    network.shared.slow_s = 0.0
    kept = len(list(partial_folder(output(clip)).glob("*.rows")))
    tracked.editor.set_box("striped", 1, (5, 5, 45, 60))
    tracked.editor.undo()
    qtbot.wait(300)
    network.seen = 0
    run_to_end(qtbot, dock)
    assert network.seen == 2 * (FRAMES - 7) - SHARD * kept
    assert by_command(clip, tmp_path / "out", tracked.tracking).complete
    assert output(clip).read_bytes() == (tmp_path / "out" / "animals.npy").read_bytes()


def test_other_corrections_after_cancel_are_computed_anew(qtbot, dock, clip, tracked, network, tmp_path):
    network.shared.slow_s = 0.15
    click(qtbot, dock.bar.run)
    qtbot.waitUntil(lambda: len(list(partial_folder(output(clip)).glob("*.rows"))) >= 2, timeout=LONG_MS)
    click(qtbot, dock.bar.cancel)
    qtbot.waitUntil(lambda: "Cancelled" in dock.bar.status.text(), timeout=LONG_MS)
    network.shared.slow_s = 0.0
    correct(tracked)
    qtbot.wait(300)
    run_to_end(qtbot, dock)
    assert by_command(clip, tmp_path / "out", tracked.tracking).complete
    assert output(clip).read_bytes() == (tmp_path / "out" / "animals.npy").read_bytes()


def test_corrections_while_computing_are_not_mixed_in(qtbot, dock, clip, tracked, network, tmp_path):
    network.shared.slow_s = 0.1
    click(qtbot, dock.bar.run)
    qtbot.waitUntil(lambda: partial_folder(output(clip)).is_dir(), timeout=LONG_MS)
    tracked.editor.set_box("spotted", 2, (5, 5, 45, 60))
    qtbot.waitUntil(lambda: not dock.bar.cancel.isEnabled(), timeout=LONG_MS)
    assert by_command(clip, tmp_path / "out").complete
    assert output(clip).read_bytes() == (tmp_path / "out" / "animals.npy").read_bytes()
    assert tracked.out_of_date == {"spotted"}
    assert "OUT OF DATE: the boxes of spotted" in dock.bar.status.text()
    qtbot.waitUntil(lambda: "OUT OF DATE" in dock.estimate_label.text())
    tracked.editor.undo()
    qtbot.waitUntil(lambda: "OUT OF DATE" not in dock.estimate_label.text())


def test_plot_and_explore_docks_tell_what_is_out_of_date(viewer, qtbot, dock, clip, tracked):
    plot, explore = open_dock(viewer, "Plot features"), open_dock(viewer, "Explore features")
    run_to_end(qtbot, dock)
    sidecar = output(clip).with_suffix(".npy.json").read_bytes()
    explore.options.clusters.value = 2
    click(qtbot, explore.options.compute)
    qtbot.waitUntil(lambda: "cluster" in explore.status.text(), timeout=LONG_MS)
    tracked.current = "striped"
    tracked.editor.swap("striped", "spotted", 10)
    for text in (plot.status.text(), explore.status.text()):
        assert "OUT OF DATE: the boxes of spotted, striped are others by now" in text
    tracked.editor.undo()
    for text in (plot.status.text(), explore.status.text()):
        assert "OUT OF DATE" not in text
    tracked.editor.rename("striped", "tiger")
    assert tracked.current == "tiger"
    assert "has no features of tiger; OUT OF DATE: the boxes of striped" in plot.status.text()
    assert output(clip).with_suffix(".npy.json").read_bytes() == sidecar


def test_opened_features_of_other_boxes_are_out_of_date(viewer, qtbot, dock, clip, tracked):
    correct(tracked)
    qtbot.wait(300)
    run_to_end(qtbot, dock)
    tracked.history.go_to(0)
    features = read_features(output(clip))
    tracked.set_features(features, output(clip))
    assert tracked.out_of_date == {"striped", "spotted"}
    tracked.history.go_to(2)
    assert tracked.out_of_date == frozenset()
    assert all(np.array_equal(features[one], tracked.features[one]) for one in features)
