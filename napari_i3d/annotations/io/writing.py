"""Write an annotation in the format of a program."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from napari_i3d._utils.text import format_path
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.io.format import AnnotatedVideo, AnnotationFormat, WriteRequest
from napari_i3d.annotations.io.formats import WRITTEN
from napari_i3d.annotations.io.reading import VideoLike, video_facts
from napari_i3d.errors import OutputError
from napari_i3d.individuals import Id, format_id


def write_annotation(
    path: str | os.PathLike[str],
    annotation: Annotation,
    format: str | None = None,  # noqa: A002 - the public name
    video: AnnotatedVideo | VideoLike | None = None,
    *,
    individual: Id | None = None,
    inclusive: bool | None = None,
    fps: float | None = None,
    first_frames: Mapping[Id, int] | None = None,
) -> tuple[str, ...]:
    """Write an annotation atomically; on failure an existing file at `path` is kept.

    Parameters
    ----------
    path
        The file to write.
    annotation
        The annotation.
    format
        Name of the format; None: by the ending of `path`.
    video
        The annotated video, for formats that hold its times, length, rate or name. What it does not say is taken from
        the annotation.
    individual
        Write this individual only; needed by formats that hold one if there are several.
    inclusive
        Whether the last frame of a bout shall be part of it, in formats that leave it open; None: the usual.
    fps
        Frames per second, if neither the video nor the annotation has them.
    first_frames
        The first frame of each individual's features: DLC2Action misplaces bouts before it, so they are cut.

    Returns
    -------
    tuple of str
        Notes: the base of the frames and whether ends are inclusive, and what could not be stored.

    Raises
    ------
    OutputError
        The format is unknown, cannot hold the annotation, or the file cannot be written; the video has another number
        of frames than that of the annotation.
    """
    chosen = written_format(path, format)
    if individual is not None and individual not in annotation.individuals:
        listed = ", ".join(map(format_id, annotation.individuals)) or "none"
        raise OutputError(f"expected an individual of the annotation ({listed}), found {format_id(individual)}")
    facts = _known(annotation, video_facts(video), fps)
    if chosen.write is None:
        raise OutputError(f"{chosen.title} can be read only; {_endings()}")
    notes = chosen.write(Path(path), annotation, WriteRequest(facts, individual, inclusive, first_frames or {}))
    return (f"{chosen.base}, {chosen.ends}", *notes)


def written_format(path: str | os.PathLike[str], name: str | None = None) -> AnnotationFormat:
    """Return the format of a file to write, by name or else by the ending of its path.

    If several formats have the same ending, the first of the registry is taken.

    Raises
    ------
    OutputError
        No format has the name or ending; the message lists what there is.
    """
    if name is not None:
        found = [known for known in WRITTEN if known.name == name]
        if found:
            return found[0]
        names = ", ".join(known.name for known in WRITTEN)
        raise OutputError(f"format: expected one that can be written ({names}), found {format_id(name)!r}")
    lower = Path(path).name.lower()
    # The longest ending decides: .annotation.json before .json.
    found = sorted(
        (known for known in WRITTEN if lower.endswith(known.endings)),
        key=lambda known: -max(len(ending) for ending in known.endings if lower.endswith(ending)),
    )
    if found:
        return found[0]
    raise OutputError(f"{format_path(Path(path).name)}: no format that can be written has this ending; {_endings()}")


def _known(annotation: Annotation, video: AnnotatedVideo, fps: float | None) -> AnnotatedVideo:
    if None not in (annotation.n_frames, video.n_frames) and annotation.n_frames != video.n_frames:
        raise OutputError(
            f"expected the video of the annotation, with {annotation.n_frames} frames, found one with {video.n_frames}",
            hint="is it another video?",
        )
    own = annotation.video
    return replace(
        video,
        name=video.name or (own.name if own else ""),
        n_frames=video.n_frames if annotation.n_frames is None else annotation.n_frames,
        fps=video.fps or annotation.fps or fps,
        size=video.size or (own.size if own else None),
    )


def _endings() -> str:
    listed = ", ".join(f"{' or '.join(known.endings)} ({known.name}: {known.title})" for known in WRITTEN)
    return f"written are {listed}"
