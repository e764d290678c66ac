"""Figures of scores show the confusions and the curve that were measured."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers.labelled import make_planted
from napari_i3d import learning, plots
from napari_i3d.errors import AnnotationError


@pytest.fixture(scope="module")
def scores():
    video = make_planted(6, noise=2.5)
    return learning.evaluate(video.features, video.annotation)


def test_confusion_is_in_percent_of_labelled_frames(scores) -> None:
    ax = plots.plot_confusion(scores, Figure().add_subplot())
    (image,) = ax.images
    names = [text.get_text() for text in ax.get_xticklabels()]
    assert names == ["(none)", "walk", "groom", "rear"]
    shares = np.asarray(image.get_array())
    np.testing.assert_allclose(shares.sum(axis=1), 100)
    total = sum(frames for (true, _), frames in scores.confusion.items() if true == "walk")
    assert shares[1, 2] == pytest.approx(100 * scores.confusion["walk", "groom"] / total)
    assert ax.get_yticklabels()[1].get_text() == f"walk ({total})"


def test_learning_curve_is_drawn_beside_chance(scores) -> None:
    ax = plots.plot_learning_curve(scores, Figure().add_subplot())
    curve, shuffled, majority = ax.lines
    np.testing.assert_allclose(curve.get_xydata(), scores.learning_curve)
    assert set(shuffled.get_ydata()) == {scores.shuffled_macro_f1}
    assert set(majority.get_ydata()) == {scores.majority_macro_f1}


def test_figure_without_exclusive_behaviors_has_the_curve_only(scores) -> None:
    from dataclasses import replace

    free = replace(scores, confusion={}, provenance={"source": {"trained": False}})
    (ax,) = plots.scores_figure(free).axes
    assert "untrained weights" in ax.get_title(loc="left")
    with pytest.raises(AnnotationError, match="exclusive"):
        plots.plot_confusion(free, ax)
    assert len(plots.scores_figure(scores).axes) == 3
