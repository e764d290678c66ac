"""What a worker keeps, computes and refuses."""

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.batches import Workplace, options_of, run
from helpers.cluster import Machines
from helpers.networks import FACTS, FakeNetwork
from napari_i3d.batch.distributed import dask_cluster, worker
from napari_i3d.batch.distributed.tasks import Task, TaskResult, fingerprint_video
from napari_i3d.batch.distributed.worker import WorkerCache, device_of
from napari_i3d.errors import ClusterError, VideoError, WeightsError, WorkerError
from napari_i3d.video.video import Video


@pytest.fixture
def task(workplace: Workplace, network: FakeNetwork, monkeypatch: pytest.MonkeyPatch) -> Task:
    """A task of a clip."""
    workplace.add("one")
    tasks: list[Task] = []

    def noted(task_: Task, result: TaskResult) -> TaskResult:
        tasks.append(task_)
        return result

    import contextlib

    monkeypatch.setattr(dask_cluster, "connected", lambda *_: contextlib.nullcontext(Machines(noted)))
    run(replace(options_of(workplace), scheduler="tcp://somewhere"))
    return tasks[0]


def is_closed(video: Video) -> bool:
    """Whether a video refuses to give a frame."""
    with contextlib.suppress(VideoError):
        return len(video[0]) == 0
    return True


def test_worker_loads_weights_once_and_opens_few_videos(
    task: Task, network: FakeNetwork, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    loaded, opened = [], []
    monkeypatch.setattr(worker, "load_network", lambda name: loaded.append(name) or (network, FACTS))
    open_video = worker.open_video
    monkeypatch.setattr(worker, "open_video", lambda path: opened.append(open_video(path)) or opened[-1])
    bench = WorkerCache()
    rows = [bench.compute(task, 0).rows for _ in range(2)]
    assert np.array_equal(*rows)
    assert len(opened) == 1
    for name in "abc":
        copy = tmp_path / f"{name}.mp4"
        copy.write_bytes(task.video.path.read_bytes())
        bench.compute(replace(task, video=fingerprint_video(copy)), 0)
    assert len(loaded) == 1
    assert [is_closed(video) for video in opened] == [True, True, False, False]


def test_worker_without_the_video_names_host_and_path(task: Task, tmp_path: Path) -> None:
    elsewhere = replace(task.video, path=tmp_path / "one.mp4")
    with pytest.raises(WorkerError, match=r"one.mp4: worker \S+ expected the video at .*one.mp4, found none"):
        WorkerCache().compute(replace(task, video=elsewhere), 0)
    elsewhere.path.write_bytes(b"another")
    with pytest.raises(WorkerError, match=r"found another file of 7 bytes at .*one.mp4, expected the one of"):
        WorkerCache().compute(replace(task, video=elsewhere), 0)


def test_worker_of_other_version_or_weights_says_so(task: Task) -> None:
    with pytest.raises(ClusterError, match=r"worker \S+: expected napari_i3d 99, found"):
        WorkerCache().compute(replace(task, network=replace(task.network, version="99")), 0)
    with pytest.raises(WeightsError, match=r"worker \S+: expected the weights .* with SHA-256 777777777777\.\.\."):
        WorkerCache().compute(replace(task, network=replace(task.network, weights_sha256="7" * 64)), 0)


@pytest.mark.parametrize(
    ("setting", "name", "gpus", "device"),
    [
        ("auto", 0, 4, "cuda:0"),
        ("cuda", 3, 4, "cuda:3"),
        ("auto", "5", 4, "cuda:1"),
        ("cuda:2", 1, 4, "cuda:2"),
        ("cpu", 1, 4, "cpu"),
        ("auto", 1, 1, "auto"),
        ("auto", "tcp://10.0.0.1:999", 4, "auto"),
    ],
)
def test_local_workers_have_a_gpu_each(setting: str, name: str | int, gpus: int, device: str) -> None:
    assert device_of(setting, name, gpus) == device
