"""What the time line shows of a video: labels of all individuals, problems of the boxes, and what others add."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from napari_i3d._utils.colors import PALETTE
from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.editing.editor import AnnotationEditor
from napari_i3d.individuals import Id, format_id, name_ids
from napari_i3d.plugin.annotate_dock.annotation_lanes import labels_group, with_labels, with_predictions
from napari_i3d.plugin.labels.label_actions import n_frames
from napari_i3d.plugin.proposals.proposal_actions import position, proposal_here
from napari_i3d.plugin.session.matching import labelled_individuals, tracking_id
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.timeline.lanes import BoutArrays, Lane, LaneBout, LaneKind, Style, TimelineData
from napari_i3d.tracking.checks import Level
from napari_i3d.tracking.tracklets import runs

_PROBLEMS = (Style("problem that stops extraction", "#d55e00"), Style("problem", "#8a8a8a"))


def timeline_data(tracked: TrackedVideo, others: Mapping[Id, Iterable[Lane]] | None = None) -> TimelineData:
    """Return everything that is shown of a video.

    Parameters
    ----------
    tracked
        The video.
    others
        More lanes of an individual, such as clusters; of one that is not known yet too.
    """
    annotation, colors = tracked.labels.annotation, tracked.colors
    predictions = tracked.predictions.annotation if tracked.predictions.shown else None
    outdated = {tracking_id(one, tracked) for one in tracked.out_of_date}
    groups = []
    known = labelled_individuals(tracked)
    proposed = () if predictions is None else predictions.individuals
    listed = dict.fromkeys((*known, *(others or ()), *proposed))
    names = name_ids(tuple(listed))
    for individual in listed:
        lanes = [*problem_lanes(tracked, individual), *(others or {}).get(individual, ())]
        color = colors.get(individual, PALETTE[0])
        present = _present(tracked, individual)
        group = labels_group(
            annotation,
            individual,
            color,
            predictions=predictions,
            source=tracked.predictions.source,
            outdated=individual in outdated,
            present=present,
            others=lanes,
        )
        groups.append(replace(group, name=names[individual]))
    video = tracked.video
    times_s = None if video is None else video.times_s - video.times_s[0]
    return TimelineData(max(n_frames(tracked), 1), tuple(groups), times_s)


def with_edited_labels(data: TimelineData, tracked: TrackedVideo, individuals: Iterable[Id]) -> TimelineData:
    """Return the data after labels of some individuals were edited."""
    return with_labels(data, tracked.labels.annotation, individuals)


def with_edited_predictions(data: TimelineData, tracked: TrackedVideo, individuals: Iterable[Id]) -> TimelineData:
    """Return the data after proposals of some individuals were accepted, rejected or edited."""
    return with_predictions(data, tracked.predictions.editor, individuals)


def problem_lanes(tracked: TrackedVideo, individual: Id) -> list[Lane]:
    """Return a lane with the problems of an individual's boxes that are left; none if there are none."""
    found = [problem for problem in tracked.problems_left if problem.id == individual]
    if not found:
        return []
    styles = [0 if problem.level is Level.ERROR else 1 for problem in found]
    bouts = BoutArrays.make([one.frame for one in found], [one.stop for one in found], styles)
    return [Lane(LaneKind.MARKS, _PROBLEMS, bouts)]


def _present(tracked: TrackedVideo, individual: Id) -> list[tuple[int, int]] | None:
    tracklet = None if tracked.tracking is None else tracked.tracking.get(individual)
    if tracklet is None:
        return None
    return [(tracklet.start + start, tracklet.start + stop) for start, stop in runs(tracklet.present)]


def bout_of(tracked: TrackedVideo, lane_bout: LaneBout | None) -> Bout | None:
    """Return the bout of the annotation that the time line shows; None if it is gone or no label."""
    return _found(tracked.labels.editor, lane_bout, LaneKind.LABELS)


def proposal_of(tracked: TrackedVideo, lane_bout: LaneBout | None) -> Bout | None:
    """Return the proposal that the time line shows; None if it is gone or no proposal."""
    return _found(tracked.predictions.editor, lane_bout, LaneKind.PREDICTIONS)


def _found(editor: AnnotationEditor, lane_bout: LaneBout | None, kind: LaneKind) -> Bout | None:
    if lane_bout is None or lane_bout.kind is not kind:
        return None
    bouts = editor.bouts_of(lane_bout.individual)
    found = bouts[lane_bout.index] if 0 <= lane_bout.index < len(bouts) else None
    wanted = lane_bout.behavior, lane_bout.start, lane_bout.stop
    return found if found is not None and (found.behavior, found.start, found.stop) == wanted else None


def selected_in(tracked: TrackedVideo) -> LaneBout | None:
    """Return the label or proposal that is selected, as the time line has it."""
    label, proposal = tracked.labels.selected, tracked.predictions.selected
    bout, kind = (label, LaneKind.LABELS) if label is not None else (proposal, LaneKind.PREDICTIONS)
    return None if bout is None else LaneBout(bout.individual, kind, bout.behavior, bout.start, bout.stop)


def running_text(session: Session, tracked: TrackedVideo, data: TimelineData) -> str:
    """Return which behaviors of the current individual are on in this frame, and the proposal that keys are about."""
    individual, frame = tracked.labelled, session.frame
    own = tracked.labels.editor.bouts_of(individual)
    text = ", ".join(dict.fromkeys(bout.behavior for bout in own if bout.start <= frame < bout.stop)) or "-"
    group = data.group(individual)
    proposal = proposal_here(session, tracked)
    proposed = "" if proposal is None else f"  ·  {position(tracked, proposal)}"
    return f"{format_id(individual) if group is None else group.name}: {text}{proposed}"
