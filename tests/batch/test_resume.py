"""Work that was interrupted, in whatever way, goes on and ends with the files of an undisturbed run."""

import contextlib
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import program_environment
from helpers.batches import TOTAL_CHUNKS, Workplace, content, interrupt, only, options_of, run
from helpers.clips import MakeClip
from helpers.networks import FACTS, FakeNetwork
from napari_i3d._utils.files import exclusive
from napari_i3d.batch import checkpoints, report, runner
from napari_i3d.batch.events import Outcome, VideoDone, VideoFailed, VideoProgress, VideoSkipped
from napari_i3d.batch.options import BatchOptions
from napari_i3d.batch.runner import run_batch
from napari_i3d.features.io.layouts import Layout
from napari_i3d.tracking.io.box_pickle import read_tracking


@pytest.mark.parametrize("kept", [3, 6, 10])
def test_interrupted_work_goes_on_and_gives_same_bytes(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any], kept: int
) -> None:
    interrupt(options_of(workplace), kept)
    assert not (workplace.out / "one.npy").exists()
    network.seen = 0
    (outcome,) = run(options_of(workplace))
    assert isinstance(outcome, VideoDone)
    assert (outcome.chunks, outcome.computed_chunks) == (TOTAL_CHUNKS, TOTAL_CHUNKS - kept)
    assert network.seen == TOTAL_CHUNKS - kept
    assert content(workplace.out) == undisturbed
    assert outcome.remarks == ()


def test_batch_size_may_change_in_between(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any]
) -> None:
    interrupt(options_of(workplace), 6)
    network.seen = 0
    options = options_of(workplace)
    run(replace(options, settings=replace(options.settings, batch_size=1)))
    assert network.seen == TOTAL_CHUNKS - 6
    assert content(workplace.out)["one.npy"] == undisturbed["one.npy"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def turn_a_bit(path: Path) -> None:
    found = bytearray(path.read_bytes())
    found[len(found) // 2] ^= 1
    path.write_bytes(found)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [cut, turn_a_bit, empty])
def test_torn_shard_is_noticed_and_computed_again(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any], spoil: Any
) -> None:
    interrupt(options_of(workplace), 6)
    spoil(workplace.checkpoints[0])
    network.seen = 0
    (outcome,) = run(options_of(workplace))
    assert "1 damaged portions of the work found were computed again" in outcome.summary
    assert network.seen == TOTAL_CHUNKS - 3
    assert content(workplace.out) == undisturbed


def test_shard_damaged_before_use_costs_its_video_once(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any]
) -> None:
    with contextlib.closing(run_batch(options_of(workplace))) as steps:
        for record in steps:
            if isinstance(record, VideoProgress) and record.kept_chunks == TOTAL_CHUNKS:
                turn_a_bit(workplace.checkpoints[1])
            if isinstance(record, VideoFailed):
                assert "expected what was written, found it damaged" in record.reason
    assert not (workplace.out / "one.npy").exists()
    network.seen = 0
    run(options_of(workplace))
    assert network.seen == 3
    assert content(workplace.out) == undisturbed


def other_settings(workplace: Workplace, options: BatchOptions) -> BatchOptions:
    return replace(options, settings=replace(options.settings, normalization="kinetics"))


def other_video(workplace: Workplace, options: BatchOptions) -> BatchOptions:
    path = workplace.videos / "one.mp4"
    stat = path.stat()
    path.write_bytes(path.read_bytes() + b"\0\0\0\x08free")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return options


def other_tracking(workplace: Workplace, options: BatchOptions) -> BatchOptions:
    found = read_tracking(workplace.tracks / "one_tracks.pickle")
    workplace.add_tracking("one", {t.id: (t.start, t.boxes + 1) for t in found.values()})
    return options


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (other_settings, "started afresh: the work found was with normalization symmetric"),
        (other_video, "started afresh: the work found was of another video"),
        (other_tracking, "started afresh: the work found was of another tracking"),
    ],
)
def test_foreign_work_starts_afresh_and_says_why(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any], change: Any, words: str
) -> None:
    interrupt(options_of(workplace), 6)
    network.seen = 0
    (outcome,) = run(change(workplace, options_of(workplace)))
    assert isinstance(outcome, VideoDone)
    assert words in outcome.summary
    assert network.seen == TOTAL_CHUNKS
    assert sorted(content(workplace.out)) == ["one.npy", "one.npy.json"]


