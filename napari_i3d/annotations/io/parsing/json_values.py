"""Values of JSON, checked."""

import math
from typing import Any

from napari_i3d.errors import AnnotationError

_WORDS: dict[Any, str] = {dict: "an object", list: "a list"}
_REQUIRED = object()


def items_of(content: dict[str, Any], key: str, kind: type, default: Any = _REQUIRED) -> Any:
    """Return the object or list under a key.

    Raises
    ------
    AnnotationError
        It is missing without a default, or something else.
    """
    value = content.get(key, None if default is _REQUIRED else default)
    if not isinstance(value, kind):
        raise AnnotationError(f'"{key}": expected {_WORDS[kind]}, found {ascii(value)[:40]}')
    return value


def require(value: Any, kind: type, place: str) -> None:
    """Raise an AnnotationError unless a value is an object or list."""
    if not isinstance(value, kind):
        raise AnnotationError(f"{place}: expected {_WORDS[kind]}, found {ascii(value)[:40]}")


def text_of(value: Any, place: str) -> str:
    """Return text; a whole number becomes text.

    Raises
    ------
    AnnotationError
        It is something else.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(value)
    raise AnnotationError(f"{place}: expected text, found {ascii(value)[:40]}")


def number_of(value: Any, place: str) -> float:
    """Return a finite number.

    Raises
    ------
    AnnotationError
        It is something else.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15 and math.isfinite(value):
        return float(value)
    raise AnnotationError(f"{place}: expected a number, found {ascii(value)[:40]}")
