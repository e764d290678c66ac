"""Predictions of DLC2Action: the probability of each class in each frame of each individual.

A pickle for each video of ``{individual: tensor (classes, frames), "min_frames": {individual: first frame},
"max_frames": {individual: last frame}, "classes": {number: name}}``; -100 where nothing was predicted. Where the
probabilities of a frame add up to 1, the most likely class is shown, else those above one half.

If behaviors are exclusive, DLC2Action 1.0 does not write the rows in the order of ``classes``: its row k is that of the
class whose number is the place of class k in this dictionary, which lists class 1 first and class 0, ``other``, last.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.annotations.bouts import Origin
from napari_i3d.annotations.io.dlc2action.labels import PICKLE
from napari_i3d.annotations.io.format import AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id, format_id
from napari_i3d.safe_loading import unpickler
from napari_i3d.safe_loading.torch_tensors import STAND_INS

_FACTS = ("min_frames", "max_frames", "classes")
_NOTHING = -100
_BACKGROUND = ("other", "background")
_THRESHOLD = 0.5
_SUM_TOLERANCE = 1e-3


def _recognize(_path: Path, head: bytes) -> bool:
    return head.startswith(PICKLE) and b"_rebuild_tensor_v2" in head


@dataclass(frozen=True, eq=False)
class Probabilities:
    """Probabilities of an individual.

    Attributes
    ----------
    table : (classes, frames) float64
        As in the file.
    known : (frames,) bool
        Whether all classes were predicted.
    shown : (classes, frames) bool
        The classes that are shown.
    assessed : (frames,) bool
        Whether any class was predicted.
    """

    table: NDArray[np.float64]
    known: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    assessed: NDArray[np.bool_]


def read_probabilities(
    path: Path, request: ReadRequest | None = None
) -> tuple[dict[Any, tuple[int, Probabilities]], list[str]]:
    """Return {individual in the file: (first frame, probabilities)} of a video, and the names of the classes.

    Raises
    ------
    AnnotationError
        The file cannot be read, or has other content.
    """
    try:
        with path.open("rb") as file:
            content = unpickler.load(file, "not readable", AnnotationError, more=STAND_INS)
    except OSError as error:
        raise AnnotationError(f"cannot be read ({error.strerror or error})") from error
    content = _of_video(content, request or ReadRequest())
    firsts, lasts, classes = (content[fact] for fact in _FACTS)
    names = _names(classes)
    found = {}
    for clip, table in content.items():
        if clip in _FACTS:
            continue
        where = format_id(clip)
        first, last = (_frame(facts, clip, where) for facts in (firsts, lasts))
        if not isinstance(table, np.ndarray) or table.shape != (len(names), last - first + 1):
            raise AnnotationError(
                f"{where}: expected probabilities of {len(names)} classes in {last - first + 1} frames, found "
                f"{table.shape if isinstance(table, np.ndarray) else type(table).__name__}"
            )
        with np.errstate(all="ignore"):  # not-a-number is refused later
            found[clip] = first, _probabilities(table.astype(np.float64), where)
    return found, names


def _read(path: Path, request: ReadRequest) -> ReadResult:
    individuals, names = read_probabilities(path, request)
    collector = BoutCollector(request)
    collector.notes.append(f"classes are, as DLC2Action 1.0 orders them: {', '.join(map(format_id, names))}")
    assessed: dict[Id, list[tuple[int, int]]] = {}
    for clip, (first, own) in individuals.items():
        individual = collector.named(clip) if isinstance(clip, str) else clip
        _add(collector, individual, format_id(clip), own, first, names)
        assessed[individual] = [(start + first, stop + first) for start, stop in _runs(own.assessed)]
    collector.notes.append("bouts are predictions (automated), with the mean probability as their confidence")
    shown = [name for name in names if name not in _BACKGROUND]
    return collector.result(shown, list(assessed), assessed)


def _of_video(content: Any, request: ReadRequest) -> dict[Any, Any]:
    """Return the predictions of the video, in a file of one or of several."""
    if isinstance(content, dict) and all(fact in content for fact in _FACTS):
        return content
    videos = content if isinstance(content, dict) else {}
    found = {
        name: one
        for name, one in videos.items()
        if isinstance(one, dict) and all(fact in one or fact in videos for fact in _FACTS)
    }
    own = {name: one for name, one in found.items() if name == request.video.stem} if len(found) > 1 else found
    if len(own) != 1:
        raise AnnotationError(
            f"expected predictions with min_frames, max_frames and classes of one video, found {len(found)} videos",
            hint="give {video}, whose name is that in the file",
        )
    return {fact: videos[fact] for fact in _FACTS if fact in videos} | next(iter(own.values()))


def _names(classes: Any) -> list[str]:
    """Return the name of the class of each row."""
    if not isinstance(classes, dict) or sorted(map(str, classes)) != sorted(map(str, range(len(classes)))):
        raise AnnotationError("expected classes numbered from 0, found others")
    names = {int(number): name for number, name in classes.items()}
    if not all(isinstance(name, str) for name in names.values()) or len(set(names.values())) < len(names):
        raise AnnotationError("expected classes with different names, found others")
    listed = list(names.values())
    return [names[listed.index(names[number])] for number in range(len(names))]


def _frame(facts: Any, clip: Any, where: str) -> int:
    frame = facts.get(clip) if isinstance(facts, dict) else None
    if isinstance(frame, bool) or not isinstance(frame, int | np.integer) or frame < 0:
        raise AnnotationError(f"{where}: expected the first and last frame, found none")
    return int(frame)


def _probabilities(table: NDArray[np.float64], where: str) -> Probabilities:
    known = (table != _NOTHING).all(axis=0)
    if not np.isfinite(table).all() or ((table[:, known] < 0) | (table[:, known] > 1)).any():
        raise AnnotationError(f"{where}: expected probabilities from 0 to 1, found others")
    sums_to_one = known.any() and bool(np.abs(table[:, known].sum(axis=0) - 1).max() <= _SUM_TOLERANCE)
    if sums_to_one and len(table) > 1:
        shown = table.argmax(axis=0) == np.arange(len(table))[:, None]
    else:
        shown = table > _THRESHOLD
    return Probabilities(table, known, shown & known, (table != _NOTHING).any(axis=0))


def _add(
    collector: BoutCollector, individual: Id, where: str, own: Probabilities, first: int, names: list[str]
) -> None:
    """Add the bouts of an individual."""
    for row, name in enumerate(names):
        if name in _BACKGROUND:
            continue
        for start, stop in _runs(own.shown[row]):
            confidence = float(np.clip(own.table[row, start:stop].mean(), 0, 1))
            place = f"{where}, {format_id(name)}, frame {start + first}"
            collector.add(
                place, individual, name, start + first, stop + first, origin=Origin.AUTOMATED, confidence=confidence
            )


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the runs of true values as half-open ranges."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


FORMAT = AnnotationFormat(
    "dlc2action-predictions",
    "DLC2Action predictions",
    (".pickle",),
    _recognize,
    _read,
    ends="one probability a frame",
)
