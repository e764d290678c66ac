"""The errors that this program raises about its input. Each message is one line: expected, found, what to do."""

import contextlib
import os
from collections.abc import Iterator

__all__ = [
    "ClusterError",
    "FeaturesError",
    "NapariI3DError",
    "OutputError",
    "SettingsError",
    "StalledError",
    "TrackingError",
    "VideoError",
    "WeightsError",
    "WorkerError",
    "counted",
    "label",
    "needed_for",
]


class NapariI3DError(Exception):
    """Root of all errors that concern a user's input; its text is one line made for the user's eyes."""


class SettingsError(NapariI3DError):
    """A setting or an option that makes no sense, alone or together with others."""


class VideoError(NapariI3DError):
    """A video that cannot be read, or not all of it."""


class StalledError(VideoError):
    """A video whose file gives nothing more for now: a drive that is gone. To try again later may help."""


class TrackingError(NapariI3DError):
    """A tracking file that cannot be read, or boxes that do not fit the video."""


class WeightsError(NapariI3DError):
    """Weights of the network that are missing, damaged or of another network."""


class FeaturesError(NapariI3DError):
    """Features that cannot be read or written."""


class OutputError(NapariI3DError):
    """A file or folder that cannot be written."""


class ClusterError(NapariI3DError):
    """Machines that compute for this one and cannot be reached, or are not set up alike."""


class WorkerError(NapariI3DError):
    """A machine that computes for this one and could not do so for one video."""


def counted(number: int, word: str) -> str:
    """Return a number with what it counts: ``1 problem``, ``2 problems``, ``15,000 frames``."""
    digits = f"{number:,}" if number >= 10_000 else str(number)
    return f"{digits} {word if number == 1 else f'{word}s'}"


@contextlib.contextmanager
def needed_for(what: str, extra: str, kind: type[NapariI3DError] = NapariI3DError) -> Iterator[None]:
    """Import, in the block, a package that not everybody has installed.

    Parameters
    ----------
    what
        What it is needed for.
    extra
        The extra of this package that installs it.
    kind
        The error that is raised.

    Raises
    ------
    NapariI3DError
        It is missing; the message tells what to install.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name == "napari_i3d":
            raise
        raise kind(f'{what} needs {name}, which is not installed: pip install "napari-i3d[{extra}]"') from error


def label(path: str | os.PathLike[str]) -> str:
    """Return a file's name or path fit for a one-line message: itself, or quoted where it cannot be printed."""
    text = os.fspath(path)
    return text if text.isprintable() else ascii(text)
