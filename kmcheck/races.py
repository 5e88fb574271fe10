"""Data races: looked for in all states that a search has found, where somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kmcheck.claims import Claims
from kmcheck.ir.program import DATA_RACE
from kmcheck.semantics import Machine, State
from kmcheck.semantics.accesses import Accesses, Next
from kmcheck.verdict import Claim, Witness

GLANCE = 256
"""States between two looks at the clock."""


def judge_races(
    claims: Claims,
    machine: Machine,
    states: Iterable[State],
    run_to: Callable[[int], Witness],
    heed: Callable[[], None],
) -> None:
    """Claim the data race that comes first, if there is one.

    Raises:
        Stop: `heed` says so.
    """
    accesses = Accesses(machine.layout, machine.decide)
    for number, state in enumerate(states):
        if number % GLANCE == 0:
            heed()
        for first, second in accesses.races(state):
            steps = _both(machine, state, first.actor, second.actor)
            steps = steps or _both(machine, state, second.actor, first.actor)
            steps = steps or _one(machine, state, first, second)
            if steps:
                run = run_to(number)
                witness = Witness(run.initial, (*run.steps, *steps))
                claims.claims[DATA_RACE] = Claim(DATA_RACE, witness)
                return


def _both(
    machine: Machine, state: State, first: int, second: int
) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Return the one step, and the other behind it; nothing if the one rules the other out."""
    for step in machine.steps_of(state, first):
        if step.state is not None:
            behind = next(iter(machine.steps_of(step.state, second)), None)
            if behind is not None and behind.fault is None:
                return (first, step.choices), (second, behind.choices)
    return ()


def _one(
    machine: Machine, state: State, one: Next, other: Next
) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Return the step of one of them if the other waits, and looks at what is stored."""
    for first, second in ((one, other), (other, one)):
        if next(machine.steps_of(state, second.actor), None) is None:
            for step in machine.steps_of(state, first.actor):
                if step.state is not None:
                    return ((first.actor, step.choices),)
    return ()
