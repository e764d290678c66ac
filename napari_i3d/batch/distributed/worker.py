"""A worker of a cluster: computes one shard at a time, and keeps network and videos for the next."""

import ctypes
import socket
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import replace

import torch

import napari_i3d
from napari_i3d.backbones.i3d.network import I3DResNet50
from napari_i3d.backbones.weights import load_network
from napari_i3d.batch.distributed.tasks import (
    StoredResult,
    Task,
    TaskNetwork,
    TaskResult,
    VideoFingerprint,
    fingerprint_video,
    rows_sha256,
)
from napari_i3d.errors import ClusterError, NapariI3DError, OutputError, WeightsError, WorkerError
from napari_i3d.extraction.chunk_encoder import Encoder
from napari_i3d.extraction.crop_stream import Background, background_of
from napari_i3d.extraction.engine import compute_shards, encoder_for
from napari_i3d.extraction.planning.shards import ShardRows
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.video.video import Video, open_video

_KEPT_VIDEOS = 2
# Parameters of glibc's mallopt.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_TRIM_BYTES, _MMAP_BYTES = 1 << 28, 1 << 25


def device_of(device: str, worker: str | int, local_gpus: int) -> str:
    """Return the device of a worker: the workers of this machine, numbered from 0, share its CUDA devices evenly."""
    if local_gpus < 2 or device not in ("auto", "cuda") or not str(worker).isdecimal():
        return device
    return f"cuda:{int(worker) % local_gpus}"


class WorkerCache:
    """Network, encoder and videos that a worker process keeps from task to task."""

    def __init__(self) -> None:
        self._tuned = False
        self._lock = threading.Lock()  # a worker may have several threads; PyTorch uses all processors for each task
        self._network: tuple[TaskNetwork, I3DResNet50] | None = None
        self._encoder: tuple[TaskNetwork, ExtractionSettings, Encoder] | None = None
        self._videos: OrderedDict[VideoFingerprint, tuple[Video, Background, bool]] = OrderedDict()

    def compute(self, task: Task, worker: str | int) -> TaskResult | StoredResult:
        """Compute a shard on the worker of this name, and write its rows to the store of the task if possible.

        Raises `ClusterError` if the versions of this program differ; `WeightsError`, `WorkerError`, `VideoError` or
        `SettingsError` if weights, video or device are missing on this machine, or different.
        """
        with self._lock:
            began = time.monotonic()
            if not self._tuned:
                _keep_memory()
                self._tuned = True
            if task.network.threads is not None:
                torch.set_num_threads(task.network.threads)
            settings = task.shard.settings
            settings = replace(settings, device=device_of(settings.device, worker, task.network.local_gpus))
            encoder = self._encoder_for(task.network, settings)
            video, background = self._video_of(task.video, settings)
            try:
                steps = compute_shards(video, [task.shard], encoder, background)
                (finished,) = [step for step in steps if isinstance(step, ShardRows)]
            except BaseException:
                self._encoder = None  # it holds the partial state of an interrupted shard
                self._close(task.video)
                raise
            host, not_written = socket.gethostname(), ""
            if task.store is not None:
                try:
                    written = tuple(task.store.write(finished))
                except OutputError as error:
                    not_written = error.message.text
                else:
                    return StoredResult(finished.device, written, host, time.monotonic() - began)
            checksum = rows_sha256(finished.rows)
            return TaskResult(finished.rows, finished.device, checksum, host, time.monotonic() - began, not_written)

    def _encoder_for(self, source: TaskNetwork, settings: ExtractionSettings) -> Encoder:
        if self._encoder is None or self._encoder[:2] != (source, settings):
            self._encoder = source, settings, encoder_for(self._network_of(source), settings)
        return self._encoder[2]

    def _network_of(self, source: TaskNetwork) -> I3DResNet50:
        if self._network is not None and self._network[0] == source:
            return self._network[1]
        host = socket.gethostname()
        if source.version != napari_i3d.__version__:
            raise ClusterError(
                f"worker {host}: expected napari_i3d {source.version}, found {napari_i3d.__version__}",
                hint="install the same version",
            )
        try:
            network, facts = load_network(source.weights)
        except NapariI3DError as error:
            raise WeightsError(f"worker {host}: {error.message.text}", error.message.hint) from error
        if facts.sha256 != source.weights_sha256:
            raise WeightsError(
                f"worker {host}: expected the weights {source.weights} with SHA-256 {source.weights_sha256[:12]}..., "
                f"found {facts.sha256[:12]}...",
                hint="copy the same file there",
            )
        self._network = source, network
        return network

    def _video_of(self, file: VideoFingerprint, settings: ExtractionSettings) -> tuple[Video, Background]:
        kept = self._videos.get(file)
        if kept is None:
            _check(file)
            kept = open_video(file.path), None, False
        video, background, known = kept
        if settings.subtract_background and not known:
            background, known = background_of(video, settings), True
        self._videos[file] = video, background, known
        self._videos.move_to_end(file)
        while len(self._videos) > _KEPT_VIDEOS:
            self._close(next(iter(self._videos)))
        return video, background if settings.subtract_background else None

    def _close(self, file: VideoFingerprint) -> None:
        if kept := self._videos.pop(file, None):
            kept[0].close()


def _keep_memory() -> None:
    """Let the C library keep freed memory, as it does by default.

    dask makes its workers return all of it at once, and the system clears each page that it hands out again: measured,
    that took a third of the time.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES)
        mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)


def _check(expected: VideoFingerprint) -> None:
    """Check that the file at this path is the coordinator's."""
    host = socket.gethostname()
    try:
        found = fingerprint_video(expected.path)
    except OSError as error:
        raise WorkerError(
            f"{expected.path.name}: worker {host} expected the video at {expected.path}, found none "
            f"({error.strerror or error})",
            hint="all machines must see videos under the same path",
        ) from error
    if found != expected:
        raise WorkerError(
            f"{expected.path.name}: worker {host} found another file of {found.size_bytes} bytes at {expected.path}, "
            f"expected the one of {expected.size_bytes}",
            hint="all machines must see the same videos",
        )
