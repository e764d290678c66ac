"""The session of each viewer, and everything that belongs to it: the one place that wires them."""

import weakref
from functools import partial
from typing import TYPE_CHECKING

from napari_i3d.plugin.session.session import Session

if TYPE_CHECKING:
    from napari.viewer import Viewer

_sessions: "weakref.WeakKeyDictionary[Viewer, Session]" = weakref.WeakKeyDictionary()


def get_session(viewer: "Viewer") -> Session:
    """Return the session of a viewer; the first call makes it."""
    # napari hands plugins a proxy of the viewer, which cannot be a key.
    viewer = getattr(viewer, "__wrapped__", viewer)
    if viewer not in _sessions:
        # Loaded with the first viewer: what they import takes time.
        from napari_i3d.plugin.box_editing.box_editor import BoxEditor
        from napari_i3d.plugin.closing.closing_question import ClosingQuestion
        from napari_i3d.plugin.closing.unsaved import UnsavedWork
        from napari_i3d.plugin.corrections.canvas_menu import CanvasMenu
        from napari_i3d.plugin.corrections.identity_prompt import IdentityPrompt
        from napari_i3d.plugin.exploration import Exploration
        from napari_i3d.plugin.keyboard.bindings import KeyBindings
        from napari_i3d.plugin.keys import ACTIONS
        from napari_i3d.plugin.labels.labelling import Labelling
        from napari_i3d.plugin.layers.box_controller import BoxesController
        from napari_i3d.plugin.layers.video_arrangement import VideoArrangement
        from napari_i3d.plugin.learning.learning_state import Learning
        from napari_i3d.plugin.playback import Playback
        from napari_i3d.plugin.proposals.proposal_actions import accept_as
        from napari_i3d.plugin.recovery.recovery_controller import RecoveryController

        session = _sessions[viewer] = Session(viewer)
        session.boxes = BoxesController(session)
        session.identity_prompt = IdentityPrompt(session)
        session.canvas_menu = CanvasMenu(session)
        session.box_editor = BoxEditor(session)
        session.keys = KeyBindings(session, ACTIONS)
        session.exploration = Exploration(session)
        session.learning = Learning(session)
        session.arrangement = VideoArrangement(session)
        session.playback = Playback(session)
        session.labelling = Labelling(session, viewer.window._qt_window)
        session.labelling.is_taken = partial(accept_as, session)
        session.recovery = RecoveryController(session, viewer.window._qt_window)
        unsaved = UnsavedWork(session)
        session.closing_question = ClosingQuestion(
            viewer.window._qt_window, unsaved.describe, unsaved.save, unsaved.discard
        )
    return _sessions[viewer]
