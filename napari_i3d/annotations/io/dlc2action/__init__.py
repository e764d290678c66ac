"""Files of DLC2Action and its annotation program."""

from napari_i3d.annotations.io.dlc2action import labels, labels_csv, predictions
from napari_i3d.annotations.io.format import AnnotationFormat

FORMATS: tuple[AnnotationFormat, ...] = (labels_csv.FORMAT, predictions.FORMAT, labels.FORMAT)
"""In the order in which they are tried: any pickle that is nothing else is expected to be one of labels."""
