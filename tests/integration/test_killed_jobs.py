"""The command killed, interrupted, out of disk or run twice at once, as real processes: nothing is lost or doubled."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import program_environment
from helpers.batches import Workplace, content, only, options_of, run
from helpers.clips import MakeClip
from helpers.features import assert_same_features, random_features
from helpers.networks import FakeNetwork
from napari_i3d.features.io.layouts import Layout, export_features
from napari_i3d.features.io.reading import read_features
from napari_i3d.features.io.store import FACTS_NAME, StoreDtype

Program = subprocess.Popen[str]


@pytest.fixture
def start(workplace: Workplace, start_program: Callable[..., Program]) -> Callable[..., Program]:
    """Start the command on a workplace as a program, with the fake network."""
    arguments = ["extract", "--datasetpath", str(workplace.videos), "--outputpath", str(workplace.out)]
    arguments += ["--tracking_folder", str(workplace.tracks), "--tracking_suffix", "_tracks.pickle"]
    arguments += ["--batch_size", "2"]

    def begin(slow_s: float, kill_at: int = 0, limit_bytes: int = 0, more: tuple[str, ...] = ()) -> Program:
        def limit() -> None:
            import resource

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

        return start_program(
            [sys.executable, "-m", "helpers.stand_in", str(slow_s), str(kill_at), *arguments, *more],
            env=program_environment(),
            preexec_fn=limit if limit_bytes else None,
        )

    return begin


def finish(process: Program) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    return process.returncode, out, err


def kill_after(process: Program, seconds: float) -> None:
    """Wait until it computes, then so long, and kill it."""
    assert process.stdout is not None
    assert process.stdout.readline() == "computing\n"
    time.sleep(seconds)
    process.kill()
    process.communicate()


needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")


@needs_posix
@pytest.mark.slow
def test_killed_three_times_at_seeded_moments(
    workplace: Workplace, undisturbed: dict[str, Any], start: Callable[..., Program]
) -> None:
    moments = random.Random(5)
    kept = 0
    for _ in range(2):
        kill_after(start(0.25), moments.uniform(0.1, 1.0))
        assert len(workplace.checkpoints) >= kept
        kept = len(workplace.checkpoints)
    assert kept > 0
    # Among the last changes to the disk: the result takes its place.
    finish_by_itself = start(0, kill_at=moments.randint(9, 16))
    finish_by_itself.communicate(timeout=60)
    assert finish_by_itself.returncode == -signal.SIGKILL
    assert finish(start(0))[0] == 0
    assert content(workplace.out) == undisturbed


@needs_posix
@pytest.mark.nightly
def test_killed_at_every_change_to_the_disk(
    workplace: Workplace, undisturbed: dict[str, Any], start: Callable[..., Program]
) -> None:
    kills = 0
    for number in range(1, 60):
        process = start(0, kill_at=number)
        process.communicate(timeout=60)
        if process.returncode != -signal.SIGKILL:
            break
        kills += 1
        if number % 3 == 0:  # sometimes on from there, sometimes killed again at once
            assert finish(start(0))[0] == 0
            assert content(workplace.out) == undisturbed
            workplace.clear_results()
    assert kills >= 20
    assert finish(start(0))[0] == 0
    assert content(workplace.out) == undisturbed


HALF = ("--layout", "store", "--store_dtype", "float16")


@pytest.fixture
def undisturbed_half(workplace: Workplace, network: FakeNetwork) -> dict[str, Any]:
    """The content of an undisturbed store of float16; the output folder is empty again."""
    workplace.add("one")
    run(options_of(workplace, layout=Layout.STORE, store_dtype=StoreDtype.FLOAT16))
    found = store_content(workplace)
    shutil.rmtree(workplace.out / "one.features")
    return found


def store_content(workplace: Workplace) -> dict[str, Any]:
    """Return the content of all files, without the checksum of the time at which the facts were written."""
    found = content(workplace.out)
    found[f"one.features/{FACTS_NAME}"].pop("sha256")
    return found


@needs_posix
@pytest.mark.slow
def test_killed_store_goes_on_with_same_bytes(
    workplace: Workplace, undisturbed_half: dict[str, Any], start: Callable[..., Program]
) -> None:
    process = start(0.1, more=HALF)
    assert process.stdout is not None
    for _ in range(5):  # two batches for each shard
        assert process.stdout.readline() == "computing\n"
    process.kill()
    process.communicate()
    assert not (workplace.out / "one.features").exists()
    assert list((workplace.out / ".one.npy.partial").glob("*.stored"))
    status, out, _ = finish(start(0, more=HALF))
    assert status == 0, out
    assert store_content(workplace) == undisturbed_half


@needs_posix
@pytest.mark.nightly
def test_store_killed_at_every_change_to_the_disk(
    workplace: Workplace, undisturbed_half: dict[str, Any], start: Callable[..., Program]
) -> None:
    kills = 0
    for number in range(1, 60):
        process = start(0, kill_at=number, more=HALF)
        process.communicate(timeout=60)
        if process.returncode != -signal.SIGKILL:
            break
        kills += 1
        if number % 3 == 0:
            assert finish(start(0, more=HALF))[0] == 0
            assert store_content(workplace) == undisturbed_half
            shutil.rmtree(workplace.out / "one.features")
    assert kills >= 20
    assert finish(start(0, more=HALF))[0] == 0
    assert store_content(workplace) == undisturbed_half


@needs_posix
@pytest.mark.nightly
@pytest.mark.parametrize("layout", ["dict", "store", "dlc2action"])
def test_conversion_killed_at_any_change_is_whole_or_nothing(
    tmp_path: Path, start_program: Callable[..., Program], layout: str
) -> None:
    features = random_features({"male": (0, 19), "female": (4, 15)})
    source = export_features(tmp_path / "day1.npy", features, "store")[0]
    (tmp_path / "out").mkdir()
    target = tmp_path / "out" / ("new.features" if layout == "store" else "new.npy")
    more = ["--piece_frames", "20"] if layout == "dlc2action" else []
    arguments = ["convert", "features", str(source), str(target), "--layout", layout, *more]
    outcomes = []
    for number in range(1, 40):
        command = [sys.executable, "-m", "helpers.stand_in", "0", str(number), *arguments]
        process = start_program(command, env=program_environment())
        process.communicate(timeout=60)
        found = [path for path in (tmp_path / "out").iterdir() if path.suffix in (".npy", ".features")]
        found = [path for path in found if not path.name.startswith(".")]
        for path in found:
            assert_same_features(features, read_features(path))
        outcomes.append(len(found))
        if process.returncode != -signal.SIGKILL:
            break
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert process.returncode == 0
    assert {0, 1} <= set(outcomes)
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.endswith(".conversion")]


@needs_posix
@pytest.mark.nightly
def test_killed_twenty_times_in_one_job(
    workplace: Workplace, network: FakeNetwork, clip_of: MakeClip, start: Callable[..., Program]
) -> None:
    clip = clip_of(40)
    (workplace.videos / "one.mp4").write_bytes(clip.video.read_bytes())
    (workplace.tracks / "one_tracks.pickle").write_bytes(clip.tracking.read_bytes())
    run(options_of(workplace))
    expected = content(workplace.out)
    workplace.clear_results()
    moments = random.Random(20)
    kept = [0]
    for _ in range(20):
        kill_after(start(0.2), moments.uniform(0, 0.6))
        kept.append(len(workplace.checkpoints))
    assert kept == sorted(kept)
    assert 5 < kept[-1] < 22
    assert finish(start(0))[0] == 0
    assert content(workplace.out) == expected


@needs_posix
@pytest.mark.slow
def test_disk_full_at_the_result_keeps_the_work(
    workplace: Workplace, undisturbed: dict[str, Any], network: FakeNetwork, start: Callable[..., Program]
) -> None:
    status, _, err = finish(start(0, limit_bytes=3 * 2048 * 4 + 1000))
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
    workplace: Workplace, undisturbed: dict[str, Any], number: int, start: Callable[..., Program]
) -> None:
    process = start(0.3)
    assert process.stdout is not None
    for _ in range(4):
        process.stdout.readline()
    process.send_signal(number)
    status, out, err = finish(process)
    assert out.count("computing") <= 1  # of the three batches left, the one that it was at
    assert status == 130
    assert "one.mp4: 3 of 10 chunks are kept" in out
    assert "Run the same command again" in err
    assert len(workplace.checkpoints) == 1
    assert not list(workplace.out.glob("*.lock"))
    assert finish(start(0))[0] == 0
    assert content(workplace.out) == undisturbed


@needs_posix
@pytest.mark.slow
def test_two_processes_at_once_do_each_video_once(
    workplace: Workplace, undisturbed: dict[str, Any], start: Callable[..., Program]
) -> None:
    workplace.add("two")
    both = [start(0.1), start(0.1)]
    told = [finish(process) for process in both]
    assert sum(out.count("computing") for _, out, _ in told) == 2 * 7
    assert sorted(content(workplace.out)) == ["one.npy", "one.npy.json", "two.npy", "two.npy.json"]
    assert content(workplace.out)["one.npy"] == undisturbed["one.npy"]
    assert np.load(workplace.out / "two.npy", allow_pickle=True).item()["striped"].shape == (5, 2048)
    report_ = json.loads((workplace.out / "report.json").read_text())
    assert report_["counts"]["done"] + report_["counts"]["skipped"] == 2
