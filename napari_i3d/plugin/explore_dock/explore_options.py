"""Settings of the Explore dock, above the map."""

from typing import Any

from magicgui.widgets import SpinBox
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_i3d.explore import MapMethod
from napari_i3d.plugin.widgets.choice_box import ChoiceBox
from napari_i3d.plugin.widgets.layouts import fill

_MAPS = [("principal components", MapMethod.PCA), ("UMAP", MapMethod.UMAP)]
_MOST_CLUSTERS = 50
_FEW = 4


class ExploreOptions(QWidget):
    """The settings of the Explore dock, and the Compute button.

    Attributes
    ----------
    all_videos, method, clusters
        The settings.
    compute
        The button; Cancel while computing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.all_videos = ChoiceBox(
            [("this video", False), ("all open videos", True)],
            value=True,
            least_characters=_FEW,
            tooltip="Whose features are laid out on one map: those of the video that is selected, or of all.",
        )
        self.method = ChoiceBox(
            _MAPS,
            least_characters=_FEW,
            tooltip="Principal components are quick, and distances on the map mean something.\n"
            "UMAP keeps neighbors together, but not distances; it takes minutes for long videos.",
        )
        self.clusters = SpinBox(
            value=0,
            min=0,
            max=_MOST_CLUSTERS,
            tooltip="Groups of rows that look alike (k-means). 0: as many as have the largest silhouette, 2 to 10.",
        )
        self.compute = QPushButton("Compute")
        upper, lower = QHBoxLayout(), QHBoxLayout()
        fields: tuple[tuple[QHBoxLayout, str, Any], ...] = (
            (upper, "features of", self.all_videos),
            (upper, "map", self.method),
            (lower, "clusters (0: auto)", self.clusters),
        )
        for row, title, widget in fields:
            label = QLabel(title)
            label.setToolTip(widget.tooltip)
            row.addWidget(label)
            row.addWidget(widget.native, 1)
        lower.addWidget(self.compute, 1)
        fill(QVBoxLayout(self), upper, lower).setSpacing(3)

    @property
    def cluster_count(self) -> int | None:
        """Number of clusters; None: chosen by silhouette."""
        return self.clusters.value or None

    def show_running(self, running: bool) -> None:
        """Switch the button between Cancel and Compute."""
        self.compute.setText("Cancel" if running else "Compute")
        self.compute.setEnabled(True)
        for widget in (self.all_videos, self.method, self.clusters):
            widget.enabled = not running
