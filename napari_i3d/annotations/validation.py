"""Checks of single values; the errors say what was expected and what was found."""

import math
from collections.abc import Callable

import numpy as np

from napari_i3d._utils.frame_ranges import Range
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import MAX_ID, Id, format_id

MAX_FRAME = 10**8
"""The largest number of frames: 46 days at 25 frames a second."""


def plain_id(value: object) -> Id:
    """Return an id as plain text or a whole number of up to 64 bits."""
    if isinstance(value, str):
        return str(value)
    if _is_whole(value) and abs(int(value)) <= MAX_ID:  # type: ignore[call-overload]
        return int(value)  # type: ignore[call-overload, no-any-return]
    raise AnnotationError(f"expected individuals' ids that are text or whole numbers, found {_found(value)}")


def plain_frame(value: object, what: str) -> int:
    """Return a frame number, or the end of a range of frames, as a plain whole number."""
    if not _is_whole(value) or not 0 <= int(value) <= MAX_FRAME:  # type: ignore[call-overload]
        raise AnnotationError(f"{what}: expected a whole number from 0 to {MAX_FRAME}, found {_found(value)}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def plain_range(start: object, stop: object, what: str) -> Range:
    """Return a half-open range of frames as plain whole numbers."""
    first, end = plain_frame(start, what), plain_frame(stop, what)
    if first >= end:
        raise AnnotationError(f"{what}: expected frames with start < stop, found {first} and {end}")
    return first, end


def plain_number(value: object, what: str, expected: str, is_valid: Callable[[float], bool]) -> float:
    """Return a finite number that is valid as a plain one."""
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number) and is_valid(number):
            return number
    raise AnnotationError(f"{what}: expected {expected}, found {_found(value)}")


def plain_text(value: object, what: str) -> str:
    """Return text as plain text."""
    if not isinstance(value, str):
        raise AnnotationError(f"{what}: expected text, found {_found(value)}")
    return str(value)


def plain_name(value: object, what: str) -> str:
    """Return a name: text that is not empty and can be printed on one line."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise AnnotationError(f"{what}: expected a name that can be printed, found {_found(value)}")
    return str(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _found(value: object) -> str:
    if isinstance(value, str):
        return repr(value) if len(value) <= 60 and value.isprintable() else ascii(value[:60])
    return format_id(value) if isinstance(value, bool | int | float | np.generic) else type(value).__name__
