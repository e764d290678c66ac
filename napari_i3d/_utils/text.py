"""Text for messages: printable, on one line, with readable numbers and durations."""

import os


def counted(number: int, word: str) -> str:
    """Format a number with what it counts: ``1 problem``, ``2 problems``, ``15,000 frames``."""
    digits = f"{number:,}" if number >= 10_000 else str(number)
    return f"{digits} {word if number == 1 else f'{word}s'}"


def printable(text: str, most: int | None = None) -> str:
    """Return text with everything escaped that cannot be printed on one line; at most `most` characters of it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:most])


def format_path(path: str | os.PathLike[str]) -> str:
    """Return a file's name or path for a message on one line: itself, or quoted if it cannot be printed."""
    text = os.fspath(path)
    return text if text.isprintable() else ascii(text)


def format_duration(seconds: float) -> str:
    """Format a duration: ``40 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 1:
        return "less than a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def format_time(seconds: float, *, hours: bool = True, milliseconds: bool = True) -> str:
    """Return a time as ``h:mm:ss.fff``; without hours as ``mm:ss.fff``, without milliseconds as ``h:mm:ss``."""
    total_ms = round(seconds * 1000)
    minutes, rest = divmod(total_ms, 60_000)
    text = f"{rest // 1000:02d}" + (f".{rest % 1000:03d}" if milliseconds else "")
    return f"{minutes // 60}:{minutes % 60:02d}:{text}" if hours else f"{minutes:02d}:{text}"


def format_speed(speed: float) -> str:
    """Return a speed as ``2×``, ``-1/4×`` or ``1.5×``."""
    sign, size = ("-" if speed < 0 else ""), abs(speed)
    if 0 < size < 1 and abs(1 / size - round(1 / size)) < 1e-6:
        return f"{sign}1/{round(1 / size)}×"
    return f"{sign}{size:.3g}×"
