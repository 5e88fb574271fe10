"""The first step after which a violation cannot be avoided any more, whatever comes then.

Of a law that is asked at the end, of a leak, of a deadlock, the last step of the run tells nothing:
the harm was done before. A state is lost from which no run leads to a good end, where all processes
have ended and what was violated is not. Once lost is lost for ever, so that it is looked for by
bisection. Depth first, since a good end, where there is one, is rarely far away. All is said of
what the bounds allow.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kmcheck.ir.program import Program
from kmcheck.semantics import Judge, Machine, State, Undecided
from kmcheck.solver import Solver
from kmcheck.solver import Undecided as SolverUndecided
from kmcheck.system import TransitionSystem

MOST = 20_000
"""States that are looked at before nothing is said."""

BUILT_IN = frozenset({"deadlock", "leak"})
AT_THE_END = frozenset({"rest", "finally"})


def lost_at(
    system: TransitionSystem, states: list[State], violation: str, solver: Solver
) -> int | None:
    """Return the number of the step after which a violation is certain, counted from 1.

    `states` are those of the run, the initial one first; the last is where it is violated. 0 if it
    could never be avoided, None if this is no violation of how things end, or if too much is to be
    looked at.
    """
    if len(states) == 1 or not _is_about_the_end(system.program, violation):
        return None
    search = Search(system, violation, solver)
    try:
        if not search.ends_well(states[0]):
            return 0
        well, lost = 0, len(states) - 1
        while lost - well > 1:
            middle = (well + lost) // 2
            if search.ends_well(states[middle]):
                well = middle
            else:
                lost = middle
    except (TooMuch, Undecided, SolverUndecided):
        return None
    return lost


def _is_about_the_end(program: Program, violation: str) -> bool:
    own = {p.name for p in program.properties if p.when in AT_THE_END}
    return violation in own | BUILT_IN


class TooMuch(Exception):  # noqa: N818
    """More states would have to be looked at than are worth it."""


@dataclass(slots=True)
class Search:
    """Looks for good ends, and remembers which states have one and which have none."""

    system: TransitionSystem
    violation: str
    solver: Solver
    machine: Machine = field(init=False)
    judge: Judge = field(init=False)
    well: set[State] = field(default_factory=set)
    lost: set[State] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Compile the program."""
        self.machine = Machine(self.system.layout, self.solver.holds)
        self.judge = Judge(self.system.layout, self.solver.holds)

    def ends_well(self, start: State) -> bool:
        """Tell whether some run from a state comes to a good end.

        Raises:
            TooMuch: it is not known.
        """
        parents: dict[State, State | None] = {start: None}
        ahead = [start]
        while ahead:
            state = ahead.pop()
            if state in self.well or self._is_good(state):
                at: State | None = state
                while at is not None:
                    self.well.add(at)
                    at = parents[at]
                return True
            for after in self._following(state):
                if after not in parents and after not in self.lost:
                    parents[after] = state
                    ahead.append(after)
            if len(parents) + len(self.lost) > MOST:
                raise TooMuch
        self.lost |= parents.keys()
        return False

    def _is_good(self, state: State) -> bool:
        if not self.judge.all_ended(state) or self._is_wrong(state):
            return False
        return self.violation != "leak" or self.judge.leaked(state) is None

    def _is_wrong(self, state: State) -> bool:
        return any(prop.name == self.violation for prop, _ in self.judge.failing(state, None))

    def _following(self, state: State) -> list[State]:
        """Return the states that a step leads to, but those where it is violated on the way."""
        return [
            step.state
            for actor in range(len(self.machine.actors))
            for step in self.machine.possible(state, actor)
            if step.state is not None and not self._is_wrong(step.state)
        ]
