"""Whether a violation is there, and the way to it: what all that looks for runs asks."""

from __future__ import annotations

from kmcheck.semantics import BoundReached, Judge, Machine, State, Step, Undecided

Choices = tuple[int, ...]
Way = tuple["Way", int, Choices] | None
"""The steps to a place, last first: those before it, and the last one's process and choices."""


def steps_to(way: Way) -> tuple[tuple[int, Choices], ...]:
    """Return the steps of a way, the first one first."""
    found = []
    while way is not None:
        way, actor, choices = way
        found.append((actor, choices))
    return tuple(reversed(found))


def fails(step: Step, violation: str) -> bool:
    """Tell whether a step fails by this violation."""
    return step.fault is not None and step.fault.kind == violation


def is_there(
    machine: Machine, judge: Judge, violation: str, state: State, previous: State | None
) -> bool:
    """Tell whether a state has the violation, or the step to it from the one before."""
    if violation == "deadlock":
        return is_stuck(machine, judge, state)
    if violation == "leak":
        return judge.all_ended(state) and judge.leaked(state) is not None
    failing = judge.failing(state, previous)
    return any((fault.kind if fault else prop.name) == violation for prop, fault in failing)


def is_stuck(machine: Machine, judge: Judge, state: State) -> bool:
    """Tell whether nobody can go on, and not all have ended."""
    return not judge.all_ended(state) and not _goes_on(machine, state)


def _goes_on(machine: Machine, state: State) -> bool:
    """Tell whether there is a step; one that cannot be followed is one, too."""
    try:
        return next(machine.successors(state), None) is not None
    except (BoundReached, Undecided):
        return True
