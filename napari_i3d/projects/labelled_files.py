"""Features files and annotation files of the same videos."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from napari_i3d._utils.text import format_path, printable
from napari_i3d.annotations.annotation import Annotation, VideoFacts
from napari_i3d.annotations.io.reading import read_annotation_file
from napari_i3d.errors import AnnotationError, FeaturesError
from napari_i3d.features.features import Features
from napari_i3d.features.io.reading import read_features
from napari_i3d.features.io.sidecar import json_path
from napari_i3d.features.io.writing import WRITERS
from napari_i3d.learning.labelled_rows import owner


@dataclass(frozen=True, eq=False)
class LabelledFiles:
    """Features and annotations of videos, by the video's name without ending.

    Attributes
    ----------
    features
        Features of all videos.
    annotations
        Annotations of the videos that have one.
    notes
        Which file belongs to which video, how it was understood, and what was left out.
    """

    features: Mapping[str, Features]
    annotations: Mapping[str, Annotation]
    notes: tuple[str, ...]


def read_features_files(path: Path) -> dict[str, Features]:
    """Read a features file, or those of a folder that have their ``.json``; by the name of their video.

    Raises
    ------
    FeaturesError
        There is none, one cannot be read, or two are of the same video.
    """
    paths = [path]
    if path.is_dir():
        try:
            found = sorted(one for one in path.iterdir() if one.suffix.lower() in WRITERS)
        except OSError as error:
            raise FeaturesError(f"{format_path(path)}: cannot be read ({error.strerror or error})") from error
        paths = [one for one in found if json_path(one).is_file()]
        if not paths:
            raise FeaturesError(f"{format_path(path)}: expected features files with their .json, found none")
    read: dict[str, Features] = {}
    files: dict[str, Path] = {}
    for one in paths:
        features = read_features(one)
        name = video_name(one, features)
        if name in read:
            raise FeaturesError(
                f"{format_path(one.name)} and {format_path(files[name].name)}: both are features of video {name}",
                hint="keep one of them in the folder",
            )
        read[name], files[name] = features, one
    return read


def video_name(path: Path, features: Features) -> str:
    """Return the name of a video without ending: as its features state it, else that of their file."""
    video = features.provenance.get("video")
    name = video.get("file") if isinstance(video, Mapping) else None
    return Path(name).stem if isinstance(name, str) and name else path.stem


def video_facts(features: Features) -> VideoFacts | None:
    """Return what features say about their video; None if they do not."""
    video = features.provenance.get("video")
    if not isinstance(video, Mapping) or not isinstance(video.get("file"), str):
        return None
    size = video.get("width_px"), video.get("height_px")
    known = all(isinstance(side, int) and side > 0 for side in size)
    return VideoFacts(video["file"], size if known else None)  # type: ignore[arg-type]


def read_labelled_files(features_path: Path, annotations_path: Path) -> LabelledFiles:
    """Read features and the annotations of the same videos, each a file or a folder.

    In a folder, the annotation of ``day1.mp4`` is the file or folder whose name is ``day1``, or begins with it and
    goes on with something that is neither a letter nor a digit. A file that also fits a longer name belongs to that.
    Text in an annotation that is the text of an id in the features stands for that id.

    Raises
    ------
    FeaturesError, AnnotationError
        A file cannot be read, a video has two annotations, or none has any.
    """
    features = read_features_files(features_path)
    if annotations_path.is_dir() and not _is_annotation(annotations_path):
        pairs = find_annotations(list(features), annotations_path)
    elif len(features) == 1:
        pairs = {next(iter(features)): annotations_path}
    else:
        raise AnnotationError(
            f"{format_path(annotations_path)}: expected a folder with the annotations of {len(features)} videos"
        )
    annotations, notes = {}, []
    for name, path in pairs.items():
        own = features[name]
        ids = list(dict.fromkeys(owner(own, one) for one in own))
        file = read_annotation_file(path, None, None, fps=own.fps, n_frames=own.n_video_frames, individuals=ids)
        annotations[name] = file.annotation
        notes += [f"{name}: {path.name}, read as {file.format.title}", *(f"{name}: {note}" for note in file.notes)]
        labelled, extracted = file.annotation.video, video_facts(own)
        if labelled is not None and labelled.name and extracted is not None and not _is_alike(labelled, extracted):
            notes.append(
                f"{name}: CHECK THIS: its labels are of {printable(labelled.name, 80)}, its features of "
                f"{printable(extracted.name, 80)}"
            )
    notes += [f"{name}: no annotation" for name in features if name not in annotations]
    return LabelledFiles(features, annotations, tuple(notes))


def with_video(annotation: Annotation, features: Features) -> Annotation:
    """Return an annotation that names the video of the features."""
    return replace(annotation, video=video_facts(features))


def _is_annotation(folder: Path) -> bool:
    """Return whether a folder is itself an annotation, as of MS-TCN."""
    return (folder / "groundTruth").is_dir()


def find_annotations(names: list[str], folder: Path) -> dict[str, Path]:
    """Return the annotation of each video, by its name, of those in a folder; see `read_labelled_files`.

    Raises
    ------
    AnnotationError
        The folder cannot be read, a video has two annotations, or none has any.
    """
    pairs: dict[str, Path] = {}
    try:
        found = sorted(one for one in folder.iterdir() if not one.name.startswith("."))
    except OSError as error:
        raise AnnotationError(f"{format_path(folder)}: cannot be read ({error.strerror or error})") from error
    for path in found:
        fitting = [n for n in names if path.name.startswith(n) and not path.name[len(n) :][:1].isalnum()]
        if not fitting or path.suffix.lower() in WRITERS.keys() - {".pickle", ".pkl"} or _is_facts(path):
            continue
        name = max(fitting, key=len)
        if name in pairs:
            raise AnnotationError(
                f"{format_path(path.name)} and {format_path(pairs[name].name)}: both may be the annotation of {name}",
                hint="keep one of them in the folder",
            )
        pairs[name] = path
    if not pairs:
        raise AnnotationError(
            f"{format_path(folder)}: expected annotations whose names begin with those of the videos "
            f"({', '.join(names[:5])}), found none"
        )
    return pairs


def _is_alike(one: VideoFacts, other: VideoFacts) -> bool:
    """Return whether two names are of one video, perhaps once converted."""
    return Path(one.name).stem == Path(other.name).stem


def _is_facts(path: Path) -> bool:
    """Return whether a file is the ``.json`` beside a features file."""
    return path.suffix == ".json" and path.with_suffix("").suffix.lower() in WRITERS
