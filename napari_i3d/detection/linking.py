"""Link blobs over time to individuals, frame by frame; only the boxes take memory that grows with the video."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from napari_i3d.detection.blobs import Blob, divide, make_blob
from napari_i3d.detection.paths import Meeting, Path

_NEVER = 1e6
_REACH_LENGTHS = 1.5  # body lengths an individual may move in a frame
_MOST_REACH_LENGTHS = 6.0
_DAMPING = 0.5
_MEMORY = 0.05  # weight of a frame in the running size of an individual
_GROWTH = 1.2  # a blob this much larger than its individual has another in it
_FRAGMENTS = 1.3  # parts of an individual are together at most this many times its size
_LEAST_SHARE = 0.2  # smaller blobs are no whole individual
_CONFIRM_FRAMES = 5
_JOIN_FRAMES = 12  # crossings of the same individuals closer than this are one
_APPEARANCE_FRAMES = 20.0  # after being merged this long, appearance counts as much as place
_SIZE_SPREAD = 0.25
_BRIGHTNESS_SPREAD = 0.15
_LOST_FRAMES = 3
_COVERED, _SIDE_BY_SIDE = 0.8, 1.0  # area of a shared blob, as a share of the areas of those in it


@dataclass(eq=False)
class _Individual:
    number: int
    center: NDArray[np.float64]
    shape: NDArray[np.float64]
    extent: NDArray[np.float64]  # width and height of the box when it was last alone
    area: float
    brightness: float
    seen: int  # the last frame
    path: Path
    velocity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    merged_frames: int = 0

    @property
    def length(self) -> float:
        return 4 * float(np.sqrt(np.linalg.eigvalsh(self.shape)[-1]))

    def predicted(self) -> NDArray[np.float64]:
        return self.center + self.velocity

    def reach(self, frame: int) -> float:
        lengths = min(_MOST_REACH_LENGTHS, _REACH_LENGTHS * float(np.sqrt(frame - self.seen)))
        return lengths * self.length + float(np.hypot(*self.velocity))


@dataclass(eq=False)
class _Candidate:
    """Blobs of successive frames that may become an individual; once refused, only the last is kept."""

    frames: list[int]
    blobs: list[Blob]
    refused: bool = False

    def follow(self, frame: int, blob: Blob) -> None:
        if self.refused:
            self.frames, self.blobs = [], []
        self.frames.append(frame)
        self.blobs.append(blob)


class Linker:
    """Links the blobs of successive frames to at most `individuals` individuals.

    Parameters
    ----------
    individuals
        The largest number.
    """

    def __init__(self, individuals: int) -> None:
        self._most = individuals
        self._known: list[_Individual] = []
        self._candidates: list[_Candidate] = []
        self._open: list[Meeting] = []
        self._closed: list[Meeting] = []

    @property
    def paths(self) -> list[Path]:
        """The individuals found so far, in the order in which they appeared."""
        return [individual.path for individual in self._known]

    @property
    def meetings(self) -> list[Meeting]:
        """Encounters that make identities uncertain, by start."""
        return sorted([*self._closed, *self._open], key=lambda meeting: (meeting.start, meeting.ids))

    def add(self, frame: int, blobs: Sequence[Blob]) -> None:
        """Link the blobs of a frame; frames come in ascending order."""
        owners = self._assign(frame, blobs)
        spare = [blob for index, blob in enumerate(blobs) if index not in owners]
        taken = {individual.number for group in owners.values() for individual in group}
        for individual in self._known:
            if individual.number not in taken:
                self._merge(individual, frame, blobs, owners)
        groups = []
        for index, group in owners.items():
            blob = blobs[index]
            if len(group) == 1:
                if frame - group[0].seen > _JOIN_FRAMES:
                    self._note_unseen([one for one in self._known if frame - one.seen > _JOIN_FRAMES], frame)
                blob, spare = _with_fragments(blob, group[0], spare)
                self._see_alone(group[0], frame, blob)
            else:
                self._see_merged(group, frame, blob)
                groups.append(tuple(sorted(individual.number for individual in group)))
        self._record(groups, frame)
        self._consider(frame, spare)

    def _assign(self, frame: int, blobs: Sequence[Blob]) -> dict[int, list[_Individual]]:
        """Assign blobs to individuals with the smallest sum of costs."""
        if not blobs or not self._known:
            return {}
        costs = np.full((len(self._known), len(blobs)), _NEVER)
        for row, individual in enumerate(self._known):
            place, reach = individual.predicted(), individual.reach(frame)
            trust = min(1.0, individual.merged_frames / _APPEARANCE_FRAMES)
            for column, blob in enumerate(blobs):
                distance = float(np.hypot(*(blob.center - place)))
                if distance > reach or blob.area < _LEAST_SHARE * individual.area:
                    continue
                size = float(np.log(blob.area / individual.area)) / _SIZE_SPREAD
                shade = float(np.log(max(blob.brightness, 1) / max(individual.brightness, 1))) / _BRIGHTNESS_SPREAD
                looks = min(9.0, size**2) + min(9.0, shade**2)
                costs[row, column] = (distance / individual.length) ** 2 + (0.05 + trust) * looks / 10
        rows, columns = linear_sum_assignment(costs)
        return {
            int(column): [self._known[row]]
            for row, column in zip(rows, columns, strict=True)
            if costs[row, column] < _NEVER
        }

    def _merge(
        self, individual: _Individual, frame: int, blobs: Sequence[Blob], owners: dict[int, list[_Individual]]
    ) -> None:
        """Give an individual that has no blob a share in that of another, if it is likely in it."""
        if frame - individual.seen > _LOST_FRAMES or not owners:
            return
        place = individual.predicted()
        distances = {index: blobs[index].distance(place) for index in owners}
        index = min(distances, key=lambda index: distances[index])
        others = sum(other.area for other in owners[index])
        larger = blobs[index].area > _GROWTH * others
        if distances[index] <= (0.5 * individual.length if larger else 1.5):
            owners[index].append(individual)

    def _see_alone(self, individual: _Individual, frame: int, blob: Blob) -> None:
        weight = _MEMORY if individual.merged_frames == 0 else 0.0
        individual.merged_frames = 0
        self._move(individual, frame, blob.center)
        individual.area += weight * (blob.area - individual.area)
        individual.brightness += weight * (blob.brightness - individual.brightness)
        individual.shape = blob.shape
        individual.extent = blob.box[2:] - blob.box[:2]
        individual.path.put(frame, blob.box)

    def _see_merged(self, group: list[_Individual], frame: int, blob: Blob) -> None:
        parts = divide(blob, [one.predicted() for one in group], [one.shape for one in group])
        # The smaller the blob, the more they cover each other, and the less its parts say: go on as before then.
        covered = blob.area / sum(one.area for one in group)
        trust = float(np.clip((covered - _COVERED) / (_SIDE_BY_SIDE - _COVERED), 0, 1))
        for individual, part in zip(group, parts, strict=True):
            individual.merged_frames += 1
            place = np.clip(individual.predicted(), blob.box[:2], blob.box[2:])
            half = individual.extent / 2
            box = np.concatenate([place - half, place + half])
            if part is not None:
                box = trust * part.box + (1 - trust) * (box + np.tile(trust * (part.center - place), 2))
                place = place + trust * (part.center - place)
            before = individual.velocity
            self._move(individual, frame, place)
            individual.velocity = before + trust / 2 * (individual.velocity - before)
            individual.path.put(frame, box)

    @staticmethod
    def _move(individual: _Individual, frame: int, center: NDArray[np.float64]) -> None:
        step = (center - individual.center) / (frame - individual.seen)
        individual.velocity = _DAMPING * individual.velocity + (1 - _DAMPING) * step
        individual.center, individual.seen = center, frame

    def _record(self, groups: Sequence[tuple[int, ...]], frame: int) -> None:
        """Note who shares a blob in this frame."""
        for ids in groups:
            touching = [one for one in self._open if set(one.ids) & set(ids)]
            self._open = [one for one in self._open if one not in touching]
            together = tuple(sorted({*ids, *(number for one in touching for number in one.ids)}))
            self._open.append(Meeting(together, min([frame, *(one.start for one in touching)]), frame + 1))
        over = [one for one in self._open if frame - one.stop >= _JOIN_FRAMES]
        self._open = [one for one in self._open if one not in over]
        self._closed += over

    def _note_unseen(self, lost: Sequence[_Individual], frame: int) -> None:
        """Note that one of several lost individuals is back, and may be any of them."""
        if len(lost) > 1:
            ids = tuple(sorted(one.number for one in lost))
            self._closed.append(Meeting(ids, max(one.seen for one in lost) + 1, frame, unseen=True))

    def _consider(self, frame: int, spare: Sequence[Blob]) -> None:
        """Follow blobs without an individual; those that last become one."""
        self._candidates = [one for one in self._candidates if frame - one.frames[-1] <= 2]
        free = list(self._candidates)
        for blob in spare[: 4 * self._most]:
            length = 4 * float(np.sqrt(np.linalg.eigvalsh(blob.shape)[-1]))
            near = [one for one in free if np.hypot(*(one.blobs[-1].center - blob.center)) <= _REACH_LENGTHS * length]
            if near:
                best = min(near, key=lambda one: float(np.hypot(*(one.blobs[-1].center - blob.center))))
                free.remove(best)
                best.follow(frame, blob)
            else:
                self._candidates.append(_Candidate([frame], [blob]))
        ripe = [one for one in self._candidates if len(one.frames) >= _CONFIRM_FRAMES]
        for candidate in sorted(ripe, key=lambda one: -one.blobs[-1].area):
            # A blob that existed while all individuals were in sight is none of them, also later.
            candidate.refused = not self._accept(candidate)
        self._candidates = [one for one in self._candidates if one.refused or one not in ripe]

    def _accept(self, candidate: _Candidate) -> bool:
        """Make a candidate a new individual, or one that is out of sight; return whether it is one."""
        first, blob = candidate.frames[0], candidate.blobs[0]
        if len(self._known) < self._most:
            individual = _Individual(
                len(self._known), blob.center, blob.shape, blob.box[2:] - blob.box[:2], float(blob.area),
                blob.brightness, first - 1, Path(first),
            )  # fmt: skip
            self._known.append(individual)
        elif lost := [one for one in self._known if one.seen < first]:
            individual = min(lost, key=lambda one: _unlikeness(one, blob))
            self._note_unseen(lost, first)
        else:
            # One that was thought to be in a shared blob, and left it.
            hidden = [
                one
                for one in self._known
                if one.merged_frames > one.seen - first
                and float(np.hypot(*(blob.center - one.center))) <= _MOST_REACH_LENGTHS * one.length
            ]
            if not hidden:
                return False
            individual = min(hidden, key=lambda one: _unlikeness(one, blob))
            self._cut(individual, first)
        individual.velocity, individual.center = np.zeros(2), blob.center
        for number, seen in zip(candidate.frames, candidate.blobs, strict=True):
            self._see_alone(individual, number, seen)
        return True

    @staticmethod
    def _cut(individual: _Individual, first: int) -> None:
        """Forget where an individual was from a frame on."""
        count = len(individual.path.boxes) // 4 - (first - individual.path.start)
        if count > 0:
            del individual.path.boxes[-4 * count :]
        individual.seen = first - 1


def _unlikeness(individual: _Individual, blob: Blob) -> float:
    """Return the cost of taking a blob for a lost individual: distance in body lengths, and difference in size."""
    away = float(np.hypot(*(blob.center - individual.center))) / individual.length
    return away / 5 + abs(float(np.log(blob.area / individual.area))) / _SIZE_SPREAD


def _with_fragments(blob: Blob, individual: _Individual, spare: Sequence[Blob]) -> tuple[Blob, list[Blob]]:
    """Return a blob together with spare ones that are parts of the same individual, and the remaining spare ones."""
    rest = []
    half = individual.extent / 2
    for other in spare:
        near = (np.abs(other.center - individual.predicted()) <= 1.25 * half).all()
        if near and blob.area + other.area <= _FRAGMENTS * individual.area:
            brightness = (blob.brightness * blob.area + other.brightness * other.area) / (blob.area + other.area)
            blob = make_blob(np.concatenate([blob.points, other.points]), brightness)
        else:
            rest.append(other)
    return blob, rest
