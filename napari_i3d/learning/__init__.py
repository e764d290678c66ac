"""Learning behaviors from labels: probes, their honest scores, and what to label next."""

from napari_i3d.learning.evaluation import Evaluation, evaluate
from napari_i3d.learning.probe.probe import Probe
from napari_i3d.learning.probe.reading import read_probe
from napari_i3d.learning.probe.settings import ProbeSettings
from napari_i3d.learning.probe.training import train
from napari_i3d.learning.probe.writing import write_probe
from napari_i3d.learning.smoothing import Smoothing

__all__ = ["Evaluation", "Probe", "ProbeSettings", "Smoothing", "evaluate", "read_probe", "train", "write_probe"]
