"""A store is made of the shards themselves: interrupted in any way, it ends with the bytes of an undisturbed run.

The oracle for rows is the dictionary that the same batch writes; for interruptions, the undisturbed store.
"""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import napari_i3d
from helpers.batches import (
    SHARD_CHUNKS,
    TOTAL_CHUNKS,
    Workplace,
    content,
    cut,
    interrupt,
    only,
    options_of,
    run,
    turn_a_bit,
)
from helpers.networks import FakeNetwork, install_network
from napari_i3d import extract_to_store
from napari_i3d.batch import extract_to_store as extract_module
from napari_i3d.batch.checkpoints.checkpoints import Checkpoints
from napari_i3d.batch.events import VideoDone, VideoFailed, VideoSkipped
from napari_i3d.batch.options import BatchOptions
from napari_i3d.errors import OutputError, SettingsError
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.features import Features
from napari_i3d.features.io import store_writing
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.reading import read_features
from napari_i3d.features.io.store import FACTS_NAME, StoreDtype
from napari_i3d.features.row_blocks import mapping_of

FREQUENCIES = [1, 2, 3, 7]


def store_options(workplace: Workplace, **choices: Any) -> BatchOptions:
    """Return options whose result is a store."""
    return options_of(workplace, layout=Layout.STORE, **choices)


HALF = {"store_dtype": StoreDtype.FLOAT16}


def store_content(workplace: Workplace) -> dict[str, Any]:
    """Return the content of all files, without the checksum of the time at which the facts were written."""
    found = content(workplace.out)
    found[f"one.features/{FACTS_NAME}"].pop("sha256")
    return found


@pytest.fixture
def undisturbed_store(workplace: Workplace, network: FakeNetwork) -> dict[str, Any]:
    """The content of an undisturbed store of ``one.mp4``; the output folder is empty again."""
    workplace.add("one")
    assert isinstance(only(run(store_options(workplace))), VideoDone)
    found = store_content(workplace)
    for path in (workplace.out / "one.features").iterdir():
        path.unlink()
    (workplace.out / "one.features").rmdir()
    network.seen = 0
    return found


def records(workplace: Workplace) -> list[Path]:
    """Return the records of the shards that are kept."""
    return sorted((workplace.out / ".one.npy.partial").glob("*.stored"))


def as_text(features: Features) -> dict[str, Any]:
    """Return all that features state, as values that compare."""
    return {
        str(individual): (
            rows.tobytes(),
            features.frames[individual].tolist(),
            features.chunk_starts[individual].tolist(),
            features.first_frame[individual],
            features.last_frame[individual],
        )
        for individual, rows in features.items()
    }


@pytest.mark.parametrize("pad", [False, True])
@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_store_holds_the_rows_of_the_dictionary(
    workplace: Workplace, network: FakeNetwork, pad: bool, frequency: int
) -> None:
    workplace.add("one")
    settings = {"pad": pad, "frequency": frequency}
    run(options_of(workplace, settings=settings))
    (done,) = run(store_options(workplace, settings=settings))
    assert isinstance(done, VideoDone)
    assert done.outputs == (workplace.out / "one.features",)
    stored, plain = read_features(workplace.out / "one.features"), read_features(workplace.out / "one.npy")
    assert as_text(stored) == as_text(plain)
    assert stored.fps == plain.fps
    assert {**stored.provenance, "created": ""} == {**plain.provenance, "created": ""}
    assert not any(name.startswith(".") for name in workplace.results)


@pytest.mark.parametrize("kept", [3, 6, 10])
def test_interrupted_store_goes_on_with_same_bytes(
    workplace: Workplace, network: FakeNetwork, undisturbed_store: dict[str, Any], kept: int
) -> None:
    interrupt(store_options(workplace), kept)
    assert not (workplace.out / "one.features").exists()
    network.seen = 0
    (outcome,) = run(store_options(workplace))
    assert isinstance(outcome, VideoDone)
    assert network.seen == TOTAL_CHUNKS - kept
    assert store_content(workplace) == undisturbed_store


