"""What is chosen in the Extract dock, as one frozen value, and what it will cost. Loads neither torch nor Qt."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from napari_i3d.errors import NapariI3DError, SettingsError, TrackingError, counted
from napari_i3d.extraction.settings import ExtractionSettings, Precision, SampleMode
from napari_i3d.extraction.windows import plan_windows, tracklet_windows
from napari_i3d.features.io import check_content
from napari_i3d.features.layouts import Layout, check_suffix, dlc2action_ids, individual_paths
from napari_i3d.features.model import Features, Id
from napari_i3d.i3d.registry import DEFAULT_WEIGHTS, SOURCES
from napari_i3d.tracking.checks import require_sound_boxes
from napari_i3d.tracking.gaps import Gaps, mend_gaps
from napari_i3d.tracking.model import Tracking
from napari_i3d.tracking.parse import shown

_OVERSAMPLE_VIEWS = 10

# Seconds for a chunk, to begin with; what is measured later replaces them.
_FIRST_GUESS_S = {"cpu": 0.1, "cuda": 0.01, "mps": 0.05}


@dataclass(frozen=True, kw_only=True)
class ExtractChoices:
    """All choices of the Extract dock but the place of the output.

    Parameters
    ----------
    settings
        How features are made.
    weights
        Name or path.
    gaps
        What is done about missing frames.
    layout
        For which program the files are made.
    ending
        What follows the video's name in that of the features file; chooses the format.
    save_metadata
        Add the first and last frame of each individual to the features file.

    Raises
    ------
    SettingsError
        Choices that do not go together.
    """

    settings: ExtractionSettings = field(default_factory=ExtractionSettings)
    weights: str = DEFAULT_WEIGHTS
    gaps: Gaps = Gaps.ERROR
    layout: Layout = Layout.DICT
    ending: str = ".npy"
    save_metadata: bool = False

    def __post_init__(self) -> None:
        if self.layout.for_dlc2action and not (self.settings.pad and self.settings.frequency == 1):
            raise SettingsError("DLC2Action needs one row for each frame: tick 'a row for every frame', frequency 1")
        check_suffix(self.ending, self.layout)

    @property
    def weights_missing(self) -> bool:
        """Whether published weights are chosen that were not downloaded."""
        return self.weights in SOURCES and not SOURCES[self.weights].path.exists()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values to be remembered; the size of the video is not among them, it belongs to a video."""
        settings = self.settings.as_dict()
        del settings["video_size"]
        return {
            "settings": settings,
            "weights": self.weights,
            "gaps": str(self.gaps),
            "layout": str(self.layout),
            "ending": self.ending,
            "save_metadata": self.save_metadata,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the choices remembered; the defaults where they make no sense (any more)."""
        try:
            return cls(
                settings=ExtractionSettings(**values["settings"]),
                weights=str(values["weights"]),
                gaps=Gaps(values["gaps"]),
                layout=Layout(values["layout"]),
                ending=str(values["ending"]),
                save_metadata=bool(values["save_metadata"]),
            )
        except (NapariI3DError, KeyError, TypeError, ValueError):
            return cls()

    def default_output(self, video: Path) -> Path:
        """Return where the features of a video go unless another place is chosen: beside it."""
        return video.with_name(f"{video.stem}{self.ending}")

    def prepare(self, tracking: Tracking, individuals: frozenset[Id]) -> Tracking:
        """Return the tracking of those chosen, in its order, with gaps mended.

        Raises
        ------
        TrackingError
            Nobody is chosen, or mending fails.
        """
        return mend_gaps(tracking.select([name for name in tracking if name in individuals]), self.gaps)


def output_paths(output: Path, layout: Layout, individuals: list[Id]) -> list[Path]:
    """Return the files that features are saved to.

    Raises
    ------
    FeaturesError
        Two individuals would get the same file.
    """
    if layout.one_file:
        return [output]
    return list(individual_paths(output.with_suffix(".npy"), individuals).values())


def require_output(output: Path, choices: ExtractChoices, individuals: list[Id]) -> None:
    """See before hours of work that its features can have this name, and hold these individuals.

    Raises
    ------
    SettingsError
        The name is none of a file, or has an ending that does not fit the layout.
    FeaturesError
        The layout cannot hold the individuals.
    """
    if not output.name or output.is_dir():
        raise SettingsError(f"save to: expected the name of a features file, found the folder {output}")
    check_suffix(output.suffix, choices.layout)
    output_paths(output, choices.layout, individuals)
    if choices.layout.for_dlc2action:
        metadata = choices.layout is Layout.DLC2ACTION
        check_content(list(dlc2action_ids(individuals).values()), output.suffix, metadata=metadata)
    elif choices.layout is Layout.DICT:
        check_content(individuals, output.suffix, metadata=choices.save_metadata)


def save_features(features: Features, output: Path, layout: Layout, *, metadata: bool = False) -> list[Path]:
    """Write features in a layout, with their first and last frames where wanted; return the files.

    Raises
    ------
    FeaturesError, OutputError
        They do not fit the layout, or a file cannot be written.
    """
    if layout is Layout.DICT:
        features.save(output, metadata=metadata)
        return [output]
    return features.export(output if layout.one_file else output.with_suffix(".npy"), layout)


@dataclass(frozen=True)
class Estimate:
    """What an extraction will take.

    Attributes
    ----------
    individuals, chunks
        Numbers of those computed.
    left_out
        Individuals that are too short, each with the reason.
    seconds
        About how long.
    measured
        Whether `seconds` was derived from earlier runs on this machine, or is a first guess.
    """

    individuals: int
    chunks: int
    left_out: Mapping[Id, str]
    seconds: float
    measured: bool


def estimate(n_frames: int, tracking: Tracking | None, choices: ExtractChoices, rates: Mapping[str, float]) -> Estimate:
    """Say what an extraction will take.

    Parameters
    ----------
    n_frames
        Of the video.
    tracking
        Those to be extracted, prepared; None: the whole picture.
    choices
        As chosen.
    rates
        Seconds for a chunk in earlier runs, by `rate_key`.

    Raises
    ------
    TrackingError
        A tracklet that is long enough has gaps, boxes that are none, or boxes after the end of the video.
    """
    settings = choices.settings
    left_out: Mapping[Id, str] = {}
    if tracking is None:
        long_enough = n_frames >= settings.shortest_tracklet
        tracklets = [tracklet_windows("", 0, n_frames, settings)] if long_enough else []
        left_out = {} if long_enough else {"": f"{counted(n_frames, 'frame')}, fewer than {settings.shortest_tracklet}"}
    else:
        plan = plan_windows(tracking.values(), settings)
        tracklets, left_out = list(plan.tracklets), plan.left_out
        for windows in tracklets:
            require_sound_boxes(tracking[windows.id])
            if windows.last_frame >= n_frames:
                raise TrackingError(
                    f"{shown(windows.id)}: has boxes up to frame {windows.last_frame}, but the last frame of the video "
                    f"is {n_frames - 1}: does the tracking belong to it?"
                )
    chunks = sum(len(windows.starts) for windows in tracklets)
    key = rate_key(settings)
    seconds = rates.get(key, first_guess_s(settings)) * chunks
    return Estimate(len(tracklets), chunks, left_out, seconds, key in rates)


def rate_key(settings: ExtractionSettings) -> str:
    """Return the name under which the time for a chunk is remembered: of all that it depends on."""
    return f"{settings.device}/{settings.precision}/{_views(settings)}"


def first_guess_s(settings: ExtractionSettings) -> float:
    """Return a guess of the seconds for a chunk; a device chosen automatically is taken for a CPU."""
    kind = settings.device.split(":")[0]
    halved = 0.5 if settings.precision is Precision.BFLOAT16 else 1.0
    return _FIRST_GUESS_S.get(kind, _FIRST_GUESS_S["cpu"]) * halved * _views(settings)


def _views(settings: ExtractionSettings) -> int:
    return _OVERSAMPLE_VIEWS if settings.sample_mode is SampleMode.OVERSAMPLE else 1


def with_size(choices: ExtractChoices, size: tuple[int, int] | None) -> ExtractChoices:
    """Return the choices for a video that is resized first to a width and height, in pixels."""
    return replace(choices, settings=replace(choices.settings, video_size=size))


def spell_duration(seconds: float) -> str:
    """Return a duration as a person says it: ``40 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 1:
        return "less than a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
