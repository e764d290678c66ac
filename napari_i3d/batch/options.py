"""What a batch is asked for: one frozen value, checked when it is made."""

from dataclasses import dataclass, field
from pathlib import Path

from napari_i3d.errors import SettingsError
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.io.layouts import Layout, check_suffix
from napari_i3d.tracking.gaps import Gaps

LOCAL = "local"
"""The scheduler that is started on this machine."""


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """What to extract, from where, to where.

    Parameters
    ----------
    dataset_path
        A video, or a folder that is searched for videos with all folders in it.
    output_path
        Folder for the features; made where it is missing.
    settings
        How features are made.
    tracking_folder, tracking_suffix
        The tracking of ``clip.mp4`` is ``{tracking_folder}/clip{tracking_suffix}``. None: whole images.
    individuals
        Ids, as text, of those to extract; None: all.
    weights
        Name or path.
    i3d_suffix
        The features of ``clip.mp4`` are ``{output_path}/clip{i3d_suffix}``; its ending chooses the format.
    save_metadata
        Add the first and last frame of each individual to the features file.
    layout
        For which program the files are made.
    gaps
        What is done about missing frames.
    overwrite
        Replace results that exist; else they are kept and their videos skipped.
    scheduler
        Where to compute: the address of a dask scheduler; ``"local"`` for worker processes on this machine; None: here.
    workers
        Number of worker processes of ``"local"``; None: one for each GPU, else as many as the processor has cores and
        the memory has room for.

    Raises
    ------
    SettingsError
        Choices that do not go together.
    """

    dataset_path: Path
    output_path: Path
    settings: ExtractionSettings = field(default_factory=ExtractionSettings)
    tracking_folder: Path | None = None
    tracking_suffix: str | None = None
    individuals: tuple[str, ...] | None = None
    weights: str | Path = "i3d_r50_kinetics"
    i3d_suffix: str = ".npy"
    save_metadata: bool = False
    layout: Layout = Layout.DICT
    gaps: Gaps = Gaps.ERROR
    overwrite: bool = False
    scheduler: str | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        if (self.tracking_folder is None) != (self.tracking_suffix is None):
            found, lacking = ("tracking_folder", "tracking_suffix")
            if self.tracking_folder is None:
                found, lacking = lacking, found
            raise SettingsError(f"{found} is set and {lacking} is not: set both, or neither for whole images")
        if self.workers is not None and (self.scheduler != LOCAL or self.workers < 1):
            raise SettingsError(f"workers: expected a number from 1 on, with scheduler {LOCAL}, found {self.workers}")
        if self.individuals is not None and self.tracking_folder is None:
            raise SettingsError("individuals are chosen, but there is no tracking to find them in: set tracking_folder")
        if self.layout.for_dlc2action and not (self.settings.pad and self.settings.frequency == 1):
            raise SettingsError(f"layout {self.layout} needs one row for each frame: set pad, and frequency 1")
        if self.layout is Layout.DLC2ACTION_POSE and self.save_metadata:
            raise SettingsError(f"layout {self.layout} has no room for first and last frames: leave out save_metadata")
        check_suffix(self.i3d_suffix, self.layout)
        if not self.layout.one_file and (self.i3d_suffix != ".npy" or self.save_metadata):
            raise SettingsError(
                f"layout {self.layout} has bare arrays under names of its own: leave out i3d_suffix and save_metadata"
            )
