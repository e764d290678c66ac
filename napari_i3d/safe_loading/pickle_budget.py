"""What keeps a pickle in proportion to its file while it is read: how much is copied, and which keys are looked up."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from napari_i3d.safe_loading.pickle_opcodes import ForbiddenError

# Whole numbers of 64 bits have hashes of their own, nearly; of larger ones any number can share one.
_MOST_KEY = 2**64
_UNUSUAL_KEYS = 1000
# An honest content is copied twice: from text to bytes, and into its array.
_COPIES = 4
_FREE_BYTES = 1 << 20
BYTES_A_PAIR = 8
_left: ContextVar[int] = ContextVar("bytes that this file may still make")


class Dict(dict[Any, Any]):
    """A dictionary that the unpickler fills through `__setitem__`, as it is none of its own."""

    __slots__ = ("_unusual",)

    # Called for each box of a file: the shortest way to the two kinds of keys that all honest files have.
    def __setitem__(self, key: Any, value: Any, _set: Callable[..., None] = dict.__setitem__) -> None:
        kind = type(key)
        if kind is not str and not (kind is int and -_MOST_KEY < key < _MOST_KEY):
            self._check(key)
        _set(self, key, value)

    def __setstate__(self, _state: object) -> None:
        raise ForbiddenError("a change of a dictionary")

    def __reduce_ex__(self, protocol: Any) -> Any:
        # Pickled anew, it must not name this module.
        return dict, (), None, None, iter(self.items())

    def _check(self, key: object) -> None:
        if isinstance(key, tuple):
            raise ForbiddenError("a dictionary whose keys are tuples")
        if isinstance(key, int | complex | np.longdouble | np.complexfloating):
            self._unusual = getattr(self, "_unusual", 0) + 1
            if self._unusual > _UNUSUAL_KEYS:
                raise ForbiddenError("a dictionary with many keys of an unusual kind")


def grant(size_bytes: int) -> None:
    """Allow a file of this size what an honest one may copy of its content."""
    _left.set(_FREE_BYTES + _COPIES * size_bytes)


def spend(count: int) -> None:
    """Take from what was granted; refuse the file where nothing is left."""
    left = _left.get() - count
    if left < 0:
        raise ForbiddenError("the same content for many arrays")
    _left.set(left)
