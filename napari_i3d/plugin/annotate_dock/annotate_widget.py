"""The Annotate dock: a time line of all individuals on which behaviors are labelled."""

import napari
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QHideEvent
from qtpy.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from napari_i3d.annotations.editing.changes import AnnotationChange
from napari_i3d.annotations.editing.painting import Add
from napari_i3d.individuals import Id
from napari_i3d.plugin import navigation
from napari_i3d.plugin.annotate_dock.annotation_files import FileButton
from napari_i3d.plugin.annotate_dock.behaviors_panel import BehaviorsPanel
from napari_i3d.plugin.annotate_dock.explored.cluster_lanes import ClusterLanes
from napari_i3d.plugin.annotate_dock.explored.shared_time import SharedTime
from napari_i3d.plugin.annotate_dock.labels_link import LabelsLink
from napari_i3d.plugin.annotate_dock.lane_menu import fill_menu
from napari_i3d.plugin.annotate_dock.more_menu import MoreMenu
from napari_i3d.plugin.annotate_dock.playback_bar import PlaybackBar, Readout
from napari_i3d.plugin.annotate_dock.timeline_content import (
    bout_of,
    proposal_of,
    running_text,
    selected_in,
    timeline_data,
    with_edited_labels,
    with_edited_predictions,
)
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.labels import label_actions
from napari_i3d.plugin.proposals import proposal_actions
from napari_i3d.plugin.proposals.proposals_box import ProposalsBox
from napari_i3d.plugin.session.connections import Connections
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.timeline.geometry import LaneHit
from napari_i3d.plugin.timeline.lanes import LaneBout, LaneKind, MarkedSpan
from napari_i3d.plugin.timeline.timeline_canvas import TimelineCanvas
from napari_i3d.plugin.widgets.dock import Dock
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import LineLabel