def test_interrupted_store_of_float16_goes_on_with_same_bytes(workplace: Workplace, network: FakeNetwork) -> None:
    workplace.add("one")
    run(store_options(workplace))
    whole = read_features(workplace.out / "one.features")
    expected = {str(i): rows.astype(np.float16).tobytes() for i, rows in whole.items()}
    (other,) = run(store_options(workplace, **HALF))
    assert isinstance(other, VideoSkipped)
    assert not other.complete
    assert "store_dtype float32" in str(other.reason)
    shutil.rmtree(workplace.out / "one.features")
    interrupt(store_options(workplace), 3)
    (done,) = run(store_options(workplace, **HALF))  # shards of float32 are of no use
    assert isinstance(done, VideoDone)
    assert any("layout store" in remark.text for remark in done.remarks)
    undisturbed = store_content(workplace)
    shutil.rmtree(workplace.out / "one.features")
    interrupt(store_options(workplace, **HALF), 6)
    network.seen = 0
    (done,) = run(store_options(workplace, **HALF))
    assert isinstance(done, VideoDone)
    assert network.seen == TOTAL_CHUNKS - 6
    assert store_content(workplace) == undisturbed
    half = read_features(workplace.out / "one.features")
    assert {str(i): rows.tobytes() for i, rows in half.items()} == expected
    (again,) = run(store_options(workplace, **HALF))
    assert isinstance(again, VideoSkipped)
    assert again.complete


