"""The Individuals dock: who is in the video, who is shown and extracted, and what is wrong with the tracking."""

import napari
from qtpy.QtCore import QItemSelectionModel, QModelIndex, QPoint, Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QSpinBox,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
    QWidgetAction,
)

from napari_i3d._utils.text import counted
from napari_i3d.individuals import Id
from napari_i3d.plugin import navigation
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.individuals_dock.help_text import help_text
from napari_i3d.plugin.individuals_dock.individuals_model import TICKS, Column, IndividualsModel, IndividualsProxy
from napari_i3d.plugin.individuals_dock.individuals_table import IndividualsTable
from napari_i3d.plugin.individuals_dock.problems_list import ProblemsList
from napari_i3d.plugin.individuals_dock.video_size import VideoSize
from napari_i3d.plugin.individuals_dock.video_switch import VideoSwitch
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.dock import Connections, Dock
from napari_i3d.plugin.widgets.scroll_area import MARGINS, DockScrollArea
from napari_i3d.plugin.widgets.text_label import TextLabel
from napari_i3d.tracking.checks import Problem

_NOTHING = (
    "Open a video and its tracking:\ndrop both files on the canvas.\n\n"
    "To try it out:\nFile > Open Sample > I3D features"
)
_NO_TRACKING = (
    "{name} has no tracking.\n\nDrop its tracking file (a pickle) on the canvas,\nor extract the whole image."
)
_TRAIL_FRAMES = 25


