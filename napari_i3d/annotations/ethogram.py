"""Ethograms: the behaviors that can be labelled."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from napari_i3d._utils.colors import category_color
from napari_i3d.annotations.validation import plain_name, plain_text
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import format_id

_COLOR = re.compile("#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class Behavior:
    """A behavior that can be labelled.

    Attributes
    ----------
    name
        Its name.
    key
        The letter or digit that labels it; empty: none.
    color
        ``#rrggbb``; empty: the next of the palette.
    description
        What counts as this behavior.
    exclusive
        Whether an individual shows no other exclusive behavior at the same time.

    Raises
    ------
    AnnotationError
        A value is invalid.
    """

    name: str
    key: str = ""
    color: str = ""
    description: str = ""
    exclusive: bool = True

    def __post_init__(self) -> None:
        name = plain_name(self.name, "behavior")
        key, color = plain_text(self.key, f"{name}: key"), plain_text(self.color, f"{name}: color")
        if key and not (len(key) == 1 and key.isalnum()):
            raise AnnotationError(f"{name}: expected a key of one letter or digit, found {key!r}")
        if color and not _COLOR.fullmatch(color):
            raise AnnotationError(f"{name}: expected a color such as #56b4e9, found {color!r}")
        if not isinstance(self.exclusive, bool):
            raise AnnotationError(f"{name}: expected exclusive to be true or false, found {format_id(self.exclusive)}")
        for field, value in (("name", name), ("key", key), ("color", color.lower())):
            object.__setattr__(self, field, value)
        object.__setattr__(self, "description", plain_text(self.description, f"{name}: description"))


@dataclass(frozen=True)
class Ethogram(Mapping[str, Behavior]):
    """The behaviors that can be labelled, by name, in their order.

    Parameters
    ----------
    behaviors
        The behaviors.

    Raises
    ------
    AnnotationError
        Two behaviors have the same name or key.
    """

    behaviors: tuple[Behavior, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "behaviors", tuple(self.behaviors))
        for what, values in (
            ("name", [behavior.name for behavior in self.behaviors]),
            ("key", [behavior.key for behavior in self.behaviors if behavior.key]),
        ):
            twice = next((value for value in values if values.count(value) > 1), None)
            if twice is not None:
                raise AnnotationError(f"expected behaviors with different {what}s, found two with {what} {twice!r}")

    def __getitem__(self, name: str) -> Behavior:
        return self.behaviors[self._indices[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._indices)

    def __len__(self) -> int:
        return len(self.behaviors)

    def index(self, name: str) -> int:
        """Return the position of a behavior.

        Raises
        ------
        AnnotationError
            There is no such behavior.
        """
        if name not in self._indices:
            listed = ", ".join(self) or "none"
            raise AnnotationError(f"expected a behavior of the ethogram ({listed}), found {format_id(name)}")
        return self._indices[name]

    def at(self, name: str) -> Behavior:
        """Return a behavior by its name; unlike ``ethogram[name]`` with an error for the user.

        Raises
        ------
        AnnotationError
            There is no such behavior.
        """
        return self.behaviors[self.index(name)]

    def by_key(self, key: str) -> Behavior | None:
        """Return the behavior that a key labels; None if there is none."""
        return next((behavior for behavior in self.behaviors if behavior.key == key != ""), None)

    def style_of(self, index: int) -> tuple[str, int]:
        """Return the color of a behavior as ``#rrggbb``, and the number of its hatch, 0 for none.

        Behaviors of the same color have different hatches.
        """
        return self._styles[index]

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {behavior.name: index for index, behavior in enumerate(self.behaviors)}

    @cached_property
    def _styles(self) -> tuple[tuple[str, int], ...]:
        colors = [behavior.color or category_color(index) for index, behavior in enumerate(self.behaviors)]
        return tuple((color, colors[:index].count(color)) for index, color in enumerate(colors))
