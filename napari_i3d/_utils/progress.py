"""Long work as generators of progress."""

import functools
import inspect
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar, cast, get_args

P = ParamSpec("P")
T = TypeVar("T")
Y = TypeVar("Y")


@dataclass(frozen=True)
class Step:
    """Progress of a long computation: `done` of `total` units of about equal length, and what is being done."""

    done: int
    total: int
    what: str


Steps = Generator[Step, None, T]
"""Long work: yields `Step`s and returns its result (``yield from``, or ``StopIteration.value``)."""


def finish(steps: Generator[Y, None, T], report: Callable[[Y], object] | None = None) -> T:
    """Run a generator to its end and return its result; `report` is called with each value that it yields."""
    while True:
        try:
            value = next(steps)
        except StopIteration as finished:
            result: T = finished.value
            return result
        if report is not None:
            report(value)


class LongCall(Protocol[P, T]):
    """A function that runs to its end when it is called; `steps` returns its generator of progress instead."""

    steps: Callable[P, Steps[T]]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T: ...


def long_call(work: Callable[P, Steps[T]]) -> LongCall[P, T]:
    """Make a function of a generator function of progress, which stays available as its attribute `steps`."""

    @functools.wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return finish(work(*args, **kwargs))

    signature = inspect.signature(work)
    call = cast(Any, run)
    call.__signature__ = signature.replace(return_annotation=get_args(signature.return_annotation)[2])
    call.steps = work
    return cast(LongCall[P, T], call)
