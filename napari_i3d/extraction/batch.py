"""Many videos, one after the other: finds them and their tracking, extracts, saves, and goes on after a failure."""

import logging
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from napari_i3d.errors import FeaturesError, NapariI3DError, SettingsError, TrackingError
from napari_i3d.extraction.dataset import find_videos, shared_names
from napari_i3d.extraction.device import resolve_device
from napari_i3d.extraction.engine import extract
from napari_i3d.extraction.job import Job, plan_job, whole_picture
from napari_i3d.extraction.outcomes import Outcome, Record, VideoDone, VideoFailed, VideoSkipped, VideoStarted
from napari_i3d.extraction.outputs import OutputNames, difference
from napari_i3d.extraction.provenance import describe_tracking
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.layouts import Layout, check_suffix
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
        if not self.layout.one_file and (self.i3d_suffix != ".npy" or self.save_metadata):
            raise SettingsError(
                f"layout {self.layout} has bare arrays under names of its own: leave out i3d_suffix and save_metadata"
            )


def run_batch(options: BatchOptions) -> Generator[Record, None, tuple[Outcome, ...]]:
    """Extract features of videos one by one; yields records and returns the outcome of each video.

    What concerns one video costs that video alone.

    Raises
    ------
    VideoError, TrackingError, OutputError, WeightsError, SettingsError
        Nothing can be done at all: no video, no folder of tracking, no place for the results, no weights, no such
        device.
    """
    videos = find_videos(options.dataset_path)
    if options.tracking_folder is not None and not options.tracking_folder.is_dir():
        raise TrackingError(
            f"{options.tracking_folder}: expected the folder of tracking files; there is no such folder"
        )
    resolve_device(options.settings.device)
    network, weights = load_network(options.weights)
    make_folder(options.output_path)
    batch = _Batch(options, network, weights)
    twins = shared_names(videos)
    outcomes: list[Outcome] = []
    for number, path in enumerate(videos, start=1):
        yield VideoStarted(path, number, len(videos))
        if path in twins:
            outcome: Outcome = VideoFailed(path, f"shares its name, and so its result, with {twins[path]}")
        else:
            outcome = yield from batch.isolated(path)
        outcomes.append(outcome)
        yield outcome
    return tuple(outcomes)


class _Batch:
    """What the videos of a batch have in common."""

    def __init__(self, options: BatchOptions, network: I3DResNet50, weights: WeightsFacts) -> None:
        self._options = options
        self._network = network
        self._weights = weights
        self._names = OutputNames(options.output_path, options.i3d_suffix, options.layout, options.save_metadata)
        self._claimed: dict[str, Path] = {}  # the video that each result, without regard to capitals, belongs to

    def isolated(self, path: Path) -> Generator[Record, None, Outcome]:
        """Extract a video; whatever goes wrong is its outcome."""
        try:
            return (yield from self._extract(path))
        except NapariI3DError as error:
            return VideoFailed(path, str(error))
        except (MemoryError, torch.OutOfMemoryError) as error:
            return VideoFailed(path, f"out of memory ({_first_line(error)}); use a smaller --batch_size")
        except Exception as error:  # noqa: BLE001 - the edge of one video: whatever it is, the others go on
            _log.exception("%s failed", path)
            return VideoFailed(
                path, f"unexpected {type(error).__name__}: {_first_line(error)}; please report the log above"
            )

    def _extract(self, path: Path) -> Generator[Record, None, Outcome]:
        options = self._options
        shared = self._names.shared_path(path)
        if options.layout.one_file and shared.exists() and not options.overwrite:
            return self._kept(path, [shared])
        tracking_path = None
        if options.tracking_folder is not None:
            tracking_path = options.tracking_folder / f"{path.stem}{options.tracking_suffix}"
            if not tracking_path.exists():
                return VideoSkipped(path, f"its tracking file {tracking_path} is missing", complete=False)
        with open_video(path) as video:
            tracking = self._tracking_of(video, tracking_path)
            mended = mend_gaps(tracking, options.gaps)
            job = plan_job(video, mended.values(), options.settings)
            paths = self._names.paths(path, [windows.id for windows in job.plan.tracklets])
            self._claim(path, paths.values())
            existing = [target for target in paths.values() if target.exists() and not options.overwrite]
            if len(existing) == len(paths):
                return self._kept(path, existing)
            if existing:
                wanted = (mended[individual] for individual, target in paths.items() if target not in existing)
                job = plan_job(video, wanted, options.settings)
            source = describe_tracking(tracking_path, tracking, options.gaps)
            features = yield from extract(video, job, self._network, self._weights, source)
        return VideoDone(path, tuple(self._save(features, path)), self._remarks(video, job))

    def _kept(self, path: Path, existing: Sequence[Path]) -> VideoSkipped:
        named = f"{existing[0]} exists" if len(existing) == 1 else f"the files of all {len(existing)} individuals exist"
        for target in existing:
            if differs := difference(target, path, self._options.settings, self._options.layout):
                return VideoSkipped(path, f"{target} exists, made {differs}; --overwrite replaces it", complete=False)
        return VideoSkipped(path, f"{named}; --overwrite replaces", complete=True)

    def _claim(self, path: Path, targets: Iterable[Path]) -> None:
        for target in targets:
            owner = self._claimed.setdefault(str(target).casefold(), path)
            if owner != path:
                raise FeaturesError(
                    f"its result {target.name} has the name of one of {owner.name}; rename an individual"
                )

    def _tracking_of(self, video: Video, tracking_path: Path | None) -> Tracking:
        if tracking_path is None:
            return whole_picture(video, self._options.settings)
        tracking = read_tracking(tracking_path)
        if self._options.individuals is None:
            return tracking
        return tracking.select(_ids_of(tracking, self._options.individuals))

    def _save(self, features: Features, path: Path) -> list[Path]:
        shared = self._names.shared_path(path)
        if self._options.layout is Layout.DICT:
            features.save(shared, metadata=self._options.save_metadata)
            return [shared]
        if self._options.layout is Layout.DLC2ACTION:
            return features.export(shared, self._options.layout)
        return features.export(shared.with_name(f"{path.stem}.npy"), self._options.layout)

    def _remarks(self, video: Video, job: Job) -> tuple[str, ...]:
        remarks = [f"{individual} left out: {reason}" for individual, reason in job.plan.left_out.items()]
        if video.remark:
            remarks.insert(0, video.remark)
        if not self._weights.trained:
            remarks.insert(0, "untrained weights: the features mean nothing")
        return tuple(remarks)


def _ids_of(tracking: Tracking, names: Iterable[str]) -> list[Id]:
    """Return the ids, text or whole numbers, that are written as the names."""
    ids: list[Id] = []
    for name in dict.fromkeys(names):
        alike: list[Id] = [individual for individual in tracking if str(individual) == name]
        if len(alike) > 1:
            raise TrackingError(f"{name}: both the text and the number are ids in this file; rename one of them")
        ids += alike or [name]
    return ids


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200]
