"""How much was labelled since a probe was trained."""

from collections.abc import Sequence

from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout
from napari_i3d.plugin.session.tracked_video import TrackedVideo


def count_edits(before: Annotation, tracked: TrackedVideo) -> int:
    """Return the number of bouts of a video that differ from those of before; without bouts, of looked-at stretches."""
    editor = tracked.labels.editor
    edits = 0
    for individual in {*before.individuals, *editor.individuals}:
        old, new = _differing(before.of(individual), editor.bouts_of(individual))
        if old or new:
            edits += max(len(new - old), len(old - new))
        else:
            seen, sees = set(before.assessed.get(individual, ())), set(editor.assessed_of(individual))
            edits += len(sees - seen)
    return edits


def _differing(old: Sequence[Bout], new: Sequence[Bout]) -> tuple[set[Bout], set[Bout]]:
    """Return bouts between those that are equal at the beginning and at the end; long lists are mostly equal."""
    first = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a is not b), min(len(old), len(new)))
    rest = min(len(old), len(new)) - first
    pairs = zip(reversed(old), reversed(new), strict=False)
    last = next((n for n, (a, b) in enumerate(pairs) if n == rest or a is not b), rest)
    return set(old[first : len(old) - last]), set(new[first : len(new) - last])
