"""Errors about the user's input: what was expected, what was found, and apart from it a hint, what to do.

A hint may name settings, which are options of the command, arguments in Python and fields in the docks. It names them
as `{gaps=split}`, or `{batch_size}` without a value; each interface puts its own name there. Names of files and other
words of the user belong to the sentence, which is shown as it is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = [
    "AnnotationError",
    "ClusterError",
    "FeaturesError",
    "Message",
    "NapariI3DError",
    "OutputError",
    "RecoveryError",
    "SettingsError",
    "StalledError",
    "TrackingError",
    "VideoError",
    "VideoNeededError",
    "WeightsError",
    "Wording",
    "WorkerError",
    "python_wording",
]

Wording = Callable[[str, str], str]
"""Returns what an interface calls a setting, from its name and its value; the value is empty if none is named."""

_SETTING = re.compile(r"\{(\w+)(?:=([^{}]*))?\}")
_PYTHON_WORDS = {
    "download": "run `napari-i3d weights download`",
    "try_again": "try again",
    "video_size": "the setting video_size",
}


def python_wording(name: str, value: str) -> str:
    """Return a setting as an argument: ``gaps="split"``, ``frequency=1``, ``pad=True``."""
    if name in _PYTHON_WORDS:
        return _PYTHON_WORDS[name]
    if not value:
        return name
    return f"{name}={value}" if value == "True" or value.isdecimal() else f'{name}="{value}"'


@dataclass(frozen=True)
class Message:
    """A message for the user; as text it has the words of Python.

    Attributes
    ----------
    text
        What was expected and what was found.
    hint
        What to do, with settings as this module describes; empty if there is nothing to say.
    """

    text: str
    hint: str = ""

    def in_words(self, wording: Wording) -> str:
        """Return one line in the words of an interface."""
        if not self.hint:
            return self.text
        return f"{self.text}; {_SETTING.sub(lambda found: wording(found[1], found[2] or ''), self.hint)}"

    def __str__(self) -> str:
        return self.in_words(python_wording)


class NapariI3DError(Exception):
    """Base class of all errors about the user's input.

    Attributes
    ----------
    message
        One line for the user.
    """

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text, hint)  # what pickle makes a copy from
        self.message = Message(text, hint)

    def __str__(self) -> str:
        return str(self.message)


class SettingsError(NapariI3DError):
    """A setting or option that is invalid, alone or combined with others."""


class VideoError(NapariI3DError):
    """A video that cannot be read, or not completely."""


class StalledError(VideoError):
    """A video that stopped responding, as when a drive is disconnected; a later attempt may succeed."""


class TrackingError(NapariI3DError):
    """A tracking file that cannot be read, or boxes that do not fit the video."""


class VideoNeededError(TrackingError):
    """A tracking file that leaves the size, rate or length to its video, and the video was not given."""


class WeightsError(NapariI3DError):
    """Weights of the network that are missing, damaged or of another network."""


class FeaturesError(NapariI3DError):
    """Features that cannot be read or written."""


class AnnotationError(NapariI3DError):
    """An annotation that cannot be read or written, or an edit of it that cannot be done."""


class OutputError(NapariI3DError):
    """A file or folder that cannot be written."""


class RecoveryError(NapariI3DError):
    """A recovery file that cannot be read, or does not belong to the tracking."""


class ClusterError(NapariI3DError):
    """Workers of a cluster that cannot be reached or have a different installation."""


class WorkerError(NapariI3DError):
    """A worker of a cluster that failed for one video."""
