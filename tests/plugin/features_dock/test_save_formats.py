"""The forms in which the Plot dock saves."""

from napari_i3d.plugin.features_dock.save_formats import SAVE_FORMATS, format_of


def test_forms_add_the_ending_that_is_missing(tmp_path):
    for form in SAVE_FORMATS:
        assert format_of(form.filter) is form
        assert form.path(str(tmp_path / "my.day")).name == f"my.day{form.ending}"
        assert form.path(str(tmp_path / f"x{form.ending}")).name == f"x{form.ending}"
    assert format_of("something else") is SAVE_FORMATS[0]
