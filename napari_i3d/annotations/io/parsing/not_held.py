"""Say what of an annotation a format cannot hold."""

from collections.abc import Iterable

from napari_i3d._utils.text import counted
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Origin
from napari_i3d.individuals import Id


def not_held(
    annotation: Annotation,
    individuals: Iterable[Id] | None = None,
    *,
    targets: bool = False,
    origins: bool = True,
    confidences: bool = True,
    notes: bool = True,
) -> list[str]:
    """Return a note for each kind of information in the bouts that is lost; kinds that no bout has are not mentioned.

    Parameters
    ----------
    annotation
        The annotation.
    individuals
        Those that are written; None: all.
    targets, origins, confidences, notes
        Whether the format loses them.
    """
    wanted = None if individuals is None else set(individuals)
    bouts = [bout for bout in annotation.bouts if wanted is None or bout.individual in wanted]
    found = []
    if targets and (count := sum(bout.target is not None for bout in bouts)):
        found.append(f"the targets of {counted(count, 'bout')} are not kept")
    if origins and (count := sum(bout.origin is not Origin.MANUAL for bout in bouts)):
        found.append(f"{counted(count, 'bout')} found by a program cannot be told from manual ones")
    if confidences and (count := sum(bout.confidence is not None for bout in bouts)):
        found.append(f"the confidences of {counted(count, 'bout')} are not kept")
    if notes and (count := sum(bool(bout.note) for bout in bouts)):
        found.append(f"the notes of {counted(count, 'bout')} are not kept")
    return found
