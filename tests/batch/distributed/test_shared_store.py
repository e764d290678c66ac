"""Workers that write the rows of a store themselves: its bytes are those of one machine, whatever goes wrong.

The oracle is the store that one process makes of the same videos.
"""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers.batches import TOTAL_CHUNKS, Workplace, content, interrupt, only, options_of, run
from helpers.networks import FakeNetwork
from napari_i3d.batch.distributed.tasks import StoredResult, Task, TaskResult
from napari_i3d.batch.events import VideoDone, VideoFailed, VideoResult
from napari_i3d.batch.options import BatchOptions
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.store import FACTS_NAME, StoreDtype
from napari_i3d.features.io.store_writing import StoreRows

N_SHARDS = 4


def stored(workplace: Workplace) -> dict[str, Any]:
    """Return the content of all files, without the checksum of the time at which the facts were written."""
    found = content(workplace.out)
    found[f"one.features/{FACTS_NAME}"].pop("sha256")
    return found


def remarks_of(outcome: VideoResult) -> list[str]:
    assert isinstance(outcome, VideoDone)
    return [remark.text for remark in outcome.remarks if "portions" in remark.text]


@pytest.fixture(params=[(False, StoreDtype.FLOAT32), (True, StoreDtype.FLOAT16)], ids=["plain", "padded float16"])
def options(workplace: Workplace, network: FakeNetwork, request: pytest.FixtureRequest) -> BatchOptions:
    """Options of a store of ``one.mp4``."""
    workplace.add("one")
    pad, dtype = request.param
    return options_of(workplace, layout=Layout.STORE, store_dtype=dtype, settings={"pad": pad})


@pytest.fixture
def expected(workplace: Workplace, options: BatchOptions) -> dict[str, Any]:
    """The store as one process makes it; the output folder is empty again."""
    run(options)
    found = stored(workplace)
    shutil.rmtree(workplace.out)
    return found


def partial(workplace: Workplace) -> Path:
    return workplace.out / ".one.npy.partial"


def test_workers_write_the_store_themselves(
    workplace: Workplace, options: BatchOptions, expected: dict[str, Any], on_machines: Any
) -> None:
    machines, (outcome,) = on_machines(options)
    assert [type(result) for result in machines.results] == [StoredResult] * N_SHARDS
    assert remarks_of(outcome) == []
    assert stored(workplace) == expected
    assert not partial(workplace).exists()


def test_half_written_rows_are_written_again(
    workplace: Workplace, options: BatchOptions, expected: dict[str, Any], on_machines: Any
) -> None:
    interrupt(options, 6)
    for file in (partial(workplace) / "store").glob("*.npy"):
        with file.open("r+b") as opened:  # the last row is of a shard that a dead worker was writing
            opened.seek(-5000, os.SEEK_END)
            opened.write(b"torn" * 1000)
    machines, (outcome,) = on_machines(options)
    assert machines.computed == 2
    assert remarks_of(outcome) == []
    assert stored(workplace) == expected


def elsewhere(task: Task) -> Task:
    """Return a task as on a machine that has no such folder."""
    assert task.store is not None
    return replace(task, store=replace(task.store, folder=task.store.folder / "nowhere"))


def another_folder(task: Task) -> Task:
    """Return a task as on a machine that has another folder at this path."""
    assert task.store is not None
    return replace(task, store=replace(task.store, token="5" * 32))


@pytest.mark.parametrize(
    ("there", "words"), [(elsewhere, "cannot be read (No such file"), (another_folder, "is another folder there")]
)
def test_worker_without_the_folder_returns_the_rows(
    workplace: Workplace,
    options: BatchOptions,
    expected: dict[str, Any],
    on_machines: Any,
    there: Callable[[Task], Task],
    words: str,
) -> None:
    def mixed(task: Task) -> Task:
        return there(task) if task.shard.number % 2 else task

    machines, (outcome,) = on_machines(options, there=mixed)
    assert sorted(type(result).__name__ for result in machines.results) == ["StoredResult"] * 2 + ["TaskResult"] * 2
    (remark,) = remarks_of(outcome)
    assert remark.startswith("2 of 4 portions came over the network")
    assert words in remark
    assert stored(workplace) == expected


def test_rows_written_to_a_copy_are_not_recorded(
    workplace: Workplace, options: BatchOptions, expected: dict[str, Any], on_machines: Any, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"

    def mirrored(task: Task) -> Task:
        if task.store is None:
            return task
        if not copy.exists():
            shutil.copytree(task.store.folder, copy)
        n_rows = 12 if options.settings.pad else 5
        files = StoreRows(copy / "store", dict.fromkeys(("striped", "spotted"), n_rows), 2048, options.store_dtype)
        return replace(task, store=replace(task.store, folder=copy, places=replace(task.store.places, files=files)))

    machines, (outcome,) = on_machines(options, there=mirrored)
    types = [type(result) for result in machines.results]
    assert types.count(StoredResult) == types.count(TaskResult) == N_SHARDS  # all were on their way at the first
    assert "its rows are not in" in remarks_of(outcome)[0]
    assert stored(workplace) == expected


def test_rows_spoiled_after_they_were_written_are_found(
    workplace: Workplace, options: BatchOptions, expected: dict[str, Any], on_machines: Any
) -> None:
    def spoiled(task: Task, result: StoredResult) -> StoredResult:
        if task.shard.number == 0:  # computed last, when the machine is known to share the folder
            file = next((partial(workplace) / "store").glob("0*.npy"))
            with file.open("r+b") as opened:
                opened.seek(200)
                opened.write(b"another worker")
        return result

    _, (outcome,) = on_machines(options, spoiled)
    assert isinstance(outcome, VideoFailed)
    assert "damaged" in outcome.summary()
    assert not (workplace.out / "one.features").exists()
    machines, _ = on_machines(options)
    assert machines.computed == 1
    assert stored(workplace) == expected


def test_full_disk_loses_nothing_on_a_cluster(
    workplace: Workplace,
    options: BatchOptions,
    expected: dict[str, Any],
    on_machines: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fsync, calls = os.fsync, []

    def fill_up(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 7:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fill_up)
        _, (outcome,) = on_machines(options)
    assert isinstance(outcome, VideoFailed)
    assert "cannot be written (No space left on device)" in outcome.summary()
    kept = len(list(partial(workplace).glob("*.stored")))
    assert 0 < kept < N_SHARDS
    machines, (outcome,) = on_machines(options)
    assert machines.computed == N_SHARDS - kept
    assert remarks_of(outcome) == []
    assert stored(workplace) == expected


def test_store_begun_by_workers_goes_on_in_one_process(
    workplace: Workplace, network: FakeNetwork, options: BatchOptions, expected: dict[str, Any], on_machines: Any
) -> None:
    _, (outcome,) = on_machines(
        options, lambda task, result: RuntimeError("surprise") if task.shard.number == 1 else result
    )
    assert isinstance(outcome, VideoFailed)
    network.seen = 0
    assert isinstance(only(run(options)), VideoDone)
    assert 0 < network.seen < TOTAL_CHUNKS
    assert stored(workplace) == expected
