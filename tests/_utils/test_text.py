"""How amounts are told."""

import pytest

from napari_i3d._utils.text import format_duration


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "less than"), (40, "40 s"), (700, "12 min"), (12000, "3 h 20 min")]
)
def test_durations_are_told_as_a_person_does(seconds, text):
    assert text in format_duration(seconds)
