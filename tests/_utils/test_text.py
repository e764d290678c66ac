"""How amounts are told."""

import pytest

from napari_i3d._utils.text import format_duration, format_speed, format_time


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "less than"), (40, "40 s"), (700, "12 min"), (12000, "3 h 20 min")]
)
def test_durations_are_told_as_a_person_does(seconds, text):
    assert text in format_duration(seconds)


@pytest.mark.parametrize(("speed", "text"), [(1, "1×"), (-2, "-2×"), (0.125, "1/8×"), (-0.5, "-1/2×"), (1.5, "1.5×")])
def test_format_of_speeds(speed, text):
    assert format_speed(speed) == text


@pytest.mark.parametrize(
    ("seconds", "hours", "text"),
    [
        (0.0, False, "00:00.000"),
        (59.9996, False, "01:00.000"),
        (754.0404, False, "12:34.040"),
        (3599.0, True, "0:59:59.000"),
        (7384.5, True, "2:03:04.500"),
    ],
)
def test_format_of_times(seconds, hours, text):
    assert format_time(seconds, hours=hours) == text