def test_other_weights_start_afresh(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(options_of(workplace), 6)
    monkeypatch.setattr(runner, "load_network", lambda _: (network, replace(FACTS, sha256="6" * 64)))
    network.seen = 0
    assert "of another weights" in run(options_of(workplace))[0].summary
    assert network.seen == TOTAL_CHUNKS


@pytest.mark.parametrize("manifest", [b"", b"[]", b'{"format": "other"}', None])
def test_work_without_its_manifest_starts_afresh(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any], manifest: bytes | None
) -> None:
    interrupt(options_of(workplace), 6)
    path = workplace.out / ".one.npy.partial" / "about.json"
    path.unlink() if manifest is None else path.write_bytes(manifest)
    network.seen = 0
    assert "started afresh" in run(options_of(workplace))[0].summary
    assert network.seen == TOTAL_CHUNKS
    assert content(workplace.out) == undisturbed


def test_layout_with_file_individual_goes_on_too(workplace: Workplace, network: FakeNetwork) -> None:
    workplace.add("one")
    options = options_of(workplace, layout=Layout.MS_TCN)
    run(options)
    expected = content(workplace.out)
    assert [name for name in expected if name.endswith(".npy")] == ["one_spotted.npy", "one_striped.npy"]
    workplace.clear_results()
    interrupt(options, 6)
    network.seen = 0
    run(options)
    assert network.seen == TOTAL_CHUNKS - 6
    assert content(workplace.out) == expected


# Finished results


@pytest.mark.parametrize("spoil", [cut, turn_a_bit, empty])
@pytest.mark.parametrize("layout", [Layout.DICT, Layout.MS_TCN])
def test_damaged_result_is_made_again_and_said(
    workplace: Workplace, network: FakeNetwork, spoil: Any, layout: Layout
) -> None:
    workplace.add("one")
    options = options_of(workplace, layout=layout)
    run(options)
    expected = content(workplace.out)
    name = next(name for name in expected if name.endswith(".npy"))
    spoil(workplace.out / name)
    outcome = only(run(options))
    assert isinstance(outcome, VideoDone)
    assert f"{name} was damaged" in outcome.summary
    assert "made again" in outcome.summary
    assert content(workplace.out)[name] == expected[name]
    assert only(run(options)).complete


def test_damaged_facts_are_made_again(workplace: Workplace, undisturbed: dict[str, Any]) -> None:
    run(options_of(workplace))
    (workplace.out / "one.npy.json").write_text("{")
    assert "one.npy.json was damaged, and was made again" in only(run(options_of(workplace))).summary
    assert content(workplace.out) == undisturbed


def test_finished_result_is_known_by_video_content(workplace: Workplace, undisturbed: dict[str, Any]) -> None:
    run(options_of(workplace))
    video = workplace.videos / "one.mp4"
    os.utime(video, (1, 1))
    outcome = only(run(options_of(workplace)))
    assert isinstance(outcome, VideoSkipped)
    assert outcome.complete
    found = bytearray(video.read_bytes())
    found[-1] ^= 1
    video.write_bytes(found)
    outcome = only(run(options_of(workplace)))
    assert not outcome.complete
    assert "made of another one.mp4 (its content has changed); --overwrite replaces it" in outcome.summary
    assert content(workplace.out) == undisturbed


