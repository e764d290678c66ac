"""Learning behaviors from labels: probes, their honest scores, what to label next, and doubtful labels."""

from napari_i3d.learning.datasets.description import Dataset, read_dataset
from napari_i3d.learning.datasets.export import export_dataset
from napari_i3d.learning.datasets.piece_labels import write_piece_labels
from napari_i3d.learning.evaluation import evaluate
from napari_i3d.learning.label_errors import LabelError, label_errors
from napari_i3d.learning.predictions.reading import Predictions, read_predictions
from napari_i3d.learning.predictions.scoring import Scores, score_predictions
from napari_i3d.learning.probe.probe import Probe
from napari_i3d.learning.probe.reading import read_probe
from napari_i3d.learning.probe.settings import ProbeSettings
from napari_i3d.learning.probe.training import train
from napari_i3d.learning.probe.writing import write_probe
from napari_i3d.learning.queue import Window, next_windows
from napari_i3d.learning.random_windows import RandomEstimate, estimate_by_random_windows
from napari_i3d.learning.scores import Evaluation
from napari_i3d.learning.smoothing import Smoothing

__all__ = [
    "Dataset",
    "Evaluation",
    "LabelError",
    "Predictions",
    "Probe",
    "ProbeSettings",
    "RandomEstimate",
    "Scores",
    "Smoothing",
    "Window",
    "estimate_by_random_windows",
    "evaluate",
    "export_dataset",
    "label_errors",
    "next_windows",
    "read_dataset",
    "read_predictions",
    "read_probe",
    "score_predictions",
    "train",
    "write_piece_labels",
    "write_probe",
]
