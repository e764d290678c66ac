"""Encode chunks with any network that takes whole chunks; overlapping chunks share no computation."""

import copy
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from napari_i3d.backbones.registry import I3D
from napari_i3d.extraction.crop_stream import FrameCrop
from napari_i3d.extraction.crops import views
from napari_i3d.extraction.device import BatchRunner, Device
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.individuals import Id


@dataclass(frozen=True, eq=False)
class ChunkBatch:
    """Features of some chunks.

    Attributes
    ----------
    chunks
        Individual and number of each chunk.
    rows : (B, 2048) float32
        Features in the same order.
    """

    chunks: tuple[tuple[Id, int], ...]
    rows: NDArray[np.float32]


class ChunkEncoder:
    """Collects crops into chunks and chunks into batches.

    Parameters
    ----------
    network
        Maps (B, 3, 8, 224, 224) to (B, 2048). It is not modified.
    settings
        Batch size, sample mode, device and precision.
    """

    def __init__(self, network: torch.nn.Module, settings: ExtractionSettings) -> None:
        self._device = Device(settings)
        self._settings = settings
        # A copy: the caller's network keeps its device and float32.
        self._network = copy.deepcopy(network).to(device=self._device.torch, dtype=self._device.dtype)
        self._parts = BatchRunner(settings.batch_size)
        self._crops: dict[Id, deque[tuple[int, torch.Tensor]]] = {}
        self._complete: list[tuple[tuple[Id, int], torch.Tensor]] = []

    @property
    def device(self) -> str:
        """What computes: ``"cpu"``, ``"cuda:0"``."""
        return str(self._device.torch)

    def add(self, arrivals: Sequence[FrameCrop]) -> Iterator[ChunkBatch]:
        """Take crops, in the order of frames; yield the features of each full batch of chunks."""
        for arrival in arrivals:
            chunks = arrival.chunks
            crops = self._crops.setdefault(chunks.id, deque(maxlen=I3D.chunk_frames))
            crops.append((arrival.frame, arrival.crop))
            start = arrival.frame - I3D.chunk_frames + 1
            if chunks.has_start(start):
                chunk = torch.stack([crop for _, crop in crops], dim=1)  # (3, 8, H, W)
                self._complete.append(((chunks.id, chunks.number_of(start)), chunk))
            if arrival.frame == chunks.last_needed:
                del self._crops[chunks.id]
            if len(self._complete) == self._settings.batch_size:
                yield from self.finish()

    def finish(self) -> Iterator[ChunkBatch]:
        """Yield the features of the chunks that are waiting."""
        complete, self._complete = self._complete, []
        for some, rows in self._parts.run(complete, self._rows):
            yield ChunkBatch(tuple(name for name, _ in some), rows.cpu().numpy())

    def _rows(self, chunks: Sequence[tuple[tuple[Id, int], torch.Tensor]]) -> torch.Tensor:
        with self._device.computing():
            batch = self._device.take(torch.stack([chunk for _, chunk in chunks]))
            answers = [self._network(view).float() for view in views(batch, self._settings.sample_mode)]
            return torch.stack(answers).mean(dim=0)


class Encoder(Protocol):
    """Turns crops into features: `SharedStemEncoder` for our network, `ChunkEncoder` for any other."""

    @property
    def device(self) -> str:
        """What computes: ``"cpu"``, ``"cuda:0"``."""
        ...

    def add(self, arrivals: Sequence[FrameCrop]) -> Iterator[ChunkBatch]:
        """Take crops, in the order of frames; yield the features of each full batch of chunks."""
        ...

    def finish(self) -> Iterator[ChunkBatch]:
        """Yield the features of the chunks that are waiting."""
        ...
