"""Options of an extraction, for the command and the Extract dock. Loads neither torch nor Qt."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from napari_i3d.backbones.pretrained import DEFAULT_WEIGHTS, SOURCES
from napari_i3d.backbones.registry import I3D
from napari_i3d.errors import NapariI3DError, SettingsError
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.io.layouts import Layout, check_suffix
from napari_i3d.features.io.output_format import individual_outputs
from napari_i3d.features.io.store import STORE_ABOVE_GB, StoreDtype
from napari_i3d.individuals import Id
from napari_i3d.tracking.gaps import Gaps

WITHOUT_EFFECT = ("batch_size", "device")
"""Settings that affect how features are computed, but not their values."""


@dataclass(frozen=True, kw_only=True)
class ExtractionOptions:
    """Options of making and writing features, independent of the video.

    Parameters
    ----------
    settings
        The settings.
    weights
        Name or path.
    gaps
        How missing frames are handled.
    layout
        The program that the files are for.
    i3d_suffix
        End of the features file's name, after the video's name; its ending selects the format.
    save_metadata
        Add the first and last frame of each individual to the features file.
    store_above_gb
        Features of more than this, in units of 10^9 bytes, are written as a store instead of one ``.npy``; None: never.
        Only for the layout ``dict`` without `save_metadata`.
    store_dtype
        Numbers of a store; float16 takes half the disk.
    overwrite
        Replace existing results.

    Raises
    ------
    SettingsError
        Incompatible options.
    """

    settings: ExtractionSettings = field(default_factory=ExtractionSettings)
    weights: str | Path = DEFAULT_WEIGHTS
    gaps: Gaps = Gaps.ERROR
    layout: Layout = Layout.DICT
    i3d_suffix: str = ".npy"
    save_metadata: bool = False
    overwrite: bool = False
    store_above_gb: float | None = STORE_ABOVE_GB
    store_dtype: StoreDtype = StoreDtype.FLOAT32

    def __post_init__(self) -> None:
        if self.layout.for_dlc2action and not (self.settings.pad and self.settings.frequency == 1):
            raise SettingsError(
                f"layout {self.layout} needs one row for each frame", hint="use {pad=True} and {frequency=1}"
            )
        if self.layout is Layout.DLC2ACTION_POSE and self.save_metadata:
            raise SettingsError(
                f"layout {self.layout} has no room for first and last frames", hint="leave out {save_metadata}"
            )
        check_suffix(self.i3d_suffix, self.layout)
        if self.layout is Layout.STORE and self.save_metadata:
            raise SettingsError(
                f"layout {self.layout} always states first and last frames", hint="leave out {save_metadata}"
            )
        if self.store_above_gb is not None and not 0 <= self.store_above_gb < math.inf:
            raise SettingsError(f"store_above: expected a number of GB from 0 on, found {self.store_above_gb:g}")
        if self.store_dtype is not StoreDtype.FLOAT32 and not self.may_store:
            raise SettingsError(f"layout {self.layout} always has float32", hint="leave out {store_dtype}")
        if not self.layout.one_file and (self.i3d_suffix != ".npy" or self.save_metadata):
            raise SettingsError(
                f"layout {self.layout} has bare arrays under names of its own",
                hint="leave out {i3d_suffix} and {save_metadata}",
            )

    @property
    def weights_missing(self) -> bool:
        """Whether published weights are selected that were not downloaded."""
        return self.weights in SOURCES and not SOURCES[str(self.weights)].path.exists()

    def individual_outputs(self, output: Path, individuals: Sequence[Id]) -> dict[Id, Path]:
        """Return the file of each individual.

        Raises
        ------
        SettingsError
            The path is a folder, or its ending does not fit the layout.
        FeaturesError
            The layout, or a file with this name, cannot hold the individuals.
        """
        if not output.name or (output.is_dir() and self.layout is not Layout.STORE):
            raise SettingsError(f"expected the name of a features file, found the folder {output}")
        check_suffix(output.suffix, self.layout)
        return individual_outputs(output, self.layout, individuals, metadata=self.save_metadata)

    @property
    def may_store(self) -> bool:
        """Whether features are written as a store, always or if they are large."""
        if self.layout is not Layout.DICT:
            return self.layout is Layout.STORE
        return self.store_above_gb is not None and self.i3d_suffix.lower().endswith(".npy") and not self.save_metadata

    def for_rows(self, n_rows: int) -> Self:
        """Return the options for features of this many rows, whose layout is a store if they are large."""
        large = self.store_above_gb is not None and 4 * I3D.width * n_rows > self.store_above_gb * 1e9
        return replace(self, layout=Layout.STORE) if self.may_store and large else self

    def with_size(self, size: tuple[int, int] | None) -> Self:
        """Return the options for a video that is first resized to a width and height, in pixels."""
        return replace(self, settings=replace(self.settings, video_size=size))

    def as_dict(self) -> dict[str, Any]:
        """Return plain values to remember: everything but the size of a video and `overwrite`."""
        settings = self.settings.as_dict()
        del settings["video_size"]
        return {
            "settings": settings | {"decoders": self.settings.decoders},
            "weights": str(self.weights),
            "gaps": str(self.gaps),
            "layout": str(self.layout),
            "i3d_suffix": self.i3d_suffix,
            "save_metadata": self.save_metadata,
            "store_dtype": str(self.store_dtype),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return remembered options; the defaults if they are not valid (any more)."""
        try:
            return cls(
                settings=ExtractionSettings(**values["settings"]),
                weights=str(values["weights"]),
                gaps=Gaps(values["gaps"]),
                layout=Layout(values["layout"]),
                i3d_suffix=str(values["i3d_suffix"]),
                save_metadata=bool(values["save_metadata"]),
                store_dtype=StoreDtype(values.get("store_dtype", StoreDtype.FLOAT32)),  # earlier versions had none
            )
        except (NapariI3DError, KeyError, TypeError, ValueError):
            return cls()
