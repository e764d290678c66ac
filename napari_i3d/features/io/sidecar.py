"""The JSON beside a features file: frames of the rows, frame rate, provenance."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_i3d.errors import FeaturesError
from napari_i3d.features.features import Features
from napari_i3d.features.io.frame_runs import as_runs
from napari_i3d.features.row_blocks import PlacedRows, Rows
from napari_i3d.individuals import Id

METADATA_KEYS = ("min_frames", "max_frames")
JSON_FORMAT = 2
LARGEST_NUMBER = 2**63 - 1


def json_path(path: str | Path) -> Path:
    """Return the path of the JSON beside a features file."""
    path = Path(path)
    return path.with_name(path.name + ".json")


@dataclass(frozen=True)
class Place:
    """Where a file made for another program holds the rows of an individual.

    Attributes
    ----------
    name
        Name of the individual there.
    first_row
        Number of rows of zeros before its first.
    n_rows
        Number of all rows; None: no rows of zeros.
    """

    name: Id
    first_row: int = 0
    n_rows: int | None = None

    def filled(self, rows: Rows) -> PlacedRows:
        """Return the rows with the rows of zeros added."""
        return PlacedRows(rows, self.first_row, self.n_rows)


def frame_metadata(features: Features, places: Mapping[Id, Place]) -> dict[str, Mapping[Id, int]]:
    """Return the dictionaries of first and last frames."""
    lacking = [individual for individual in features if individual not in features.last_frame]
    if lacking:
        raise FeaturesError(f"{lacking[0]}: first and last frame are not known, so they cannot be saved as metadata")
    ends = (features.first_frame, features.last_frame)
    return {
        key: {places[i].name: frame for i, frame in frames.items()}
        for key, frames in zip(METADATA_KEYS, ends, strict=True)
    }


def sidecar_facts(features: Features, individuals: list[Id], places: Mapping[Id, Place]) -> dict[str, Any]:
    """Return the content of the JSON file beside a features file."""
    return {
        "format": f"napari_i3d features {JSON_FORMAT}",
        "fps": features.fps,
        "individuals": [
            {
                "id": individual,
                **_place_facts(individual, places.get(individual)),
                "rows": len(features[individual]),
                "first_frame": features.first_frame.get(individual),
                "last_frame": features.last_frame.get(individual),
                "frames": _runs(features.frames.get(individual)),
                "chunk_starts": _runs(features.chunk_starts.get(individual)),
            }
            for individual in individuals
        ],
        "provenance": dict(features.provenance),
    }


def _place_facts(individual: Id, place: Place | None) -> dict[str, Any]:
    """Return what is unusual about a place."""
    if place is None:
        return {}
    renamed = {} if place.name == individual else {"id_in_file": place.name}
    return renamed if place.n_rows is None else {**renamed, "first_row": place.first_row}


def _runs(values: NDArray[Any] | None) -> list[Any] | None:
    return None if values is None else as_runs(values)
