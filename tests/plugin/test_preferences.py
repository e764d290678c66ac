"""Preferences on disk."""

from napari_i3d.plugin import preferences


def test_preferences_survive_damage_and_unwritable_places(tmp_path, monkeypatch):
    preferences.remember("a", {"x": 1})
    preferences.remember("b", {"y": 2})
    assert (preferences.recall("a"), preferences.recall("b")) == ({"x": 1}, {"y": 2})
    preferences.preferences_path().write_bytes(b"{damaged")
    assert preferences.recall("a") == {}
    (tmp_path / "file").touch()
    monkeypatch.setenv("NAPARI_I3D_HOME", str(tmp_path / "file" / "below"))
    preferences.remember("a", {"x": 1})
    assert preferences.recall("a") == {}
