"""Choose the device that computes, move data to it, and fit batches into its memory."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import torch

from napari_i3d.errors import SettingsError
from napari_i3d.extraction.settings import ExtractionSettings, Precision

_log = logging.getLogger(__name__)

# PyTorch's allocator, on Linux and macOS and on Windows; oneDNN.
_MEMORY_WORDS = ("can't allocate memory", "not enough memory", "could not create a memory object")

T = TypeVar("T")
R = TypeVar("R")


def resolve_device(name: str, precision: Precision = Precision.FLOAT32) -> torch.device:
    """Return the device of a setting: ``"auto"`` is CUDA if available, else MPS, else the CPU.

    Raises
    ------
    SettingsError
        This machine has no such device, or the device has no such precision.
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
            f"device: {name} is not available on this machine ({available} of its kind)",
            hint="use {device=cpu} or {device=auto}",
        )
    if precision is Precision.TF32 and device.type != "cuda":
        raise SettingsError(
            f"precision: tf32 is a format of CUDA devices, found the device {device}",
            hint="use {precision=float32} or {precision=bfloat16}",
        )
    return device


class Device:
    """The device and number format in which the network computes.

    Parameters
    ----------
    settings
        Device and precision.

    Raises
    ------
    SettingsError
        As in `resolve_device`.
    """

    def __init__(self, settings: ExtractionSettings) -> None:
        self.torch = resolve_device(settings.device, settings.precision)
        self._tf32 = settings.precision is Precision.TF32
        self.dtype = torch.bfloat16 if settings.precision is Precision.BFLOAT16 else torch.float32

    def take(self, values: torch.Tensor) -> torch.Tensor:
        """Copy float32 values from the CPU to the device, in its number format, without blocking."""
        if self.torch.type == "cuda":
            values = values.pin_memory()
        return values.to(self.torch, non_blocking=True).to(self.dtype)

    @contextlib.contextmanager
    def computing(self) -> Iterator[None]:
        """Disable gradients, and choose whether NVIDIA GPUs use TF32 for float32 convolutions."""
        with torch.inference_mode(), _float32_convolutions(tf32=self._tf32):
            yield


@contextlib.contextmanager
def _float32_convolutions(*, tf32: bool) -> Iterator[None]:
    """Use TF32 in cuDNN's float32 convolutions or not, whatever other code in this process has chosen."""
    cudnn: Any = torch.backends.cudnn
    if not hasattr(cudnn, "conv"):  # before PyTorch 2.9
        with cudnn.flags(enabled=True, allow_tf32=tf32):
            yield
        return
    # `flags` is not enough: where TF32 is the choice for all float32 operations, it stays on, and an error follows.
    operations = (cudnn.conv, cudnn.rnn)
    before = [operation.fp32_precision for operation in operations]
    cudnn.allow_tf32 = tf32  # the older setting must not contradict
    for operation in operations:
        operation.fp32_precision = "tf32" if tf32 else "ieee"
    try:
        yield
    finally:
        cudnn.allow_tf32 = before[0] == "tf32"
        for operation, precision in zip(operations, before, strict=True):
            operation.fp32_precision = precision


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error means out of memory; on CPUs PyTorch raises a plain RuntimeError for it."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _MEMORY_WORDS)


class BatchRunner:
    """Processes items in batches that fit the memory of the device.

    Smaller batches give the same numbers to within 1e-5; on the CPUs tested, to the last bit.

    Parameters
    ----------
    limit
        Initial batch size. It is halved, for good, whenever memory runs out.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def run(self, items: Sequence[T], work: Callable[[Sequence[T]], R]) -> Iterator[tuple[Sequence[T], R]]:
        """Yield each batch of items, in order, with the result of `work`.

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
                        "device: its memory does not suffice for a single chunk",
                        hint="close other programs, or use {device=cpu}",
                    ) from None
                self.limit = len(some) // 2
            else:
                done += len(some)
                yield some, result
                continue
            # Not in the except block, where the error still holds the memory of the failed batch.
            _log.info("out of memory: going on with %d at once", self.limit)
            torch.cuda.empty_cache()
