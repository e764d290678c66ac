"""Text for messages: printable, on one line, with numbers and durations as people write them."""

import os


def counted(number: int, word: str) -> str:
    """Return a number with what it counts: ``1 problem``, ``2 problems``, ``15,000 frames``."""
    digits = f"{number:,}" if number >= 10_000 else str(number)
    return f"{digits} {word if number == 1 else f'{word}s'}"


def label(path: str | os.PathLike[str]) -> str:
    """Return a file's name or path fit for a one-line message: itself, or quoted where it cannot be printed."""
    text = os.fspath(path)
    return text if text.isprintable() else ascii(text)


def format_duration(seconds: float) -> str:
    """Return a duration as a person says it: ``40 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 1:
        return "less than a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
