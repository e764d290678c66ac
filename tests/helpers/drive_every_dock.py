"""Opens every dock in one viewer and drives it by its buttons and boxes: a process of its own, for another Qt binding.

Arguments: video, tracking. Prints the binding and what came out, as JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from napari.utils.notifications import NotificationSeverity, notification_manager
from qtpy import API_NAME
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_i3d import Annotation, Behavior, Bout, Ethogram, Features, view
from napari_i3d.backbones.pretrained import UNTRAINED
from napari_i3d.explore.heat_map_data import Content, Order
from napari_i3d.extraction.settings import SampleMode
from napari_i3d.learning.probe.settings import Classifier
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.explore_dock.row_colors import ColorBy
from napari_i3d.plugin.individuals_dock.individuals_model import Column
from napari_i3d.plugin.timeline.lanes import LaneKind

WAIT_S = 120


def wait(until: Callable[[], object], what: str) -> None:
    end = time.monotonic() + WAIT_S
    while not until():
        if time.monotonic() > end:
            sys.exit(f"waited {WAIT_S} s for {what}")
        QApplication.processEvents()
        time.sleep(0.01)


def click(button) -> None:
    assert button.isEnabled(), button.text()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def extract(dock, tracked) -> Features:
    dock.form.weights.value = UNTRAINED
    dock.form.frequency.value = 4
    dock.more.click()
    wait(dock.bar.run.isEnabled, "the estimate")
    click(dock.bar.run)
    wait(lambda: tracked.features is not None or dock.bar.run.isEnabled(), "features")
    assert tracked.features is not None, dock.bar.status.text()
    return tracked.features


def plot(dock) -> None:
    dock.options.order.value = Order.FILE
    wait(lambda: dock.canvas.shown is not None and dock.canvas.shown.options.order is Order.FILE, "the order")
    dock.options.content.value = Content.COMPONENTS
    wait(lambda: dock.canvas.shown.options.content is Content.COMPONENTS, "components")
    assert dock.canvas.axes.get_ylabel() == "components"
    dock.options.individual.value = "spotted"
    wait(lambda: dock.canvas.axes.get_title(loc="left").startswith("spotted"), "the other individual")


def explore(dock, annotate) -> int:
    dock.options.clusters.value = 2
    click(dock.options.compute)
    wait(lambda: dock.options.compute.text() == "Compute", "the map")
    seen = []
    for by in ColorBy:
        dock.color.value = by
        QApplication.processEvents()
        seen.append(np.array(dock.canvas.colors))
    assert not np.array_equal(seen[0], seen[1])
    assert not np.array_equal(seen[1], seen[2])
    lanes = [group.lane(LaneKind.CLUSTERS) for group in annotate.canvas.data.groups]
    assert all(lane is not None and len(lane.bouts) for lane in lanes)
    assert len(lanes) == 2
    click(dock.similar.search)
    wait(lambda: dock.similar.hits, "similar moments")
    return len(dock.similar.hits)


def learn(dock, tracked) -> None:
    ethogram = Ethogram((Behavior("groom", "g"),))
    tracked.labels.set_annotation(Annotation(ethogram, (Bout("striped", "groom", 0, 6),), {"striped": [(0, 12)]}), None)
    wait(lambda: dock.train.isEnabled(), "labels and features")
    click(dock.train)
    wait(lambda: tracked.predictions.annotation is not None and dock.train.isEnabled(), "proposals")
    assert "Untrained weights" in dock.status.text()
    click(dock.queue.next)
    wait(lambda: tracked.span is not None, "a stretch to label")
    dock.options.classifier.value = Classifier.BOOSTING
    assert dock.options.settings().probe.classifier is Classifier.BOOSTING


def tick(dock, tracked) -> None:
    place = dock.individuals.table.visualRect(dock.individuals.proxy.index(0, Column.EXTRACT)).center()
    QTest.mouseClick(dock.individuals.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert tracked.chosen == {"spotted"}
    assert (
        dock.individuals.model.data(dock.individuals.model.index(0, Column.EXTRACT), Qt.ItemDataRole.CheckStateRole)
        == Qt.CheckState.Unchecked
    )
    QTest.mouseClick(dock.individuals.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert tracked.chosen == {"striped", "spotted"}
    place = dock.individuals.table.visualRect(dock.individuals.proxy.index(1, Column.ID)).center()
    QTest.mouseClick(dock.individuals.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert tracked.current == "spotted"


def preview(dock) -> list[tuple[int, ...]]:
    shapes = []
    for place, mode in enumerate(SampleMode):
        dock.view.show_image(None)
        dock.mode.setCurrentIndex(place)
        wait(lambda: dock.view.image is not None, f"the crop of {mode}")
        shapes.append(dock.view.image.shape)
    dock.mode.setCurrentIndex(0)
    return shapes


def main(video: Path, tracking: Path) -> None:
    viewer = view(video, tracking)
    viewer.window.add_plugin_dock_widget("napari-i3d", "Annotate")
    QApplication.processEvents()
    docks = {name.removesuffix(" (napari-i3d)"): dock for name, dock in viewer.window.dock_widgets.items()}
    for dock in docks.values():
        dock.parent().raise_()
        QApplication.processEvents()
    tracked = get_session(viewer).active
    docks["Individuals"].parent().raise_()
    QApplication.processEvents()
    tick(docks["Individuals"], tracked)
    docks["Crop preview"].parent().raise_()
    QApplication.processEvents()
    crops = preview(docks["Crop preview"])
    docks["Extract features"].parent().raise_()
    QApplication.processEvents()
    features = extract(docks["Extract features"], tracked)
    plot(docks["Plot features"])
    docks["Explore features"].parent().raise_()
    QApplication.processEvents()
    get_session(viewer).go_to(8)
    hits = explore(docks["Explore features"], docks["Annotate"])
    docks["Learn behaviors"].parent().raise_()
    QApplication.processEvents()
    learn(docks["Learn behaviors"], tracked)
    viewer.dims.set_current_step(0, 7)
    viewer.theme = "light"
    QApplication.processEvents()
    complaints = [r.message for r in notification_manager.records if r.severity >= NotificationSeverity.WARNING]
    rows = {str(name): len(array) for name, array in features.items()}
    print(json.dumps({"binding": API_NAME, "rows": rows, "crops": crops, "hits": hits, "complaints": complaints}))
    viewer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
