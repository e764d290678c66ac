"""Rows of several videos as one table: which frame and whom each row stands for."""

import subprocess
import sys

import numpy as np
import pytest

from helpers.features import features_of, planted
from napari_i3d import explore
from napari_i3d._utils.extras import needed_for
from napari_i3d.errors import FeaturesError
from napari_i3d.features.features import Features


@pytest.fixture
def table():
    one = features_of({"a": planted([0] * 10), 7: planted([1] * 4)}, start=103.5, step=4)
    two = features_of({"a": planted([2] * 5)}, fps=None)
    return explore.table_of_features({"one": one, "two": two})


def test_every_row_keeps_its_video_individual_and_frame(table):
    assert len(table) == 19
    assert table.width == 64
    assert table.starts.tolist() == [0, 10, 14, 19]
    for row, (video, individual, frame) in {
        0: ("one", "a", 103.5), 9: ("one", "a", 139.5), 10: ("one", 7, 103.5), 14: ("two", "a", 0.0),
        18: ("two", "a", 4.0),
    }.items():  # fmt: skip
        span = table.span(row)
        assert (span.video, span.individual, span.first_frame, span.last_frame) == (video, individual, frame, frame)
        assert table.find_rows(individual, frame, video=video) == (row, row + 1)
    assert table.span(2, 5) == explore.Span("one", "a", 111.5, 119.5)


def test_rows_come_back_in_blocks_and_by_number(table):
    whole = np.concatenate([sequence.values for sequence in table.sequences])
    for size in (1, 3, 11, 100):
        np.testing.assert_array_equal(np.concatenate([block for _, block in table.blocks(size)]), whole)
    np.testing.assert_array_equal(table.rows(8, 16), whole[8:16])
    np.testing.assert_array_equal(table.take([18, 0, 12, 0]), whole[[18, 0, 12, 0]])
    np.testing.assert_array_equal(table.with_values(whole[:, :3]).rows(9, 15), whole[9:15, :3])
    assert table.rows(0, 10) is not None
    assert np.shares_memory(table.rows(2, 5), table.sequences[0].values)


def test_frame_finds_the_nearest_row_only(table):
    assert table.find_rows("a", 105, video="one") == (0, 1)
    assert table.find_rows("a", 105.5, video="one") == (1, 2)  # half way: the later
    assert table.find_rows("a", 104, 112, video="one") == (1, 3)
    assert table.find_rows("a", 105, 106, video="one") == (1, 2)  # no row within: the nearest
    with pytest.raises(FeaturesError, match=r"one: a: no row stands for frame 101; .* frames 103.5 to 139.5, every 4"):
        table.find_rows("a", 101, video="one")
    with pytest.raises(FeaturesError, match="first before the last, found 9 to 3"):
        table.find_rows("a", 9, 3, video="two")


def test_unpadded_rows_are_found_like_padded_ones():
    unpadded = explore.table_of_features(features_of({"a": planted([0] * 10)}, start=3.5))
    for row in range(10):
        assert unpadded.find_rows("a", unpadded.span(row).middle_frame) == (row, row + 1)


def test_individuals_of_several_videos_are_told_apart(table):
    with pytest.raises(FeaturesError, match=r"in several videos \('one', 'two'\); name the video"):
        table.sequence_number("a")
    assert table.sequence_number(7) == 1
    with pytest.raises(FeaturesError, match="no rows of individual 'b'; there are: one: a, one: 7, two: a"):
        table.sequence_number("b")


def test_missing_frames_break_a_stretch():
    frames = np.array([0.0, 2, 4, 10, 12])
    table = explore.table_of_arrays({"a": planted([0] * 5), "b": planted([0] * 2)}, {"a": frames, "b": frames[:2]})
    assert table.stretches == [(0, 0, 3), (0, 3, 5), (1, 5, 7)]
    with pytest.raises(FeaturesError, match="a: no row stands for frame 7"):
        table.find_rows("a", 7)


def test_bad_features_are_refused_by_name():
    rows = planted([0] * 10)
    rows[6, 3] = np.nan
    with pytest.raises(FeaturesError, match=r"male: expected finite features, .* first at frame 109\.5"):
        explore.table_of_features(features_of({"male": rows}, start=103.5))
    with pytest.raises(FeaturesError, match="male: the video frames of its rows are not known"):
        explore.table_of_features(Features(rows={"male": planted([0] * 3)}))
    with pytest.raises(FeaturesError, match="b has 32 features in each row, a has 64"):
        explore.table_of_arrays({"a": planted([0] * 3), "b": planted([0] * 3, width=32)})
    with pytest.raises(FeaturesError, match="expected frames that ascend"):
        explore.table_of_arrays({"a": planted([0] * 3)}, {"a": np.array([0.0, 2, 1])})
    with pytest.raises(FeaturesError, match="at least one individual with one row"):
        explore.table_of_arrays({"a": planted([])})
    with pytest.raises(FeaturesError, match="no features of individual 'x'; there are: a"):
        explore.table_of_features(features_of({"a": planted([0])}), ["x"])
    with pytest.raises(FeaturesError, match="expected float32 features"):
        explore.standardize(np.zeros((3, 4)))
    with pytest.raises(FeaturesError, match="a: expected the video frame of each of its rows"):
        explore.table_of_arrays({"a": planted([0])}, {})


def test_missing_package_is_named_with_what_to_install():
    told = pytest.raises(FeaturesError, match=r'the map needs no_such_package.*pip install "napari-i3d\[umap\]"')
    with told, needed_for("the map", "umap", FeaturesError):
        import no_such_package  # noqa: F401
    with pytest.raises(ModuleNotFoundError), needed_for("the map", "umap"):
        import napari_i3d.no_such_module  # noqa: F401


def test_importing_the_functions_loads_no_heavy_package():
    code = (
        "import sys, napari_i3d; napari_i3d.explore.table_of_features; napari_i3d.plots.plot_heat_map;"
        "heavy = ('torch', 'sklearn', 'scipy', 'matplotlib', 'umap', 'ruptures', 'napari');"
        "print([name for name in heavy if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
