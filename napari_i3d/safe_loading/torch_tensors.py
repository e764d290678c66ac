"""Stand-ins for PyTorch's tensors in plain pickles: their numbers as numpy arrays, without PyTorch.

Such a pickle has the numbers of a tensor as a file of PyTorch's old format in a byte string: five small pickles, of
which the fourth names the type of the numbers, then their count and the numbers.
"""

import io
import math
import pickletools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.safe_loading.pickle_budget import spend
from napari_i3d.safe_loading.pickle_opcodes import ForbiddenError
from napari_i3d.safe_loading.pickle_stand_ins import StandIn

_PICKLES, _DESCRIPTION = 5, 3
_MOST_STEPS = 1000
_TYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}
_COUNT_BYTES = 8


class _Storage:
    """The numbers of a tensor, flat."""

    __slots__ = ("numbers",)

    def __init__(self, numbers: NDArray[Any]) -> None:
        self.numbers = numbers

    def __setstate__(self, _state: object) -> None:
        raise ForbiddenError("a change of a tensor's numbers")


def _load_from_bytes(data: object) -> _Storage:
    if not isinstance(data, bytes):
        raise ForbiddenError("a tensor that is made in an unusual way")
    spend(len(data))
    stream = io.BytesIO(data)
    kinds: list[str] = []
    steps = 0
    for number in range(_PICKLES):
        for operation, argument, _ in pickletools.genops(stream):
            steps += 1
            if steps > _MOST_STEPS:
                raise ForbiddenError("a tensor with a long description")
            if operation.name in ("GLOBAL", "STACK_GLOBAL", "INST") and number == _DESCRIPTION:
                kinds.append(str(argument).removeprefix("torch "))
    if len(kinds) != 1 or kinds[0] not in _TYPES:
        raise ForbiddenError("a tensor of an unusual type")
    dtype = np.dtype(_TYPES[kinds[0]])
    rest = data[stream.tell() :]
    count = int.from_bytes(rest[:_COUNT_BYTES], "little")
    if len(rest) != _COUNT_BYTES + count * dtype.itemsize:
        raise ValueError(f"a tensor of {count} numbers has not the content for it")
    return _Storage(np.frombuffer(rest, dtype, offset=_COUNT_BYTES))


def _rebuild(storage: object, offset: object, size: object, stride: object, *_more: object) -> NDArray[Any]:
    if not isinstance(storage, _Storage):
        raise ForbiddenError("a tensor that is made in an unusual way")
    shape, steps, (first,) = _counts(size), _counts(stride), _counts((offset,))
    count = math.prod(shape)
    last = first + sum((n - 1) * step for n, step in zip(shape, steps, strict=True))
    if count > len(storage.numbers) or (count and last >= len(storage.numbers)):
        raise ValueError(f"a tensor of shape {shape} has not the content for it")
    spend(count * storage.numbers.itemsize)
    if not count:
        return np.zeros(shape, storage.numbers.dtype)
    strides = [step * storage.numbers.itemsize for step in steps]
    return np.lib.stride_tricks.as_strided(storage.numbers[first:], shape, strides, writeable=False).copy()


def _counts(values: object) -> tuple[int, ...]:
    if not isinstance(values, tuple) or not all(type(value) is int and 0 <= value < 2**40 for value in values):
        raise ForbiddenError("a tensor that is made in an unusual way")
    return values


STAND_INS = {
    ("torch.storage", "_load_from_bytes"): StandIn(_load_from_bytes),
    ("torch._utils", "_rebuild_tensor_v2"): StandIn(_rebuild),
}
"""For `unpickler.load(more=...)`."""
