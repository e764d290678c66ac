"""Many videos, one after the other: finds them and their tracking, extracts, saves, and goes on after a failure."""

import logging
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from napari_i3d.errors import NapariI3DError, SettingsError, TrackingError
from napari_i3d.extraction.dataset import find_videos, shared_names
from napari_i3d.extraction.engine import Progress, extract, resolve_device
from napari_i3d.extraction.job import Job, plan_job, whole_picture
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.layouts import Layout, check_suffix, individual_paths
from napari_i3d.features.model import Features, Id
from napari_i3d.files import make_folder
from napari_i3d.i3d.network import I3DResNet50
from napari_i3d.i3d.weights import WeightsFacts, load_network
from napari_i3d.tracking.gaps import Gaps, mend_gaps
from napari_i3d.tracking.io import read_tracking
from napari_i3d.tracking.model import Tracking
from napari_i3d.video.video import Video, open_video

_log = logging.getLogger(__name__)


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
        The tracking of ``clip.mp4`` is ``{tracking_folder}/clip{tracking_suffix}``. None: whole pictures.
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

    def __post_init__(self) -> None:
        if (self.tracking_folder is None) != (self.tracking_suffix is None):
            found, lacking = ("tracking_folder", "tracking_suffix")
            if self.tracking_folder is None:
                found, lacking = lacking, found
            raise SettingsError(f"{found} is set and {lacking} is not: set both, or neither for whole pictures")
        if self.individuals is not None and self.tracking_folder is None:
            raise SettingsError("individuals are chosen, but there is no tracking to find them in: set tracking_folder")
        if self.layout is Layout.DLC2ACTION and not (self.settings.pad and self.settings.frequency == 1):
            raise SettingsError("layout dlc2action needs one row for each frame: set pad, and frequency 1")
        check_suffix(self.i3d_suffix, self.layout)


@dataclass(frozen=True)
class VideoStarted:
    """A video is begun: the `number`-th of `total`."""

    video: Path
    number: int
    total: int


@dataclass(frozen=True)
class VideoDone:
    """The features of a video were saved; `remarks` says what was left out."""

    video: Path
    outputs: tuple[Path, ...]
    remarks: tuple[str, ...]

    word: ClassVar = "done"
    complete: ClassVar = True

    @property
    def summary(self) -> str:
        """One line."""
        remarks = f" ({'; '.join(self.remarks)})" if self.remarks else ""
        return f"{self.video.name} -> {', '.join(map(str, self.outputs))}{remarks}"


@dataclass(frozen=True)
class VideoSkipped:
    """A video was not extracted; `complete` where that is because its result is there already."""

    video: Path
    reason: str
    complete: bool

    word: ClassVar = "skipped"

    @property
    def summary(self) -> str:
        """One line."""
        return f"{self.video.name}: {self.reason}"


@dataclass(frozen=True)
class VideoFailed:
    """A video could not be extracted."""

    video: Path
    reason: str

    word: ClassVar = "failed"
    complete: ClassVar = False

    @property
    def summary(self) -> str:
        """One line, which begins with the name of the video."""
        named = self.reason.startswith((self.video.name, str(self.video)))
        return self.reason if named else f"{self.video.name}: {self.reason}"


Outcome = VideoDone | VideoSkipped | VideoFailed
Record = VideoStarted | Progress | Outcome


def run_batch(options: BatchOptions) -> Generator[Record, None, tuple[Outcome, ...]]:
    """Extract features of videos one by one; yields records and returns the outcome of each video.

    What concerns one video costs that video alone.

    Raises
    ------
    VideoError, OutputError, WeightsError, SettingsError
        Nothing can be done at all: no video, no place for the results, no weights, no such device.
    """
    videos = find_videos(options.dataset_path)
    if options.tracking_folder is not None and not options.tracking_folder.is_dir():
        raise TrackingError(
            f"{options.tracking_folder}: expected the folder of tracking files; there is no such folder"
        )
    make_folder(options.output_path)
    resolve_device(options.settings.device)
    network, weights = load_network(options.weights)
    twins = shared_names(videos)
    outcomes: list[Outcome] = []
    for number, path in enumerate(videos, start=1):
        yield VideoStarted(path, number, len(videos))
        if path in twins:
            outcome: Outcome = VideoFailed(path, f"shares its name, and so its result, with {twins[path]}")
        else:
            outcome = yield from _isolated(path, options, network, weights)
        outcomes.append(outcome)
        yield outcome
    return tuple(outcomes)


