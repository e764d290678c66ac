"""Formats of bouts, one a module."""

from napari_i3d.annotations.io.bout_formats import (
    boris_project,
    boris_tables,
    bout_csv,
    dlc2action,
    dlc2action_csv,
    nwb_ethogram,
    own_json,
)
from napari_i3d.annotations.io.format import AnnotationFormat

FORMATS: tuple[AnnotationFormat, ...] = (
    own_json.FORMAT,
    boris_project.FORMAT,
    boris_tables.FORMAT,
    nwb_ethogram.FORMAT,
    bout_csv.FORMAT,
    dlc2action_csv.FORMAT,
    dlc2action.FORMAT,
)
"""In the order in which they are tried; the first of an ending is written to files with it."""
