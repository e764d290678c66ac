"""Tracking from a layer back to a file, as napari's File menu saves it."""

import pickle

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtWidgets import QFileDialog

from napari_i3d import read_tracking
from napari_i3d.errors import OutputError, TrackingError
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.session.layer_sources import METADATA_KEY, TrackingSource
from napari_i3d.tracking.io.box_pickle import write_tracking


@pytest.fixture
def layer_and_tracking(make_napari_viewer, clip_of, tmp_path):
    clip = clip_of(12, tmp_path / "clip")
    viewer = make_napari_viewer()
    get_session(viewer)
    viewer.open(str(clip.tracking), plugin="napari-i3d")
    layer = next(layer for layer in viewer.layers if isinstance(layer.metadata.get(METADATA_KEY), TrackingSource))
    return viewer, layer, clip


def assert_same(left, right) -> None:
    assert list(left) == list(right)
    for individual in left:
        assert left[individual].start == right[individual].start
        np.testing.assert_array_equal(left[individual].boxes, right[individual].boxes)


@pytest.mark.parametrize("ending", [".pickle", ".pkl"])
def test_saved_layer_is_tracking_it_was_read_from(layer_and_tracking, tmp_path, ending):
    viewer, layer, clip = layer_and_tracking
    path = tmp_path / f"again{ending}"
    viewer.layers.selection = {layer}
    assert viewer.layers.save(str(path), selected=True, plugin="napari-i3d") == [str(path)]
    assert_same(read_tracking(path), read_tracking(clip.tracking))
    assert path.read_bytes() == clip.tracking.read_bytes()


def test_file_menu_saves_the_selected_layer(layer_and_tracking, tmp_path, monkeypatch):
    viewer, layer, clip = layer_and_tracking
    path = tmp_path / "menu.pickle"
    filters = []

    def choose(*_, **options):
        filters.append(options["filter"])
        return str(path), next(part for part in options["filter"].split(";;") if ".pickle" in part)

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    viewer.layers.selection = {layer}
    viewer.window._qt_viewer._save_layers_dialog(selected=True)
    assert "*.pickle" in filters[0]
    assert_same(read_tracking(path), read_tracking(clip.tracking))


def test_real_tracking_with_gaps_and_fractions_survives(make_napari_viewer, shared, tmp_path):
    for name in ("flies_courtship_clip_INVALID_gaps", "flies_courtship_clip_float_unclipped"):
        source = shared / "data" / f"{name}.pickle"
        viewer = make_napari_viewer()
        get_session(viewer)
        viewer.open(str(source), plugin="napari-i3d")
        layer = next(layer for layer in viewer.layers if isinstance(layer.metadata.get(METADATA_KEY), TrackingSource))
        viewer.layers.selection = {layer}
        viewer.layers.save(str(tmp_path / f"{name}.pickle"), selected=True, plugin="napari-i3d")
        assert_same(read_tracking(tmp_path / f"{name}.pickle"), read_tracking(source))
        boxes = pickle.loads((tmp_path / f"{name}.pickle").read_bytes())
        assert len(boxes) == len(read_tracking(source))


def test_layer_of_somebody_else_is_refused_by_name(layer_and_tracking, tmp_path):
    viewer, _, _ = layer_and_tracking
    other = viewer.add_vectors(np.zeros((1, 2, 2)), name="arrows")
    viewer.layers.selection = {other}
    with pytest.raises(TrackingError, match=r"arrows: expected a layer of boxes.*Save Selected Layers"):
        viewer.layers.save(str(tmp_path / "no.pickle"), selected=True, plugin="napari-i3d")
    assert not (tmp_path / "no.pickle").exists()


def test_place_that_cannot_be_written_is_named(layer_and_tracking, tmp_path):
    viewer, layer, _ = layer_and_tracking
    (tmp_path / "file").touch()
    viewer.layers.selection = {layer}
    with pytest.raises(OutputError, match="cannot be written"):
        viewer.layers.save(str(tmp_path / "file" / "out.pickle"), selected=True, plugin="napari-i3d")


def test_writing_twice_gives_the_same_file(layer_and_tracking, tmp_path):
    _, layer, _ = layer_and_tracking
    source = layer.metadata[METADATA_KEY]
    write_tracking(tmp_path / "a.pickle", source.tracking)
    write_tracking(tmp_path / "b.pickle", read_tracking(tmp_path / "a.pickle"))
    assert (tmp_path / "a.pickle").read_bytes() == (tmp_path / "b.pickle").read_bytes()


@pytest.mark.parametrize("ending", [".txt", ".xml", ".csv", ".json"])
def test_saved_boxes_of_other_programs_are_read_again(layer_and_tracking, tmp_path, ending):
    viewer, layer, clip = layer_and_tracking
    viewer.open(str(clip.video), plugin="napari-i3d")
    notification_manager.records.clear()
    path = tmp_path / f"again{ending}"
    viewer.layers.selection = {layer}
    assert viewer.layers.save(str(path), selected=True, plugin="napari-i3d") == [str(path)]
    saved, again = read_tracking(clip.tracking), read_tracking(path)
    assert len(again) == len(saved)
    for one, other in zip(saved.values(), again.values(), strict=True):
        assert (one.start, one.stop) == (other.start, other.stop)
        np.testing.assert_allclose(one.boxes, other.boxes, atol=0.51)
    (note,) = [record.message for record in notification_manager.records]
    assert f"again{ending}: " in note
