"""Opening of tracking files of any format: with the video that they belong to, and with what the user must say."""

from dataclasses import replace
from pathlib import Path

from napari.utils.notifications import show_info
from qtpy.QtWidgets import QInputDialog

from napari_i3d.detection.files import read_uncertain
from napari_i3d.errors import TrackingError
from napari_i3d.plugin.session.layer_sources import TrackingSource
from napari_i3d.plugin.session.session import Session
from napari_i3d.tracking.checks import Problem
from napari_i3d.tracking.io.reading import FileContent, TrackingReading, read_content
from napari_i3d.tracking.keypoint_boxes import BODY_LENGTHS, needs_size, suggested_size_px
from napari_i3d.tracking.keypoints import KeypointBoxes, Keypoints
from napari_i3d.tracking.tracklets import Tracking
from napari_i3d.video.video import Video

_LARGEST_PX = 10_000
_UNKNOWN_SIZE_PX = 100.0


class OpeningCancelledError(TrackingError):
    """The user did not say what the file leaves open."""


def video_of(session: Session | None, path: Path) -> Video | None:
    """Return the open video that a tracking file belongs to, most likely."""
    if session is None:
        return None
    tracked = session.best_match(path) or session.active
    return None if tracked is None else tracked.video


def open_tracking(
    path: Path, video: Video | None, reading: TrackingReading | None = None, *, ask: bool = True
) -> TrackingSource:
    """Read a tracking file.

    Parameters
    ----------
    path
        The file or folder.
    video
        The video that was tracked; None: it is not open.
    reading
        How the file is read, and how key points become boxes; None: the defaults.
    ask
        Whether the user can be asked for the size of an animal, if the file does not hold it.

    Raises
    ------
    TrackingError
        The file cannot be read.
    VideoNeededError
        It cannot be read without the video.
    OpeningCancelledError
        The user was asked for the size and gave none.
    """
    reading = reading or TrackingReading()
    return boxes_of(read_content(path, reading.format, video, reading.base), path, reading.boxes, ask=ask)


def boxes_of(
    content: FileContent, path: Path, choices: KeypointBoxes | None = None, *, ask: bool = True
) -> TrackingSource:
    """Return what a file holds as the source of a layer; see `open_tracking`."""
    if not isinstance(content.content, Keypoints):
        return TrackingSource(content.to_tracking(), path, uncertain=_uncertain(path))
    choices = choices or KeypointBoxes()
    if needs_size(content.content) and choices.size_px is None:
        if ask:
            choices = replace(choices, size_px=_ask_size(path.name, content.content))
        return _with_keypoints(content, path, choices)
    try:
        return _with_keypoints(content, path, choices)
    except TrackingError:
        if choices != KeypointBoxes():
            raise  # what the user chose is not replaced
        note = (
            f"no frame has {choices.min_keypoints} key points of confidence {choices.min_confidence:g} or more: boxes "
            "are made of points of any confidence"
        )
        content = replace(content, notes=(*content.notes, note))
        return _with_keypoints(content, path, replace(choices, min_confidence=0.0))


def _with_keypoints(content: FileContent, path: Path, choices: KeypointBoxes) -> TrackingSource:
    return TrackingSource(content.to_tracking(choices), path, content, choices)


def source_of(tracking: Tracking, path: Path, video: Video) -> TrackingSource:
    """Return a tracking that was read from a file, with what else the file holds, as the source of a layer."""
    if tracking.origin is not None and tracking.origin.boxes is not None:
        return open_tracking(path, video)
    return TrackingSource(tracking, path, uncertain=_uncertain(path))


def _uncertain(path: Path) -> tuple[Problem, ...]:
    return tuple(one.problem for one in read_uncertain(path))


def show_notes(tracking: Tracking, path: Path | None) -> None:
    """Show how a tracking file was understood."""
    notes = tracking.origin.notes if tracking.origin else ()
    if notes:
        name = path.name if path else "tracking"
        show_info("\n".join(f"{name}: {note}" for note in notes))


def _ask_size(name: str, keypoints: Keypoints) -> float:
    offered = suggested_size_px(keypoints)
    text = f"{name} has one point for each individual.\nSide of the square around it, in pixels"
    text += (
        ", about 1.5 times the length of an animal:"
        if offered is None
        else f" (offered: {BODY_LENGTHS:g} times the body length of {keypoints.body_length_px:.4g}):"
    )
    size, given = QInputDialog.getDouble(
        None, "Size of boxes", text, offered or _UNKNOWN_SIZE_PX, 1.0, float(_LARGEST_PX), 0
    )
    if not given:
        raise OpeningCancelledError(f"{name}: not opened: its boxes have no size")
    return size