def test_finished_result_is_known_by_tracking_weights_individuals(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(options_of(workplace))
    chosen = only(run(options_of(workplace, individuals=("striped",))))
    assert "made of another tracking, or of other individuals in it" in chosen.summary
    # Another file with the same boxes is the same tracking.
    tracks = workplace.tracks / "one_tracks.pickle"
    found = read_tracking(tracks)
    tracks.write_bytes(pickle.dumps({t.id: dict(enumerate(t.boxes.tolist())) for t in found.values()}, 2))
    assert only(run(options_of(workplace))).complete
    other_tracking(workplace, options_of(workplace))
    assert "made of another tracking" in only(run(options_of(workplace))).summary
    tracks.write_bytes(workplace.clip.tracking.read_bytes())
    monkeypatch.setattr(runner, "load_network", lambda _: (network, replace(FACTS, sha256="6" * 64)))
    assert "made with other weights (stand-in)" in only(run(options_of(workplace))).summary
    assert content(workplace.out) == undisturbed


def test_work_left_beside_a_finished_result_is_removed(workplace: Workplace, undisturbed: dict[str, Any]) -> None:
    interrupt(options_of(workplace), TOTAL_CHUNKS)
    kept = workplace.out / ".one.npy.partial"
    kept.rename(workplace.out / "aside")
    run(options_of(workplace))
    (workplace.out / "aside").rename(kept)
    assert only(run(options_of(workplace))).complete
    assert content(workplace.out) == undisturbed


# The report


def test_report_tells_each_video_with_reasons_and_rates(workplace: Workplace, network: FakeNetwork) -> None:
    workplace.add("good")
    workplace.add("lonely", tracking=False)
    workplace.add("bad").write_bytes(b"no video")
    run(options_of(workplace))
    told = json.loads((workplace.out / "report.json").read_text())
    assert told["counts"] == {"done": 1, "skipped": 1, "failed": 1}
    assert told["complete"] is False
    assert set(told["versions"]) == {"napari_i3d", "python", "numpy", "torch", "ffmpeg"}
    bad, good, lonely = told["videos"]
    assert (bad["status"], lonely["status"]) == ("failed", "skipped")
    assert "expected a video file" in bad["reason"]
    assert "its tracking file" in lonely["reason"]
    assert good["video"] == str(workplace.videos / "good.mp4")
    assert good["outputs"] == [str(workplace.out / "good.npy")]
    assert (good["chunks"], good["chunks_computed"]) == (TOTAL_CHUNKS, TOTAL_CHUNKS)
    assert good["chunks_per_second"] == pytest.approx(TOTAL_CHUNKS / good["seconds"], rel=0.01)


def test_report_keeps_other_runs_videos(workplace: Workplace, network: FakeNetwork) -> None:
    one, two = workplace.add("one"), workplace.add("two")
    options = options_of(workplace)
    run(replace(options, dataset_path=one))
    with exclusive(workplace.out / ".one.npy.lock") as held:
        assert held
        outcomes = run(options)
    assert isinstance(outcomes[0], VideoSkipped)
    assert "another process is working on it" in outcomes[0].reason
    assert not outcomes[0].complete
    told = json.loads((workplace.out / "report.json").read_text())
    assert {entry["video"]: entry["status"] for entry in told["videos"]} == {str(one): "done", str(two): "done"}


def test_report_that_cannot_be_written_stops_nothing(
    workplace: Workplace, network: FakeNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    workplace.add("one")
    (workplace.out / "report.json").mkdir(parents=True)
    assert only(run(options_of(workplace))).complete
    assert "report.json: cannot be written" in caplog.text


def test_clock_that_goes_back_changes_nothing(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(options_of(workplace), 6)
    for path in (workplace.out / ".one.npy.partial").iterdir():
        os.utime(path, (4e9, 4e9))
    times = iter(range(2_000_000_000, 0, -1_000_000))
    monkeypatch.setattr(time, "time", lambda: float(next(times)))
    monkeypatch.setattr(report, "datetime", _BackwardClock)
    assert only(run(options_of(workplace))).complete
    assert content(workplace.out) == undisturbed
    (entry,) = json.loads((workplace.out / "report.json").read_text())["videos"]
    assert entry["seconds"] > 0
    assert entry["chunks_per_second"] > 0


class _BackwardClock:
    _year = 2026

    @classmethod
    def now(cls, zone: Any) -> Any:
        from datetime import datetime

        cls._year -= 1
        return datetime(cls._year, 1, 1, tzinfo=zone)


# Faults of the disk


def test_folder_gone_bad_midway_costs_one_video(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any]
) -> None:
    workplace.add("two")
    with contextlib.closing(run_batch(options_of(workplace))) as steps:
        outcomes = list(_spoiling(steps, workplace.out / ".one.npy.partial"))
    assert [type(outcome) for outcome in outcomes] == [VideoFailed, VideoDone]
    assert "cannot be" in outcomes[0].summary
    assert outcomes[0].summary.startswith("one.mp4")
    (workplace.out / ".one.npy.partial").unlink()
    run(options_of(workplace))
    assert content(workplace.out)["one.npy"] == undisturbed["one.npy"]


def _spoiling(steps: Any, folder: Path) -> Iterator[Outcome]:
    for record in steps:
        if isinstance(record, VideoProgress) and record.kept_chunks == 6 and folder.is_dir():
            checkpoints.shutil.rmtree(folder)
            folder.write_text("no folder any more")
        if isinstance(record, VideoDone | VideoFailed | VideoSkipped):
            yield record


# Real processes


def start(workplace: Workplace, slow_s: float, kill_at: int = 0, limit_bytes: int = 0) -> "subprocess.Popen[str]":
    arguments = ["extract", "--datasetpath", str(workplace.videos), "--outputpath", str(workplace.out)]
    arguments += ["--tracking_folder", str(workplace.tracks), "--tracking_suffix", "_tracks.pickle"]
    arguments += ["--batch_size", "2"]

    def limit() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    return subprocess.Popen(
        [sys.executable, "-m", "helpers.stand_in", str(slow_s), str(kill_at), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=program_environment(),
        preexec_fn=limit if limit_bytes else None,
    )


def finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    return process.returncode, out, err


def kill_after(process: "subprocess.Popen[str]", seconds: float) -> None:
    """Wait until it computes, then so long, and kill it."""
    assert process.stdout is not None
    assert process.stdout.readline() == "computing\n"
    time.sleep(seconds)
    process.kill()
    process.communicate()


needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")


@needs_posix
@pytest.mark.slow
def test_killed_three_times_at_seeded_moments(workplace: Workplace, undisturbed: dict[str, Any]) -> None:
    moments = random.Random(5)
    kept = 0
    for _ in range(2):
        kill_after(start(workplace, 0.25), moments.uniform(0.1, 1.0))
        assert len(workplace.checkpoints) >= kept
        kept = len(workplace.checkpoints)
    assert kept > 0
    # Among the last changes to the disk: the result takes its place.
    finish_by_itself = start(workplace, 0, kill_at=moments.randint(9, 16))
    finish_by_itself.communicate(timeout=60)
    assert finish_by_itself.returncode == -signal.SIGKILL
    assert finish(start(workplace, 0))[0] == 0
    assert content(workplace.out) == undisturbed


@needs_posix
@pytest.mark.nightly
def test_killed_at_every_change_to_the_disk(workplace: Workplace, undisturbed: dict[str, Any]) -> None:
    kills = 0
    for number in range(1, 60):
        process = start(workplace, 0, kill_at=number)
        process.communicate(timeout=60)
        if process.returncode != -signal.SIGKILL:
            break
        kills += 1
        if number % 3 == 0:  # sometimes on from there, sometimes killed again at once
            assert finish(start(workplace, 0))[0] == 0
            assert content(workplace.out) == undisturbed
            workplace.clear_results()
    assert kills >= 20
    assert finish(start(workplace, 0))[0] == 0
    assert content(workplace.out) == undisturbed


@needs_posix
@pytest.mark.nightly
def test_killed_twenty_times_in_one_job(workplace: Workplace, network: FakeNetwork, clip_of: MakeClip) -> None:
    clip = clip_of(40)
    (workplace.videos / "one.mp4").write_bytes(clip.video.read_bytes())
    (workplace.tracks / "one_tracks.pickle").write_bytes(clip.tracking.read_bytes())
    run(options_of(workplace))
    expected = content(workplace.out)
    workplace.clear_results()
    moments = random.Random(20)
    kept = [0]
    for _ in range(20):
        kill_after(start(workplace, 0.2), moments.uniform(0, 0.6))
        kept.append(len(workplace.checkpoints))
    assert kept == sorted(kept)
    assert 5 < kept[-1] < 22
    assert finish(start(workplace, 0))[0] == 0
    assert content(workplace.out) == expected


@needs_posix
@pytest.mark.slow
def test_disk_full_at_the_result_keeps_the_work(
    workplace: Workplace, undisturbed: dict[str, Any], network: FakeNetwork
) -> None:
    status, _, err = finish(start(workplace, 0, limit_bytes=3 * 2048 * 4 + 1000))
    assert status == 1
    assert "cannot be written (File too large)" in err
    assert len(workplace.checkpoints) == 4
    assert not (workplace.out / "one.npy").exists()
    assert only(run(options_of(workplace))).complete
    assert network.seen == 0
    assert content(workplace.out) == undisturbed


@needs_posix
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_soon_and_tells_how_to_resume(
    workplace: Workplace, undisturbed: dict[str, Any], number: int
) -> None:
    process = start(workplace, 0.3)
    assert process.stdout is not None
    for _ in range(4):
        process.stdout.readline()
    process.send_signal(number)
    began = time.monotonic()
    status, out, err = finish(process)
    assert time.monotonic() - began < 2
    assert status == 130
    assert "one.mp4: 3 of 10 chunks are kept" in out
    assert "the same command goes on" in err
    assert len(workplace.checkpoints) == 1
    assert not list(workplace.out.glob("*.lock"))
    assert finish(start(workplace, 0))[0] == 0
    assert content(workplace.out) == undisturbed


@needs_posix
@pytest.mark.slow
def test_two_processes_at_once_do_each_video_once(workplace: Workplace, undisturbed: dict[str, Any]) -> None:
    workplace.add("two")
    both = [start(workplace, 0.1), start(workplace, 0.1)]
    told = [finish(process) for process in both]
    assert sum(out.count("computing") for _, out, _ in told) == 2 * 7
    assert sorted(content(workplace.out)) == ["one.npy", "one.npy.json", "two.npy", "two.npy.json"]
    assert content(workplace.out)["one.npy"] == undisturbed["one.npy"]
    assert np.load(workplace.out / "two.npy", allow_pickle=True).item()["striped"].shape == (5, 2048)
    report_ = json.loads((workplace.out / "report.json").read_text())
    assert report_["counts"]["done"] + report_["counts"]["skipped"] == 2
