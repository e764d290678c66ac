"""The device that computes: which one, how data get there, and how much it takes at once."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

from napari_i3d.errors import SettingsError
from napari_i3d.extraction.settings import ExtractionSettings, Precision

_log = logging.getLogger(__name__)

# PyTorch's allocator, on Linux and macOS and on Windows; oneDNN.
_MEMORY_WORDS = ("can't allocate memory", "not enough memory", "could not create a memory object")

T = TypeVar("T")
R = TypeVar("R")


def resolve_device(name: str) -> torch.device:
    """Return the device meant by a setting: ``"auto"`` takes CUDA, else MPS, else the CPU.

    Raises
    ------
    SettingsError
        This machine has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device(name)
    available = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }[device.type]
    if (device.index or 0) >= available:
        raise SettingsError(
            f"device: {name} is not available on this machine ({available} of its kind); use cpu or auto"
        )
    return device


class Device:
    """Where the network computes, and in which number format.

    Parameters
    ----------
    settings
        Device and precision.

    Raises
    ------
    SettingsError
        This machine has no such device.
    """

    def __init__(self, settings: ExtractionSettings) -> None:
        self.torch = resolve_device(settings.device)
        self.dtype = torch.bfloat16 if settings.precision is Precision.BFLOAT16 else torch.float32

    def take(self, values: torch.Tensor) -> torch.Tensor:
        """Return float32 values of the CPU on the device, in its number format; the copy runs beside other work."""
        if self.torch.type == "cuda":
            values = values.pin_memory()
        return values.to(self.torch, non_blocking=True).to(self.dtype)

    @contextlib.contextmanager
    def computing(self) -> Iterator[None]:
        """No gradients; and float32 is float32: without TF32, which NVIDIA cards would use for convolutions."""
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error says that memory does not suffice: on CPUs PyTorch has no kind of error for that."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _MEMORY_WORDS)


class Parts:
    """Does work on as many items at once as the memory of the device takes.

    Smaller batches give the same numbers to 1e-5, as everywhere; on the CPUs that were tried to the last bit.

    Parameters
    ----------
    limit
        Number of items at once to begin with. It is halved whenever memory does not suffice, and stays so.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def run(self, items: Sequence[T], work: Callable[[Sequence[T]], R]) -> Iterator[tuple[Sequence[T], R]]:
        """Yield some of the items, one after the other, with what `work` makes of them.

        Raises
        ------
        SettingsError
            Not even one item fits into memory.
        """
        done = 0
        while done < len(items):
            some = items[done : done + self.limit]
            try:
                result = work(some)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                if len(some) == 1:
                    raise SettingsError(
                        "device: its memory does not suffice for a single chunk; close other programs, or use cpu"
                    ) from None
                self.limit = len(some) // 2
            else:
                done += len(some)
                yield some, result
                continue
            # Here, since the error held on to the memory of what it interrupted.
            _log.info("out of memory: going on with %d at once", self.limit)
            torch.cuda.empty_cache()
