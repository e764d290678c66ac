"""All actions that can have a key.

The default keys are letters that napari 0.9 uses neither for the viewer nor for any kind of layer; with Shift they go
back.
"""

from functools import partial

from napari_i3d.plugin import navigation
from napari_i3d.plugin.corrections import identity_actions, key_frame_actions, problem_actions
from napari_i3d.plugin.keyboard.actions import Action
from napari_i3d.plugin.labels import label_keys, label_saving, queue_actions
from napari_i3d.plugin.proposals import proposal_keys
from napari_i3d.plugin.saving.box_saving import SAVE_ACTIONS

_LOOK = (
    Action(
        "next_problem",
        "next problem; its individual stays in the middle",
        partial(navigation.step_problem, step=1),
        "N",
    ),
    Action("previous_problem", "previous problem", partial(navigation.step_problem, step=-1), "Shift-N"),
    Action("next_individual", "next individual", partial(navigation.step_individual, step=1), "J"),
    Action("previous_individual", "previous individual", partial(navigation.step_individual, step=-1), "Shift-J"),
    Action("first_frame", "first frame of the individual", partial(navigation.go_to_end, last=False), "G"),
    Action("last_frame", "last frame of the individual", partial(navigation.go_to_end, last=True), "Shift-G"),
    Action("whole_image", "whole image; no individual is followed", navigation.show_whole, "H"),
)
ACTIONS = (
    *_LOOK,
    *problem_actions.ACTIONS,
    *identity_actions.ACTIONS,
    *key_frame_actions.ACTIONS,
    *SAVE_ACTIONS,
    *label_keys.ACTIONS,
    *queue_actions.ACTIONS,
    *label_saving.SAVE_ACTIONS,
    *proposal_keys.ACTIONS,
)
"""All actions that can have a key."""
