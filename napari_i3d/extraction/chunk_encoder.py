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
from napari_i3d.errors import SettingsError
from napari_i3d.extraction.crop_stream import FrameCrop
from napari_i3d.extraction.crop_tape import CropTape
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


@dataclass(frozen=True)
class _Chunk:
    """A chunk with all its crops."""

    name: tuple[Id, int]
    slots: tuple[int, ...]  # of its crops on the tape


class ChunkEncoder:
    """Collects crops into chunks and chunks into batches.

    Parameters
    ----------
    network
        Maps (B, 3, 8, 224, 224) to (B, 2048). It is not modified. Its input need not be contiguous, and is shared
        between chunks: it must not change it.
    settings
        Batch size, sample mode, device and precision.
    """

    def __init__(self, network: torch.nn.Module, settings: ExtractionSettings) -> None:
        self._device = Device(settings)
        self._settings = settings
        # A copy: the caller's network keeps its device and float32.
        self._network = copy.deepcopy(network).to(device=self._device.torch, dtype=self._device.dtype)
        self._parts = BatchRunner(settings.batch_size)
        self._start()

    def _start(self) -> None:
        self._tape = CropTape(self._device)
        self._slots: dict[Id, deque[int]] = {}  # of the last crops of each individual
        self._crops: dict[Id, torch.Tensor] = {}  # the last one
        self._complete: list[_Chunk] = []

    @property
    def device(self) -> str:
        """What computes: ``"cpu"``, ``"cuda:0"``."""
        return str(self._device.torch)

    def another(self) -> "ChunkEncoder":
        """Return an encoder that holds no crops, and shares the network."""
        other = copy.copy(self)
        other._start()
        return other

    def add(self, arrivals: Sequence[FrameCrop]) -> Iterator[ChunkBatch]:
        """Take crops, in the order of frames; yield the features of each full batch of chunks."""
        for arrival in arrivals:
            chunks = arrival.chunks
            slots = self._append(chunks.id, arrival.crop)
            start = arrival.frame - I3D.chunk_frames + 1
            if chunks.has_start(start) and not arrival.repeats:
                self._complete.append(_Chunk((chunks.id, chunks.number_of(start)), tuple(slots)))
            if arrival.frame == chunks.last_needed:
                del self._slots[chunks.id], self._crops[chunks.id]
            if len(self._complete) == self._settings.batch_size:
                yield from self.finish()

    def _append(self, individual: Id, crop: torch.Tensor) -> deque[int]:
        """Put a crop on the tape, if it is not the last one again; return the slots of the individual's last crops."""
        if self._crops.get(individual) is crop:
            slots = self._slots[individual]
            slots.append(slots[-1])
            return slots
        if self._tape.is_full:
            self._compact()
        slots = self._slots.setdefault(individual, deque(maxlen=I3D.chunk_frames))
        slots.append(self._tape.append(crop))
        self._crops[individual] = crop
        return slots

    def finish(self) -> Iterator[ChunkBatch]:
        """Yield the features of the chunks that are waiting."""
        complete, self._complete = self._complete, []
        for some, rows in self._parts.run(complete, self._rows):
            yield ChunkBatch(tuple(chunk.name for chunk in some), rows.cpu().numpy().copy())

    def _compact(self) -> None:
        waiting = (chunk.slots for chunk in self._complete)
        moved = self._tape.compact(sorted({slot for slots in (*self._slots.values(), *waiting) for slot in slots}))
        for individual, slots in self._slots.items():
            self._slots[individual] = deque((moved[slot] for slot in slots), maxlen=I3D.chunk_frames)
        self._complete = [_Chunk(chunk.name, tuple(moved[slot] for slot in chunk.slots)) for chunk in self._complete]

    def _rows(self, chunks: Sequence[_Chunk]) -> torch.Tensor:
        batch = self._tape.chunks(np.array([chunk.slots for chunk in chunks]))
        version = batch._version
        with self._device.computing():
            answers = [self._network(view).float() for view in views(batch, self._settings.sample_mode)]
            if batch._version != version:
                # Overlapping chunks share crops, so the next rows would be wrong.
                raise SettingsError("network: expected one that leaves its input unchanged, found that it changes it")
            return answers[0] if len(answers) == 1 else torch.stack(answers).mean(dim=0)


class Encoder(Protocol):
    """Turns crops into features: `SharedStemEncoder` for our network, `ChunkEncoder` for any other."""

    @property
    def device(self) -> str:
        """What computes: ``"cpu"``, ``"cuda:0"``."""
        ...

    def another(self) -> "Encoder":
        """Return an encoder that holds no crops, and shares the network."""
        ...

    def add(self, arrivals: Sequence[FrameCrop]) -> Iterator[ChunkBatch]:
        """Take crops, in the order of frames; yield the features of each full batch of chunks.

        Chunks that repeat the one before (`FrameCrop.repeats`) are left out.
        """
        ...

    def finish(self) -> Iterator[ChunkBatch]:
        """Yield the features of the chunks that are waiting."""
        ...
