"""The Individuals dock: who is in the video, who is shown and extracted, and what is wrong with the tracking."""

import napari
from qtpy.QtCore import Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSpinBox,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
    QWidgetAction,
)

from napari_i3d._utils.text import counted
from napari_i3d.plugin import navigation
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.corrections.correction_bar import CorrectionBar
from napari_i3d.plugin.individuals_dock.find_animals import FindAnimals
from napari_i3d.plugin.individuals_dock.help_text import help_text
from napari_i3d.plugin.individuals_dock.individuals_list import IndividualsList
from napari_i3d.plugin.individuals_dock.individuals_table import IndividualsTable
from napari_i3d.plugin.individuals_dock.keypoint_section import KeypointSection
from napari_i3d.plugin.individuals_dock.problems_list import ProblemsList
from napari_i3d.plugin.individuals_dock.video_size import VideoSize
from napari_i3d.plugin.individuals_dock.video_switch import VideoSwitch
from napari_i3d.plugin.keyboard.key_dialog import KeyDialog
from napari_i3d.plugin.keys import ACTIONS
from napari_i3d.plugin.saving.box_saving import save_as
from napari_i3d.plugin.widgets.dock import Dock
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.scroll_area import MARGINS
from napari_i3d.plugin.widgets.text_label import TextLabel
from napari_i3d.tracking.checks import Problem
from napari_i3d.tracking.editing.tracking_change import TrackingChange

_NOTHING = (
    "Open a video and its tracking:\ndrop both files on the canvas.\n\n"
    "To try it out:\nFile > Open Sample > I3D features"
)
_NO_TRACKING = (
    "{name} has no tracking.\n\nDrop its tracking file on the canvas, find its animals,\ndraw boxes by hand, "
    "or extract the whole image."
)
_DRAWING = (
    "Drag from one corner of an animal to the opposite one to draw its box.\n\nGo some frames on, and draw it again; "
    "then press {interpolate}: the boxes in between are interpolated.\n\n{edit_boxes} ends it."
)
_TRAIL_FRAMES = 25
_MOST_FOR_INDIVIDUALS = 0.55


