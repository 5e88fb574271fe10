"""What really happens in a run of which only canonical forms are known.

A search with symmetry keeps one state for all that look like it. From a true state some step leads
to one that looks like the next: taken one after the other, these steps are a run of true
identities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from kmcheck.diagnostics import InternalError
from kmcheck.semantics import Fault, Machine, State, Step

Steps = tuple[tuple[int, tuple[int, ...]], ...]
"""The process and the choices of each step."""


def true_run(
    machine: Machine,
    canonical: Callable[[State], State],
    initial: State,
    representatives: Sequence[State],
    fault: str | None = None,
) -> Steps:
    """Return the steps of a true run from an initial state.

    Args:
        machine: of the system that was searched.
        canonical: the canonical form of a state, of the same kind as the representatives.
        initial: the true initial state; its canonical form is the first representative.
        representatives: canonical forms, each a step from the one before.
        fault: the violation that one more step ends in, None if the run ends in a state.

    Raises:
        InternalError: no step leads on, so that the symmetry was none.
    """
    state, steps = initial, []
    for wanted in representatives[1:]:
        step = _step(machine, state, partial(_leads, wanted, canonical))
        assert step.state is not None
        state = step.state
        steps.append((step.process, step.choices))
    if fault is not None:
        step = _step(machine, state, partial(_fails, fault))
        steps.append((step.process, step.choices))
    return tuple(steps)


def representatives(
    machine: Machine, canonical: Callable[[State], State], initial: State, steps: Steps
) -> tuple[list[State], str | None]:
    """Return the canonical forms that steps lead to, each from the one before.

    With them comes the violation that the last step ends in, None if it ends in a state.
    """
    found = [canonical(initial)]
    for process, choices in steps:
        try:
            found.append(canonical(machine.take(found[-1], process, choices)))
        except Fault as fault:
            return found, fault.kind
    return found, None


def _leads(wanted: State, canonical: Callable[[State], State], step: Step) -> bool:
    return step.state is not None and canonical(step.state) == wanted


def _fails(fault: str, step: Step) -> bool:
    return step.fault is not None and step.fault.kind == fault


def _step(machine: Machine, state: State, fits: Callable[[Step], bool]) -> Step:
    """Return the first step from a state that fits."""
    for actor in range(len(machine.actors)):
        for step in machine.possible(state, actor):
            if fits(step):
                return step
    raise InternalError("no step of a true run leads where its canonical form goes")