def test_value_beyond_float16_fails_the_video_by_name(
    workplace: Workplace, network: FakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace.add("one")
    monkeypatch.setattr(FakeNetwork, "forward", lambda self, chunks: torch.full((len(chunks), 2048), 1e5))
    (outcome,) = run(store_options(workplace, **HALF))
    assert isinstance(outcome, VideoFailed)
    assert "expected values up to 65504" in str(outcome.reason)
    assert not workplace.results


def test_store_from_python_is_that_of_the_command(
    workplace: Workplace, undisturbed_store: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    network = install_network(monkeypatch, (extract_module,), SHARD_CHUNKS)
    video, tracks = workplace.videos / "one.mp4", workplace.tracks / "one_tracks.pickle"
    settings = ExtractionSettings(batch_size=2)
    features = extract_to_store(
        video, workplace.out / "one.features", tracks, settings=settings, weights="any", progress=False
    )
    assert store_content(workplace) == undisturbed_store
    assert mapping_of(next(iter(features.values()))) is not None
    network.seen = 0
    again = extract_to_store(video, workplace.out / "one", tracks, settings=settings, weights="any", progress=False)
    assert not network.seen
    assert as_text(again) == as_text(features)
    with pytest.raises(OutputError, match=r"made with pad False.*overwrite=True"):
        extract_to_store(video, workplace.out / "one", tracks, settings=ExtractionSettings(pad=True), weights="any")
    (one,) = extract_to_store(
        video, workplace.out / "two", napari_i3d.read_tracking(tracks), settings=settings, weights="any",
        individuals=list(features)[:1], store_dtype="float16", progress=False,
    ).values()  # fmt: skip
    assert one.dtype == np.float16
    np.testing.assert_array_equal(one, next(iter(features.values())).astype(np.float16))


def test_shards_are_held_only_once(workplace: Workplace, network: FakeNetwork) -> None:
    workplace.add("one")
    interrupt(store_options(workplace), TOTAL_CHUNKS)
    kept = [path for path in (workplace.out / ".one.npy.partial").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) < TOTAL_CHUNKS * 2048 * 4 + 20_000


@pytest.mark.parametrize("damage", [cut, turn_a_bit])
def test_damaged_rows_are_computed_again(
    workplace: Workplace,
    network: FakeNetwork,
    undisturbed_store: dict[str, Any],
    damage: Callable[[Path], None],
) -> None:
    interrupt(store_options(workplace), 10)
    damage(next((workplace.out / ".one.npy.partial" / "store").glob("0*.npy")))
    network.seen = 0
    (outcome,) = run(store_options(workplace))
    assert isinstance(outcome, VideoDone)
    assert 0 < network.seen < TOTAL_CHUNKS
    assert store_content(workplace) == undisturbed_store


def test_rows_damaged_before_the_end_are_not_published(
    workplace: Workplace, network: FakeNetwork, undisturbed_store: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = store_writing.StoreRows.write

    def write_badly(self: store_writing.StoreRows, individual: Any, first: int, rows: Any) -> str:
        checksum = write(self, individual, first, rows)
        if first == 0:
            write(self, individual, first, rows + 1)
        return checksum

    with monkeypatch.context() as patch:
        patch.setattr(store_writing.StoreRows, "write", write_badly)
        (outcome,) = run(store_options(workplace))
    assert isinstance(outcome, VideoFailed)
    assert "damaged" in str(outcome.reason)
    assert not (workplace.out / "one.features").exists()
    run(store_options(workplace))
    assert store_content(workplace) == undisturbed_store


def test_full_disk_leaves_a_job_that_resumes(
    workplace: Workplace, network: FakeNetwork, undisturbed_store: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, calls = os.fsync, []

    def fill_up(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 9:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fill_up)
        (outcome,) = run(store_options(workplace))
    assert isinstance(outcome, VideoFailed)
    assert "No space left on device" in str(outcome.reason)
    kept = len(records(workplace))
    assert kept > 0
    network.seen = 0
    (outcome,) = run(store_options(workplace))
    assert isinstance(outcome, VideoDone)
    assert network.seen < TOTAL_CHUNKS
    assert store_content(workplace) == undisturbed_store


def test_existing_store_is_recognized_and_replaced(workplace: Workplace, network: FakeNetwork) -> None:
    workplace.add("one")
    run(store_options(workplace))
    (again,) = run(store_options(workplace))
    assert isinstance(again, VideoSkipped)
    assert again.complete
    (other,) = run(store_options(workplace, settings={"pad": True}))
    assert isinstance(other, VideoSkipped)
    assert not other.complete
    (done,) = run(store_options(workplace, settings={"pad": True}, overwrite=True))
    assert isinstance(done, VideoDone)
    assert len(read_features(workplace.out / "one.features").frames) == 2
    assert workplace.results == sorted(["one.features", *(f"one.features/{p.name}" for p in done.outputs[0].iterdir())])


def test_damaged_store_is_made_again(
    workplace: Workplace, network: FakeNetwork, undisturbed_store: dict[str, Any]
) -> None:
    run(store_options(workplace))
    turn_a_bit(next((workplace.out / "one.features").glob("1*.npy")))
    (outcome,) = run(store_options(workplace))
    assert isinstance(outcome, VideoDone)
    assert "damaged" in outcome.remarks[0].text
    assert store_content(workplace) == undisturbed_store


def test_cut_store_is_named_and_made_again(
    workplace: Workplace, network: FakeNetwork, undisturbed_store: dict[str, Any]
) -> None:
    run(store_options(workplace))
    path = next((workplace.out / "one.features").glob("1*.npy"))
    cut(path)
    (outcome,) = run(store_options(workplace))
    assert f"one.features: damaged ({path.name} has " in outcome.summary()
    assert store_content(workplace) == undisturbed_store


def test_run_killed_after_replacement_can_be_given_again(workplace: Workplace, network: FakeNetwork) -> None:
    workplace.add("one")
    run(store_options(workplace))
    again = store_options(workplace, settings={"pad": True}, overwrite=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "remove", lambda _: None)
        run(again)
    (outcome,) = run(again)
    assert isinstance(outcome, VideoDone)
    assert workplace.results == sorted(
        ["one.features", *(f"one.features/{path.name}" for path in outcome.outputs[0].iterdir())]
    )


@pytest.mark.parametrize("limit", [-1.0, float("nan"), float("inf")])
def test_limits_of_stores_are_numbers(workplace: Workplace, limit: float) -> None:
    with pytest.raises(SettingsError, match="store_above: expected a number of GB from 0 on, found"):
        options_of(workplace, store_above_gb=limit)


@pytest.mark.parametrize("overwrite", [False, True])
def test_folder_of_the_user_is_never_replaced(workplace: Workplace, network: FakeNetwork, overwrite: bool) -> None:
    workplace.add("one")
    mine = workplace.out / "one.features" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    (outcome,) = run(store_options(workplace, overwrite=overwrite))
    assert isinstance(outcome, VideoFailed)
    assert "found a folder without features.json; move it away" in outcome.summary()
    assert network.seen == 0
    assert mine.read_text() == "mine"
    (beside,) = run(options_of(workplace, overwrite=overwrite))
    assert isinstance(beside, VideoDone)
    assert beside.outputs == (workplace.out / "one.npy",)


def test_large_features_become_a_store(workplace: Workplace, network: FakeNetwork) -> None:
    workplace.add("one")
    limit = TOTAL_CHUNKS * 2048 * 4 / 1e9
    (small,) = run(options_of(workplace, store_above_gb=limit))
    assert isinstance(small, VideoDone)
    assert small.outputs == (workplace.out / "one.npy",)
    (kept,) = run(options_of(workplace, store_above_gb=limit / 2))
    assert isinstance(kept, VideoSkipped)
    workplace.clear_results()
    (large,) = run(options_of(workplace, store_above_gb=limit * 0.99))
    assert isinstance(large, VideoDone)
    assert large.outputs == (workplace.out / "one.features",)
    assert any("folder" in remark.text for remark in large.remarks)
    (again,) = run(options_of(workplace, store_above_gb=limit * 0.99))
    assert isinstance(again, VideoSkipped)
    assert again.complete


def test_store_replaces_a_file_that_was_smaller(workplace: Workplace, network: FakeNetwork) -> None:
    workplace.add("one")
    run(options_of(workplace, settings={"frequency": 2}))
    options = options_of(workplace, store_above_gb=0)
    (kept,) = run(options)
    assert isinstance(kept, VideoSkipped)
    assert not kept.complete
    (done,) = run(replace(options, overwrite=True))
    assert isinstance(done, VideoDone)
    assert done.outputs == (workplace.out / "one.features",)
    assert "one.npy beside it is not of this run" in done.summary()
    (again,) = run(options)  # not in the way of the store, although of other settings
    assert again.complete
    (workplace.out / "one.npy").unlink()
    (back,) = run(options_of(workplace, store_above_gb=None))
    assert "one.features beside it is not of this run" in back.summary()


def test_work_for_another_layout_starts_afresh(
    workplace: Workplace, network: FakeNetwork, undisturbed_store: dict[str, Any]
) -> None:
    interrupt(options_of(workplace), 6)
    (outcome,) = run(store_options(workplace))
    assert isinstance(outcome, VideoDone)
    assert any("layout dict" in remark.text for remark in outcome.remarks)
    assert store_content(workplace) == undisturbed_store


def test_kept_old_store_survives_a_failed_replacement(
    workplace: Workplace, network: FakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace.add("one")
    run(store_options(workplace))
    before = store_content(workplace)
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name == "store":
            raise OSError(errno.EACCES, "Permission denied")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        (outcome,) = run(store_options(workplace, settings={"pad": True}, overwrite=True))
    assert isinstance(outcome, VideoFailed)
    shutil.rmtree(workplace.out / ".one.npy.partial")
    found = store_content(workplace)
    assert found == before


def test_rows_are_not_read_before_use(workplace: Workplace, network: FakeNetwork) -> None:
    workplace.add("one")
    run(store_options(workplace))
    features = read_features(workplace.out / "one.features")
    file = next((workplace.out / "one.features").glob("0*.npy"))
    with file.open("r+b") as changed:
        changed.seek(-4, os.SEEK_END)
        changed.write(np.float32(42).tobytes())
    rows = next(iter(features.values()))
    assert rows[-1, -1] == 42
    assert not rows.flags.writeable


def test_replacing_options_keeps_the_layout(workplace: Workplace) -> None:
    options = replace(options_of(workplace), store_above_gb=None)
    assert options.for_rows(10**9).layout is Layout.DICT
