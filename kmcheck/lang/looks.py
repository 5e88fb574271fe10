"""What a property asks of a state, or of a step: who is alive, where, and how much that is."""

from __future__ import annotations

from collections.abc import Callable, Generator

from kmcheck.lang.objects import Field, O, Object, Process, T, never_executed
from kmcheck.lang.values import Counter, SetOf, Size


def before(value: T) -> T:
    """Return the value of an expression in the state before the step (in a `@step` property)."""
    never_executed()


def alive(kind: type[O]) -> SetOf[O]:
    """Return the live objects of a type."""
    never_executed()


def is_alive(thing: Object | None) -> bool:
    """Tell whether a reference is neither null nor stale (in a property or a ghost)."""
    never_executed()


def is_embedded(thing: Object | None) -> bool:
    """Tell whether a reference leads into another object: to one that is a field of it."""
    never_executed()


def closure(origin: O | None, link: Field[O]) -> SetOf[O]:
    """Return `origin` and all that is reached from it by `link`; stops at stale references."""
    never_executed()


def total(amounts: Generator[Size | Counter | int]) -> Counter:
    """Sum sizes, counters or integers."""
    never_executed()


def count(matches: Generator[object]) -> int:
    """Count how many the generator yields: `count(p for p in alive(Page) if p.charged)`."""
    never_executed()


def processes() -> SetOf[Process]:
    """Return the processes that have been started and have not ended."""
    never_executed()


def begun(who: Process) -> bool:
    """Tell whether a process has made its first step."""
    never_executed()


def ended(who: Process) -> bool:
    """Tell whether a process has ended."""
    never_executed()


def inside(who: Process, function: Callable[..., object]) -> bool:
    """Tell whether a process is at a step inside a function that was called."""
    never_executed()


def within(function: Callable[..., object]) -> SetOf[Process]:
    """Return the processes that are at a step inside a function that was called."""
    never_executed()
