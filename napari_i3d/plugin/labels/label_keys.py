"""The actions of labels that can have a key."""

from functools import partial

from napari_i3d.plugin.keyboard.actions import Action
from napari_i3d.plugin.labels import label_actions, label_steps

_GROUP = "Label"
ACTIONS = (
    Action(
        "label_mode", "labelling by the keys of the behaviors, on or off", label_actions.switch_mode, "Alt-M", _GROUP
    ),
    Action("bout_start", "the bout starts in this frame", partial(label_actions.set_edge, start=True), "Alt-[", _GROUP),
    Action("bout_end", "the bout ends with this frame", partial(label_actions.set_edge, start=False), "Alt-]", _GROUP),
    Action("split_bout", "split the bout at this frame", label_actions.split, "/", _GROUP),
    Action(
        "merge_bouts", "merge the bout with the next one of its behavior", label_actions.merge_next, "Alt-/", _GROUP
    ),
    Action("delete_bout", "delete the selected bout", label_actions.delete, "Alt-Backspace", _GROUP),
    Action("next_edge", "next edge of a bout", partial(label_steps.step_edge, step=1), "Ctrl-Alt-Right", _GROUP),
    Action(
        "previous_edge", "previous edge of a bout", partial(label_steps.step_edge, step=-1), "Ctrl-Alt-Left", _GROUP
    ),
    Action(
        "next_unassessed",
        "next frames that nobody looked at",
        partial(label_steps.step_unassessed, step=1),
        "Alt-N",
        _GROUP,
    ),
    Action(
        "previous_unassessed",
        "previous frames that nobody looked at",
        partial(label_steps.step_unassessed, step=-1),
        "",
        _GROUP,
    ),
    Action("assess", "the marked span, or all up to here, was looked at", label_actions.assess, "Alt-A", _GROUP),
    Action("assess_whole", "the whole video was looked at", partial(label_actions.assess, whole=True), "", _GROUP),
    Action(
        "unassess",
        "the marked span, or all up to here, was not looked at",
        partial(label_actions.assess, looked=False),
        "",
        _GROUP,
    ),
    Action(
        "frames_on",
        "some frames on: the step beside the speed",
        partial(label_steps.step_frames, step=1),
        "Shift-Right",
        _GROUP,
    ),
    Action("frames_back", "some frames back", partial(label_steps.step_frames, step=-1), "Shift-Left", _GROUP),
    Action("play_back", "play backwards, or faster", lambda session: session.playback.shuttle(-1), "Alt-J", _GROUP),
    Action("play_pause", "play or stop", lambda session: session.playback.toggle(), "Alt-K", _GROUP),
    Action("play_on", "play forwards, or faster", lambda session: session.playback.shuttle(1), "Alt-L", _GROUP),
    Action("slower", "play slower", lambda session: session.playback.slower(), "Alt--", _GROUP),
    Action("faster", "play faster", lambda session: session.playback.faster(), "Alt-=", _GROUP),
    Action("loop_bout", "play the bout in a loop, with some frames around it", label_steps.loop_bout, "Alt-B", _GROUP),
)
"""Actions of labels."""
