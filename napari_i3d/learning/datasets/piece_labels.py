"""Labels for DLC2Action beside features in pieces, each with the bouts in the frames of its piece only.

DLC2Action subtracts the first frame of the features from the frames of labels. A negative number then counts from the
end, so the labels of a whole video beside a piece would label frames that have nothing to do with them.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from napari_i3d._utils.frame_ranges import clip_ranges
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.io.writing import write_annotation
from napari_i3d.errors import AnnotationError
from napari_i3d.features.features import Features
from napari_i3d.features.pieces import Piece
from napari_i3d.learning.labelled_rows import owner

SUFFIX = "_annotation.pickle"


def label_paths(pieces: Sequence[Piece]) -> list[Path]:
    """Return the file of each piece's labels, as DLC2Action finds it: ``day1_0-99_annotation.pickle``."""
    return [piece.path.with_name(piece.path.stem + SUFFIX) for piece in pieces]


def write_piece_labels(pieces: Sequence[Piece], annotation: Annotation) -> list[Path]:
    """Write the labels of each piece beside it; return the files.

    Individuals whose tracklet was split at gaps have their bouts under the name of each part.

    Raises
    ------
    AnnotationError
        No individual has features and labels.
    OutputError
        A file cannot be written, or DLC2Action cannot hold the labels.
    """
    if not any(annotation.assessed.get(owner(piece.features, one)) for piece in pieces for one in piece.features):
        raise AnnotationError(
            "expected assessed frames of an individual that has features, found none",
            hint="ids must be the same in both",
        )
    paths = label_paths(pieces)
    for path, piece in zip(paths, pieces, strict=True):
        labels = _labels_of(piece.features, annotation)
        write_annotation(path, labels, "dlc2action", first_frames=dict(piece.features.first_frame))
    return paths


def _labels_of(features: Features, annotation: Annotation) -> Annotation:
    """Return the labels in the frames of features, of their individuals and under their names."""
    bouts, assessed = [], {}
    for individual in features:
        whole = owner(features, individual)
        start, stop = features.first_frame[individual], features.last_frame[individual] + 1
        assessed[individual] = clip_ranges(annotation.assessed.get(whole, ()), start, stop)
        bouts += [
            replace(bout, individual=individual, start=max(bout.start, start), stop=min(bout.stop, stop), target=None)
            for bout in annotation.of(whole)
            if bout.overlaps(start, stop)
        ]
    return replace(annotation, bouts=tuple(bouts), assessed=assessed, individuals=tuple(features))
