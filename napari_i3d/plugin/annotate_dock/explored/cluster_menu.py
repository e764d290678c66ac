"""Clusters made labels: entries of the menu of a cluster's bout in the time line."""

from functools import partial

from qtpy.QtWidgets import QMenu

from napari_i3d.annotations.bouts import Origin
from napari_i3d.annotations.editing.annotation_edit import AnnotationEdit
from napari_i3d.annotations.editing.ethogram_edits import AddBehavior
from napari_i3d.annotations.editing.painting import Add, AddAutomated
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.individuals import Id, format_id
from napari_i3d.plugin.labels import label_actions
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.timeline.lanes import LaneBout, LaneKind, TimelineData


def add_cluster_entries(menu: QMenu, session: Session, data: TimelineData, bout: LaneBout | None) -> None:
    """Offer to label a bout of a cluster, or all bouts of the cluster; nothing if it is no bout of a cluster.

    Parameters
    ----------
    menu
        The menu.
    session
        The viewer's session.
    data
        What the time line shows.
    bout
        The bout that was clicked.
    """
    tracked = session.active
    if bout is None or bout.kind is not LaneKind.CLUSTERS or tracked is None:
        return
    ethogram, name = tracked.labels.editor.ethogram, bout.behavior
    own = {one: ranges for one, ranges in _ranges(data, name).items() if one == bout.individual}
    one = {bout.individual: [(bout.start, bout.stop)]}
    _add_choices(menu, session, f"Label this bout of {name} as", ethogram, name, one, seen=True)
    who = format_id(bout.individual)
    _add_choices(menu, session, f"Label all bouts of {name} of {who} as", ethogram, name, own)
    everyone = _ranges(data, name)
    if len(everyone) > 1:
        _add_choices(menu, session, f"Label all bouts of {name} of all individuals as", ethogram, name, everyone)


_Ranges = dict[Id, list[tuple[int, int]]]


def _ranges(data: TimelineData, cluster: str) -> _Ranges:
    """Return the frames of a cluster for each individual that has it."""
    found: _Ranges = {}
    for group in data.groups:
        lane = group.lane(LaneKind.CLUSTERS)
        names = [] if lane is None else [style.name for style in lane.styles]
        if lane is not None and cluster in names:
            bouts = lane.bouts.of_style(names.index(cluster))
            if len(bouts):
                found[group.individual] = list(zip(bouts.start.tolist(), bouts.stop.tolist(), strict=True))
    return found


def _add_choices(
    menu: QMenu, session: Session, title: str, ethogram: Ethogram, cluster: str, ranges: _Ranges, *, seen: bool = False
) -> None:
    choices = menu.addMenu(title)
    if choices is None:
        return
    for behavior in ethogram:
        choices.addAction(behavior, partial(_label, session, behavior, cluster, ranges, seen=seen))
    if cluster not in ethogram:
        choices.addSeparator()
        choices.addAction(f"a new behavior: {cluster}", partial(_label, session, cluster, cluster, ranges, seen=seen))


def _label(session: Session, behavior: str, cluster: str, ranges: _Ranges, *, seen: bool) -> None:
    """Label frames as one step; a bout that the user has seen is curated, others are automated."""
    tracked = session.active
    if tracked is None:
        return
    edits: list[AnnotationEdit] = []
    if behavior not in tracked.labels.editor.ethogram:
        edits.append(AddBehavior(Behavior(behavior)))
    for individual, own in ranges.items():
        if seen:
            edits += [Add(individual, behavior, *frames, origin=Origin.CURATED, note=cluster) for frames in own]
        else:
            edits.append(AddAutomated(individual, behavior, tuple(own), cluster))
    label_actions.do(session, edits)
