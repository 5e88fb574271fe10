"""The runs that led to states: machine code keeps parents only, so the steps are found again.

With a symmetry the states that were kept are canonical forms. The reference then looks for a run of
true identities along them; the forms are compared as it computes them, not as machine code did.

Of a search that remembers fingerprints only, the states are gone. Which step led to each is kept
then, and they are taken once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice, pairwise

from kmcheck.diagnostics import InternalError
from kmcheck.engines.native.states import States
from kmcheck.semantics import Machine, State, Step
from kmcheck.semantics.canonical import Canonical
from kmcheck.semantics.stubborn import Chooser
from kmcheck.system import TransitionSystem
from kmcheck.truth import true_run
from kmcheck.verdict import Witness


class Runs:
    """Finds the run to a state."""

    def __init__(
        self,
        system: TransitionSystem,
        machine: Machine,
        states: States,
        form: Callable[[State], State],
    ) -> None:
        """Find runs in what a search keeps: of each state, what `form` makes of it."""
        self.form = form
        self.system = system
        self.machine = machine
        self.states = states
        symmetry, stubborn = system.symmetry, system.stubborn
        self.chooser = None if stubborn is None else Chooser(machine, stubborn)
        self.canonical = None if symmetry is None else Canonical(system.layout, symmetry).of

    def to(self, number: int, last: Step | None = None) -> Witness:
        """Return the run to a state, and one step more if one is given: a step that fails.

        Raises:
            InternalError: a canonical form is none of a state that some run leads to, or the
                steps that were kept do not lead to the state.
        """
        numbers = self._numbers(number)
        origin = self.states.origins[numbers[0]]
        compact = self.states.compact
        found = self._walked(numbers) if compact else [self.states.state(n) for n in numbers]
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

    def _walked(self, numbers: list[int]) -> list[State]:
        """Return the states of a run, from the initial one on."""
        found = [self.form(self.system.initial[self.states.origins[numbers[0]]][1])]
        for number in numbers[1:]:
            way = self.states.way(number) - 1
            step = next(islice(self._explored(found[-1]), way, None), None)
            if step is None or step.state is None:
                raise InternalError(f"no step {way} leads on where a run of fingerprints goes")
            found.append(self.form(step.state))
        if found[-1] != self.states.state(numbers[-1]):
            raise InternalError("a run of fingerprints does not end where its search did")
        return found

    def _explored(self, state: State) -> Iterator[Step]:
        """Yield the steps out of a state that the search takes, in its order."""
        going = None if self.chooser is None else self.chooser.actors_of(state)
        return self.steps(state, going)

    def steps(self, state: State, actors: Iterable[int] | None = None) -> Iterator[Step]:
        """Yield the steps out of a state that stay within the bounds: everybody's, or of some."""
        for actor in range(len(self.machine.actors)) if actors is None else actors:
            yield from self.machine.possible(state, actor)

    def _step(self, before: State, after: State) -> tuple[int, tuple[int, ...]]:
        for step in self.steps(before):
            if step.state == after:
                return step.process, step.choices
        raise AssertionError(after)
