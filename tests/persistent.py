"""What a stubborn set owes, checked state by state: what is left out does not disturb it.

Of a set that is chosen in a state, let anybody else run as they like. Each step of the set stays
possible, with the same choices, and comes to the same before and behind what the others do; what
they violate they violate behind it too. This is the definition of a persistent set (Godefroid,
LNCS 1032, 4.1), and that nobody sees a step, told apart from how sets are found.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from kmcheck.protocols import Question
from kmcheck.reduce.stubborn import stubborn_of
from kmcheck.semantics import BoundReached, Judge, Machine, State
from kmcheck.semantics.stubborn import Chooser
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem

Way = tuple[int, tuple[int, ...]]


class Outcome(NamedTuple):
    """What a step comes to: a state, or a violation."""

    state: State | None
    fault: str | None


def outcomes(machine: Machine, state: State, actor: int) -> dict[Way, Outcome]:
    """Return all ways in which an actor may go on."""
    found: dict[Way, Outcome] = {}
    try:
        for step in machine.steps_of(state, actor):
            kind = step.fault.kind if step.fault else None
            found[actor, step.choices] = Outcome(step.state, kind)
    except BoundReached as reached:
        found[actor, (-1,)] = Outcome(None, reached.what)
    return found


class Watch:
    """Watches over what a system's stubborn sets leave out. `most` states are run through each."""

    def __init__(self, system: TransitionSystem, most: int = 40) -> None:
        self.most = most
        solver = Solver()
        self.machine = Machine(system.layout, solver.holds)
        self.judge = Judge(system.layout, solver.holds)
        self.chooser = Chooser(self.machine, stubborn_of(system, Question()))
        self.actors = range(len(self.machine.actors))
        self.reduced = 0
        """In how many states somebody was left out."""

    def look(self, state: State) -> None:
        """Check what is chosen in a state."""
        chosen = self.chooser.actors_of(state)
        going = [actor for actor in self.actors if outcomes(self.machine, state, actor)]
        assert bool(chosen) == bool(going)
        assert set(chosen) <= set(going)
        if len(chosen) < len(going):
            self.reduced += 1
            self._run_others(state, chosen)

    def _run_others(self, state: State, chosen: list[int]) -> None:
        others = [actor for actor in self.actors if actor not in chosen]
        first = self._steps(state, chosen)
        seen, ahead = {state}, [state]
        for here in ahead:
            ours = self._steps(here, chosen)
            assert ours.keys() == first.keys(), "what is chosen changes"
            for way, outcome in self._steps(here, others).items():
                there = outcome.state
                for taken, behind in ours.items():
                    self._commutes(taken, way, (behind, outcome))
                if there is not None and there not in seen and len(seen) < self.most:
                    seen.add(there)
                    ahead.append(there)
            self._is_unseen(here, ours)

    def _steps(self, state: State, actors: list[int]) -> dict[Way, Outcome]:
        return {w: o for actor in actors for w, o in outcomes(self.machine, state, actor).items()}

    def _commutes(self, ours: Way, theirs: Way, after: tuple[Outcome, Outcome]) -> None:
        behind, there = after
        assert behind.state is not None, "what is chosen goes wrong"
        their = outcomes(self.machine, behind.state, theirs[0])
        assert theirs in their, "what is left out is lost"
        assert their[theirs].fault == there.fault
        if there.state is not None:
            our = outcomes(self.machine, there.state, ours[0])
            assert our[ours].state == their[theirs].state, "the order shows"

    def _is_unseen(self, here: State, ours: dict[Way, Outcome]) -> None:
        before = self._failing(here)
        for outcome in ours.values():
            assert outcome.state is not None
            assert before <= self._failing(outcome.state), "what is chosen is seen"

    def _failing(self, state: State) -> set[str]:
        found = {f.kind if f else prop.name for prop, f in self.judge.failing(state, None)}
        if self.judge.all_ended(state) and self.judge.leaked(state) is not None:
            found.add("leak")
        return found


def wander(machine: Machine, initial: State, random: Random, steps: int) -> list[State]:
    """Return the states on a random walk: deep ones that a search comes to late."""
    found = [initial]
    for _ in range(steps):
        after = [
            outcome.state
            for actor in range(len(machine.actors))
            for outcome in outcomes(machine, found[-1], actor).values()
            if outcome.state is not None
        ]
        if not after:
            break
        found.append(random.choice(after))
    return found
