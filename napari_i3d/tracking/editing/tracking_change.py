"""What a correction changed: `TrackingChange`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from napari_i3d.individuals import Id
from napari_i3d.tracking.editing.box_store import Range


@dataclass(frozen=True)
class TrackingChange:
    """Changes of a tracking by a step or its undo.

    Attributes
    ----------
    ranges
        {id: half-open range of frames} that contains all changed boxes, for the individuals that exist now; all frames
        of those that were added or renamed.
    added, removed
        Ids of individuals that were added or removed.
    renamed
        {id before: id now}.
    """

    ranges: Mapping[Id, Range]
    added: tuple[Id, ...] = ()
    removed: tuple[Id, ...] = ()
    renamed: Mapping[Id, Id] = field(default_factory=dict)

    def follow(self, individuals: Iterable[Id]) -> frozenset[Id]:
        """Return a choice of individuals after the change: by their new ids, and with those that were added."""
        return frozenset([*(self.renamed.get(one, one) for one in individuals), *self.added])


def change_between(
    before: Mapping[int, Id], now: Mapping[int, Id], touched: Mapping[int, Range], stop_of: Callable[[int], int]
) -> TrackingChange:
    """Return what differs between two states.

    Parameters
    ----------
    before, now
        {key: id} of the individuals.
    touched
        {key: half-open range of frames} that contains all changed boxes.
    stop_of
        Returns the frame after the last box of a key.
    """
    ranges = {now[key]: frames for key, frames in touched.items() if key in now}
    for key, individual in now.items():
        if before.get(key) != individual:
            ranges[individual] = (0, stop_of(key))
    return TrackingChange(
        ranges,
        tuple(individual for key, individual in now.items() if key not in before),
        tuple(individual for key, individual in before.items() if key not in now),
        {before[key]: now[key] for key in now if key in before and before[key] != now[key]},
    )
