"""Behaviors with the keys and colors of other programs."""

import re

from napari_i3d.annotations.ethogram import Behavior

_COLOR = re.compile("#[0-9a-fA-F]{6}")


class PlainBehaviors:
    """The behaviors of a file.

    Keys that are not one letter or digit or are taken, colors that are not ``#rrggbb`` and second behaviors of the same
    name are left out.

    Attributes
    ----------
    behaviors : list of Behavior
        What was added.
    """

    def __init__(self) -> None:
        self.behaviors: list[Behavior] = []
        self._names: set[str] = set()
        self._keys: set[str] = set()

    def add(self, name: str, *, key: str = "", color: str = "", description: str = "", exclusive: bool = True) -> None:
        """Add a behavior; one without a printable name is left out."""
        name, key = name.strip(), key.strip()
        if not name or not name.isprintable() or name in self._names:
            return
        key = key if len(key) == 1 and key.isalnum() and key not in self._keys else ""
        color = color if _COLOR.fullmatch(color) else ""
        self.behaviors.append(Behavior(name, key, color, description, exclusive))
        self._names.add(name)
        self._keys.add(key)
