"""Names of individuals in files and entries that are named ``{video}_{id}``, as files of features are."""

import re
from collections.abc import Sequence

from napari_i3d.annotations.io.format import ReadRequest, WriteRequest
from napari_i3d.errors import OutputError
from napari_i3d.individuals import Id

_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]')
_WHOLE = re.compile(r"0|-?[1-9]\d{0,17}")


def name_of_video(request: WriteRequest) -> str:
    """Return the name of the video, without the ending and without dots.

    Raises
    ------
    OutputError
        It is not known.
    """
    stem = request.video.stem.replace(".", "_")
    if not stem:
        raise OutputError("names in the file are those of the video, which is not known", hint="give {video}")
    return stem


def names_by_individual(stem: str, individuals: Sequence[Id]) -> dict[Id, str]:
    """Return ``{video}_{id}`` of each individual; of the whole image (id ``""``) it is the name of the video.

    Dots, at the first of which some programs cut names, and characters that some file system does not allow become
    ``_``.

    Raises
    ------
    OutputError
        Two individuals would share a name.
    """
    names: dict[Id, str] = {}
    taken: dict[str, Id] = {}
    for individual in individuals:
        text = _NOT_IN_NAMES.sub("_", str(individual)).rstrip(". ").replace(".", "_")
        name = names[individual] = f"{stem}_{text}" if individual != "" else stem
        other = taken.setdefault(name.casefold(), individual)
        if other is not individual:
            raise OutputError(f"{other!r} and {individual!r} would share the name {name}", hint="rename one of them")
    return names


def individual_of_name(name: str, request: ReadRequest) -> Id:
    """Return the individual of a file or entry called ``{video}_{id}``; others are of nobody.

    What the request says comes first, and a text of digits is a whole number.
    """
    stem = request.video.stem
    for beginning in (f"{stem}_", f"{stem.replace('.', '_')}_"):
        if stem and name.startswith(beginning) and request.individual is None and len(name) > len(beginning):
            text = name.removeprefix(beginning)
            return int(text) if _WHOLE.fullmatch(text) else text
    return request.nobody


def belongs_to_video(name: str, request: ReadRequest) -> bool:
    """Return whether a file or entry is called like the video, or ``{video}_{id}``."""
    stem = request.video.stem
    stems = {stem, stem.replace(".", "_")}
    return bool(stem) and (name in {*stems, request.video.name} or any(name.startswith(f"{one}_") for one in stems))
