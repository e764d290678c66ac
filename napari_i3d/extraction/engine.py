"""Compute the features of shards: decode each frame once, crop each box once, encode chunks in batches."""

import contextlib
import itertools
import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from napari_i3d.backbones.i3d.network import I3DResNet50
from napari_i3d.backbones.registry import I3D
from napari_i3d.errors import VideoError
from napari_i3d.extraction.chunk_encoder import ChunkBatch, ChunkEncoder, Encoder
from napari_i3d.extraction.crop_stream import Background, CropBatch, background_of, run_ahead, stream_crops
from napari_i3d.extraction.planning.plan import Job
from napari_i3d.extraction.planning.shards import Shard, ShardRows, divide_shards, plan_shards
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.extraction.shared_stem_encoder import SharedStemEncoder
from napari_i3d.individuals import Id
from napari_i3d.video.video import Video

# A decoder takes a tenth of a second to start, and the frames from its first key frame on, perhaps 250.
_DECODER_FRAMES = 2000


def encoder_for(network: torch.nn.Module, settings: ExtractionSettings) -> Encoder:
    """Return the fastest encoder for a network; raises `SettingsError` if this machine does not have the device."""
    return SharedStemEncoder(network, settings) if isinstance(network, I3DResNet50) else ChunkEncoder(network, settings)


def compute_shards(
    video: Video,
    shards: Sequence[Shard],
    encoder: Encoder,
    background: Background = None,
    abandon: Callable[[], object] | None = None,
) -> Generator[ChunkBatch | ShardRows, None, None]:
    """Compute shards of a job; yield each batch of chunks, and each complete shard.

    Threads decode and crop beside the network, each a run of consecutive shards, some batches of crops ahead of it:
    as many as the settings ask for. Each shard is computed in the same steps as if it were alone, so that its rows do
    not depend on the number of threads; the order of shards does. No batch holds chunks of two shards. The encoder,
    from `encoder_for`, holds no crops before or after; for `abandon` see `run_ahead`. `VideoError` is raised if a
    needed frame is damaged.
    """
    decoders = decoder_count(shards, encoder.device)
    runs = divide_shards(shards, decoders)
    # One decoder has all cores, as ffmpeg sees fit; several have their share.
    threads = None if len(runs) == 1 else max(1, available_cores() // len(runs))
    streams = [stream_crops(video, run, background, threads) for run in runs]
    computing = [_Run(encoder if place == 0 else encoder.another()) for place in range(len(runs))]
    with contextlib.closing(run_ahead(streams, lambda batch: batch.n_bytes, abandon)) as crop_batches:
        for place, crop_batch in crop_batches:
            yield from computing[place].add(crop_batch)
    done = sum(run.done for run in computing)
    if done != len(shards):
        # Never return uninitialized rows.
        raise VideoError(
            f"{video.path.name}: gave the frames for {done} of {len(shards)} portions of the work only",
            hint="re-encode it",
        )


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def decoder_count(shards: Sequence[Shard], device: str) -> int:
    """Return how many parts of the video to decode at the same time, for a network on a device."""
    wanted = shards[0].settings.decoders if shards else 1
    if wanted is not None:
        return wanted
    if device == "cpu":
        return 1  # two cores decode and crop 300 frames/s, but compute 40 chunks/s
    n_frames = sum(shard.last_frame + 1 - shard.first_frame for shard in shards)
    # A decoder of one thread converts colors in another, and its frames are cropped in a third.
    return max(1, min(available_cores() // 2, n_frames // _DECODER_FRAMES))


class _Run:
    """Computes consecutive shards, one after another."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._shard: Shard | None = None
        self._rows = np.empty((0, I3D.width), np.float32)
        self._known = np.empty(0, bool)  # (K,) which rows are computed
        self._repeats: list[tuple[Id, int]] = []  # chunks whose row is that of the chunk before, which is not computed
        self.done = 0

    def add(self, crop_batch: CropBatch) -> Generator[ChunkBatch | ShardRows, None, None]:
        """Encode crops; yield batches of chunks, and the shard when it is complete."""
        shard = crop_batch.shard
        if shard is not self._shard:
            self._shard = shard
            self._rows = np.empty((shard.n_chunks, I3D.width), np.float32)
            self._known = np.zeros(shard.n_chunks, bool)
        for crop in crop_batch.crops:
            if crop.repeats:
                start = crop.frame - I3D.chunk_frames + 1
                self._repeats.append((crop.chunks.id, crop.chunks.number_of(start)))
        ending = self._encoder.finish() if crop_batch.last else ()
        for batch in itertools.chain(self._encoder.add(crop_batch.crops), ending):
            for (individual, number), row in zip(batch.chunks, batch.rows, strict=True):
                place = shard.offsets[individual] + number
                self._rows[place], self._known[place] = row, True
            yield batch
        if self._repeats:
            yield from self._repeated(shard)
        if crop_batch.last and self._known.all():
            self.done += 1
            yield ShardRows(shard, self._rows, self._encoder.device)

    def _repeated(self, shard: Shard) -> Generator[ChunkBatch, None, None]:
        """Yield the chunks whose row is known by now because that of the chunk before is."""
        waiting, found, places = [], [], []
        for individual, number in self._repeats:
            place = shard.offsets[individual] + number
            if self._known[place - 1]:
                self._rows[place], self._known[place] = self._rows[place - 1], True
                found.append((individual, number))
                places.append(place)
            else:
                waiting.append((individual, number))
        self._repeats = waiting
        if found:
            yield ChunkBatch(tuple(found), self._rows[places])


def compute_chunks(video: Video, job: Job, encoder: Encoder) -> Generator[ChunkBatch, None, None]:
    """Compute all chunks of a job as one shard and yield the batches; errors as in `compute_shards`."""
    shards = plan_shards(job, job.plan.total_chunks)
    with contextlib.closing(compute_shards(video, shards, encoder, background_of(video, job.settings))) as steps:
        for step in steps:
            if isinstance(step, ChunkBatch):
                yield step


@dataclass(frozen=True)
class Progress:
    """Number of chunks whose features are computed, and of all chunks."""

    done_chunks: int
    total_chunks: int
