"""Keep crops one after another on the device, so that chunks that overlap are views of the same memory."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from napari_i3d.extraction.device import Device

_FIRST_SLOTS = 64


class CropTape:
    """Crops in numbered slots, in order of arrival; the tape is compacted, and grows, when it is full.

    A batch of chunks is a view if its crops lie at equal distances: at frequency 1, if the same individuals arrive in
    each frame.

    Parameters
    ----------
    device
        Holds the crops, in its number format.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._crops = torch.empty(0)  # (slots, 3, H, W)
        self._n_used = 0
        self._gathered = torch.empty(0)  # memory of the last batch that was no view

    @property
    def is_full(self) -> bool:
        """Whether the next crop needs `compact` first."""
        return self._n_used == len(self._crops)

    def append(self, crop: torch.Tensor) -> int:
        """Copy a crop, (3, H, W) float32, to the next slot and return its number."""
        if not len(self._crops):
            self._crops = self._empty(_FIRST_SLOTS, crop.shape)
        slot = self._n_used
        _copy(self._crops[slot], self._device.take(crop))
        self._n_used += 1
        return slot

    def compact(self, needed: Sequence[int]) -> dict[int, int]:
        """Drop all slots but those needed, ascending; return their new numbers."""
        crops = self._crops
        if 2 * len(needed) > len(crops) > 0:
            crops = self._empty(2 * len(crops), crops.shape[1:])
        for new, old in enumerate(needed):
            _copy(crops[new], self._crops[old])  # never to a slot still to be read: new <= old
        self._crops, self._n_used = crops, len(needed)
        return {old: new for new, old in enumerate(needed)}

    def chunks(self, slots: NDArray[np.int64]) -> torch.Tensor:
        """Return chunks from the slots of their crops, (B, T), as (B, 3, T, H, W).

        A view if possible, else a copy, valid until the next call.
        """
        first = slots[0, 0]
        batch_step = int(slots[1, 0] - first) if len(slots) > 1 else 0
        frame_step = int(slots[0, 1] - first)
        evenly = first + np.add.outer(np.arange(slots.shape[0]) * batch_step, np.arange(slots.shape[1]) * frame_step)
        if batch_step >= 0 and frame_step >= 0 and np.array_equal(slots, evenly):
            size = (*slots.shape, *self._crops.shape[1:])
            slot, *inner = self._crops.stride()
            strides = (batch_step * slot, frame_step * slot, *inner)
            chunks = self._crops.as_strided(size, strides, int(first) * slot)
        else:
            chunks = self._gather(torch.from_numpy(slots).to(self._crops.device))
        return chunks.transpose(1, 2)

    def _gather(self, slots: torch.Tensor) -> torch.Tensor:
        if not _is_plain(self._crops):
            return self._crops[slots]
        if len(self._gathered) < len(slots):  # else reused: getting new memory costs more than copying
            self._gathered = self._empty(slots.shape[0], (slots.shape[1], *self._crops.shape[1:]))
        gathered = self._gathered[: len(slots)]
        np.take(self._crops.numpy(), slots.numpy(), axis=0, out=gathered.numpy(), mode="clip")  # "raise" would buffer
        return gathered

    def _empty(self, n_slots: int, shape: Sequence[int]) -> torch.Tensor:
        return torch.empty((n_slots, *shape), dtype=self._device.dtype, device=self._device.torch)


def _copy(target: torch.Tensor, crop: torch.Tensor) -> None:
    if _is_plain(target):
        np.copyto(target.numpy(), crop.numpy())
    else:
        target.copy_(crop)


def _is_plain(values: torch.Tensor) -> bool:
    """Return whether numpy can copy values: torch would use several threads, and wait for cores that ffmpeg uses."""
    return values.device.type == "cpu" and values.dtype == torch.float32
