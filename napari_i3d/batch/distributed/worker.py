"""What a worker of a cluster does: it computes one shard at a time, and keeps network and videos for the next."""

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
from napari_i3d.batch.distributed.tasks import Source, Task, TaskResult, VideoFingerprint, mark_of, rows_sha256
from napari_i3d.errors import ClusterError, NapariI3DError, WeightsError, WorkerError
from napari_i3d.extraction.chunk_encoder import Computer
from napari_i3d.extraction.crop_stream import Background, background_of
from napari_i3d.extraction.engine import compute_shards, computer_for
from napari_i3d.extraction.planning.shards import ShardRows
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.video.video import Video, open_video

_KEPT_VIDEOS = 2
# Of glibc's mallopt.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_TRIM_BYTES, _MMAP_BYTES = 1 << 28, 1 << 25


def device_of(device: str, worker: str | int, local_gpus: int) -> str:
    """Return the device of a worker: of several CUDA devices each worker of this machine takes one, in turn.

    Parameters
    ----------
    device
        The setting.
    worker
        Its name; those of this machine are numbered from 0.
    local_gpus
        As of `Source`.
    """
    if local_gpus < 2 or device not in ("auto", "cuda") or not str(worker).isdecimal():
        return device
    return f"cuda:{int(worker) % local_gpus}"


class WorkerCache:
    """What a worker process keeps from task to task."""

    def __init__(self) -> None:
        self._tuned = False
        self._lock = threading.Lock()  # a worker may have several threads; PyTorch uses all processors for each task
        self._network: tuple[Source, I3DResNet50] | None = None
        self._computer: tuple[Source, ExtractionSettings, Computer] | None = None
        self._videos: OrderedDict[VideoFingerprint, tuple[Video, Background, bool]] = OrderedDict()

    def compute(self, task: Task, worker: str | int) -> TaskResult:
        """Compute a shard.

        Parameters
        ----------
        task
            What to compute.
        worker
            Name of the worker.

        Raises
        ------
        ClusterError
            The worker runs another version of this program.
        WeightsError, WorkerError, VideoError, SettingsError
            Weights, video or device are not on this machine, or not those that are meant.
        """
        with self._lock:
            began = time.monotonic()
            if not self._tuned:
                _keep_memory()
                self._tuned = True
            if task.source.threads is not None:
                torch.set_num_threads(task.source.threads)
            settings = task.shard.settings
            settings = replace(settings, device=device_of(settings.device, worker, task.source.local_gpus))
            computer = self._computer_for(task.source, settings)
            video, background = self._video_of(task.mark, settings)
            try:
                steps = compute_shards(video, [task.shard], computer, background)
                (finished,) = [step for step in steps if isinstance(step, ShardRows)]
            except BaseException:
                self._computer = None  # stopped in the middle, it is as good as new no more
                self._close(task.mark)
                raise
        seconds = time.monotonic() - began
        return TaskResult(finished.rows, finished.device, rows_sha256(finished.rows), socket.gethostname(), seconds)

    def _computer_for(self, source: Source, settings: ExtractionSettings) -> Computer:
        if self._computer is None or self._computer[:2] != (source, settings):
            self._computer = source, settings, computer_for(self._network_of(source), settings)
        return self._computer[2]

    def _network_of(self, source: Source) -> I3DResNet50:
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

    def _video_of(self, mark: VideoFingerprint, settings: ExtractionSettings) -> tuple[Video, Background]:
        kept = self._videos.get(mark)
        if kept is None:
            _check(mark)
            kept = open_video(mark.path), None, False
        video, background, known = kept
        if settings.subtract_background and not known:
            background, known = background_of(video, settings), True
        self._videos[mark] = video, background, known
        self._videos.move_to_end(mark)
        while len(self._videos) > _KEPT_VIDEOS:
            self._close(next(iter(self._videos)))
        return video, background if settings.subtract_background else None

    def _close(self, mark: VideoFingerprint) -> None:
        if kept := self._videos.pop(mark, None):
            kept[0].close()


def _keep_memory() -> None:
    """Let the C library keep memory that was freed, as it does by itself.

    dask has its workers give back all of it at once, and the system clears each page that it gives out anew: measured,
    that took a third of the time.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES)
        mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)


def _check(mark: VideoFingerprint) -> None:
    """See that the file that lies under the path here is the one that is meant."""
    host = socket.gethostname()
    try:
        found = mark_of(mark.path)
    except OSError as error:
        raise WorkerError(
            f"{mark.path.name}: worker {host} expected the video at {mark.path}, found none "
            f"({error.strerror or error})",
            hint="all machines must see videos under the same path",
        ) from error
    if found != mark:
        raise WorkerError(
            f"{mark.path.name}: worker {host} found another file of {found.size_bytes} bytes at {mark.path}, expected "
            f"the one of {mark.size_bytes}",
            hint="all machines must see the same videos",
        )
