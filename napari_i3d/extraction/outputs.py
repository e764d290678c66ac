"""What the results of a video are called, and whether they are there already."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_i3d.errors import FeaturesError
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.io import check_content, json_path
from napari_i3d.features.layouts import Layout, dlc2action_ids, individual_paths
from napari_i3d.features.model import Id

_LONGEST_NAME_BYTES = 255
# These decide how features are computed, not which numbers come out.
_WITHOUT_EFFECT = ("batch_size", "device")


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
            if self.layout is Layout.DLC2ACTION:
                dlc2action_ids(individuals)
            check_content(individuals, shared.suffix, metadata=self.metadata)
            paths = dict.fromkeys(individuals, shared)
        for path in paths.values():
            if len(os.fsencode(json_path(path).name)) > _LONGEST_NAME_BYTES:
                raise FeaturesError(f"{path.name}: a name too long for a file; shorten the name of the video or the id")
        return paths


def difference(path: Path, video: Path, settings: ExtractionSettings, layout: Layout) -> str:
    """Say in what the result at a path differs from what would be made now, as its ``.json`` tells; "" if in nothing.

    A result without a readable ``.json`` tells nothing, and differs in nothing.
    """
    try:
        facts = json.loads(json_path(path).read_text(encoding="utf-8"))
        provenance = facts["provenance"]
        made_of, made_with, made_for = provenance["video"]["file"], provenance["settings"], facts.get("layout")
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    if made_of != video.name:
        return f"of the video {made_of}"
    if made_for not in (None, str(layout)):
        return f"for {made_for}"
    wanted: dict[str, Any] = json.loads(json.dumps(settings.as_dict()))
    changed = [
        f"{name} {made_with.get(name)}"
        for name, value in wanted.items()
        if name not in _WITHOUT_EFFECT and made_with.get(name) != value
    ]
    return f"with {', '.join(changed)}" if changed else ""
