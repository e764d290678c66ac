"""Which arrays are taken for the weights, and what is said of others."""

from types import SimpleNamespace

import numpy as np
import pytest

from napari_i3d.backbones.i3d.weights_checks import check_layout, check_values
from napari_i3d.errors import WeightsError

Shapes = dict[str, tuple[int, ...]]


def arrays(shapes: Shapes, dtype: str = "float32") -> dict[str, object]:
    return {name: SimpleNamespace(shape=shape, dtype=dtype) for name, shape in shapes.items()}


def message(found: dict[object, object], shapes: Shapes) -> str:
    with pytest.raises(WeightsError, match=r"^w\.pkl: ") as caught:
        check_layout(found, shapes, "w.pkl")
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 450
    return text


def test_whole_set_is_accepted(shapes: Shapes) -> None:
    check_layout(arrays(shapes), shapes, "w.pkl")


def test_missing_arrays_are_counted_and_a_few_named(shapes: Shapes) -> None:
    found = arrays({name: shape for name, shape in shapes.items() if not name.startswith("res5")})
    text = message(found, shapes)
    assert "not complete" in text
    assert "50 missing: res5_0_branch1_w, " in text
    assert "and 47 more" in text


def test_missing_array_is_named_alone(shapes: Shapes) -> None:
    found = arrays(shapes)
    del found["pred_b"]
    assert message(found, shapes).endswith("1 missing: pred_b")


@pytest.mark.parametrize(
    ("surplus", "who"),
    [
        ("nonlocal_conv3_1_theta_w", "with non-local blocks"),
        ("res4_6_branch2a_w", "deeper one"),
        ("layer3.22.bn3.bias", "deeper one"),
        ("something_else", "of another network"),
        (b"conv1_w", "of another network"),
    ],
)
def test_arrays_of_another_network_are_called_so(shapes: Shapes, surplus: object, who: str) -> None:
    text = message({**arrays(shapes), surplus: 1}, shapes)
    assert who in text
    assert "1 surplus: " in text


def test_name_with_line_breaks_stays_on_one_line(shapes: Shapes) -> None:
    assert r"a\nb" in message({**arrays(shapes), "a\nb" + "x" * 10000: 1}, shapes)


def test_shapes_say_found_and_expected(shapes: Shapes) -> None:
    found = arrays(shapes) | arrays({"pred_w": (157, 2048), "conv1_w": (64, 3, 1, 7, 7)})
    text = message(found, shapes)
    assert "of another network" in text
    assert "2 of another shape: " in text
    assert "pred_w is (157, 2048), not (400, 2048)" in text


@pytest.mark.parametrize("kind", ["float16", "float64", "int8", "torch.bfloat16", ">f4"])
def test_other_numbers_than_float32_are_refused(shapes: Shapes, kind: str) -> None:
    text = message(arrays(shapes) | arrays({"pred_w": (400, 2048)}, kind), shapes)
    assert "expected float32" in text
    assert f"pred_w is {kind.removeprefix('torch.')}" in text


def test_something_that_is_no_array_is_refused(shapes: Shapes) -> None:
    assert "conv1_w is list" in message(arrays(shapes) | {"conv1_w": [1.0]}, shapes)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(WeightsError, match=r"^w\.pkl: damaged.* 1 not finite: a_w") as caught:
        check_values({"a_w": np.array([0, bad], np.float32), "b_w": np.zeros(2, np.float32)}, "w.pkl")
    assert "\n" not in str(caught.value)


def test_negative_variances_are_refused_negative_means_not() -> None:
    values = np.array([1, -1], np.float32)
    check_values({"a_bn_rm": values, "a_bn_s": values}, "w.pkl")
    with pytest.raises(WeightsError, match="1 negative running variances: a_bn_riv"):
        check_values({"a_bn_rm": values, "a_bn_riv": values}, "w.pkl")
