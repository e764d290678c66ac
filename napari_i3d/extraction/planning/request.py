"""What is chosen in the Extract dock, as one frozen value, and what it will cost. Loads neither torch nor Qt."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from napari_i3d.backbones.pretrained import DEFAULT_WEIGHTS, SOURCES
from napari_i3d.errors import NapariI3DError, SettingsError
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.io.layouts import Layout, check_suffix, dlc2action_ids
from napari_i3d.features.io.output_format import output_paths
from napari_i3d.features.io.writing import check_content
from napari_i3d.individuals import Id
from napari_i3d.tracking.gaps import Gaps, resolve_gaps
from napari_i3d.tracking.tracklets import Tracking


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
        """Return the tracking of those chosen, in its order, with gaps resolved.

        Raises
        ------
        TrackingError
            Nobody is chosen, or mending fails.
        """
        return resolve_gaps(tracking.select([name for name in tracking if name in individuals]), self.gaps)


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


def with_size(choices: ExtractChoices, size: tuple[int, int] | None) -> ExtractChoices:
    """Return the choices for a video that is resized first to a width and height, in pixels."""
    return replace(choices, settings=replace(choices.settings, video_size=size))
