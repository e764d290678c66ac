"""What is drawn where: places on the axes, labels with units, colors, words about untrained weights."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from helpers.features import STATES, planted
from napari_i3d import explore, plots
from napari_i3d._utils.colors import PALETTE, colors_of
from napari_i3d.errors import FeaturesError, OutputError
from napari_i3d.features.features import Features
from napari_i3d.plots.figures import FigureOptions, Kind, make_figure
from napari_i3d.plots.save import save_figure


def drawn() -> tuple[Figure, object]:
    figure = Figure(layout="constrained")
    return figure, figure.subplots()


@pytest.mark.parametrize("color", ["time", "individual", "cluster"])
def test_map_has_a_point_for_each_row(planted_table, color):
    shown = explore.map_rows(planted_table)
    labels = np.concatenate([STATES, STATES[:100]])
    figure, ax = drawn()
    assert plots.plot_map(shown, ax, color=color, labels=labels if color == "cluster" else None) is ax
    figure.canvas.draw()
    points = ax.collections[0]
    assert len(points.get_offsets()) == 260
    assert "principal component 1 (" in ax.get_xlabel()
    assert "of the variance)" in ax.get_ylabel()
    if color == "time":
        np.testing.assert_array_equal(points.get_array(), planted_table.frames)
        assert figure.axes[1].get_ylabel() == "video frame"
        return
    if color == "individual":
        boxes = colors_of(["male", 7])  # as in the viewer
        expected = [boxes[planted_table.sequences[number].individual] for number in planted_table.sequence_of_row]
    else:
        expected = [plots.category_color(label) for label in labels]
    color_at = {tuple(np.float32(p)): c for p, c in zip(shown.points, expected, strict=True)}
    for place, found in zip(points.get_offsets(), points.get_facecolors(), strict=True):
        assert to_hex(found) == color_at[tuple(np.float32(place))]
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == (["male", "7"] if color == "individual" else ["cluster 0", "cluster 1", "cluster 2"])


def test_individuals_of_one_color_differ_by_marker(planted_table):
    shown = explore.map_rows(planted_table)
    ax = drawn()[1]
    plots.plot_map(shown, ax, color="individual", individual_color=lambda _: PALETTE[4])
    legend = ax.collections[-2:]
    assert [to_hex(entry.get_facecolor()[0]) for entry in legend] == [PALETTE[4]] * 2
    shapes = [entry.get_paths()[0].vertices for entry in legend]
    assert shapes[0].shape != shapes[1].shape


def test_bad_colors_and_labels_of_map_are_refused(planted_table):
    shown = explore.map_rows(planted_table)
    with pytest.raises(FeaturesError, match="color 'red': expected one of time, individual, cluster"):
        plots.plot_map(shown, drawn()[1], color="red")
    with pytest.raises(FeaturesError, match="labels: expected for the color 'cluster'"):
        plots.plot_map(shown, drawn()[1], color="cluster")
    with pytest.raises(FeaturesError, match="a label for each of 260 rows"):
        plots.plot_map(shown, drawn()[1], color="cluster", labels=STATES)


def test_ethogram_has_each_bout_at_its_frames(planted_table):
    labels = np.concatenate([STATES, STATES[:100]])
    figure, ax = drawn()
    assert plots.plot_ethogram(planted_table, labels, ax, names={1: "grooming"}) is ax
    figure.canvas.draw()
    bars = {}
    for collection in ax.collections:
        for path in collection.get_paths():
            box = path.get_extents()
            bars[box.y0 + 0.4, box.x0, box.x1] = to_hex(collection.get_facecolor()[0])
    colors = [plots.category_color(n) for n in range(3)]
    assert bars == {
        (0, 103, 143): colors[0], (0, 143, 173): colors[1], (0, 173, 223): colors[2], (0, 223, 263): colors[0],
        (1, 3, 43): colors[0], (1, 43, 73): colors[1], (1, 73, 103): colors[2],
    }  # fmt: skip
    assert [text.get_text() for text in ax.get_yticklabels()] == ["male", "7"]
    assert ax.get_xlabel() == "video frame"
    assert ax.get_xlim() == (3, 263)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["cluster 0 (46%)", "grooming (23%)", "cluster 2 (31%)"]


def test_self_similarity_has_holes_at_missing_frames():
    frames = np.arange(160.0) * 2 + 10
    frames[100:] += 50
    planted_table = explore.table_of_arrays({"a": planted(STATES)}, {"a": frames}, fps=50)
    found = explore.novelty(planted_table, 20)
    figure, ax = drawn()
    plots.plot_self_similarity(explore.similarity_image(planted_table, 40), ax, novelty=found)
    figure.canvas.draw()
    mesh = ax.collections[0]
    edges = mesh.get_coordinates()[0, :, 0]
    assert edges[0] == 9
    assert edges[-1] == frames[-1] + 1
    assert {209, 259} <= set(edges.tolist())
    hole = edges.tolist().index(209)
    values = mesh.get_array().reshape(len(edges) - 1, -1)
    assert np.ma.getmaskarray(values)[hole].all()
    assert not np.ma.getmaskarray(values)[hole - 1, hole - 1]
    (upper,) = ax.child_axes
    marks = upper.lines[-1].get_xdata()
    np.testing.assert_array_equal(marks, [change.frame for change in found.changes])
    np.testing.assert_array_equal(marks, frames[[40, 70, 120]])
    assert "novelty" in upper.get_ylabel()


def test_self_similarity_of_several_individuals_names_them(planted_table):
    figure, ax = drawn()
    plots.plot_self_similarity(
        explore.similarity_image(planted_table, 60), ax, novelty=explore.novelty(planted_table, 15)
    )
    figure.canvas.draw()
    assert [text.get_text() for text in ax.get_xticklabels()] == [
        "male\nframes 103.5 to 262.5",
        "7\nframes 3.5 to 102.5",
    ]
    assert ax.get_xlim() == (0, 260)
    np.testing.assert_array_equal(ax.child_axes[0].lines[-1].get_xdata(), [40.5, 70.5, 120.5, 200.5, 230.5])
    with pytest.raises(FeaturesError, match="expected that of the rows of the self-similarity"):
        plots.plot_self_similarity(
            explore.similarity_image(planted(STATES)), ax, novelty=explore.novelty(planted_table)
        )


def test_contact_sheet_keeps_images_in_order():
    images = np.stack([np.full((4, 6, 3), value, np.uint8) for value in range(5)])
    figure, ax = drawn()
    plots.plot_contact_sheet(
        images, list("abcde"), ax, columns=[2, 3], row_titles=["up", "down"], colors=["#e69f00"] * 5
    )
    figure.canvas.draw()
    corners = [(round(i.get_extent()[0], 2), i.get_extent()[3]) for i in ax.images]
    assert [int(image.get_array()[0, 0, 0]) for image in ax.images] == [0, 1, 2, 3, 4]
    assert corners == sorted(corners, key=lambda corner: (corner[1], corner[0]))
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c", "d", "e", "up", "down"]
    assert len(plots.plot_contact_sheet(images, ax=drawn()[1]).images) == 5
    for bad, message in (
        ({"titles": ["a"]}, "expected titles for 5 images, found 1"),
        ({"columns": [2, 2]}, "expected 5 images in the rows, found 4"),
        ({"columns": 0}, "at least 1 image in a row, found 0"),
        ({"row_titles": ["x"], "columns": 3}, "expected titles for 2 rows of images, found 1"),
    ):
        with pytest.raises(FeaturesError, match=message):
            plots.plot_contact_sheet(images, ax=ax, **bad)
    with pytest.raises(FeaturesError, match=r"expected images \(n, H, W, 3\) uint8, found float64"):
        plots.plot_contact_sheet(images.astype(float), ax=ax)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("trained", [True, False])
def test_all_figures_say_when_weights_are_untrained(planted_features, kind, trained, tmp_path):
    made = Features(
        rows=planted_features.rows,
        frames=planted_features.frames,
        fps=25.0,
        provenance={"weights": {"trained": trained}},
    )
    asked = []

    def images(spans):
        asked.extend(spans)
        return np.zeros((len(spans), 8, 8, 3), np.uint8)

    figure = make_figure(made, FigureOptions(kind=kind), images if trained else None)
    save_figure(figure, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    axes = [*figure.axes, *(child for ax in figure.axes for child in ax.child_axes)]
    titles = " ".join(ax.get_title(loc="left") for ax in axes if hasattr(ax, "get_title"))
    assert ("untrained weights" in titles) != trained
    assert bool(asked) == trained
    for span in asked:
        low, high = (103, 263) if span.individual == "male" else (3, 103)
        assert low <= span.middle_frame < high


def test_individuals_are_chosen_by_name_or_number(planted_features):
    figure = make_figure(planted_features, FigureOptions(individuals=("7",)))
    assert next(ax.get_title(loc="left") for ax in figure.axes) == "7"
    with pytest.raises(FeaturesError, match="no features of individual 'female'; there are: male, 7"):
        make_figure(planted_features, FigureOptions(individuals=("female",)))
    with pytest.raises(FeaturesError, match="the features hold none"):
        make_figure(Features(rows={}))


def test_endings_that_are_no_figure_are_refused(tmp_path):
    with pytest.raises(OutputError, match=r"saved as \.png, \.svg or \.pdf, not as \.txt"):
        save_figure(Figure(), tmp_path / "figure.txt")
