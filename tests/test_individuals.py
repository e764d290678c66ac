"""Ids in lists: what is written alike is told apart."""

import pytest

from napari_i3d.individuals import name_ids


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        ((1, 2), ["1", "2"]),
        (("1", "2"), ["1", "2"]),
        ((1, "1", "male"), ["1", "'1'", "male"]),
        (("",), ["whole image"]),
    ],
)
def test_number_and_text_are_told_apart(ids: tuple, names: list[str]) -> None:
    assert list(name_ids(ids).values()) == names
