"""Convert plain Python `{frame: box}` to arrays; raise errors that name the invalid value.

All boxes are converted at once; only if that fails, each is checked to find the invalid one.
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import TrackingError
from napari_i3d.individuals import MAX_ID, format_id

MAX_FRAME = 10**8
"""The largest frame number: 46 days at 25 frames a second."""

# Whole numbers above it have no exact float64 and are refused.
EXACT = 2**53
# Gaps take memory too; a single wrong frame number must not exhaust it.
_FREE_ROWS = 5 * 10**6
_ROWS_A_BOX = 30


def describe(value: object) -> str:
    """Describe an invalid value in a few words that fit one line."""
    if isinstance(value, np.ndarray):
        return f"a numpy array of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, Mapping):
        return f"a dictionary of {len(value)}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    if value is None:
        return "None"
    if isinstance(value, str | int | float | complex | np.generic):
        return f"{ascii(value) if isinstance(value, str) and len(value) <= 60 else format_id(value)} ({_kind(value)})"
    return f"something of type {_kind(value)}"


def _kind(value: object) -> str:
    return {"str": "text", "bool": "true or false", "float": "a number with decimals"}.get(
        type(value).__name__, type(value).__name__
    )


def plain_id(value: object) -> str | int:
    """Return an id as plain text or a whole number of up to 64 bits, or raise `TrackingError`."""
    if isinstance(value, str):
        return str(value)
    if _is_whole(type(value)) and abs(int(value)) <= MAX_ID:  # type: ignore[call-overload]
        return int(value)  # type: ignore[call-overload, no-any-return]
    raise TrackingError(
        f"expected ids that are text or whole numbers, found {describe(value)}", hint="rename this individual"
    )


def check_span(
    individual: str | int, span: int, n_boxes: int, *, together: bool = False, numbers_a_row: int = 4
) -> None:
    """Raise `TrackingError` if frames are so far apart, in one or `together`, that gaps would fill the memory.

    `numbers_a_row` numbers are kept for each frame.
    """
    if span > _FREE_ROWS * 4 // numbers_a_row + _ROWS_A_BOX * n_boxes:
        raise TrackingError(
            f"{format_id(individual)}: its first and last frame {'and those before it ' if together else ''}lie {span} "
            f"frames apart, out of proportion to the {n_boxes} boxes in the file",
            hint="correct the wrong frame number",
        )


def parse_frames(individual: str | int, keys: Iterable[object]) -> NDArray[np.int64]:
    """Convert frame numbers, keeping their order: (n,) int64.

    Raises
    ------
    TrackingError
        A frame is not a whole number, is negative, or is larger than `MAX_FRAME`; the message names it.
    """
    frames: list[Any] = list(keys)
    wrong = next((kind for kind in dict.fromkeys(map(type, frames)) if not _is_whole(kind)), None)
    if wrong is not None:
        culprit = next(frame for frame in frames if type(frame) is wrong)
        raise TrackingError(
            f"{format_id(individual)}: expected frames that are whole numbers, found {describe(culprit)}",
            hint="number the frames from 0 as the video does",
        )
    for extreme in (min(frames), max(frames)):
        if not 0 <= extreme <= MAX_FRAME:
            raise TrackingError(
                f"{format_id(individual)}: expected frames from 0 to {MAX_FRAME}, found {format_id(int(extreme))}",
                hint="number the frames from 0 as the video does",
            )
    return np.array(frames, np.int64)


def parse_rows(individual: str | int, frames: NDArray[np.int64], values: Iterable[object]) -> NDArray[np.float64]:
    """Convert n boxes, each a list, tuple or array of 4 numbers, to (n, 4) float64: left, upper, right, lower.

    Raises
    ------
    TrackingError
        A box is not 4 numbers; the message names the individual and its frame.
    """
    rows: list[Any] = list(values)
    kinds = set(map(type, rows))
    if all(issubclass(kind, np.ndarray) for kind in kinds):
        if all(row.shape == (4,) and row.dtype.kind in "iuf" for row in rows):
            return np.concatenate(rows, dtype=np.float64, casting="unsafe").reshape(-1, 4)
    elif all(issubclass(kind, list | tuple) for kind in kinds) and set(map(len, rows)) == {4}:
        boxes = _exact(list(chain.from_iterable(rows)))
        if boxes is not None:
            return boxes.reshape(-1, 4)
    return np.array([_row(individual, int(frame), row) for frame, row in zip(frames, rows, strict=True)], np.float64)


def _row(individual: str | int, frame: int, value: Any) -> list[float]:
    expected = f"{format_id(individual)}, frame {frame}: expected a box of 4 numbers [left, upper, right, lower]"
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    if isinstance(value, np.ndarray | Mapping) or (isinstance(value, list | tuple) and _holds_rows(value)):
        raise TrackingError(
            f"{expected}, found {describe(value)}",
            hint="key points must be turned into boxes first: the smallest and "
            "largest x and y of the likely ones, and a margin",
        )
    if not isinstance(value, list | tuple) or len(value) != 4:
        raise TrackingError(f"{expected}, found {describe(value)}", hint="correct or remove it")
    for number in value:
        if not _is_number(type(number)) or _too_large([number]):
            raise TrackingError(f"{expected}, found {describe(number)} in it", hint="correct or remove it")
    return [float(number) for number in value]


def _holds_rows(value: Iterable[object]) -> bool:
    return any(isinstance(part, list | tuple | np.ndarray) for part in value)


def _exact(numbers: list[Any]) -> NDArray[np.float64] | None:
    """Return numbers as float64, or None if one of them is not a number or is too large."""
    if not all(map(_is_number, set(map(type, numbers)))):
        return None
    try:
        converted = np.array(numbers, np.float64)
    except OverflowError:  # a whole number beyond all floats
        return None
    # A whole number above `EXACT` rounds to at least that; only then check them one by one.
    if not (np.abs(converted) < EXACT).all() and _too_large(numbers):
        return None
    return converted


def _too_large(numbers: list[Any]) -> bool:
    whole = [number for number in numbers if isinstance(number, int)]
    return bool(whole) and (max(whole) > EXACT or min(whole) < -EXACT)


def _is_whole(kind: type) -> bool:
    return issubclass(kind, int | np.integer) and not issubclass(kind, bool | np.timedelta64)


def _is_number(kind: type) -> bool:
    return _is_whole(kind) or issubclass(kind, float | np.floating)
