"""Errors about the user's input. Each message is one line: what was expected, what was found, what to do."""

__all__ = [
    "ClusterError",
    "FeaturesError",
    "NapariI3DError",
    "OutputError",
    "RecoveryError",
    "SettingsError",
    "StalledError",
    "TrackingError",
    "VideoError",
    "WeightsError",
    "WorkerError",
]


class NapariI3DError(Exception):
    """Base class of all errors about the user's input; its text is one line for the user."""


class SettingsError(NapariI3DError):
    """A setting or option that is invalid, alone or combined with others."""


class VideoError(NapariI3DError):
    """A video that cannot be read, or not completely."""


class StalledError(VideoError):
    """A video that stopped responding, as when a drive is disconnected; a later attempt may succeed."""


class TrackingError(NapariI3DError):
    """A tracking file that cannot be read, or boxes that do not fit the video."""


class WeightsError(NapariI3DError):
    """Weights of the network that are missing, damaged or of another network."""


class FeaturesError(NapariI3DError):
    """Features that cannot be read or written."""


class OutputError(NapariI3DError):
    """A file or folder that cannot be written."""


class RecoveryError(NapariI3DError):
    """A recovery file that cannot be read, or does not belong to the tracking."""


class ClusterError(NapariI3DError):
    """Workers of a cluster that cannot be reached or have a different installation."""


class WorkerError(NapariI3DError):
    """A worker of a cluster that failed for one video."""
