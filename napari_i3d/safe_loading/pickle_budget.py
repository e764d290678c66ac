"""Limit the memory and time of reading a pickle in proportion to its size: copied bytes, and dictionary keys."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from napari_i3d.safe_loading.pickle_opcodes import ForbiddenError

# Whole numbers of up to 64 bits nearly all have different hashes; any number of larger ones can share one.
_MOST_KEY = 2**64
_UNUSUAL_KEYS = 1000
# Ordinary content is copied twice: from text to bytes, and into its array.
_COPIES = 4
_FREE_BYTES = 1 << 20
BYTES_A_PAIR = 8
_left: ContextVar[int] = ContextVar("bytes that this file may still make")


class Dict(dict[Any, Any]):
    """A dictionary that the unpickler fills through `__setitem__`, since it does not create it itself."""

    __slots__ = ("_unusual",)

    # Called for each box of a file: fast for the two kinds of keys in ordinary files.
    def __setitem__(self, key: Any, value: Any, _set: Callable[..., None] = dict.__setitem__) -> None:
        kind = type(key)
        if kind is not str and not (kind is int and -_MOST_KEY < key < _MOST_KEY):
            self._check(key)
        _set(self, key, value)

    def __setstate__(self, _state: object) -> None:
        raise ForbiddenError("a change of a dictionary")

    def __reduce_ex__(self, protocol: Any) -> Any:
        # When pickled, it must not name this module.
        return dict, (), None, None, iter(self.items())

    def _check(self, key: object) -> None:
        if isinstance(key, tuple):
            raise ForbiddenError("a dictionary whose keys are tuples")
        if isinstance(key, int | complex | np.longdouble | np.complexfloating):
            self._unusual = getattr(self, "_unusual", 0) + 1
            if self._unusual > _UNUSUAL_KEYS:
                raise ForbiddenError("a dictionary with many keys of an unusual kind")


def grant(size_bytes: int) -> None:
    """Set the number of bytes that a file of this size may copy."""
    _left.set(_FREE_BYTES + _COPIES * size_bytes)


def spend(count: int) -> None:
    """Subtract copied bytes; refuse the file if nothing is left."""
    left = _left.get() - count
    if left < 0:
        raise ForbiddenError("the same content for many arrays")
    _left.set(left)
