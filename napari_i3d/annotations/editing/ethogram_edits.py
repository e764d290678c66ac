"""Edits of the ethogram: add, rename, change, move and delete behaviors."""

from dataclasses import dataclass, replace
from typing import ClassVar

from napari_i3d._utils.colors import CATEGORY_COLORS
from napari_i3d._utils.text import counted
from napari_i3d.annotations.editing.annotation_edit import AnnotationEdit, Plan
from napari_i3d.annotations.editing.annotation_store import AnnotationStore, Behaviors
from napari_i3d.annotations.editing.changes import SetBehaviors
from napari_i3d.annotations.editing.draft import Draft
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.annotations.validation import plain_frame
from napari_i3d.errors import AnnotationError


@dataclass(frozen=True)
class AddBehavior(AnnotationEdit):
    """Add a behavior at the end; without a color it gets the one of the palette that is used least."""

    added: Behavior

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.added, Behavior):
            raise AnnotationError(f"expected a behavior, found {type(self.added).__name__}")

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"add the behavior {self.added.name}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        behavior = self.added
        if not behavior.color:
            used = [color for color, _ in map(store.ethogram.style_of, range(len(store.ethogram)))]
            behavior = replace(behavior, color=min(CATEGORY_COLORS, key=used.count))
        return _replaced(store, (*store.behaviors, (store.new_behavior_key(), behavior)))


@dataclass(frozen=True)
class RenameBehavior(AnnotationEdit):
    """Give a behavior another name; its bouts follow."""

    _names: ClassVar[tuple[str, ...]] = ("behavior", "new")

    behavior: str
    new: str

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"rename the behavior {self.behavior} to {self.new}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        return _changed(store, replace(store.ethogram.at(self.behavior), name=self.new), self.behavior)


@dataclass(frozen=True)
class ChangeBehavior(AnnotationEdit):
    """Change the key, color, description or exclusiveness of a behavior; None leaves it as it is.

    Bouts stay: those of a behavior that becomes exclusive may be in conflict with others.
    """

    behavior: str
    key: str | None = None
    color: str | None = None
    description: str | None = None
    exclusive: bool | None = None

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"change {', '.join(self._values) or 'nothing'} of the behavior {self.behavior}"

    @property
    def _values(self) -> dict[str, str | bool]:
        values = {
            "key": self.key,
            "color": self.color,
            "description": self.description,
            "exclusive": self.exclusive,
        }
        return {name: value for name, value in values.items() if value is not None}

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        return _changed(store, replace(store.ethogram.at(self.behavior), **self._values), self.behavior)  # type: ignore[arg-type]


@dataclass(frozen=True)
class MoveBehavior(AnnotationEdit):
    """Put a behavior at another place in the order, from 0."""

    behavior: str
    index: int

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("index", plain_frame(self.index, "index"))

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"move the behavior {self.behavior} to place {self.index + 1}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        behaviors = list(store.behaviors)
        behaviors.insert(self.index, behaviors.pop(store.ethogram.index(self.behavior)))
        return _replaced(store, tuple(behaviors))


@dataclass(frozen=True)
class DeleteBehavior(AnnotationEdit):
    """Delete a behavior with all its bouts; their frames stay assessed."""

    behavior: str

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"delete the behavior {self.behavior}, all its bouts"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        key, draft, count = store.behavior_key(self.behavior), Draft(store), 0
        for lane in store.lanes():
            if lane.behavior == key:
                count += store.count(lane)
                draft.take(lane, *store.span(lane))
        kept = _replaced(store, tuple(one for one in store.behaviors if one[0] != key))
        return Plan([*draft.changes(), *kept.changes], f"deletes {counted(count, 'bout')}")


def _changed(store: AnnotationStore, behavior: Behavior, name: str) -> Plan:
    key = store.behavior_key(name)
    return _replaced(store, tuple((other, behavior if other == key else one) for other, one in store.behaviors))


def _replaced(store: AnnotationStore, behaviors: Behaviors) -> Plan:
    Ethogram(tuple(behavior for _, behavior in behaviors))  # unique names and keys, or an error
    return Plan([SetBehaviors(store, behaviors)] if behaviors != store.behaviors else [])
