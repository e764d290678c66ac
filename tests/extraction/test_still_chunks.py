"""Chunks with the crops of the chunk before reuse its row: the same bytes as when each crop is taken for another.

The video is made by hand, so that still stretches are still to the bit. In the runs to compare with, no crop is the
same as the one before; crops are counted where they are made, chunks where the network sees them.
"""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from helpers.networks import FakeNetwork
from napari_i3d.backbones.i3d.network import I3DResNet50
from napari_i3d.backbones.i3d.shared_stem import ChunkForm
from napari_i3d.backbones.weights import load_network
from napari_i3d.extraction import crop_stream, crops
from napari_i3d.extraction.crops import Cropper
from napari_i3d.extraction.engine import compute_shards, encoder_for
from napari_i3d.extraction.planning.plan import plan_job
from napari_i3d.extraction.planning.shards import ShardRows, plan_shards
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.tracking.tracklets import Tracklet

N_FRAMES = 64
SIDE = 96
STILL = ((8, 30), (40, 64))


class HandmadeVideo:
    """Noise that changes from frame to frame, but for two stretches; one pixel of frame 50 differs."""

    path = Path("handmade.mp4")
    remark = ""
    fps = 25.0
    shape = (N_FRAMES, SIDE, SIDE, 3)

    def __init__(self) -> None:
        random = np.random.default_rng(7)
        images = random.integers(0, 256, self.shape, dtype=np.uint8)
        for first, stop in STILL:
            images[first:stop] = images[first]
        images[50, 20, 20, 1] ^= 1
        self.images = images

    def __len__(self) -> int:
        return N_FRAMES

    def frames(self, start: int, stop: int, threads: int | None = None) -> Iterator[np.ndarray]:
        for number in range(start, stop):
            yield self.images[number].copy()


def tracklets() -> list[Tracklet]:
    """One box holds the pixel that differs, one does not, one moves over the still image, one comes late."""
    length = N_FRAMES
    fixed = np.tile([4.0, 4, 36, 36], (length, 1))
    elsewhere = np.tile([40.0, 40, 90, 90], (length, 1))
    steps = np.arange(length)[:, None] * [0.5, 0, 0.5, 0]
    return [
        Tracklet("fixed", 0, fixed),
        Tracklet("elsewhere", 0, elsewhere),
        Tracklet("moving", 0, np.array([0, 50, 40, 90]) + steps),
        Tracklet("late", 21, elsewhere[:31]),
    ]


def rows_of(network: torch.nn.Module, settings: ExtractionSettings, length: int = 400) -> dict[int, bytes]:
    video: Any = HandmadeVideo()
    job = plan_job(video, tracklets(), settings)
    shards = plan_shards(job, length)
    steps = list(compute_shards(video, shards, encoder_for(network, settings)))
    names = [(step, name) for step in steps if not isinstance(step, ShardRows) for name in step.chunks]
    assert len(names) == job.plan.total_chunks
    return {step.shard.number: step.rows.tobytes() for step in steps if isinstance(step, ShardRows)}


