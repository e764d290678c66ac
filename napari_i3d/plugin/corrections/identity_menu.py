"""Menu entries that correct the identity of an individual; each says what it would do."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice

from qtpy.QtWidgets import QMenu

from napari_i3d.errors import TrackingError
from napari_i3d.individuals import Id
from napari_i3d.plugin.corrections.carry_out import carry_out, plan
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.swatch import swatch
from napari_i3d.tracking.editing.identity_edits import Delete
from napari_i3d.tracking.editing.scopes import Command, IdentityChoice, Scope, others_nearby
from napari_i3d.tracking.editing.tracking_edit import named

_MOST_OTHERS = 12
_MOST_CHARACTERS = 90


def fill_identity_menu(
    menu: QMenu, session: Session, tracked: TrackedVideo, individual: Id, chosen: Sequence[Id] = ()
) -> None:
    """Add the corrections of an individual, which is the current one, to a menu.

    Parameters
    ----------
    menu
        The menu; its submenus are filled when they open.
    session
        The viewer's session.
    tracked
        The video.
    individual
        The individual.
    chosen
        Several individuals that are selected together; two of them are offered to each other first.
    """
    if tracked.tracking is None or individual not in tracked.tracking:
        return
    entries = _Entries(session, tracked, individual, [one for one in chosen if one != individual])
    menu.setToolTipsVisible(True)
    title = menu.addAction(swatch(tracked.colors[individual]), _short(f"{named(individual)}, frame {session.frame}"))
    if title is not None:
        title.setEnabled(False)
    menu.addSeparator()
    for command in (Command.SWAP, Command.ASSIGN, Command.MERGE):
        _submenu(menu, str(command).capitalize(), partial(entries.add_others, command=command))
    entries.add(menu, IdentityChoice(Command.SPLIT, individual))
    _add(menu, "rename…", lambda: session.identity_prompt.open(Command.RENAME))
    menu.addSeparator()
    _submenu(
        menu,
        str(Command.DELETE_BOXES).capitalize(),
        partial(entries.add_scopes, command=Command.DELETE_BOXES, other=None),
    )
    if len(chosen) > 1:
        words = f"delete {len(chosen)} individuals, all their boxes: {', '.join(named(one) for one in chosen)}"
        text = words if len(words) < 80 else f"{words[:80]}…"
        _add(menu, text, lambda: carry_out(session, tracked, *(Delete(one) for one in chosen)), tip=words)
    else:
        entries.add(menu, IdentityChoice(Command.DELETE, individual))


class _Entries:
    """Adds entries about one individual to menus."""

    def __init__(self, session: Session, tracked: TrackedVideo, individual: Id, first: list[Id]) -> None:
        self._session, self._tracked, self._individual, self._first = session, tracked, individual, first

    def add(self, menu: QMenu, choice: IdentityChoice) -> None:
        """Add an entry; one that cannot be done says why and, if it could be done otherwise, opens the prompt."""
        planned = plan(self._session, self._tracked, choice)
        if planned.edit is not None:
            _add(menu, planned.edit.words, partial(carry_out, self._session, self._tracked, planned.edit))
        else:
            words = _words(choice, self._session.frame, self._tracked.span)
            if planned.replaceable:
                ask = partial(self._session.identity_prompt.open_with, choice)
                _add(menu, f"{words}…", ask, tip=planned.problem)
            else:
                _add(menu, words, problem=planned.problem)

    def add_others(self, menu: QMenu, command: Command) -> None:
        """Add a submenu for each other individual, the nearest first."""
        tracking, frame = self._tracked.tracking, self._session.frame
        if tracking is None or self._individual not in tracking:
            return
        listed = others_nearby(tracking, self._individual, frame, absent_first=command is not Command.SWAP)
        others = list(dict.fromkeys([*self._first, *listed]))
        for other in islice(others, _MOST_OTHERS):
            if command.has_scope:
                fill = partial(self.add_scopes, command=command, other=other)
                _submenu(menu, named(other), fill, self._tracked.colors[other])
            else:
                self.add(menu, IdentityChoice(command, self._individual, other))
        if command is Command.ASSIGN:
            new = self._tracked.editor.unused_id(self._individual)
            fill = partial(self.add_scopes, command=command, other=new)
            _submenu(menu, f"a new individual, {named(new)}", fill)
        if len(others) > _MOST_OTHERS:
            _add(menu, "others…", lambda: self._session.identity_prompt.open(command))
        if not others and command is not Command.ASSIGN:
            _add(menu, "none", problem="There is no other individual")

    def add_scopes(self, menu: QMenu, command: Command, other: Id | None) -> None:
        """Add an entry for each scope of frames."""
        for scope in Scope:
            self.add(menu, IdentityChoice(command, self._individual, other, scope))


def _submenu(menu: QMenu, title: str, fill: Callable[[QMenu], None], color: str = "") -> None:
    submenu = QMenu(_short(title), menu)
    if color:
        submenu.setIcon(swatch(color))
    submenu.setToolTipsVisible(True)
    menu.addMenu(submenu)

    def refill() -> None:
        submenu.clear()
        fill(submenu)

    submenu.aboutToShow.connect(refill)


def _words(choice: IdentityChoice, frame: int, span: tuple[int, int] | None) -> str:
    """Return the words of a choice, also if it cannot be done."""
    try:
        return choice.edit(frame, span).words
    except TrackingError:
        return f"{choice.command} {choice.scope}"


def _add(menu: QMenu, words: str, run: Callable[[], object] | None = None, tip: str = "", problem: str = "") -> None:
    """Add an entry; one with a problem cannot be chosen."""
    action = menu.addAction(_short(words[0].upper() + words[1:]))
    if action is None:
        return
    action.setStatusTip(problem or words)
    action.setToolTip(problem or tip or words)
    action.setEnabled(not problem)
    if run is not None:
        action.triggered.connect(lambda: run())


def _short(text: str) -> str:
    """Return the text of an entry: its beginning and its end, where the frames are, if it is long."""
    if len(text) > _MOST_CHARACTERS:
        text = f"{text[: _MOST_CHARACTERS // 2]} … {text[-_MOST_CHARACTERS // 2 :]}"
    return text.replace("&", "&&")  # one would underline the letter after it
