"""dask: workers that fit this machine, and real ones that are killed and interrupted."""

import logging
import os
import shutil
import signal
import sys
import threading
import time
from dataclasses import replace

import pytest

from helpers.batches import Workplace, content, only, options_of, run
from helpers.networks import FakeNetwork
from napari_i3d.batch.distributed import dask_cluster
from napari_i3d.batch.events import VideoDone, VideoProgress
from napari_i3d.batch.runner import run_batch
from napari_i3d.errors import ClusterError
from napari_i3d.extraction.planning import shards
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.store import FACTS_NAME
from napari_i3d.synthetic import write_synthetic_clip


@pytest.mark.parametrize(
    ("workers", "device", "gpus", "cores", "gigabytes", "expected"),
    [
        (None, "auto", 4, 32, 256, (4, 8, 4)),
        (None, "cpu", 4, 32, 256, (32, 1, 0)),
        (None, "auto", 0, 32, 16, (8, 4, 0)),
        (None, "auto", 0, 2, 1, (1, 2, 0)),
        (2, "auto", 0, 8, 64, (2, 4, 0)),
        (3, "auto", 2, 1, 64, (3, 1, 2)),
        (None, "cuda:1", 4, 32, 256, (1, 32, 1)),
        (2, "cuda:1", 4, 32, 256, (2, 16, 1)),
        (None, "mps", 0, 8, 64, (1, 8, 1)),
    ],
)
def test_local_workers_fit_gpus_cores_and_memory(
    workers: int | None, device: str, gpus: int, cores: int, gigabytes: int, expected: tuple[int, int, int]
) -> None:
    plan = dask_cluster.plan_local(workers, device, gpus, cores, gigabytes << 30)
    assert (plan.workers, plan.threads, plan.gpus) == expected


def test_nobody_at_address_is_said_in_one_line(
    workplace: Workplace, network: FakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace.add("one")
    monkeypatch.setattr(dask_cluster, "CONNECT_S", 1.0)
    with pytest.raises(ClusterError, match=r"expected one at tcp://127.0.0.1:1, found nobody who answers"):
        run(replace(options_of(workplace), scheduler="tcp://127.0.0.1:1"))


@pytest.mark.slow
@pytest.mark.parametrize("layout", [pytest.param(Layout.DICT, marks=pytest.mark.nightly), Layout.STORE])
def test_worker_killed_in_the_middle_changes_nothing(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], layout: Layout
) -> None:
    distributed = pytest.importorskip("distributed")
    workplace.add("one")
    monkeypatch.setattr(shards, "SHARD_CHUNKS", 2)
    options = options_of(workplace, weights="untrained", layout=layout)
    expected_remarks = only(run(options)).remarks
    expected = content(workplace.out)
    shutil.rmtree(workplace.out)
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,
            memory_limit=0,
        ) as local,
    ):
        pids = [nanny.pid for nanny in local.workers.values()]
        killed = 0
        steps = run_batch(replace(options, scheduler=local.scheduler_address))
        results = []
        for record in steps:
            results += [record] if isinstance(record, VideoDone) else []
            if isinstance(record, VideoProgress) and record.kept_chunks and not killed:
                killed = pids[0]
                os.kill(killed, signal.SIGKILL)
        assert killed
        assert results[0].remarks == expected_remarks
        assert [nanny.pid for nanny in local.workers.values()] != pids
    assert "Traceback" not in capfd.readouterr().err
    found = content(workplace.out)
    for files in (found, expected):
        files.get(f"one.features/{FACTS_NAME}", {}).pop("sha256", None)  # of the time at which they were written, too
    assert found == expected
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decoding")]


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_interrupted_local_cluster_leaves_no_process(workplace: Workplace, start_program) -> None:
    import psutil

    write_synthetic_clip(workplace.videos, 400, stem="one")  # half a minute of work
    arguments = ["extract", "--datasetpath", str(workplace.videos), "--outputpath", str(workplace.out)]
    arguments += ["--weights", "untrained", "--scheduler", "local", "--workers", "2"]
    process = start_program([sys.executable, "-m", "napari_i3d", *arguments], process_group=0)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(psutil.Process(process.pid).children(recursive=True)) < 4:
        time.sleep(0.1)
    time.sleep(3)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    began = time.monotonic()
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 2.5
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "Run the same command again" in err
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
