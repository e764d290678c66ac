"""Options of a batch: a frozen value, validated on creation."""

from dataclasses import dataclass, field
from pathlib import Path

from napari_i3d.errors import SettingsError
from napari_i3d.extraction.planning.request import ExtractionOptions
from napari_i3d.tracking.io.reading import TrackingReading

LOCAL = "local"
"""Starts a scheduler on this machine."""


@dataclass(frozen=True, kw_only=True)
class BatchOptions(ExtractionOptions):
    """Input, output and options of a batch, see also `ExtractionOptions`.

    Parameters
    ----------
    dataset_path
        A video, or a folder that is searched for videos, recursively.
    output_path
        Folder for the features; made if it is missing. Those of ``clip.mp4`` are ``clip{i3d_suffix}`` in it.
    tracking_folder, tracking_suffix
        The tracking of ``clip.mp4`` is ``{tracking_folder}/clip{tracking_suffix}``, a file or a folder. None: whole
        images.
    reading
        How tracking files are read.
    individuals
        Ids, as text, of those to extract; None: all.
    scheduler
        Address of a dask scheduler; ``"local"`` for worker processes on this machine; None: this process.
    workers
        Number of worker processes of ``"local"``; None: one per CUDA device, else one per core, limited by memory.

    Raises
    ------
    SettingsError
        Incompatible options.
    """

    dataset_path: Path
    output_path: Path
    tracking_folder: Path | None = None
    tracking_suffix: str | None = None
    reading: TrackingReading = field(default_factory=TrackingReading)
    individuals: tuple[str, ...] | None = None
    scheduler: str | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        if (self.tracking_folder is None) != (self.tracking_suffix is None):
            raise SettingsError(
                "expected a folder of tracking files and what their names end in, found one of the two",
                hint="set {tracking_folder} and {tracking_suffix}, or neither for whole images",
            )
        if self.workers is not None and (self.scheduler != LOCAL or self.workers < 1):
            raise SettingsError(f"workers: expected a number from 1 on, with scheduler {LOCAL}, found {self.workers}")
        if self.individuals is not None and self.tracking_folder is None:
            raise SettingsError(
                "individuals are chosen, but there is no tracking to find them in", hint="set {tracking_folder}"
            )
        if self.reading != TrackingReading() and self.tracking_folder is None:
            raise SettingsError(
                "it is chosen how tracking is read, but there is no tracking", hint="set {tracking_folder}"
            )
        super().__post_init__()