@contextlib.contextmanager
def without_reuse() -> Iterator[None]:
    """Take no crop for the one before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crop_stream._Cropped, "is_of", lambda *_: False)
        yield


def repeated_by_hand(settings: ExtractionSettings) -> int:
    """Count the chunks whose pixels and boxes are those of the chunk before, by comparing them all."""
    images = HandmadeVideo().images
    count = 0
    video: Any = HandmadeVideo()
    job = plan_job(video, tracklets(), settings)
    for chunks in job.plan.tracklets:
        boxes = job.boxes[chunks.id]

        def crop(frame: int, chunks: Any = chunks, boxes: Any = boxes) -> bytes:
            left, upper, right, lower = box = boxes[frame - chunks.first_frame].tolist()
            return repr(box).encode() + images[frame, upper:lower, left:right].tobytes()

        for one, other in itertools.pairwise(chunks.starts.tolist()):
            needed = [frame for start in (one, other) for frame in range(start, start + 8)]
            count += len({crop(frame) for frame in needed}) == 1
    return count


@pytest.mark.parametrize("frequency", [1, 2, 8])
@pytest.mark.parametrize("batch_size", [1, 5, 16])
def test_still_chunks_have_rows_of_whole_chunk_network(frequency: int, batch_size: int) -> None:
    settings = ExtractionSettings(frequency=frequency, batch_size=batch_size, device="cpu")
    network = FakeNetwork()
    with without_reuse():
        expected = rows_of(network, settings)
    all_chunks, network.seen = network.seen, 0
    assert rows_of(network, settings) == expected
    repeated = repeated_by_hand(settings)
    assert repeated >= 3
    assert network.seen == all_chunks - repeated


@pytest.mark.parametrize(
    ("frequency", "batch_size", "mode"), [(1, 16, "expand_bboxes"), (2, 3, "center_crop"), (8, 2, "oversample")]
)
def test_still_chunks_have_rows_of_shared_stem(
    frequency: int, batch_size: int, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crops, "NETWORK_SIDE", 32)  # a fiftieth of the work
    network, _ = load_network("untrained")
    assert isinstance(network, I3DResNet50)
    settings = ExtractionSettings(frequency=frequency, batch_size=batch_size, sample_mode=mode, device="cpu")
    seen = {"features": 0, "pooled_steps": 0}

    def count(name: str, size: Any) -> None:
        real = getattr(ChunkForm, name)

        def counted(self: ChunkForm, *arguments: Any) -> Any:
            seen[name] += size(*arguments)
            return real(self, *arguments)

        monkeypatch.setattr(ChunkForm, name, counted)

    count("features", len)
    count("pooled_steps", lambda _, frames: len(frames))
    with without_reuse():
        expected = rows_of(network, settings)
    before = dict(seen)
    seen.update(features=0, pooled_steps=0)
    assert rows_of(network, settings) == expected
    n_views = 10 if mode == "oversample" else 1
    assert seen["features"] == before["features"] - n_views * repeated_by_hand(settings)
    assert seen["pooled_steps"] < before["pooled_steps"]


def test_still_crops_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = Cropper.crop

    def counted(self: Cropper, image: torch.Tensor, box: np.ndarray) -> torch.Tensor:
        made.append(tuple(box.tolist()))
        return real(self, image, box)

    monkeypatch.setattr(Cropper, "crop", counted)
    rows_of(FakeNetwork(), ExtractionSettings(device="cpu"))
    # 18 frames change; both still stretches have one crop more, and frame 50 and the one after it one each.
    assert made.count((4, 4, 36, 36)) == 18 + 2 + 2


def test_shards_of_still_video_stand_alone() -> None:
    settings = ExtractionSettings(batch_size=3, device="cpu")
    with without_reuse():
        expected = rows_of(FakeNetwork(), settings, length=9)
    for decoders in (1, 3):
        several = ExtractionSettings(batch_size=3, device="cpu", decoders=decoders)
        assert rows_of(FakeNetwork(), several, length=9) == expected


@pytest.mark.parametrize("choices", [{"video_size": (70, 80)}, {"subtract_background": True}])
def test_still_chunks_of_changed_images_have_their_rows(choices: dict[str, Any]) -> None:
    settings = ExtractionSettings(device="cpu", **choices)
    network = FakeNetwork()
    boxes = [Tracklet("a", 0, np.tile([4.0, 4, 60, 60], (N_FRAMES, 1)))]
    video: Any = HandmadeVideo()
    background = np.full((SIDE, SIDE), 100, np.uint8) if settings.subtract_background else None
    job = plan_job(video, boxes, settings)

    def rows() -> list[bytes]:
        steps = compute_shards(video, plan_shards(job), encoder_for(network, settings), background)
        return [step.rows.tobytes() for step in steps if isinstance(step, ShardRows)]

    with without_reuse():
        expected = rows()
    all_chunks, network.seen = network.seen, 0
    assert rows() == expected
    assert network.seen < all_chunks - 20
