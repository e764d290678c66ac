"""Corrections of the boxes of one video: their editor, and what follows from it."""

from dataclasses import replace
from pathlib import Path

from napari_i3d._utils.colors import PALETTE, colors_of
from napari_i3d.individuals import Id
from napari_i3d.plugin.session.layer_sources import TrackingSource
from napari_i3d.projects.accepted_problems import AcceptedProblems
from napari_i3d.tracking.checks import Problem
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.editing.tracking_change import TrackingChange
from napari_i3d.tracking.incremental_checks import TrackingChecks
from napari_i3d.tracking.origin import Origin

_Shape = tuple[int, int, int]


class Corrections:
    """Corrections of the boxes of a source, with the colors of the individuals and the problems that are left.

    Parameters
    ----------
    source
        The boxes before; None: none are there.
    editor
        Holds corrections of the source already. Default: a new one.

    Attributes
    ----------
    accepted
        The problems that the user marked as fine.
    """

    def __init__(self, source: TrackingSource | None, editor: TrackingEditor | None = None) -> None:
        self._source = source
        self._image_shape: _Shape | None = None
        self._checks: TrackingChecks | None = None
        self._uncertain = () if source is None else source.uncertain
        self.editor = editor or TrackingEditor(None if source is None else source.tracking)
        self.accepted = AcceptedProblems() if source is None else AcceptedProblems.load(source.tracking)
        self.editor.connect(self.accepted.follow)
        given = colors_of(self.editor.tracking)
        self._colors = {key: given[individual] for individual, key in self.editor.keys.items()}

    @property
    def source(self) -> TrackingSource | None:
        """The boxes as they are now, as a source; a detection that was corrected is a detection no more.

        None if none were there and none are.
        """
        tracking = self.editor.tracking
        if self._source is None:
            return TrackingSource(tracking, None) if tracking else None
        detected = self._source.detected if self.editor.serial == 0 else None
        return replace(self._source, tracking=tracking, uncertain=self._uncertain, detected=detected)

    @property
    def colors(self) -> dict[Id, str]:
        """The color of each individual; one that is new has the color that the fewest have."""
        for individual, key in self.editor.keys.items():
            if key not in self._colors:
                self._colors[key] = _next_color(individual, list(self._colors.values()))
        return {individual: self._colors[key] for individual, key in self.editor.keys.items()}

    @property
    def base_path(self) -> Path | None:
        """The file of the boxes that were corrected."""
        return None if self._source is None else self._source.path

    def mark_saved(self, path: Path, origin: Origin | None, *, exact: bool) -> None:
        """Note that the boxes were saved to a file; the key points that they were made of are not in it."""
        self.editor.mark_saved(origin)
        source = self.source or TrackingSource(self.editor.tracking, None)
        self._source = replace(source, path=path, keypoints=None, first_choices=None, held=exact)

    def check(self, image_shape: _Shape | None) -> tuple[Problem, ...]:
        """Check all boxes; return their problems."""
        self._checks, self._image_shape = TrackingChecks(self.editor.tracking, image_shape), image_shape
        return (*self._checks.problems, *self._uncertain)

    def update(self, change: TrackingChange, image_shape: _Shape | None) -> tuple[Problem, ...]:
        """Check what was corrected; return all problems."""
        self._uncertain = tuple(_renamed(problem, change) for problem in self._uncertain)
        if self._checks is None or image_shape != self._image_shape:
            return self.check(image_shape)
        return (*self._checks.update(self.editor.tracking, change.ranges), *self._uncertain)


def _renamed(problem: Problem, change: TrackingChange) -> Problem:
    new = change.renamed.get(problem.id, problem.id)
    return problem if new == problem.id else replace(problem, id=new)


def _next_color(individual: Id, used: list[str]) -> str:
    """Return the color that an individual prefers among those used least."""
    fewest = min(used.count(color) for color in PALETTE)
    free = [color for color in PALETTE if used.count(color) == fewest]
    preferred = colors_of([individual])[individual]
    return preferred if preferred in free else free[0]
