"""Of runs to a violation, none longer than a known one: one that goes to and fro the least.

Breadth-first search gives a shortest run, which may change processes at every step. Here runs are
looked for by how often they change (context switches, as in M. Musuvathi and S. Qadeer, "Iterative
context bounding for systematic testing of multithreaded programs", PLDI 2007): first those that
never do, then those that do once. So the first one found has the fewest, and as nearly all bugs
need few, not much is looked at. Where it is too much, only other orders of the known steps are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise

from kmcheck.replay.there import Choices, Way, fails, is_there, steps_to
from kmcheck.semantics import Judge, Machine, State, Step, Undecided
from kmcheck.solver import Solver
from kmcheck.solver import Undecided as SolverUndecided
from kmcheck.system import TransitionSystem
from kmcheck.verdict import Claim, Witness

MOST = 200_000
"""Places in runs that are looked at, and steps taken, before the known run is good enough."""

ENDLESS = 400
"""Steps that are taken in the time in which one is found never to end."""


def switches(steps: tuple[tuple[int, Choices], ...]) -> int:
    """Return how often a run changes from one process to another."""
    return sum(one != other for (one, _), (other, _) in pairwise(steps))


def with_fewest(system: TransitionSystem, claim: Claim, solver: Solver) -> Claim:
    """Return a claim of the same violation, by a run no longer and with the fewest switches.

    It is the claim itself where there is none with fewer, or finding it takes too long. Of two such
    runs, that of the process that comes first in the spec is taken.
    """
    steps = claim.witness.steps
    if claim.witness.loop is not None or not switches(steps):
        return claim
    actors = max(actor for actor, _ in steps) + 1
    given = tuple(tuple(c for actor, c in steps if actor == a) for a in range(actors))
    with suppress(Undecided, SolverUndecided):
        free = Search(system, claim, solver)
        found = free.run()
        if found is None and free.left <= 0:
            found = Search(system, claim, solver, given).run()
        return found or claim
    return claim


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is: its initial state's number, who is to take the next step, and the way here.

    `done` is how many of the given steps each process has taken.
    """

    initial: int
    state: State
    next: int
    depth: int
    way: Way
    done: tuple[int, ...]

    @property
    def key(self) -> tuple[State, int, tuple[int, ...]]:
        """What decides how the run can go on."""
        return self.state, self.next, self.done


@dataclass(slots=True)
class Search:
    """A search by switches, and for so many switches first come, first served.

    `given` are the steps of each process, as choices, if no others are to be taken.
    """

    system: TransitionSystem
    claim: Claim
    solver: Solver
    given: tuple[tuple[Choices, ...], ...] | None = None
    left: int = field(init=False)
    """How many places may still be looked at."""
    machine: Machine = field(init=False)
    judge: Judge = field(init=False)
    nearest: dict[tuple[State, int, tuple[int, ...]], int] = field(default_factory=dict)
    """How few steps lead to a place, with no more switches."""

    def __post_init__(self) -> None:
        """Compile the program."""
        self.left = MOST
        self.machine = Machine(self.system.layout, self.solver.holds)
        self.judge = Judge(self.system.layout, self.solver.holds)

    def run(self) -> Claim | None:
        """Return a claim with fewer switches, None if there is none or too much to look at."""
        now = deque(self._beginnings())
        for _ in range(switches(self.claim.witness.steps)):
            later = deque[Place]()
            while now and self.left > 0:
                place = now.popleft()
                if self.nearest.get(place.key, place.depth + 1) > place.depth:
                    self.nearest[place.key] = place.depth
                    self.left -= 1
                    for found in self._onward(place):
                        if isinstance(found, Claim):
                            return found
                        now.append(found)
                    later.extend(self._turns(place))
            now = later
        return None

    def _beginnings(self) -> Iterator[Place]:
        only = self.claim.witness.initial
        done = () if self.given is None else (0,) * len(self.given)
        for number, (_, state) in enumerate(self.system.initial):
            if self.given is None or number == only:
                for actor in range(len(self.machine.actors)):
                    yield Place(number, state, actor, 0, None, done)

    def _turns(self, place: Place) -> Iterator[Place]:
        """Yield the same place, for each other process to go on from."""
        if place.depth:
            for actor in range(len(self.machine.actors)):
                if actor != place.next:
                    yield replace(place, next=actor)

    def _onward(self, place: Place) -> Iterator[Place | Claim]:
        """Yield where the process whose turn it is can get with one step more."""
        if place.depth == len(self.claim.witness.steps):
            return
        only = self._given(place)
        for step in self.machine.possible(place.state, place.next):
            self._charge(step)
            if only is not None and step.choices not in only:
                continue
            way = place.way, place.next, step.choices
            if self._ends(place.state, step):
                yield Claim(self.claim.violation, Witness(place.initial, steps_to(way)))
            elif step.state is not None:
                done = tuple(n + (a == place.next) for a, n in enumerate(place.done))
                yield Place(place.initial, step.state, place.next, place.depth + 1, way, done)

    def _charge(self, step: Step) -> None:
        """Count what it took to take a step."""
        endless = step.fault is not None and step.fault.kind == "endless-step"
        self.left -= ENDLESS if endless else 1

    def _given(self, place: Place) -> tuple[Choices, ...] | None:
        """Return the only choices that a process may take, None if it may take any."""
        if self.given is None:
            return None
        if place.next >= len(self.given):
            return ()
        at = place.done[place.next]
        return self.given[place.next][at : at + 1]

    def _ends(self, before: State, step: Step) -> bool:
        """Tell whether a step ends in the violation."""
        violation = self.claim.violation
        if step.state is None:
            return fails(step, violation)
        return is_there(self.machine, self.judge, violation, step.state, before)
