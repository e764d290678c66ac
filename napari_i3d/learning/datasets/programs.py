"""Registry of the programs that data sets are written for."""

from collections.abc import Mapping
from types import MappingProxyType

from napari_i3d.learning.datasets.detection import ACTIONFORMER, OPENTAD
from napari_i3d.learning.datasets.dlc2action import DLC2ACTION
from napari_i3d.learning.datasets.lightning_action import LIGHTNING_ACTION
from napari_i3d.learning.datasets.program import Program
from napari_i3d.learning.datasets.segmentation import ASFORMER, MS_TCN

PROGRAMS: Mapping[str, Program] = MappingProxyType(
    {
        "dlc2action": DLC2ACTION,
        "ms-tcn": MS_TCN,
        "asformer": ASFORMER,
        "actionformer": ACTIONFORMER,
        "opentad": OPENTAD,
        "lightning-action": LIGHTNING_ACTION,
    }
)
"""The programs that data sets are written for, by name."""
