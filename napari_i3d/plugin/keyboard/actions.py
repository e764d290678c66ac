"""Actions that a key, a menu or a button runs."""

from collections.abc import Callable
from dataclasses import dataclass

from napari_i3d.plugin.session.session import Session


@dataclass(frozen=True)
class Action:
    """An action of a session.

    Attributes
    ----------
    name
        Identifies it in the file of the user's keys, such as ``next_problem``.
    text
        What it does, for help, menus and tooltips.
    run
        Does it.
    key
        The key it has unless the user chose another, as napari writes it; empty: none.
    group
        The heading it is listed under.
    also
        A second key, for what people know from other programs.
    """

    name: str
    text: str
    run: Callable[[Session], None]
    key: str = ""
    group: str = "Look"
    also: str = ""
