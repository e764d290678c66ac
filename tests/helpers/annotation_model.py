"""An annotation as dictionaries of single frames, with the meaning of each edit spelled out frame by frame."""

import itertools

from napari_i3d import Annotation, Bout, Ethogram


class FrameModel:
    def __init__(self, annotation):
        self.facts = annotation
        self.behaviors = list(annotation.ethogram.behaviors)
        self.individuals = list(annotation.individuals)
        self.tokens = {}  # number of a bout: (origin, confidence, note)
        self.lanes = {}  # (individual, behavior, target): {frame: number}
        self.assessed = {(i, f) for i, ranges in annotation.assessed.items() for a, b in ranges for f in range(a, b)}
        for bout in annotation.bouts:
            self._write(bout, (bout.origin.value, bout.confidence, bout.note))

    def _new(self, facts):
        self.tokens[len(self.tokens)] = facts
        return len(self.tokens) - 1

    def _write(self, bout, facts):
        number = self._new(facts)
        lane = self.lanes.setdefault((bout.individual, bout.behavior, bout.target), {})
        lane.update(dict.fromkeys(range(bout.start, bout.stop), number))

    def _separate(self):
        """Give every run of frames a number of its own."""
        for lane in self.lanes.values():
            seen = {}
            for frame in sorted(lane):
                old = lane[frame]
                if frame - 1 in lane and seen.get(frame - 1) == old:
                    lane[frame] = lane[frame - 1]
                else:
                    lane[frame] = self._new(self.tokens[old])
                seen[frame] = old

    def _unite(self, lane, numbers):
        facts = [self.tokens[number] for number in numbers]
        origins, confidences = {one[0] for one in facts}, {one[1] for one in facts}
        number = self._new(
            (
                origins.pop() if len(origins) == 1 else "curated",
                confidences.pop() if len(confidences) == 1 else None,
                max(one[2] for one in facts),
            )
        )
        for frame, other in lane.items():
            if other in numbers:
                lane[frame] = number
        return number

    def _exclusive(self, name):
        return next(one.exclusive for one in self.behaviors if one.name == name)

    def place(self, key, frames, facts, touching=False):
        """Label frames as a person does."""
        if self._exclusive(key[1]):
            for other, lane in self.lanes.items():
                if other != key and other[0] == key[0] and self._exclusive(other[1]):
                    for frame in frames:
                        lane.pop(frame, None)
        self._separate()
        lane = self.lanes.setdefault(key, {})
        near = {f for frame in frames for f in ((frame - 1, frame, frame + 1) if touching else (frame,))}
        met = {lane[frame] for frame in near if frame in lane and self.tokens[lane[frame]][0] != "automated"}
        number = self._new(facts)
        lane.update(dict.fromkeys(frames, number))
        # A bout that was met is met again where the new one now lies on it.
        self._unite(lane, met | {number})
        if key[0] not in self.individuals:
            self.individuals.append(key[0])
        self.assessed |= {(key[0], frame) for frame in frames}

    def add(self, individual, behavior, start, stop, target, note):
        self.place((individual, behavior, target), range(start, stop), ("manual", None, note), touching=True)

    def take(self, key, frames):
        lane = self.lanes.get(key, {})
        return {frame: lane.pop(frame) for frame in list(lane) if frame in frames}

    def erase(self, individual, start, stop, behavior):
        for key in list(self.lanes):
            if key[0] == individual and behavior in (None, key[1]):
                self.take(key, range(start, stop))

    def unassess(self, individual, start, stop):
        labelled = {frame for key, lane in self.lanes.items() if key[0] == individual for frame in lane}
        self.assessed -= {(individual, frame) for frame in range(start, stop) if frame not in labelled}

    def remove(self, bout):
        key = bout.individual, bout.behavior, bout.target
        taken = self.take(key, range(bout.start, bout.stop))
        assert len(set(taken.values())) == 1
        origin, confidence, note = self.tokens[next(iter(taken.values()))]
        return key, ("curated" if origin == "automated" else origin, confidence, note)

    def permute(self, names, start, stop):
        """Exchange individuals and targets in frames: {name: new name}, not necessarily both ways."""
        frames = range(start, 10**6 if stop is None else stop)
        self._separate()
        moved = {}
        for key in list(self.lanes):
            if key[0] in names or key[2] in names:
                who, target = names.get(key[0], key[0]), names.get(key[2], key[2])
                if who == target and key[0] != key[2]:
                    target = None
                moved.setdefault((who, key[1], target), []).append(self.take(key, frames))
        for key, pieces in moved.items():
            self._merge_in(key, pieces, {start} if stop is None else {start, stop})
        now = {(names.get(i, i), f) if f in frames else (i, f) for i, f in self.assessed}
        self.assessed = now

    def _merge_in(self, key, pieces, seams):
        if not any(pieces):
            return
        lane = self.lanes.setdefault(key, {})
        self._separate()
        runs = [(part, number) for part in (lane, *pieces) for number in sorted(set(part.values()))]
        spans = [{frame for frame, other in part.items() if other == number} for part, number in runs]
        facts = [self.tokens[number] for _, number in runs]
        added = [part is not lane for part, _ in runs]
        self._unite_all(spans, facts, added, lambda one, other: bool(spans[one] & spans[other]))
        self._unite_all(
            spans,
            facts,
            added,
            lambda one, other: (
                any(s in spans[other] and s - 1 in spans[one] for s in seams)
                and facts[one] == facts[other]
                and (added[one] or added[other])
            ),
        )
        lane.clear()
        for span, fact in zip(spans, facts, strict=True):
            if span:
                lane.update(dict.fromkeys(span, self._new(fact)))

    @staticmethod
    def _unite_all(spans, facts, added, meet):
        pairs = list(itertools.permutations(range(len(spans)), 2))
        while found := next((p for p in pairs if spans[p[0]] and spans[p[1]] and meet(*p)), None):
            (one, other), (a, b) = found, (facts[found[0]], facts[found[1]])
            facts[one] = a[0] if a[0] == b[0] else "curated", a[1] if a[1] == b[1] else None, max(a[2], b[2])
            spans[one] |= spans[other]
            spans[other], added[one] = set(), True

    def assign(self, individual, to, start, stop, replaced):
        if to not in self.individuals:
            self.individuals.append(to)
        for first, end in replaced:
            frames = range(first, end)
            for key in list(self.lanes):
                if key[0] == to:
                    self.take(key, frames)
            for key in list(self.lanes):
                if key[2] == to and key[0] != individual:
                    self._merge_in((key[0], key[1], None), [self.take(key, frames)], {first, end})
            self.assessed -= {(to, frame) for frame in frames}
        self.permute({individual: to}, start, stop)

    def forget(self, individual):
        self.individuals.remove(individual)

    def delete(self, individual):
        for key in list(self.lanes):
            if key[0] == individual:
                del self.lanes[key]
        for key in list(self.lanes):
            if key[2] == individual:
                self._separate()
                piece = self.lanes.pop(key)
                self._merge_in((key[0], key[1], None), [piece], set())
        self.assessed = {(i, f) for i, f in self.assessed if i != individual}
        self.forget(individual)

    def rename(self, old, new):
        self.lanes = {
            (new if i == old else i, b, new if t == old else t): lane for (i, b, t), lane in self.lanes.items()
        }
        self.assessed = {(new if i == old else i, f) for i, f in self.assessed}
        self.individuals = [new if i == old else i for i in self.individuals]

    def rename_behavior(self, old, new):
        self.lanes = {(i, new if b == old else b, t): lane for (i, b, t), lane in self.lanes.items()}

    def annotation(self):
        self._separate()
        bouts = []
        for key, lane in self.lanes.items():
            for number in set(lane.values()):
                frames = [frame for frame, other in lane.items() if other == number]
                facts = self.tokens[number]
                bouts.append(Bout(key[0], key[1], min(frames), max(frames) + 1, key[2], *facts))
        assessed = {}
        for individual, frame in self.assessed:
            assessed.setdefault(individual, []).append((frame, frame + 1))
        return Annotation(
            Ethogram(tuple(self.behaviors)), tuple(bouts), assessed, tuple(self.individuals), self.facts.n_frames
        )