class AnnotateWidget(Dock):
    """Shows the labels of the active video on a time line, and edits them.

    Attributes
    ----------
    canvas
        The time line.
    side
        The column beside the time line.
    tools
        The row of buttons above it.
    """

    NAME = "Annotate"
    OVER_TIME = True

    def __init__(self, napari_viewer: "napari.Viewer") -> None:
        super().__init__(get_session(napari_viewer))
        self._labelling = self._session.labelling
        self._labels_of: TrackedVideo | None = None
        self._label_links = Connections()
        self.destroyed.connect(self._label_links.close)
        self.canvas = TimelineCanvas(napari_viewer.theme)
        self.more = MoreMenu(self._session, self.workers, self.canvas)
        self.mode = QToolButton()
        self.mode.setText("Label")
        self.mode.setCheckable(True)
        self.mode.setToolTip(f"Label by the keys of the behaviors ({self._session.keys.shown_key('label_mode')})")
        self.proposed = ProposalsBox(self._session)
        self.playing = PlaybackBar(self._session)
        self.file, self.behaviors = FileButton(self._session), BehaviorsPanel(self._session)
        self.running, self.readout = LineLabel(), Readout(self._session.playback)
        self._clusters = ClusterLanes(self._session.exploration, self.links, self._show_lanes)
        self._time = SharedTime(self.canvas, self._session.exploration.time_axis, self.links)
        self._build()
        self._connect(napari_viewer)
        self._labels_link = LabelsLink(self._session, self.behaviors.refresh, self.file.refresh)
        self.destroyed.connect(self._labels_link.close)
        self.follow_active(
            self._show,
            tracking_changed=self._show,
            video_changed=self._show,
            accepted_changed=self._show,
            out_of_date_changed=self._show_lanes,
            current_changed=self._on_current,
            span_changed=self._on_span,
        )

    def _build(self) -> None:
        tools = self.file, self.mode, self.proposed, self.playing, self.running, self.readout, self.more
        self.tools = fill(QHBoxLayout(), *tools, grow=self.running)
        self.tools.setSpacing(4)
        self.side = QWidget()
        self.side_column = fill(QVBoxLayout(self.side), self.behaviors, grow=self.behaviors)
        self.side.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Expanding)
        line = fill(QHBoxLayout(), self.side, self.canvas, grow=self.canvas)
        rows = fill(QVBoxLayout(self), self.tools, line, grow=line)
        rows.setContentsMargins(4, 2, 4, 2)

    def _connect(self, viewer: "napari.Viewer") -> None:
        self.mode.clicked.connect(self._on_mode_clicked)
        canvas, session = self.canvas, self._session
        for signal, slot in (
            (viewer.events.theme, self._on_theme),
            (viewer.dims.events.current_step, self._on_frame),
            (canvas.frame_requested, session.go_to),
            (canvas.individual_clicked, self._on_individual),
            (canvas.bout_selected, self._on_bout),
            (canvas.edge_released, self._on_edge),
            (canvas.span_marked, self._on_marked),
            (canvas.lane_menu_requested, self._on_menu),
            (canvas.readout_changed, self.readout.point_at),
            (self._labelling.changed, self._on_mode),
            (session.playback.changed, self.readout.refresh),
            (session.playback.changed, self.playing.refresh),
            (session.keys.changed, self.playing.refresh),
            (session.keys.changed, self.proposed.refresh),
        ):
            self.links.connect(signal, slot)

    @property
    def _tracked(self) -> TrackedVideo | None:
        return self._session.active

    def _show(self) -> None:
        """Show everything of the active video."""
        tracked = self._tracked
        self._follow_labels(tracked)
        self.proposed.refresh()
        self.canvas.setEnabled(tracked is not None)
        self._time.show(None if tracked is None else max(label_actions.n_frames(tracked), 1))
        if tracked is None:
            return
        self._show_lanes()
        self.more.show_tracked()
        self._on_current()
        self._on_span()
        self._on_frame()
        self._on_mode()

    def _show_lanes(self) -> None:
        if self._tracked is not None:
            self.canvas.data = timeline_data(self._tracked, self._clusters.of(self._tracked))
            self._on_selected()

    def _follow_labels(self, tracked: TrackedVideo | None) -> None:
        if tracked is not self._labels_of:
            self._label_links.close()
            self._labels_of = tracked
            if tracked is not None:
                self._label_links.connect(tracked.labels.changed, self._on_labels)
                self._label_links.connect(tracked.labels.selected_changed, self._on_selected)
                self._label_links.connect(tracked.predictions.changed, self._on_predictions)
                self._label_links.connect(tracked.predictions.selected_changed, self._on_selected)

    def _on_labels(self, change: AnnotationChange | None = None) -> None:
        tracked = self._tracked
        if tracked is None:
            return
        proposed = tracked.predictions.annotation is not None
        if change is None or _lists_others(change) or (change.ethogram and proposed):
            self._show_lanes()
        else:
            everyone = tracked.labels.editor.individuals if change.ethogram else change.ranges
            self.canvas.data = with_edited_labels(self.canvas.data, tracked, everyone)
        self._on_selected()
        self._show_running()
        self.more.show_tracked()

    def _on_predictions(self, change: AnnotationChange | None = None) -> None:
        tracked = self._tracked
        self.proposed.refresh()
        self.file.refresh()
        if tracked is None:
            return
        if change is None or _lists_others(change):
            self._show_lanes()
        else:
            self.canvas.data = with_edited_predictions(self.canvas.data, tracked, change.ranges)
            self._on_selected()
        self._show_running()

    def _on_current(self) -> None:
        if self._tracked is not None:
            self.canvas.current = self._tracked.labelled
            self._on_span()  # it is labelled for the current individual, wherever it was marked
            self._show_running()
            self.more.show_tracked()

    def _on_selected(self) -> None:
        tracked = self._tracked
        self.canvas.selected = None if tracked is None else selected_in(tracked)
        self._show_running()

    def _on_span(self) -> None:
        tracked = self._tracked
        span = None if tracked is None else tracked.span
        self.canvas.span = None if span is None or tracked is None else MarkedSpan(tracked.labelled, *span)

    def _on_frame(self) -> None:
        self.canvas.set_frame(self._session.frame)
        proposal_actions.leave(self._session)
        self._show_running()
        self.readout.refresh()

    def _show_running(self) -> None:
        if self._tracked is not None:
            self.running.setText(running_text(self._session, self._tracked, self.canvas.data))

    def _on_theme(self) -> None:
        self.canvas.set_theme(self._session.viewer.theme)
        self.more.set_theme(self._session.viewer.theme)

    def _on_mode(self) -> None:
        self.mode.setChecked(self._labelling.on)
        self.mode.setStyleSheet("QToolButton { background: #d55e00; color: white; }" if self._labelling.on else "")

    def _on_mode_clicked(self) -> None:
        self._labelling.on = self.mode.isChecked()

    def _on_individual(self, individual: Id) -> None:
        tracked = self._tracked
        if tracked is None:
            return
        if tracked.tracking is not None and individual in tracked.tracking:
            navigation.go_to(self._session, tracked, individual, self._session.frame, center=False)
        tracked.labelled = individual

    def _on_bout(self, lane_bout: LaneBout | None) -> None:
        tracked = self._tracked
        if tracked is not None:
            proposal_actions.select(tracked, proposal_of(tracked, lane_bout))
            tracked.labels.selected = bout_of(tracked, lane_bout)

    def _on_edge(self, lane_bout: LaneBout, edge: str, frame: int) -> None:
        tracked = self._tracked
        edges = (frame, lane_bout.stop) if edge == "start" else (lane_bout.start, frame)
        if tracked is not None and lane_bout.kind is LaneKind.PREDICTIONS:
            proposal_actions.move_edges(self._session, tracked, proposal_of(tracked, lane_bout), *edges)
        elif tracked is not None:
            label_actions.move_edges(self._session, tracked, bout_of(tracked, lane_bout), *edges)

    def _on_marked(self, individual: Id, start: int, stop: int, behavior: str | None) -> None:
        if self._tracked is None:
            return
        self._on_individual(individual)
        if behavior is not None:
            # Marked in the row of a behavior: that is what it is.
            label_actions.do(self._session, [Add(individual, behavior, start, stop)])
            self._tracked.span = None
            self._on_span()
        else:
            self._tracked.span = (start, stop)

    def _on_menu(self, hit: LaneHit, place: QPoint) -> None:
        if self._tracked is not None:
            menu = QMenu(self)
            fill_menu(menu, self._session, self._tracked, hit, self.canvas.data)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(place)

    def close_warning(self) -> str:
        """Return what closing the viewer now would lose; empty if nothing."""
        return self.more.close_warning()

    def hideEvent(self, event: QHideEvent | None) -> None:  # noqa: N802
        """End labelling: nothing would show that the keys label."""
        super().hideEvent(event)
        self._labelling.on = False

    def closed(self) -> None:
        """End labelling with the dock."""
        self._labelling.on = False
        self._label_links.close()
        self._labels_link.close()
        self.more.closed()
        super().closed()
        self._time.show(None)


def _lists_others(change: AnnotationChange) -> bool:
    """Return whether individuals are others or have other names."""
    return bool(change.added or change.removed or change.renamed)
