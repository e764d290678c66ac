"""Figures of annotations: the bars drawn are the planted bouts, shares and counts."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import napari_i3d
from napari_i3d import Annotation, Behavior, Bout, Ethogram, plots
from napari_i3d.errors import AnnotationError

ETHOGRAM = Ethogram(
    (Behavior("run"), Behavior("groom"), Behavior("call", exclusive=False), *(Behavior(str(n)) for n in range(6)))
)
BOUTS = (
    Bout("a", "run", 10, 30),
    Bout("a", "groom", 30, 40),
    Bout("a", "5", 50, 60),
    Bout("a", "call", 20, 60),
    Bout(7, "run", 0, 5, origin="automated"),
)
ANNOTATION = Annotation(ETHOGRAM, BOUTS, {"a": [(0, 80)]}, ("a", 7, "c"), 100, 25)


@pytest.fixture
def ax():
    return Figure().add_subplot()


def drawn(ax):
    """Return {(color, hatch): [(left, right, top, bottom)]} of all bars."""
    bars = {}
    for collection in ax.collections:
        for path in collection.get_paths():
            (left, top), (right, bottom) = path.get_extents().get_points()
            faces = collection.get_facecolor()
            color = to_hex(faces[0]) if len(faces) else "none"
            bars.setdefault((color, collection.get_hatch()), []).append((left, right, top, bottom))
    return bars


def test_bouts_are_drawn_where_they_are(ax):
    bars = drawn(plots.plot_bouts(ANNOTATION, ax))
    style = {name: ETHOGRAM.style_of(index) for index, name in enumerate(ETHOGRAM)}
    assert [bar[:2] for bar in bars[style["run"][0], None]] == [(9.5, 29.5), (-0.5, 4.5)]
    assert [bar[:2] for bar in bars[style["groom"][0], None]] == [(29.5, 39.5)]
    assert style["5"] == (style["run"][0], 1)
    assert [bar[:2] for bar in bars[style["run"][0], "////"]] == [(49.5, 59.5)]
    # The exclusive ones share a lane; the other one is below them, above the next individual.
    (run, other), (call,) = bars[style["run"][0], None], bars[style["call"][0], None]
    assert run[2:] == bars[style["groom"][0], None][0][2:]
    assert run[3] < call[2] < call[3] < other[2]
    unassessed = sorted((top, left, right) for left, right, top, _ in bars["none", "\\\\\\"])
    assert [one[1:] for one in unassessed] == [(79.5, 99.5), (4.5, 99.5), (-0.5, 99.5)]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["run", "groom", "call", "5", "not assessed"]
    pale = [one for one in ax.collections if one.get_alpha() is not None]
    assert [one.get_paths()[0].get_extents().x1 for one in pale] == [4.5]


def test_bouts_of_a_range_are_drawn(ax):
    plots.plot_bouts(ANNOTATION, ax, individuals=["a"], start=25, stop=45)
    assert ax.get_xlim() == (24.5, 44.5)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["run", "groom", "call"]


def test_time_budget_adds_up(ax):
    plots.plot_time_budget(ANNOTATION, ax)
    bars = [
        (to_hex(bar.get_facecolor()), bar.get_x(), bar.get_width(), round(bar.get_height(), 6)) for bar in ax.patches
    ]
    colors = {name: ETHOGRAM.style_of(index)[0] for index, name in enumerate(ETHOGRAM)}
    first = [(25.0, colors["run"]), (12.5, colors["groom"]), (50.0, colors["call"]), (12.5, colors["5"])]
    assert [(bar[2], bar[0]) for bar in bars[:4]] == first
    thick = max(bar[3] for bar in bars)
    stacked = [bar for bar in bars if bar[3] == thick]
    assert [bar[1] for bar in stacked[:4]] == [0, 25, 37.5, 50]
    assert sum(bar[2] for bar in stacked) == 200
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "7"]


def test_transitions_are_counted_in_the_figure(ax):
    transitions = napari_i3d.behavior_transitions(ANNOTATION, max_gap_frames=10)
    plots.plot_transitions(transitions, ax)
    found = {(text.get_position()[1], text.get_position()[0]): int(text.get_text()) for text in ax.texts}
    assert found == {(0, 1): 1, (1, 8): 1}
    image = ax.images[0].get_array()
    assert (image[0, 1], image[1, 8]) == (1, 1)
    assert np.ma.getmaskarray(image).sum() == 81 - 2


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.plot_bouts(Annotation(), ax),
        lambda ax: plots.plot_bouts(ANNOTATION, ax, start=5, stop=5),
        lambda ax: plots.plot_time_budget(Annotation(), ax),
        lambda ax: plots.plot_transitions(napari_i3d.behavior_transitions(Annotation()), ax),
    ],
)
def test_nothing_to_draw_is_an_error(draw, ax):
    with pytest.raises(AnnotationError, match=r"expected .*found"):
        draw(ax)


def test_figures_can_be_saved(tmp_path):
    figure = Figure(figsize=(6, 9), layout="constrained")
    top, middle, bottom = figure.subplots(3)
    with mpl.rc_context({"hatch.linewidth": 0.5}):
        plots.plot_bouts(ANNOTATION, top)
        plots.plot_time_budget(ANNOTATION, middle)
        plots.plot_transitions(napari_i3d.behavior_transitions(ANNOTATION), bottom)
        plots.save_figure(figure, tmp_path / "all.png")
    assert (tmp_path / "all.png").stat().st_size > 10_000
