"""Base classes of edits: validation, descriptions, and what they find in the store."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar, NamedTuple

from napari_i3d._utils.frame_ranges import in_frames
from napari_i3d._utils.history import Change
from napari_i3d._utils.text import counted
from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.editing.annotation_store import AnnotationStore, Interval, Lane
from napari_i3d.annotations.editing.changes import SetId
from napari_i3d.annotations.validation import plain_frame, plain_id, plain_name, plain_range
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id, named

_IDS = 10


class Plan(NamedTuple):
    """What an edit will do.

    Attributes
    ----------
    changes
        The changes; none if everything is so already.
    consequences
        What becomes of other bouts; empty if nothing.
    """

    changes: list[Change]
    consequences: str = ""


@dataclass(frozen=True)
class AnnotationEdit(ABC):
    """An edit of an annotation: a frozen dataclass of ids, names, frames, bouts and options.

    Frame ranges are half-open; a `stop` of None is the end of the annotation.

    Raises
    ------
    AnnotationError
        An id, a name, a frame or an option is invalid.
    """

    _ids: ClassVar[tuple[str, ...]] = ("individual",)
    _optional: ClassVar[tuple[str, ...]] = ("target",)
    _names: ClassVar[tuple[str, ...]] = ("behavior",)

    def __post_init__(self) -> None:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in (*self._ids, *self._optional):
            if values.get(name) is not None or (name in values and name in self._ids):
                self._set(name, plain_id(values[name]))
        for name in self._names:
            if values.get(name) is not None:
                self._set(name, plain_name(values[name], "behavior"))
        if "frame" in values:
            self._set("frame", plain_frame(values["frame"], "frame"))
        if values.get("stop") is not None:
            start, stop = plain_range(values["start"], values["stop"], "range")
            self._set("start", start)
            self._set("stop", stop)
        elif "start" in values:
            self._set("start", plain_frame(values["start"], "range"))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    @abstractmethod
    def words(self) -> str:
        """Description, as an instruction: ``label male as grooming in frames 812 to 1499``."""

    @abstractmethod
    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them.

        Raises
        ------
        AnnotationError
            It cannot be done; the message names what is in the way.
        """


@dataclass(frozen=True)
class BoutEdit(AnnotationEdit):
    """An edit of a bout, which is found by its individual, behavior, target and frames."""

    bout: Bout

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.bout, Bout):
            raise AnnotationError(f"expected a bout, found {type(self.bout).__name__}")

    def find(self, store: AnnotationStore) -> tuple[Lane, Interval]:
        """Return the lane of the bout, and the bout in it."""
        return find_bout(store, self.bout)


def words_of(bout: Bout) -> str:
    """Describe a bout: ``grooming of male toward female in frames 812 to 1499``."""
    target = "" if bout.target is None else f" toward {named(bout.target)}"
    return f"{bout.behavior} of {named(bout.individual)}{target} {in_frames(bout.start, bout.stop)}"


def find_bout(store: AnnotationStore, bout: Bout) -> tuple[Lane, Interval]:
    """Return the lane of a bout, and the bout in it.

    Raises
    ------
    AnnotationError
        There is no such bout.
    """
    individual, target = store.key(bout.individual), None if bout.target is None else store.key(bout.target)
    if individual is not None and bout.behavior in store.ethogram and (target is None) == (bout.target is None):
        lane = Lane(individual, store.behavior_key(bout.behavior), target)
        for one in store.intervals(lane, bout.start, bout.start + 1):
            if (one.start, one.stop) == (bout.start, bout.stop):
                return lane, one
    raise AnnotationError(
        f"expected the bout {words_of(bout)} in the annotation, found none", hint="it may have been changed"
    )


def known_key(store: AnnotationStore, individual: Id) -> int:
    """Return the key of an individual or target.

    Raises
    ------
    AnnotationError
        There is no such individual; the message lists those that there are.
    """
    key = store.key(individual)
    if key is None:
        others = store.individuals
        listed = ", ".join(map(named, others[:_IDS])) or "none"
        more = f" and {len(others) - _IDS} more" if len(others) > _IDS else ""
        raise AnnotationError(f"no individual {named(individual)} in the annotation; it has {listed}{more}")
    return key


def individual_key(store: AnnotationStore, individual: Id) -> tuple[int, list[Change]]:
    """Return the key of an individual, and the change that adds it to the annotation's individuals if need be."""
    key = store.key(individual)
    if key in store.listed:
        return key, []
    key = store.new_key() if key is None else key
    return key, [SetId(store, key, individual)]


def target_key(store: AnnotationStore, target: Id | None) -> tuple[int | None, list[Change]]:
    """Return the key of a target, and the change that makes it if need be."""
    if target is None:
        return None, []
    key = store.key(target)
    if key is not None:
        return key, []
    key = store.new_key()
    return key, [SetId(store, key, target, listed=False)]


def check_end(store: AnnotationStore, stop: int) -> None:
    """Reject frames after the video's last.

    Raises
    ------
    AnnotationError
        The range ends after the video.
    """
    if store.n_frames is not None and stop > store.n_frames:
        raise AnnotationError(f"expected frames of a video of {store.n_frames}, found {stop - 1}")


def end_of(store: AnnotationStore, *keys: int) -> int:
    """Return the end of the last bout, or assessed range, of individuals, or directed at them."""
    lanes = (lane for lane in store.lanes() if lane.individual in keys or lane.target in keys)
    return max((store.span(lane)[1] for lane in lanes), default=0)


def cuts(number: int) -> str:
    """Describe how many bouts an edit cuts; empty if none."""
    return f"cuts {counted(number, 'bout')} of other behaviors" if number else ""
