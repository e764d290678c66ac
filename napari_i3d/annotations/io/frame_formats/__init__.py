"""Formats of labels frame by frame, one a module."""

from napari_i3d.annotations.io.format import AnnotationFormat
from napari_i3d.annotations.io.frame_formats import (
    calms21,
    deepethogram,
    deepethogram_outputs,
    ms_tcn,
    ms_tcn_predictions,
    simba,
)

FORMATS: tuple[AnnotationFormat, ...] = (
    deepethogram.FORMAT,
    deepethogram_outputs.FORMAT,
    simba.FORMAT,
    calms21.FORMAT,
    ms_tcn_predictions.FORMAT,
    ms_tcn.FORMAT,
)
"""In the order in which they are tried."""
