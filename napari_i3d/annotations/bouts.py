"""Bouts: one interval of one behavior of one individual."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from napari_i3d.annotations.validation import plain_id, plain_name, plain_number, plain_range, plain_text
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id, format_id


class Origin(StrEnum):
    """Where a bout comes from, in the words of NWB."""

    MANUAL = "manual"
    """Labelled by a person."""
    AUTOMATED = "automated"
    """Found by a program, and not reviewed."""
    CURATED = "curated"
    """Found by a program, and accepted or corrected by a person."""


@dataclass(frozen=True)
class Bout:
    """One interval of one behavior of one individual.

    Attributes
    ----------
    individual
        Who shows the behavior.
    behavior
        The name of the behavior.
    start, stop
        The first video frame, and the one after the last; frames count from 0.
    target
        The individual that the behavior is directed at; None: none, or unknown.
    origin
        Who found it; also as text.
    confidence
        The program's confidence, 0 to 1; None if it gave none.
    note
        A remark.

    Raises
    ------
    AnnotationError
        A value is invalid; start is not before stop.
    """

    individual: Id
    behavior: str
    start: int
    stop: int
    target: Id | None = None
    origin: Origin = Origin.MANUAL
    confidence: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "individual", plain_id(self.individual))
        put(self, "behavior", plain_name(self.behavior, "behavior"))
        start, stop = plain_range(self.start, self.stop, f"{format_id(self.individual)}, {self.behavior}")
        put(self, "start", start)
        put(self, "stop", stop)
        if self.target is not None:
            put(self, "target", plain_id(self.target))
        if self.origin not in list(Origin):
            expected = ", ".join(Origin)
            raise AnnotationError(f"{self}: expected an origin of {expected}, found {format_id(self.origin)}")
        put(self, "origin", Origin(self.origin))
        if self.confidence is not None:
            known = plain_number(self.confidence, f"{self}: confidence", "0 to 1", lambda share: 0 <= share <= 1)
            put(self, "confidence", known)
        put(self, "note", plain_text(self.note, f"{self}: note"))

    def __len__(self) -> int:
        """Return the number of frames."""
        return self.stop - self.start

    def __str__(self) -> str:
        target = "" if self.target is None else f" toward {format_id(self.target)}"
        frames = f"frame {self.start}" if len(self) == 1 else f"frames {self.start} to {self.stop - 1}"
        return f"{self.behavior} of {format_id(self.individual)}{target} in {frames}"

    def overlaps(self, start: int, stop: int) -> bool:
        """Return whether the bout has a frame in a half-open range."""
        return self.start < stop and start < self.stop


def trusted_bout(*values: object) -> Bout:
    """Return a bout of values, in the order of the attributes, that are known to be valid, without checking them."""
    bout = object.__new__(Bout)
    bout.__dict__.update(zip(_FIELDS, values, strict=True))
    return bout


_FIELDS = tuple(field.name for field in fields(Bout))


def merge_bouts(bouts: Iterable[Bout]) -> Bout:
    """Return one bout from the first frame of several to the last, all of one behavior, individual and target.

    Its origin is that of all, or curated if they differ; its confidence that of all, or None; its note all notes.
    """
    ordered = sorted(bouts, key=lambda bout: bout.start)
    origins, confidences = {bout.origin for bout in ordered}, {bout.confidence for bout in ordered}
    return replace(
        ordered[0],
        stop=max(bout.stop for bout in ordered),
        origin=origins.pop() if len(origins) == 1 else Origin.CURATED,
        confidence=confidences.pop() if len(confidences) == 1 else None,
        note="; ".join(dict.fromkeys(bout.note for bout in ordered if bout.note)),
    )


def merge_overlapping(bouts: Iterable[Bout]) -> tuple[Bout, ...]:
    """Return bouts with those that overlap merged if they have the same behavior, individual and target.

    Other programs' files have such bouts, an `Annotation` refuses them. Bouts that only touch stay apart.
    """
    groups: dict[tuple[Id, str, Id | None], list[list[Bout]]] = {}
    ends: dict[tuple[Id, str, Id | None], int] = {}
    for bout in sorted(bouts, key=lambda bout: bout.start):
        key = bout.individual, bout.behavior, bout.target
        clusters = groups.setdefault(key, [])
        if bout.start < ends.get(key, 0):
            clusters[-1].append(bout)
        else:
            clusters.append([bout])
        ends[key] = max(ends.get(key, 0), bout.stop)
    return tuple(
        merge_bouts(cluster) if len(cluster) > 1 else cluster[0] for clusters in groups.values() for cluster in clusters
    )
