"""What can be done about the problem that the user is looking at, and then on to the next one."""

from functools import partial

from napari_i3d._utils.text import counted
from napari_i3d.plugin import navigation
from napari_i3d.plugin.keyboard.actions import Action
from napari_i3d.plugin.session.problems import in_order
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.checks import Problem
from napari_i3d.tracking.editing.fixes import Fix, fix_all, fixes_for


def fixes_of(tracked: TrackedVideo | None) -> tuple[Fix, ...]:
    """Return the fixes for the problem that the user is looking at, the most likely first."""
    if tracked is None or tracked.problem is None or tracked.tracking is None:
        return ()
    return fixes_for(tracked.problem, tracked.tracking, tracked.image_shape)


def apply_fix(session: Session, number: int = 0) -> None:
    """Apply the fix of a number to the problem that the user is looking at, and go on to the next problem."""
    tracked = session.active
    fixes = fixes_of(tracked)
    if tracked is None or number >= len(fixes):
        session.viewer.status = f"No such fix: select a problem in the list ({_next(session)})"
        return
    apply(session, tracked, fixes[number])


def apply(session: Session, tracked: TrackedVideo, fix: Fix) -> None:
    """Apply a fix to the problem that the user is looking at, and go on to the next problem."""
    _then_next(session, tracked, partial(fix.apply, tracked.editor), fix.words)


def alike(tracked: TrackedVideo, problem: Problem) -> list[Problem]:
    """Return the problems of the same kind that are left, this one among them."""
    return [one for one in tracked.problems_left if one.kind is problem.kind]


def apply_to_all(session: Session, tracked: TrackedVideo, name: str) -> None:
    """Apply the fix of a name to all problems of the kind that the user is looking at, in one step."""
    if tracked.problem is None:
        return
    problems = alike(tracked, tracked.problem)
    fixed = fix_all(problems, name, tracked.editor, tracked.image_shape)
    session.viewer.status = f"{name}: {fixed} of {counted(len(problems), 'problem')}"
    tracked.problem = None
    navigation.step_problem(session, 1)


def decide(session: Session) -> None:
    """Mark the problem that the user is looking at as fine and go on; one that is marked is a problem again."""
    tracked = session.active
    if tracked is None or tracked.problem is None:
        session.viewer.status = f"Select a problem in the list first ({_next(session)})"
        return
    problem = tracked.problem
    accepted = problem in tracked.accepted
    if accepted:
        tracked.accepted.decide(problem, False, tracked.history)
    else:
        mark = partial(tracked.accepted.decide, problem, True, tracked.history)
        _then_next(session, tracked, mark, f"marked as fine: {problem.message}")


def accept_all(session: Session, tracked: TrackedVideo) -> None:
    """Mark all problems of the kind that the user is looking at as fine, in one step."""
    if tracked.problem is None or tracked.tracking is None:
        return
    problems = alike(tracked, tracked.problem)
    with tracked.history.group(f"mark {counted(len(problems), 'problem')} as fine ({tracked.problem.kind})"):
        for problem in problems:
            tracked.accepted.decide(problem, True, tracked.history)
    tracked.problem = None
    navigation.step_problem(session, 1)


def _next(session: Session) -> str:
    key = session.keys.shown_key("next_problem")
    return f"{key}: next problem" if key else "or go to the next problem"


def _then_next(session: Session, tracked: TrackedVideo, change: partial[None], words: str) -> None:
    """Make a change, then show the problem that comes after the present one, and say both."""
    before = tracked.problem
    rest = in_order(tracked.problems_left)
    place = rest.index(before) if before in rest else 0
    followers = rest[place + 1 :] + rest[:place]
    change()
    left = tracked.problems_left
    # The change may have ended followers, too, or moved them to another individual.
    follower = next((one for one in followers if one in left), next(iter(in_order(left)), None))
    tracked.problem = None
    if follower is not None:
        navigation.go_to_problem(session, tracked, follower)
    session.viewer.status = f"{words} - {counted(len(left), 'problem')} left"


ACTIONS = (
    Action("fix_problem", "apply the first fix of the problem, and go to the next problem", apply_fix, "K", "Correct"),
    Action(
        "fix_problem_otherwise", "apply the second fix, and go on", partial(apply_fix, number=1), "Shift-K", "Correct"
    ),
    Action("accept_problem", "mark the problem as fine (or not), and go on", decide, "W", "Correct"),
)
