"""From a run of a reduced system to a run of the whole one, to the same violation.

A step of the reduced system may be several of the whole one, and where fewer addresses dangle an
allocation has fewer ways. So the processes take their turns as in the reduced run, each until it is
where the reduced program ends a step, by the choices that are given, or else by others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kmcheck.diagnostics import InternalError
from kmcheck.replay.there import Choices, Way, fails, is_there, steps_to
from kmcheck.semantics import Judge, Machine, State, Step
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from kmcheck.verdict import Claim, Witness

MOST = 100_000
"""Places in runs that are looked at for one claim."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a run is: so many of the reduced steps are done, and part of the next one.

    `given` are the choices that are left of the step that is under way, None between two.
    """

    state: State
    previous: State | None
    done: int
    given: Choices | None
    way: Way


def unreduced(
    system: TransitionSystem, reduced: TransitionSystem, claim: Claim, solver: Solver
) -> Witness:
    """Return a run of the whole system that ends where the claimed violation first is.

    Raises:
        InternalError: there is none that follows the claim.
    """
    walk = Walk(system, reduced, claim, solver)
    found = walk.search()
    if found is None:
        raise InternalError(
            f"the run to {claim.violation} is one of the reduced system, and none of the whole one"
        )
    return Witness(claim.witness.initial, found)


@dataclass(slots=True)
class Walk:
    """A search for the run, depth first: what is given is tried first."""

    system: TransitionSystem
    reduced: TransitionSystem
    claim: Claim
    solver: Solver
    machine: Machine = field(init=False)
    judge: Judge = field(init=False)

    def __post_init__(self) -> None:
        """Compile the whole program."""
        self.machine = Machine(self.system.layout, self.solver.holds)
        self.judge = Judge(self.system.layout, self.solver.holds)

    def search(self) -> tuple[tuple[int, Choices], ...] | None:
        """Return the steps of the run, None if there is none."""
        steps = self.claim.witness.steps
        ahead = [self.start()]
        seen: set[tuple[State, int, Choices | None]] = set()
        while ahead and len(seen) < MOST:
            place = ahead.pop()
            if self._violated(place):
                return steps_to(place.way)
            key = (place.state, place.done, place.given)
            if key in seen or place.done == len(steps):
                continue
            seen.add(key)
            for step in self._ways_on(place):
                if fails(step, self.claim.violation):
                    return steps_to((place.way, step.process, step.choices))
            ahead += reversed(self.after(place))
        return None

    def start(self) -> Place:
        """Return where the run begins."""
        _, initial = self.system.initial[self.claim.witness.initial]
        return Place(initial, None, 0, None, None)

    def after(self, place: Place) -> list[Place]:
        """Return where the next steps lead that go as the reduced run does."""
        return [
            self._behind(place, step, step.state)
            for step in self._ways_on(place)
            if step.state is not None
        ]

    def _ways_on(self, place: Place) -> list[Step]:
        """Return the next steps of the process whose turn it is, that by the choices given first.

        A step that is not explored, for want of objects, is no way on.
        """
        actor, _ = self.claim.witness.steps[place.done]
        given = self._given(place)
        steps = self.machine.possible(place.state, actor)
        return sorted(steps, key=lambda step: step.choices != given[: len(step.choices)])

    def _given(self, place: Place) -> Choices:
        return place.given if place.given is not None else self.claim.witness.steps[place.done][1]

    def _behind(self, place: Place, step: Step, state: State) -> Place:
        """Return the place behind a step: the reduced step may be done, or go on."""
        way = (place.way, step.process, step.choices)
        name, _, slot, _ = self.machine.actors[step.process]
        at = state[slot]
        if not at or self.reduced.program.templates[name].blocks[at - 1].cut:
            return Place(state, place.state, place.done + 1, None, way)
        given, taken = self._given(place), len(step.choices)
        left = given[taken:] if step.choices == given[:taken] else ()
        return Place(state, place.state, place.done, left, way)

    def _violated(self, place: Place) -> bool:
        """Tell whether the violation is there; faults of steps are noticed when they are taken."""
        violation = self.claim.violation
        return is_there(self.machine, self.judge, violation, place.state, place.previous)
