"""Reading JSON from strangers: nothing nested too deeply, nothing out of proportion to its text."""

import json
from typing import Any

from napari_i3d._utils.text import printable
from napari_i3d.errors import NapariI3DError

# An empty list takes 64 bytes; lists of numbers have a content.
_BYTES_A_CONTAINER = 6
_FREE_CONTAINERS = 1 << 20


def parse_json(text: str | bytes, error: type[NapariI3DError]) -> Any:
    """Parse JSON.

    Raises
    ------
    NapariI3DError
        As an `error`: the text is not JSON, is nested too deeply, or has far more lists than content.
    """
    count = text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")
    if count > _FREE_CONTAINERS and count * _BYTES_A_CONTAINER > len(text):
        raise error(f"{count} lists in a text of {len(text)} bytes, out of proportion; is it damaged?")
    try:
        return json.loads(text)
    except (ValueError, RecursionError, MemoryError) as damage:
        reason = printable(str(damage) or type(damage).__name__, 120)
        raise error(f"not whole JSON ({reason}); was it copied completely?") from damage
