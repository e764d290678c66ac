"""JSON in the columns of a csv file."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from napari_i3d.errors import TrackingError

_decode: Callable[[str], Any] = json.JSONDecoder().decode
_WRONG = (ValueError, RecursionError)
_Kind = TypeVar("_Kind", list[Any], dict[str, Any])


def parse_cell(text: str, column: str) -> Any:
    """Parse one cell.

    Raises
    ------
    TrackingError
        It is no JSON.
    """
    try:
        return _decode(text)
    except _WRONG as error:
        raise TrackingError(f"{column}: expected JSON, found {text[:60]!a}") from error


def parse_cells(texts: Sequence[str], kind: type[_Kind], column: str) -> list[_Kind]:
    """Parse cells that each hold an object (dict) or list.

    Raises
    ------
    TrackingError
        A cell holds something else; the message quotes it.
    """
    opening, closing = "{}" if kind is dict else "[]"
    # All cells parsed as one list is faster. As many openings as cells, each at the start of one, are those of the
    # parsed values if these all are of the kind: none can lie in another cell's row.
    joined = ",".join(texts)
    if joined.count(opening) == len(texts) and all(text.startswith(opening) for text in texts):
        try:
            found: list[_Kind] = _decode(f"[{joined}]")
        except _WRONG:
            found = []
        if len(found) == len(texts) and set(map(type, found)) <= {kind} and joined.count(closing) == len(texts):
            return found
    cells = []
    for text in texts:
        cell = parse_cell(text, column)
        if not isinstance(cell, kind):
            what = "an object" if kind is dict else "a list"
            raise TrackingError(f"{column}: expected {what} of JSON, found {text[:60]!a}")
        cells.append(cell)
    return cells
