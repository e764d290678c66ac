"""Videos, tracking files and files of labels as napari opens them.

napari shows errors of a reader as a dialog or with a traceback. So files that cannot be read give one notification and
no layer. Without a viewer (`npe2.read` in a script) errors are raised.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from napari import current_viewer
from napari.utils.notifications import show_error, show_info, show_warning
from npe2 import PluginManager
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QMessageBox

from napari_i3d.annotations.io.recognition import is_annotation
from napari_i3d.errors import NapariI3DError, VideoNeededError
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.labels.label_opening import holds_labels, open_beside, open_labels
from napari_i3d.plugin.layers.convert import LayerData, tracking_layer_data
from napari_i3d.plugin.layers.video_layer import PLUGIN, video_layer_data
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.opening.tracking_opening import OpeningCancelledError, boxes_of, show_notes, source_of, video_of
from napari_i3d.plugin.session.session import Session
from napari_i3d.projects.tracking_files import find_tracking_files
from napari_i3d.projects.tracking_saving import newest_corrected
from napari_i3d.tracking.io import box_pickle
from napari_i3d.tracking.io.reading import FileContent, read_content
from napari_i3d.tracking.io.recognition import recognize
from napari_i3d.tracking.tracklets import Tracking
from napari_i3d.video.video import Video, open_video

Reader = Callable[[str | list[str]], list[Any]]

# How often, and how long, a file waits for the video that is dropped together with it.
_WAITS = 5
_WAIT_MS = 150

NO_LAYER: list[Any] = [(None,)]
"""Return value of a reader that adds no layer."""


def get_video_reader(path: str | list[str]) -> Reader | None:
    """Return the reader of videos; the manifest lists their file name extensions."""
    return None if isinstance(path, list) else _read_video


def get_tracking_reader(path: str | list[str]) -> Reader | None:
    """Return a reader if a file or folder holds tracking, else None, so that other plugins can read it.

    If there is no other plugin for it, the reader shows why it cannot be opened.
    """
    if isinstance(path, list):
        return None
    place = Path(path).absolute()
    has_labels = current_viewer() is not None and is_annotation(place)
    try:
        # Only what is in a pickle tells whether it is ours.
        content = read_content(place) if recognize(place) is box_pickle.FORMAT else None
        has_labels = has_labels and content is None
    except NapariI3DError as error:
        if current_viewer() is None or (has_labels and holds_labels(place)) or _others_read(path):
            return None
        message = dock_text(error)
        return lambda _: _show_failure(message)
    return lambda _: _read_either(place, content) if has_labels else _read_tracking(place, content)


def get_labels_reader(path: str | list[str]) -> Reader | None:
    """Return a reader if a file holds labels, else None, so that other plugins can read it.

    The reader adds no layer: labels belong to a video. What may be tracking too is left to the reader of tracking.
    """
    if isinstance(path, list) or current_viewer() is None:
        return None
    place = Path(path).absolute()
    if not holds_labels(place) or _holds_tracking(place):
        return None
    return lambda _: _read_labels(place)


def _holds_tracking(path: Path) -> bool:
    try:
        if recognize(path) is box_pickle.FORMAT:
            read_content(path)
    except NapariI3DError:
        return False
    return True


def _read_labels(path: Path) -> list[Any]:
    session = open_session()
    if session is not None:
        # napari is in the middle of opening: a question would stop it there.
        QTimer.singleShot(0, lambda: open_labels(session, path, waits=_WAITS))
    return NO_LAYER


def _read_either(path: Path, content: FileContent | None) -> list[Any]:
    """Ask what to open of a file that may hold both tracking and labels."""
    box = QMessageBox()
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Boxes or labels?")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(f"{path.name} may hold the tracking of a video, or labels of behaviors. What shall be opened?")
    boxes = box.addButton("Boxes", QMessageBox.ButtonRole.AcceptRole)
    labels = box.addButton("Labels", QMessageBox.ButtonRole.AcceptRole)
    box.setEscapeButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.exec()
    if box.clickedButton() is boxes:
        return _read_tracking(path, content)
    return _read_labels(path) if box.clickedButton() is labels else NO_LAYER


def open_session() -> Session | None:
    """Return the session of the current viewer, which must exist before layers are added; None without a viewer."""
    viewer = current_viewer()
    return None if viewer is None else get_session(viewer)


def _read_video(path: str | list[str]) -> list[Any]:
    session = open_session()
    try:
        video = open_video(Path(str(path)))
    except NapariI3DError as error:
        if session is None:
            raise
        return _show_failure(dock_text(error))
    layers = [video_layer_data(video)]
    if session is not None:
        if video.remark:
            show_warning(f"{video.path.name}: {video.remark}")
        layers += companion_layers(video, session)
        open_companion_labels(video, session)
    return layers


def open_companion_labels(video: Video, session: Session) -> None:
    """Open the labels beside a video as soon as its layers are there."""

    def open_them() -> None:
        tracked = next((tracked for tracked in session.videos if tracked.video is video), None)
        if tracked is not None:
            open_beside(session, tracked)

    QTimer.singleShot(0, open_them)


def companion_layers(video: Video, session: Session) -> list[LayerData]:
    """Return the layer of the tracking file beside a video: the corrected one, or the only one; notify the user."""
    open_paths = [tracked.tracking_path for tracked in session.videos]
    found = find_tracking_files(video.path, video)
    if not found or any(path in open_paths for path in found):
        return []
    corrected = newest_corrected(found)
    if len(found) > 1 and corrected is None:
        names = ", ".join(path.name for path in found)
        show_info(f"{video.path.name}: several tracking files lie beside it ({names}); open the one that you want")
        return []
    path = corrected or next(iter(found))
    tracking = found[path]
    source = source_of(tracking, path, video)
    others = [other.name for other in found if other != path]
    instead = f", the corrected one, in place of {', '.join(others)}" if others else ""
    show_info(f"{video.path.name}: opened together with its tracking, {path.name}{instead}")
    show_notes(source.tracking, path)
    return [tracking_layer_data(source)]


def _read_tracking(path: Path, content: FileContent | None) -> list[Any]:
    session = open_session()
    try:
        if content is None:
            content = read_content(path, video=video_of(session, path))
        source = boxes_of(content, path, ask=session is not None)
    except VideoNeededError as error:
        if session is None:
            raise
        text = dock_text(error)
        # It may be dropped together with its video, which comes after it.
        QTimer.singleShot(_WAIT_MS, lambda: _read_with_video(path, text, _WAITS))
        return NO_LAYER
    except OpeningCancelledError as cancelled:
        show_info(str(cancelled))
        return NO_LAYER
    except NapariI3DError as error:
        if session is None:
            raise
        return _show_failure(dock_text(error))
    for tracked in session.videos if session is not None else ():
        # Dropped together with its video, which brought it along.
        if tracked.tracking_path == path and tracked.tracking is not None and _same(tracked.tracking, source.tracking):
            return NO_LAYER
    if session is not None:
        show_notes(source.tracking, path)
    return [tracking_layer_data(source)]


def _read_with_video(path: Path, problem: str, waits: int) -> None:
    session = open_session()
    if session is None:
        return
    if video_of(session, path) is None:
        if waits:
            QTimer.singleShot(_WAIT_MS, lambda: _read_with_video(path, problem, waits - 1))
            return
        show_error(f"{problem}. Open the video first, then this file.")
        return
    for layer in _read_tracking(path, None):
        if len(layer) > 1:
            session.viewer.add_vectors(layer[0], **layer[1])


def _same(one: Tracking, other: Tracking) -> bool:
    return list(one) == list(other) and all(
        a.start == b.start and np.array_equal(a.boxes, b.boxes, equal_nan=True)
        for a, b in zip(one.values(), other.values(), strict=True)
    )


def _others_read(path: str) -> bool:
    readers = PluginManager.instance().iter_compatible_readers([path])
    return any(reader.plugin_name != PLUGIN for reader in readers)


def _show_failure(message: str) -> list[Any]:
    show_error(message)
    return NO_LAYER
