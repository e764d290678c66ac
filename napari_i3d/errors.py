"""The errors that this program raises about its input. Each message is one line: expected, found, what to do."""

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
