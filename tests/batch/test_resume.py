"""Work that was interrupted goes on, and ends with the files of an undisturbed run."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers.batches import (
    SPOIL,
    TOTAL_CHUNKS,
    Workplace,
    content,
    interrupt,
    options_of,
    other_tracking,
    run,
    turn_a_bit,
)
from helpers.networks import FACTS, FakeNetwork
from napari_i3d.batch import runner
from napari_i3d.batch.checkpoints import checkpoints
from napari_i3d.batch.events import VideoDone, VideoFailed, VideoProgress, VideoResult, VideoSkipped
from napari_i3d.batch.options import BatchOptions
from napari_i3d.batch.runner import run_batch
from napari_i3d.features.io.layouts import Layout


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


@pytest.mark.parametrize("spoil", SPOIL)
def test_torn_shard_is_noticed_and_computed_again(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any], spoil: Any
) -> None:
    interrupt(options_of(workplace), 6)
    spoil(workplace.checkpoints[0])
    network.seen = 0
    (outcome,) = run(options_of(workplace))
    assert "1 damaged portions of the work found were computed again" in outcome.summary()
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
                assert "expected what was written, found it damaged" in record.reason.text
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
    assert words in outcome.summary()
    assert network.seen == TOTAL_CHUNKS
    assert sorted(content(workplace.out)) == ["one.npy", "one.npy.json"]


def test_other_weights_start_afresh(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(options_of(workplace), 6)
    monkeypatch.setattr(runner, "load_network", lambda _: (network, replace(FACTS, sha256="6" * 64)))
    network.seen = 0
    assert "of another weights" in run(options_of(workplace))[0].summary()
    assert network.seen == TOTAL_CHUNKS


@pytest.mark.parametrize("manifest", [b"", b"[]", b'{"format": "other"}', None])
def test_work_without_its_manifest_starts_afresh(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any], manifest: bytes | None
) -> None:
    interrupt(options_of(workplace), 6)
    path = workplace.out / ".one.npy.partial" / "about.json"
    path.unlink() if manifest is None else path.write_bytes(manifest)
    network.seen = 0
    assert "started afresh" in run(options_of(workplace))[0].summary()
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


def test_folder_gone_bad_midway_costs_one_video(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any]
) -> None:
    workplace.add("two")
    with contextlib.closing(run_batch(options_of(workplace))) as steps:
        outcomes = list(_spoiling(steps, workplace.out / ".one.npy.partial"))
    assert [type(outcome) for outcome in outcomes] == [VideoFailed, VideoDone]
    assert "cannot be" in outcomes[0].summary()
    assert outcomes[0].summary().startswith("one.mp4")
    (workplace.out / ".one.npy.partial").unlink()
    run(options_of(workplace))
    assert content(workplace.out)["one.npy"] == undisturbed["one.npy"]


def _spoiling(steps: Any, folder: Path) -> Iterator[VideoResult]:
    for record in steps:
        if isinstance(record, VideoProgress) and record.kept_chunks == 6 and folder.is_dir():
            checkpoints.shutil.rmtree(folder)
            folder.write_text("no folder any more")
        if isinstance(record, VideoDone | VideoFailed | VideoSkipped):
            yield record