def _isolated(
    path: Path, options: BatchOptions, network: I3DResNet50, weights: WeightsFacts
) -> Generator[Record, None, Outcome]:
    try:
        return (yield from _extract_video(path, options, network, weights))
    except NapariI3DError as error:
        return VideoFailed(path, str(error))
    except Exception as error:  # noqa: BLE001 - the edge of one video: whatever it is, the others go on
        _log.exception("%s failed", path)
        return VideoFailed(path, f"unexpected {type(error).__name__}: {error}; please report this with the log above")


def _extract_video(
    path: Path, options: BatchOptions, network: I3DResNet50, weights: WeightsFacts
) -> Generator[Record, None, Outcome]:
    output = options.output_path / f"{path.stem}{options.i3d_suffix}"
    if options.layout.one_file and output.exists() and not options.overwrite:
        return VideoSkipped(path, f"{output} exists; --overwrite replaces it", complete=True)
    tracking_path = None
    if options.tracking_folder is not None:
        tracking_path = options.tracking_folder / f"{path.stem}{options.tracking_suffix}"
        if not tracking_path.exists():
            return VideoSkipped(path, f"its tracking file {tracking_path} is missing", complete=False)
    with open_video(path) as video:
        tracking = _tracking_of(video, tracking_path, options)
        if not options.layout.one_file:
            tracking = _without_results(tracking, options.output_path / f"{path.stem}.npy", options.overwrite)
            if not tracking:
                return VideoSkipped(
                    path, "the files of all individuals exist; --overwrite replaces them", complete=True
                )
        job = plan_job(video, tracking.values(), options.settings)
        features = yield from extract(video, job, network, weights)
    return VideoDone(path, tuple(_save(features, output, path.stem, options)), _remarks(video, job))


def _tracking_of(video: Video, tracking_path: Path | None, options: BatchOptions) -> Tracking:
    tracking = whole_picture(video, options.settings) if tracking_path is None else read_tracking(tracking_path)
    if options.individuals is not None:
        tracking = tracking.select(_ids_of(tracking, options.individuals))
    return mend_gaps(tracking, options.gaps)


def _ids_of(tracking: Tracking, names: Iterable[str]) -> list[Id]:
    """Return the ids, text or whole numbers, that are written as the names."""
    ids: list[Id] = []
    for name in names:
        alike: list[Id] = [individual for individual in tracking if str(individual) == name]
        if len(alike) > 1:
            raise TrackingError(f"{name}: both the text and the number are ids in this file; rename one of them")
        ids += alike or [name]
    return ids


def _without_results(tracking: Tracking, path: Path, overwrite: bool) -> Tracking:
    paths = individual_paths(path, list(tracking))
    return Tracking(tracklet for tracklet in tracking.values() if overwrite or not paths[tracklet.id].exists())


def _save(features: Features, output: Path, stem: str, options: BatchOptions) -> list[Path]:
    if options.layout is Layout.DICT:
        features.save(output, metadata=options.save_metadata)
        return [output]
    if options.layout is Layout.DLC2ACTION:
        return features.export(output, options.layout)
    return features.export(options.output_path / f"{stem}.npy", options.layout)


def _remarks(video: Video, job: Job) -> tuple[str, ...]:
    left_out = (f"{individual} left out: {reason}" for individual, reason in job.plan.left_out.items())
    return (*([video.remark] if video.remark else []), *left_out)
