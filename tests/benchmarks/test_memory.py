"""How much memory an extraction takes, in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="asks the system for the peak of memory")

# The network answers in full for the first batches; after them only the stem does, so that many frames take no hours.
PROGRAM = """
import resource, sys
import numpy as np, torch
import napari_i3d.extraction.extract as engine
from napari_i3d.extraction.planning.plan import plan_job
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.backbones.i3d.shared_stem import ChunkForm
from napari_i3d.tracking.tracklets import Tracking, Tracklet

peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
n_frames, boxes = int(sys.argv[2]), np.array([[50.0, 50, 150, 150]])
features, calls = ChunkForm.features, []

def some_features(form, pooled):
    calls.append(1)
    return features(form, pooled) if len(calls) < 3 else torch.zeros(len(pooled), 2048)

ChunkForm.features = some_features
before = peak()
with engine.open_video(sys.argv[1]) as video:
    tracking = Tracking(Tracklet(name, 0, boxes.repeat(n_frames, 0)) for name in "ab")
    job = plan_job(video, tracking.values(), ExtractionSettings(device="cpu"))
    network, facts = engine.load_network("untrained")
    for step in engine.extract(video, job, network, facts):
        pass
print(peak() - before)
"""


def peak_mb(video: Path, n_frames: int) -> float:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(video), str(n_frames)], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


@pytest.mark.slow
def test_memory_stays_bounded_and_constant(tmp_path: Path) -> None:
    from napari_i3d.synthetic import write_synthetic_clip

    video = write_synthetic_clip(tmp_path, 200).video
    short, long = peak_mb(video, 40), peak_mb(video, 200)
    assert short < 1000
    # Two individuals' rows, of 8 kB a frame, are what is to grow.
    assert long - short < 2 * 160 * 8 / 1000 + 60, (short, long)