class IndividualsWidget(Dock):
    """Lists the individuals of the active video and the problems of its tracking.

    Parameters
    ----------
    napari_viewer
        The viewer.
    """

    NAME = "Individuals"
    TAB = "Individuals"

    def __init__(self, napari_viewer: "napari.Viewer") -> None:
        super().__init__()
        self._session = get_session(napari_viewer)
        self._tracked: TrackedVideo | None = None
        self._tracked_links = Connections()
        self.destroyed.connect(self._tracked_links.close)
        self.model = IndividualsModel(self)
        self.proxy = IndividualsProxy(self)
        self.proxy.setSourceModel(self.model)
        self._build()
        self._connect()
        self._on_active()

    def closed(self) -> None:
        """End all connections."""
        super().closed()
        self._tracked_links.close()

    def _build(self) -> None:
        self.title = TextLabel()
        self.help_button = QToolButton()
        self.help_button.setText("?")
        self.help_button.setToolTip("Keys and mouse")
        self.help_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.help_button.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.help = QLabel(help_text())
        self.help.setMargin(8)
        menu = QMenu(self.help_button)
        action = QWidgetAction(menu)
        action.setDefaultWidget(self.help)
        menu.addAction(action)
        self.help_button.setMenu(menu)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter by id")
        self.filter.setClearButtonEnabled(True)
        self.table = IndividualsTable()
        self.table.setModel(self.proxy)
        self.problems = ProblemsList()
        self.trails = QCheckBox("Trails,")
        self.trails.setToolTip("Draw where the centers of the boxes were, and will be")
        self.trail_frames = QSpinBox()
        self.trail_frames.setRange(1, 1000)
        self.trail_frames.setSuffix(" frames to either side")
        self.trail_frames.setValue(self._session.boxes.trail_frames or _TRAIL_FRAMES)
        self.trails.setChecked(self._session.boxes.trail_frames > 0)
        self.trail_frames.setEnabled(self.trails.isChecked())
        self.size_row = VideoSize()

        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.help_button)
        trails = QHBoxLayout()
        trails.addWidget(self.trails)
        trails.addWidget(self.trail_frames)
        trails.addStretch(1)
        upper = QWidget()
        column = QVBoxLayout(upper)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.filter)
        column.addWidget(self.table, 1)
        column.addLayout(trails)
        column.addWidget(self.size_row)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(upper)
        splitter.addWidget(self.problems)
        splitter.setChildrenCollapsible(False)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(top)
        column.addWidget(splitter, 1)
        self.empty = TextLabel()
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.pages = QStackedWidget()
        # Without it napari fills the dock with empty space.
        self.pages.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.pages.addWidget(content)
        self.pages.addWidget(self.empty)
        self.videos = VideoSwitch(self._session, self.links)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(*MARGINS)
        outer.addWidget(self.videos)
        outer.addWidget(DockScrollArea(self.pages), 1)

    def _connect(self) -> None:
        self.links.connect(self._session.active_changed, self._on_active)
        self.filter.textChanged.connect(self._on_filter)
        self.table.tick_clicked.connect(self._on_tick)
        self.table.space_pressed.connect(self._on_space)
        self.table.doubleClicked.connect(self._on_double_click)
        self.table.customContextMenuRequested.connect(self._on_menu)
        self.table.tick_header.toggled.connect(self._on_header_tick)
        self.table.tick_header.sectionClicked.connect(self._on_sort)
        selection = self.table.selectionModel()
        if selection is not None:
            selection.currentRowChanged.connect(self._on_row)
        self.problems.chosen.connect(self._on_problem_chosen)
        self.problems.stepped.connect(self._on_problem_step)
        self.trails.toggled.connect(self._on_trails)
        self.trail_frames.valueChanged.connect(self._on_trails)
        self.size_row.changed.connect(self._on_size_chosen)

    def _on_active(self) -> None:
        self._tracked_links.close()
        self._tracked = tracked = self._session.active
        if tracked is not None:
            links = self._tracked_links
            links.connect(tracked.tracking_changed, self._on_tracking)
            links.connect(tracked.video_changed, self._on_video)
            links.connect(tracked.shown_changed, self._on_ticks)
            links.connect(tracked.chosen_changed, self._on_ticks)
            links.connect(tracked.current_changed, self._on_current)
            links.connect(tracked.problem_changed, self._on_problem)
        self._on_tracking()

    def _on_tracking(self) -> None:
        tracked = self._tracked
        self.model.set_tracked(tracked)
        self._sort()
        self.table.fit_columns()
        if tracked is None:
            self.empty.setText(_NOTHING)
        else:
            self.empty.setText(_NO_TRACKING.format(name=tracked.name))
        self.pages.setCurrentIndex(0 if tracked is not None and tracked.tracking is not None else 1)
        self._on_video()
        self._on_current()

    def _on_video(self) -> None:
        tracked = self._tracked
        self.model.problems_changed()
        self.problems.show_tracked(tracked)
        self.size_row.show_tracked(tracked)
        self._show_title()

    def _on_ticks(self) -> None:
        self.model.ticks_changed()
        self._show_title()

    def _on_current(self) -> None:
        selection = self.table.selectionModel()
        place = self.model.place(self._tracked.current if self._tracked else None)
        if selection is None:
            return
        source = self.model.index(place, Column.ID) if place is not None else QModelIndex()
        index = self.proxy.mapFromSource(source)
        if not index.isValid():
            selection.clear()
        elif selection.currentIndex().row() != index.row() or not selection.hasSelection():
            both = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            selection.setCurrentIndex(index, both)
            self.table.scrollTo(index)

    def _on_problem(self) -> None:
        self.problems.show_problem(self._tracked.problem if self._tracked else None)

    def _on_row(self, index: QModelIndex) -> None:
        if self._tracked is not None and index.isValid():
            self._tracked.current = self.proxy.individual(index.row())

    def _on_double_click(self, index: QModelIndex) -> None:
        individual = self.proxy.individual(index.row())
        if self._tracked is not None and self._tracked.tracking is not None:
            navigation.go_to(self._session, self._tracked, individual, self._tracked.tracking[individual].start)

    def _on_tick(self, index: QModelIndex) -> None:
        individual, selected = self.proxy.individual(index.row()), self._selected()
        on = individual not in self.model.ticked(index.column())
        self.model.tick(index.column(), selected if individual in selected else [individual], on)

    def _on_space(self) -> None:
        selected = self._selected()
        self.model.tick(Column.EXTRACT, selected, not self.model.ticked(Column.EXTRACT).issuperset(selected))

    def _on_header_tick(self, column: int, on: bool) -> None:
        self.model.tick(column, self.proxy.individuals(), on)

    def _on_menu(self, position: QPoint) -> None:
        selected = self._selected()
        viewport = self.table.viewport()
        if not selected or viewport is None:
            return
        menu = QMenu(self)
        for column, verbs in zip(TICKS, (("Show", "Hide"), ("Extract", "Do not extract")), strict=True):
            for on, verb in zip((True, False), verbs, strict=True):
                menu.addAction(verb, lambda column=column, on=on: self.model.tick(column, selected, on))
            menu.addAction(f"{verbs[0]} only these", lambda column=column: self._tick_only(column, selected))
            menu.addSeparator()
        menu.addAction("Go to the first frame", lambda: navigation.go_to_start(self._session))
        menu.addAction("Go to the last frame", lambda: navigation.go_to_stop(self._session))
        menu.popup(viewport.mapToGlobal(position))

    def _tick_only(self, column: int, individuals: list[Id]) -> None:
        self.model.tick(column, self.model.ticked(column) - frozenset(individuals), False)
        self.model.tick(column, individuals, True)

    def _selected(self) -> list[Id]:
        selection = self.table.selectionModel()
        return [self.proxy.individual(index.row()) for index in selection.selectedRows()] if selection else []

    def _on_filter(self, text: str) -> None:
        self.proxy.setFilterFixedString(text)
        self.model.ticks_changed()
        self._on_current()

    def _on_sort(self, column: int) -> None:
        header = self.table.tick_header
        if column in TICKS:
            header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self._sort()

    def _sort(self) -> None:
        header = self.table.tick_header
        self.proxy.sort(header.sortIndicatorSection(), header.sortIndicatorOrder())

    def _on_problem_chosen(self, problem: Problem) -> None:
        if self._tracked is not None:
            navigation.go_to_problem(self._session, self._tracked, problem)

    def _on_problem_step(self, step: int) -> None:
        navigation.step_problem(self._session, step)

    def _on_trails(self) -> None:
        self.trail_frames.setEnabled(self.trails.isChecked())
        self._session.boxes.trail_frames = self.trail_frames.value() if self.trails.isChecked() else 0

    def _on_size_chosen(self, size: tuple[int, int] | None) -> None:
        if self._tracked is not None:
            self._tracked.boxes_size = size

    def _show_title(self) -> None:
        tracked = self._tracked
        if tracked is None or tracked.tracking is None:
            return
        number = len(tracked.tracking)
        text = f"{tracked.name}: {counted(number, 'individual')}, {len(tracked.chosen)} to extract"
        self.title.setText(text if tracked.video else f"{text}. Its video is not open.")
