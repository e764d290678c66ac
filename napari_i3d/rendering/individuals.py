"""The individuals that are drawn: those of the tracking and of the annotation, each with one color."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from napari_i3d._utils.colors import colors_of
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.errors import SettingsError
from napari_i3d.individuals import Id, format_id
from napari_i3d.tracking.tracklets import Tracking

_MOST_LISTED = 20


@dataclass(frozen=True)
class Individual:
    """An individual that can be drawn.

    Attributes
    ----------
    id
        Its id in the tracking, or in the annotation if it is only there.
    color
        ``#rrggbb``, the same as in the viewer.
    tracked
        Whether it is in the tracking.
    annotated
        Its id in the annotation; None if it is not there.
    """

    id: Id
    color: str
    tracked: bool
    annotated: Id | None

    @property
    def name(self) -> str:
        """Its id as text."""
        return format_id(self.id)


def individuals_of(tracking: Tracking | None, annotation: Annotation | None) -> list[Individual]:
    """Return all individuals, those of the tracking first.

    An id of the annotation is that of the tracking that equals it, or else the only one that is written like it: many
    programs store numbers as text.
    """
    tracked: list[Id] = list(tracking or ())
    annotated: dict[Id, Id] = {}
    others: list[Id] = []
    for one in annotation.individuals if annotation is not None else ():
        alike = [own for own in tracked if own == one and type(own) is type(one)]
        alike = alike or [own for own in tracked if str(own) == str(one)]
        if len(alike) == 1 and alike[0] not in annotated:
            annotated[alike[0]] = one
        else:
            others.append(one)
    colors = colors_of([*tracked, *others])
    return [
        *(Individual(one, colors[one], tracked=True, annotated=annotated.get(one)) for one in tracked),
        *(Individual(one, colors[one], tracked=False, annotated=one) for one in others),
    ]


def choose(known: Sequence[Individual], ids: Iterable[Id] | None) -> list[Individual]:
    """Return the individuals with certain ids, in that order, or all; an id may also be given as text.

    Raises
    ------
    SettingsError
        An id is unknown, or there is none; the message lists those that exist.
    """
    if ids is None:
        return list(known)
    chosen = []
    for one in dict.fromkeys(ids):
        found = [other for other in known if other.id == one and type(other.id) is type(one)]
        found = found or [other for other in known if str(other.id) == str(one)]
        if len(found) != 1:
            listed = ", ".join(other.name for other in known[:_MOST_LISTED]) or "none: neither tracking nor labels"
            more = f" and {len(known) - _MOST_LISTED} more" if len(known) > _MOST_LISTED else ""
            raise SettingsError(f"no individual {format_id(one)}; there are: {listed}{more}")
        chosen.append(found[0])
    if not chosen:
        raise SettingsError("individuals: expected at least one id, found none")
    return chosen
