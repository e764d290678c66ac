"""Labelled bouts of each individual over time, and the frames that nobody assessed."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from napari_i3d._utils.frame_ranges import Range, remove_range
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id, format_id
from napari_i3d.plots.style import HATCHES, add_seconds, current_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEIGHT = 0.8
_THIN = 0.35
_LEGEND_ROWS = 12
_UNREVIEWED = 0.45
_UNASSESSED: dict[str, Any] = {"facecolor": "none", "edgecolor": "#8c8c8c", "hatch": "\\\\\\", "linewidth": 0}


def plot_bouts(
    annotation: Annotation,
    ax: "Axes | None" = None,
    *,
    individuals: Iterable[Id] | None = None,
    start: int = 0,
    stop: int | None = None,
) -> "Axes":
    """Draw a lane for each individual, with its bouts in the colors and hatches of the ethogram.

    Exclusive behaviors share the lane; each other behavior has a thin one of its own below it. Automated bouts, which
    nobody reviewed, are pale.

    Parameters
    ----------
    annotation
        The annotation.
    ax
        Where to draw; None: the current Axes of pyplot.
    individuals
        Who; None: all.
    start, stop
        The frames, half-open. Default: to the end of the video, or of what was assessed.

    Returns
    -------
    matplotlib.axes.Axes
        x: video frame, and time in seconds if the rate is known. y: individual. Frames that were not assessed are
        hatched; frames without behavior are blank.

    Raises
    ------
    AnnotationError
        There are no frames, or no individuals, to draw.
    """
    ids = list(annotation.individuals if individuals is None else individuals)
    stop = annotation.end if stop is None else stop
    if not ids or stop <= start:
        raise AnnotationError(f"expected individuals and frames to draw, found {len(ids)} and {max(stop - start, 0)}")
    ax = current_axes(ax)
    extra = thin_lanes(annotation, ids)
    block = 1 + _THIN * len(extra)
    used = False
    for number, individual in enumerate(ids):
        top = number * block
        used |= _draw_unassessed(annotation, individual, (start, stop), (top, block - 1 + _HEIGHT), ax)
        groups: dict[tuple[str, bool], list[Bout]] = {}
        for bout in annotation.of(individual):
            if bout.overlaps(start, stop):
                groups.setdefault((bout.behavior, bout.origin == Origin.AUTOMATED), []).append(bout)
        for (behavior, automated), bouts in groups.items():
            lane = (top, _HEIGHT)
            if behavior in extra:
                lane = (top + _HEIGHT + _THIN * (extra.index(behavior) + 0.15), _THIN * 0.85)
            ax.broken_barh(
                [(bout.start - 0.5, len(bout)) for bout in bouts],
                lane,
                alpha=_UNREVIEWED if automated else None,
                **bar_style(annotation.ethogram, behavior),
            )
    centers = [number * block + (block - 1 + _HEIGHT) / 2 for number in range(len(ids))]
    ax.set_yticks(centers, [format_id(individual) for individual in ids])
    ax.set_ylim(len(ids) * block - 0.1, -0.1)
    ax.set_xlim(start - 0.5, stop - 0.5)
    ax.tick_params(axis="y", length=0)
    ax.spines[["left", "right", "top"]].set_visible(False)
    ax.set_xlabel("video frame")
    ax.set_ylabel("individual")
    add_seconds(ax, annotation.fps)
    shown = {bout.behavior for one in ids for bout in annotation.of(one) if bout.overlaps(start, stop)}
    _add_legend(annotation.ethogram, shown, used, ax)
    ax.set_title("Bouts", loc="left")
    return ax


def thin_lanes(annotation: Annotation, individuals: Iterable[Id]) -> list[str]:
    """Return the behaviors of individuals that are not exclusive, in order."""
    names = {bout.behavior for individual in individuals for bout in annotation.of(individual)}
    return [name for name, one in annotation.ethogram.items() if name in names and not one.exclusive]


def bar_style(ethogram: Ethogram, behavior: str) -> dict[str, Any]:
    """Return color and hatch of a behavior's bars as arguments of matplotlib."""
    color, hatch = ethogram.style_of(ethogram.index(behavior))
    pattern = HATCHES[hatch % len(HATCHES)]
    return {"facecolor": color, "hatch": pattern or None, "edgecolor": "black" if pattern else "none", "linewidth": 0}


def _draw_unassessed(
    annotation: Annotation, individual: Id, frames: Range, lane: tuple[float, float], ax: "Axes"
) -> bool:
    missing: tuple[Range, ...] = (frames,)
    for start, stop in annotation.assessed.get(individual, ()):
        missing = remove_range(missing, start, stop)
    ax.broken_barh([(start - 0.5, stop - start) for start, stop in missing], lane, **_UNASSESSED)
    return bool(missing)


def _add_legend(ethogram: Ethogram, shown: set[str], unassessed: bool, ax: "Axes") -> None:
    from matplotlib.patches import Patch

    handles = [Patch(**bar_style(ethogram, name), label=name) for name in ethogram if name in shown]
    if unassessed:
        handles.append(Patch(**_UNASSESSED, label="not assessed"))
    ax.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        frameon=False,
        borderaxespad=0.3,
        ncols=max(-(-len(handles) // _LEGEND_ROWS), 1),
    )
