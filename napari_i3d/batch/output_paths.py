"""What the results of a video are called."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_i3d.errors import FeaturesError
from napari_i3d.features.io.layouts import Layout, dlc2action_ids, individual_paths
from napari_i3d.features.io.sidecar import json_path
from napari_i3d.features.io.writing import check_content
from napari_i3d.individuals import Id

_LONGEST_NAME_BYTES = 255


@dataclass(frozen=True)
class OutputNames:
    """How results are named and laid out.

    Attributes
    ----------
    folder
        Where they are written.
    suffix
        What follows the name of the video where all individuals share a file.
    layout
        For which program.
    metadata
        Whether first and last frames are added to the file.
    """

    folder: Path
    suffix: str
    layout: Layout
    metadata: bool

    def shared_path(self, video: Path) -> Path:
        """Return the file of all individuals of a video."""
        return self.folder / f"{video.stem}{self.suffix}"

    def hidden_path(self, video: Path, ending: str) -> Path:
        """Return what work on a video is kept under while it is not finished: no reader takes it for a result."""
        name = f".{self.shared_path(video).name}{ending}"
        if len(os.fsencode(name)) > _LONGEST_NAME_BYTES:
            name = f".{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}{ending}"
        return self.folder / name

    def paths(self, video: Path, individuals: Sequence[Id]) -> dict[Id, Path]:
        """Return the file of each individual, and see beforehand that all can be written under their names.

        Raises
        ------
        FeaturesError
            Two individuals would share a name, an id does not fit the layout, or a name is too long.
        """
        shared = self.shared_path(video)
        if not self.layout.one_file:
            paths = individual_paths(self.folder / f"{video.stem}.npy", list(individuals))
        else:
            names = dlc2action_ids(individuals).values() if self.layout.for_dlc2action else individuals
            metadata = self.metadata or self.layout is Layout.DLC2ACTION
            check_content(list(names), shared.suffix, metadata=metadata)
            paths = dict.fromkeys(individuals, shared)
        for path in paths.values():
            if len(os.fsencode(json_path(path).name)) > _LONGEST_NAME_BYTES:
                raise FeaturesError(f"{path.name}: a name too long for a file; shorten the name of the video or the id")
        return paths