class IndividualsWidget(Dock):
    """Lists the individuals of the active video and the problems of its tracking."""

    NAME = "Individuals"

    def __init__(self, napari_viewer: "napari.Viewer") -> None:
        super().__init__(get_session(napari_viewer))
        self.corrections = CorrectionBar(self._session, ACTIONS)
        self.individuals = IndividualsList(self._session)
        self.problems = ProblemsList(self._session)
        self.video_size = VideoSize()
        self.keypoints = KeypointSection(self._session, self.workers)
        self.find_animals = FindAnimals(self._session, self.workers)
        self.title = TextLabel()
        self.empty = TextLabel()
        self.trails = QCheckBox("Trails,")
        self.trails.setToolTip("Draw where the centers of the boxes were, and will be")
        self.trail_frames = QSpinBox()
        self.trail_frames.setRange(1, 1000)
        self.trail_frames.setSuffix(" frames to either side")
        self.trail_frames.setValue(self._session.boxes.trail_frames or _TRAIL_FRAMES)
        self.trails.setChecked(self._session.boxes.trail_frames > 0)
        self.trail_frames.setEnabled(self.trails.isChecked())
        self._build()
        self.problems.chosen.connect(self._on_problem_chosen)
        self.problems.stepped.connect(self._on_problem_step)
        self.trails.toggled.connect(self._on_trails)
        self.trail_frames.valueChanged.connect(self._on_trails)
        self.video_size.changed.connect(self._on_size_chosen)
        self.links.connect(self._session.box_editor.changed, self._offer_drawing)
        self.links.connect(self._session.box_editor.changed, self.corrections.show_editing)
        for slot in (self.corrections.refresh, self.problems.show_keys, self._offer_drawing):
            self.links.connect(self._session.keys.changed, slot)
        self.follow_active(
            self._on_tracking,
            tracking_changed=self._on_tracking,
            video_changed=self._on_video,
            shown_changed=self._on_ticks,
            chosen_changed=self._on_ticks,
            current_changed=self.individuals.show_current,
            problem_changed=self._on_problem,
            accepted_changed=self._on_video,
            saved_changed=self._on_saved,
            span_changed=self.corrections.show_span,
        )

    def _build(self) -> None:
        self.help_button, self.more_button = self._make_help(), self._make_more()
        self.draw_button = QPushButton("Draw boxes by hand")
        self.draw_button.setToolTip("Draw boxes in a few frames of each animal, and interpolate between them")
        self.draw_button.clicked.connect(self._session.box_editor.start)
        top = fill(QHBoxLayout(), self.title, self.more_button, self.help_button, grow=self.title)
        trails = fill(QHBoxLayout(), self.trails, self.trail_frames, None)
        upper = QWidget()
        fill(QVBoxLayout(upper), self.individuals, trails, self.video_size, self.keypoints, grow=self.individuals)
        self.lists = _Lists(upper, self.problems, self.individuals.table)
        listed = QWidget()
        fill(QVBoxLayout(listed), top, self.corrections, self.lists, grow=self.lists)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.pages = QStackedWidget()
        self.pages.addWidget(listed)
        self.pages.addWidget(self.empty)
        self.videos = VideoSwitch(self._session, self.links)
        outer = self.set_content(self.pages)
        outer.setContentsMargins(*MARGINS)
        outer.insertWidget(0, self.videos)
        outer.addWidget(self.draw_button)
        outer.addWidget(self.find_animals)

    def _make_help(self) -> QToolButton:
        button = QToolButton()
        button.setText("?")
        button.setToolTip("Keys and mouse")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.help = QLabel()
        self.help.setMargin(8)
        self._show_help()
        self.links.connect(self._session.keys.changed, self._show_help)
        menu = QMenu(button)
        action = QWidgetAction(menu)
        action.setDefaultWidget(self.help)
        menu.addAction(action)
        menu.addSeparator()
        self.keys_action = menu.addAction("Change keys…", self._on_change_keys)
        button.setMenu(menu)
        return button

    def _show_help(self) -> None:
        self.help.setText(help_text(self._session.keys))

    def _on_change_keys(self) -> None:
        KeyDialog(self, self._session.keys).exec()

    def _make_more(self) -> QToolButton:
        button = QToolButton()
        button.setText("⋯")
        button.setToolTip("More")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        menu = QMenu(button)
        self.find_action = menu.addAction("Find animals…", self.find_animals.unfold)
        menu.addAction("Save boxes to another file…", lambda: save_as(self._session))
        button.setMenu(menu)
        return button

    def close_warning(self) -> str:
        """Return what closing the viewer now would lose; empty if nothing."""
        return "The search for animals is not finished." if self.find_animals.progress.worker is not None else ""

    def closed(self) -> None:
        """Close the dock, and disconnect from the history."""
        super().closed()
        self.corrections.release()

    def _on_tracking(self, change: TrackingChange | None = None) -> None:
        tracked = self._session.active
        if change is None:
            self.individuals.show_tracking()
            self.corrections.show_tracked()
        else:
            self.individuals.follow(change)
        self.keypoints.show_tracked()
        self.lists.share_room()
        self.empty.setText(_NOTHING if tracked is None else _NO_TRACKING.format(name=tracked.name))
        self.pages.setCurrentIndex(0 if tracked is not None and tracked.tracking is not None else 1)
        self._on_video()

    def _on_video(self) -> None:
        tracked = self._session.active
        self.find_animals.show_tracked()
        self._offer_drawing()
        self.individuals.model.problems_changed()
        self.problems.show_tracked(tracked)
        self.video_size.show_tracked(tracked)
        self._show_title()

    def _offer_drawing(self) -> None:
        tracked = self._session.active
        without = tracked is not None and tracked.video is not None and tracked.tracking is None
        self.draw_button.setVisible(without and not self._session.box_editor.is_on)
        if without and tracked is not None:
            text = _DRAWING if self._session.box_editor.is_on else _NO_TRACKING
            keys = {name: self._session.keys.called(name) for name in ("interpolate", "edit_boxes")}
            self.empty.setText(text.format(name=tracked.name, **keys))

    def _on_saved(self) -> None:
        self._show_title()
        self.corrections.refresh()

    def _on_ticks(self) -> None:
        self.individuals.model.ticks_changed()
        self._show_title()

    def _on_problem(self) -> None:
        tracked = self._session.active
        self.problems.show_problem(tracked.problem if tracked else None)

    def _on_problem_chosen(self, problem: Problem) -> None:
        if self._session.active is not None:
            navigation.go_to_problem(self._session, self._session.active, problem)

    def _on_problem_step(self, step: int) -> None:
        navigation.step_problem(self._session, step)

    def _on_trails(self) -> None:
        self.trail_frames.setEnabled(self.trails.isChecked())
        self._session.boxes.trail_frames = self.trail_frames.value() if self.trails.isChecked() else 0

    def _on_size_chosen(self, size: tuple[int, int] | None) -> None:
        if self._session.active is not None:
            self._session.active.boxes_size = size

    def _show_title(self) -> None:
        tracked = self._session.active
        if tracked is None or tracked.tracking is None:
            return
        number = len(tracked.tracking)
        unsaved = "" if tracked.is_saved else " • unsaved corrections"
        text = f"{tracked.name}: {counted(number, 'individual')}, {len(tracked.chosen)} to extract{unsaved}"
        self.title.setText(text if tracked.video else f"{text}. Its video is not open.")


class _Lists(QSplitter):
    """Individuals above, problems below; the upper list has the room that its rows need, at most about half.

    Once the user moves the boundary, it stays.
    """

    def __init__(self, upper: QWidget, lower: QWidget, table: IndividualsTable) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self._table, self._upper, self._moved = table, upper, False
        self.addWidget(upper)
        self.addWidget(lower)
        self.setChildrenCollapsible(False)
        self.splitterMoved.connect(self._on_moved)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Share the new room."""
        super().resizeEvent(event)
        self.share_room()

    def share_room(self) -> None:
        """Share the room between the lists."""
        room = sum(self.sizes())
        if room and not self._moved:
            others = self._upper.minimumSizeHint().height() - self._table.minimumHeight()
            needed = min(others + self._table.full_height_px, int(room * _MOST_FOR_INDIVIDUALS))
            self.setSizes([needed, room - needed])

    def _on_moved(self) -> None:
        self._moved = True
