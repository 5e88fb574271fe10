"""What is said above a function, or once for a spec: its bounds, choices, processes, properties."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar, overload

from kmcheck.lang.objects import Object, never_executed

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=bool | Enum)


# --- what a spec is checked at ------------------------------------------------------------------


def bound(default: int, doc: str) -> int:
    """Declare a number that limits the exploration; `-D NAME=VALUE` sets it.

    `NAME: Annotated[int, range(1, 9)] = bound(...)` says which numbers it may be.
    """
    return default


def choice(default: C, doc: str) -> C:
    """Declare a design alternative, a bool or a member of an Enum; `-D NAME=VALUE` sets it."""
    return default


def slots(kind: type[Object]) -> int:
    """Return how many slots a type's pool has, for a `limit`."""
    never_executed()


# --- what runs ------------------------------------------------------------------------------------


@overload
def process(function: F, /) -> F: ...
@overload
def process(
    *, limit: int | None = None, daemon: bool = False, fair: str = "weak"
) -> Callable[[F], F]: ...
def process(
    function: Any = None,
    /,
    *,
    limit: int | None = None,
    daemon: bool = False,
    fair: str = "weak",
) -> Any:
    """Mark a function as what a process runs.

    `limit` is how many may run at once when processes start it themselves; a `daemon` may
    wait for ever without that being a deadlock. `fair`: "weak" if it goes on when it always can,
    "strong" if it goes on when it can again and again, "none" if it may stop anywhere.
    """
    return function if function is not None else (lambda f: f)


@overload
def action(function: F, /) -> F: ...
@overload
def action(*, fair: str = "none") -> Callable[[F], F]: ...
def action(function: Any = None, /, *, fair: str = "none") -> Any:
    """Mark a guarded command: one atomic step, for all parameters whose `wait_until`s hold.

    It may never happen, unless it is `fair`: see `process`.
    """
    return function if function is not None else (lambda f: f)


def setup(function: F) -> F:
    """Mark the function that builds the initial heap and starts the processes."""
    return function


def macro(function: F) -> F:
    """Mark a function whose arguments are places, as those of a C macro: it may store to them."""
    return function


def gate(function: F) -> F:
    """Mark a condition on every step of the processes that are bound to a CPU."""
    return function


# --- properties -----------------------------------------------------------------------------------


def always(function: F) -> F:
    """Mark a property of every state."""
    return function


def finally_(function: F) -> F:
    """Mark a property of every state in which all processes have ended."""
    return function


@overload
def conserved(function: F, /) -> F: ...
@overload
def conserved(*, when: str) -> Callable[[F], F]: ...
def conserved(function: Any = None, /, *, when: str = "at rest") -> Any:
    """Mark a law over sizes, to hold for every assignment of them.

    `when="at rest"`: in each state where every process has either not begun or ended.
    `when="always"`: in every state.
    """
    return function if function is not None else (lambda f: f)


def step(function: F) -> F:
    """Mark a property of every step: `before(x)` is the value of `x` in the state before it."""
    return function


def eventually(function: F) -> F:
    """Mark what becomes true in every run: of an object, while it is alive."""
    return function


def always_eventually(function: F) -> F:
    """Mark what becomes true again and again in every run that never ends."""
    return function


def leads_to(trigger: Callable[..., bool]) -> Callable[[F], F]:
    """Mark what becomes true whenever `trigger`, of the same parameters, has been true."""
    return lambda function: function
