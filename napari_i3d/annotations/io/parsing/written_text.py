"""Write tables and ids as text."""

import csv
import io
from collections.abc import Iterable, Sequence

from napari_i3d.errors import OutputError
from napari_i3d.individuals import Id

# What spreadsheets run as a formula, and the apostrophe itself.
_ESCAPED = ("=", "+", "-", "@", "\t", "\r", "'")


def csv_bytes(rows: Iterable[Sequence[object]], separator: str = ",") -> bytes:
    """Return rows as csv in UTF-8, with lines that end in a line feed."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: such text gets an apostrophe in front."""
    return f"'{text}" if text.startswith(_ESCAPED) and not text[1:].isdecimal() else text


def restored(text: str) -> str:
    """Return text without the apostrophe that `harmless` put in front."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_ESCAPED) else text


def texts_of(ids: Iterable[Id]) -> tuple[dict[Id, str], list[str]]:
    """Return the text of each id, and notes on what that changes.

    Raises
    ------
    OutputError
        Two ids are the same text, as 1 and "1" are.
    """
    texts = {individual: str(individual) for individual in ids}
    if len(set(texts.values())) < len(texts):
        raise OutputError(
            "two individuals are called the same once ids are text (1 and '1')", hint="rename one of them"
        )
    numbers = any(isinstance(individual, int) for individual in texts)
    return texts, ["ids that are numbers become text"] if numbers else []
