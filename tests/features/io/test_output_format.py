"""Which files a layout gives."""

from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.output_format import output_paths


def test_files_of_a_layout_are_known_beforehand(tmp_path):
    assert output_paths(tmp_path / "x.npz", Layout.DICT, ["a", "b"]) == [tmp_path / "x.npz"]
    expected = [tmp_path / "x_a.npy", tmp_path / "x_b.npy"]
    assert output_paths(tmp_path / "x.npy", Layout.ACTIONFORMER, ["a", "b"]) == expected
