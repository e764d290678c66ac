"""Menu of a place on the time line: what can be done with its bout, with the marked span, and with its cluster."""

from functools import partial

from qtpy.QtWidgets import QMenu

from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.editing.annotation_edit import AnnotationEdit
from napari_i3d.annotations.editing.bout_edits import Accept, SetTarget
from napari_i3d.annotations.editing.painting import Add, Assess, Erase, Unassess
from napari_i3d.individuals import Id, format_id
from napari_i3d.plugin.annotate_dock.explored.cluster_menu import add_cluster_entries
from napari_i3d.plugin.annotate_dock.timeline_content import bout_of, proposal_of
from napari_i3d.plugin.labels import label_actions, label_steps
from napari_i3d.plugin.proposals.proposal_menu import add_accept_all, add_proposal_entries
from napari_i3d.plugin.session.matching import labelled_individuals
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.timeline.geometry import LaneHit
from napari_i3d.plugin.timeline.lanes import TimelineData


def fill_menu(menu: QMenu, session: Session, tracked: TrackedVideo, hit: LaneHit, data: TimelineData) -> None:
    """Add the entries for what lies at a place of the time line; a bout that lies there is selected."""
    bout, proposal = bout_of(tracked, hit.bout), proposal_of(tracked, hit.bout)
    if bout is not None:
        _add_bout_entries(menu, session, tracked, bout)
    elif proposal is not None:
        add_proposal_entries(menu, session, tracked, proposal)
    elif tracked.span is not None:
        _add_span_entries(menu, session, tracked, hit.individual)
    add_accept_all(menu, session, tracked, hit.individual)
    add_cluster_entries(menu, session, data, hit.bout)
    menu.addSeparator()
    start, stop = tracked.span or (0, label_actions.n_frames(tracked))
    for edit in (Assess(hit.individual, start, stop), Unassess(hit.individual, start, stop)):
        _add_entry(menu, session, edit)


def _add_bout_entries(menu: QMenu, session: Session, tracked: TrackedVideo, bout: Bout) -> None:
    relabel = menu.addMenu("Relabel as")
    for name in tracked.labels.editor.ethogram:
        if name != bout.behavior and relabel is not None:
            relabel.addAction(name, partial(label_actions.relabel, session, name))
    target = menu.addMenu("Directed at")
    for individual in (None, *labelled_individuals(tracked)):
        if target is not None and individual != bout.individual:
            name = "nobody" if individual is None else format_id(individual)
            target.addAction(name, partial(label_actions.do, session, [SetTarget(bout, individual)]))
    menu.addAction("Split at this frame", partial(label_actions.split, session))
    menu.addAction("Merge with the next one", partial(label_actions.merge_next, session))
    menu.addAction("Play in a loop", partial(label_steps.loop_bout, session))
    if bout.origin is Origin.AUTOMATED:
        menu.addAction("Accept", partial(label_actions.do, session, [Accept(bout)]))
    menu.addAction("Delete", partial(label_actions.delete, session))


def _add_span_entries(menu: QMenu, session: Session, tracked: TrackedVideo, individual: Id) -> None:
    start, stop = tracked.span or (0, 0)
    edits = [Add(individual, name, start, stop) for name in tracked.labels.editor.ethogram]
    for edit in (*edits, Erase(individual, start, stop)):
        _add_entry(menu, session, edit)


def _add_entry(menu: QMenu, session: Session, edit: AnnotationEdit) -> None:
    menu.addAction(edit.words[:1].upper() + edit.words[1:], partial(label_actions.do, session, [edit]))
