"""Colors of individuals."""

from napari_i3d._utils.colors import PALETTE, colors_of


def test_colors_stay_with_id_and_differ_within_video():
    pair = colors_of(["male", "female"])
    assert pair["male"] != pair["female"]
    assert colors_of(["male"])["male"] == pair["male"] == colors_of(["x", "male"])["male"]
    assert len(set(colors_of(range(7)).values())) == len(PALETTE)
    assert len(set(colors_of([f"fly{i}" for i in range(7)]).values())) == len(PALETTE)
    assert set(colors_of(range(1000)).values()) == set(PALETTE)
