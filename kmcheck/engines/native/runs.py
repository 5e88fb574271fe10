"""The runs that led to states: machine code keeps parents only, so the steps are found again.

With a symmetry the states that were kept are canonical forms. The reference then looks for a run of
true identities along them; the forms are compared as it computes them, not as machine code did.
"""

from __future__ import annotations

from itertools import pairwise

from kmcheck.engines.native.states import States
from kmcheck.semantics import BoundReached, Machine, State, Step
from kmcheck.semantics.canonical import Canonical
from kmcheck.system import TransitionSystem
from kmcheck.truth import true_run
from kmcheck.verdict import Witness


class Runs:
    """Finds the run to a state."""

    def __init__(self, system: TransitionSystem, machine: Machine, states: States) -> None:
        self.system = system
        self.machine = machine
        self.states = states
        symmetry = system.symmetry
        self.canonical = None if symmetry is None else Canonical(system.layout, symmetry).of

    def to(self, number: int, last: Step | None = None) -> Witness:
        """Return the run to a state, and one step more if one is given: a step that fails.

        Raises:
            InternalError: a canonical form is none of a state that some run leads to.
        """
        numbers = self._numbers(number)
        origin = self.states.origins[numbers[0]]
        found = [self.states.state(n) for n in numbers]
        if self.canonical is not None:
            fault = None if last is None or last.fault is None else last.fault.kind
            forms = [self.canonical(state) for state in found]
            initial = self.system.initial[origin][1]
            return Witness(origin, true_run(self.machine, self.canonical, initial, forms, fault))
        steps = [self._step(*pair) for pair in pairwise(found)]
        steps += [] if last is None else [(last.process, last.choices)]
        return Witness(origin, tuple(steps))

    def _numbers(self, number: int) -> list[int]:
        """Return the numbers of the states of a run, the initial one first."""
        numbers = [number]
        while numbers[-1] >= len(self.states.origins):
            numbers.append(self.states.parent(numbers[-1]))
        return numbers[::-1]

    def _step(self, before: State, after: State) -> tuple[int, tuple[int, ...]]:
        for actor in range(len(self.machine.actors)):
            try:
                for step in self.machine.steps_of(before, actor):
                    if step.state == after:
                        return step.process, step.choices
            except BoundReached:
                continue
        raise AssertionError(after)
