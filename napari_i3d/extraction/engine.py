"""Compute the features of shards: decode each frame once, crop each box once, encode chunks in batches."""

import contextlib
import itertools
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from napari_i3d.backbones.i3d.network import I3DResNet50
from napari_i3d.backbones.registry import I3D
from napari_i3d.errors import VideoError
from napari_i3d.extraction.chunk_encoder import ChunkBatch, ChunkEncoder, Encoder
from napari_i3d.extraction.crop_stream import Background, background_of, run_ahead, stream_crops
from napari_i3d.extraction.planning.plan import Job
from napari_i3d.extraction.planning.shards import Shard, ShardRows, plan_shards
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.extraction.shared_stem_encoder import SharedStemEncoder
from napari_i3d.video.video import Video


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
    """Compute shards of a job one after the other; yield each batch of chunks, and each complete shard.

    Decoding and cropping run beside the network, at most a batch of crops ahead of it. No batch holds chunks of two
    shards. The encoder, from `encoder_for`, holds no crops before or after a shard; for `abandon` see `run_ahead`.
    `VideoError` is raised if a needed frame is damaged.
    """
    rows = np.empty((0, I3D.width), np.float32)
    current: Shard | None = None
    missing, done = 0, 0
    with contextlib.closing(run_ahead(stream_crops(video, shards, background), abandon)) as crop_batches:
        for crop_batch in crop_batches:
            shard = crop_batch.shard
            if shard is not current:
                current, missing = shard, shard.n_chunks
                rows = np.empty((missing, I3D.width), np.float32)
            ending = encoder.finish() if crop_batch.last else ()
            for batch in itertools.chain(encoder.add(crop_batch.crops), ending):
                for (individual, number), row in zip(batch.chunks, batch.rows, strict=True):
                    rows[shard.offsets[individual] + number] = row
                missing -= len(batch.chunks)
                yield batch
            if crop_batch.last and not missing:
                done += 1
                yield ShardRows(shard, rows, encoder.device)
    if done != len(shards):
        # Never return uninitialized rows.
        raise VideoError(
            f"{video.path.name}: gave the frames for {done} of {len(shards)} portions of the work only",
            hint="re-encode it",
        )


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
