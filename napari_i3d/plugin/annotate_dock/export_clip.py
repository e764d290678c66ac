"""Export of a video with what is seen in it: boxes, ids, behaviors, and an ethogram below."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from psygnal import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_i3d._utils.text import counted
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.errors import NapariI3DError, SettingsError
from napari_i3d.individuals import Id
from napari_i3d.plugin.jobs.job_results import Done, Failed, Result
from napari_i3d.plugin.jobs.render_job import RenderRequest, run_rendering
from napari_i3d.plugin.jobs.workers import Workers
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.dialogs import Reply, ask_replace
from napari_i3d.plugin.widgets.job_progress import JobProgress
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.rendering.options import Part, RenderedVideo, RenderOptions

Frames = tuple[int, int]
"""A half-open range of frames."""

_ENDING = ".mp4"


@dataclass(frozen=True, eq=False)
class ClipContent:
    """What the dock of the panel knows of the active video, and the session does not.

    Attributes
    ----------
    annotation
        The labels; None: there are none.
    marked, visible
        The span that the user marked, and the frames that the time line shows; None: there is no such thing.
    """

    annotation: Annotation | None = None
    marked: Frames | None = None
    visible: Frames | None = None


class Span(Enum):
    """Frames to export; the values are texts of the box."""

    WHOLE = "Whole video"
    MARKED = "Marked span"
    VISIBLE = "Current view of the time line"


class Who(Enum):
    """Individuals to draw; the values are texts of the box."""

    ALL = "All"
    SHOWN = "Those shown"
    CURRENT = "Current one"


class ExportClip(QWidget):
    """Writes a video of the active video with boxes and behaviors drawn in.

    The dock calls `show_tracked` when the active video, its tracking or its current individual changes, and asks
    `close_warning` before it closes.

    Parameters
    ----------
    session
        The viewer's session.
    workers
        Workers of the dock.
    content
        Returns what the dock knows, when it is called.

    Attributes
    ----------
    closed
        Signal, without arguments: the fields were folded.
    """

    closed = Signal()

    def __init__(self, session: Session, workers: Workers, content: Callable[[], ClipContent] = ClipContent) -> None:
        super().__init__()
        self._session, self._content = session, content
        self._named_after: Path | None = None  # the video that the file name is made of
        self.button = QPushButton("Export clip…")
        self.button.setToolTip("A copy of the video with boxes, ids, behaviors and an ethogram drawn in")
        self.span, self.individuals = _box_of(Span), _box_of(Who)
        self.follow = QCheckBox("Follow the current individual")
        self.follow.setToolTip("A square around it, always of the same size")
        self.ethogram = QCheckBox("Ethogram below the image")
        self.ethogram.setChecked(True)
        self.file = QLineEdit()
        self.browse = QToolButton()
        self.browse.setText("…")
        self.browse.setToolTip("Choose the file")
        self.start, self.cancel = QPushButton("Start"), QPushButton("Cancel")
        self.progress = JobProgress(workers)
        self.form = QWidget()
        self._build()
        self.button.clicked.connect(self.unfold)
        self.browse.clicked.connect(self._on_browse)
        self.start.clicked.connect(self._on_start)
        self.cancel.clicked.connect(self._on_cancel)
        self.progress.ended.connect(self._on_end)
        self.show_tracked()

    def _build(self) -> None:
        rows = QFormLayout()
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows.addRow("Frames", self.span)
        rows.addRow("Individuals", self.individuals)
        rows.addRow(self.follow)
        rows.addRow(self.ethogram)
        rows.addRow("File", fill(QHBoxLayout(), self.file, self.browse, grow=self.file))
        buttons = QHBoxLayout()
        buttons.addWidget(self.start, 2)
        buttons.addWidget(self.cancel, 1)
        fill(QVBoxLayout(self.form), rows, buttons, self.progress)
        rows.setContentsMargins(0, 0, 0, 0)
        fill(QVBoxLayout(self), self.button, self.form)
        self.form.hide()

    def show_tracked(self) -> None:
        """Offer what the active video has; a clip that is being written goes on."""
        tracked, content = self._session.active, self._content()
        video = None if tracked is None else tracked.video
        running = self.progress.worker is not None
        self.button.setVisible(self.form.isHidden())
        self.button.setEnabled(video is not None)
        self.start.setEnabled(video is not None and not running)
        _offer(self.span, Span.MARKED, content.marked is not None)
        _offer(self.span, Span.VISIBLE, content.visible is not None)
        has_boxes = tracked is not None and tracked.tracking is not None
        has_current = tracked is not None and tracked.current is not None
        _offer(self.individuals, Who.SHOWN, has_boxes)
        _offer(self.individuals, Who.CURRENT, has_current)
        self.follow.setEnabled(has_current)
        self.ethogram.setEnabled(content.annotation is not None)
        if video is not None and video.path != self._named_after and not running:
            self._named_after = video.path
            self.file.setText(str(video.path.with_name(f"{video.path.stem}_clip{_ENDING}")))

    def unfold(self) -> None:
        """Show the fields."""
        if self.progress.worker is None:
            self.progress.finish("")
        self.form.show()
        self.show_tracked()

    def close_warning(self) -> str:
        """Return what closing the viewer now would lose; empty if nothing."""
        return "The clip is not written completely." if self.progress.worker is not None else ""

    def _on_browse(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self,
            "Export clip",
            self.file.text(),
            f"Video (*{_ENDING})",
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if chosen:
            path = Path(chosen)
            self.file.setText(str(path if path.suffix else path.with_name(f"{path.name}{_ENDING}")))

    def _on_start(self) -> None:
        self.show_tracked()
        tracked = self._session.active
        if tracked is None or tracked.video is None:
            return
        try:
            request = self._request(tracked, tracked.video.path)
        except NapariI3DError as error:
            self.progress.finish(dock_text(error))
            return
        if request.out.exists() and ask_replace(self, [request.out], title="Replace the video?") is not Reply.REPLACE:
            return
        self.start.setEnabled(False)
        self.progress.start(run_rendering, request, text=f"{tracked.name}: exporting a clip")

    def _request(self, tracked: TrackedVideo, video: Path) -> RenderRequest:
        content = self._content()
        span = list(Span)[self.span.currentIndex()]
        frames = {Span.WHOLE: None, Span.MARKED: content.marked, Span.VISIBLE: content.visible}[span]
        if frames is None and span is not Span.WHOLE:
            raise SettingsError(f"there is no {span.value.lower()}")
        if not self.file.text().strip():
            raise SettingsError("expected the name of a file, found none")
        following = self.follow.isEnabled() and self.follow.isChecked()
        start, stop = (0, None) if frames is None else frames
        options = RenderOptions(
            individuals=self._individuals(tracked),
            start=max(0, start),
            stop=None if stop is None or tracked.video is None else min(stop, len(tracked.video)),
            follow=tracked.current if following else None,
            hide=frozenset() if self.ethogram.isChecked() else frozenset({Part.ETHOGRAM}),
            video_size=tracked.boxes_size,
        )
        return RenderRequest(video, Path(self.file.text()), tracked.tracking, content.annotation, options)

    def _individuals(self, tracked: TrackedVideo) -> tuple[Id, ...] | None:
        who = list(Who)[self.individuals.currentIndex()]
        if who is Who.CURRENT and tracked.current is not None:
            return (tracked.current,)
        if who is Who.SHOWN and tracked.tracking is not None:
            shown = tuple(one for one in tracked.tracking if one in tracked.shown)
            if not shown:
                raise SettingsError("no individual is shown")
            return shown
        return None

    def _on_cancel(self) -> None:
        if self.progress.worker is not None:
            self.cancel.setEnabled(False)
            self.progress.stop()
            return
        self.form.hide()
        self.show_tracked()
        self.closed.emit()

    def _on_end(self, result: Result) -> None:
        self.cancel.setEnabled(True)
        if isinstance(result, Done):
            rendered: RenderedVideo = result.value
            lines = [f"{counted(len(rendered.frames), 'frame')} written to {rendered.path}", *rendered.notes]
            self.progress.finish("\n".join(lines))
        else:
            self.progress.finish(result.message if isinstance(result, Failed) else "Cancelled.")
        self.show_tracked()


def _box_of(choices: type[Span] | type[Who]) -> QComboBox:
    box = QComboBox()
    box.addItems([choice.value for choice in choices])
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box


def _offer(box: QComboBox, choice: Span | Who, offered: bool) -> None:
    """Enable or disable a choice; the first one takes the place of one that is not offered any more."""
    place = list(type(choice)).index(choice)
    model: Any = box.model()  # Qt knows no more than its base class
    model.item(place).setEnabled(offered)
    if not offered and box.currentIndex() == place:
        box.setCurrentIndex(0)
