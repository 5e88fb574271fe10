"""From a run of a reduced system that never ends to one of the whole system.

The whole system may hold what the reduced one forgets. So the round is taken again and again, until
a state comes back where a round begins: at the latest when all that is forgotten has been through
its values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kmcheck.replay.there import Choices, steps_to
from kmcheck.replay.unreduced import MOST, Place, Walk
from kmcheck.semantics import State
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from kmcheck.verdict import Claim, Witness

ROUNDS = 64
"""Rounds that are taken before it is said that they never come back."""

Begun = tuple["Begun", State, int] | None
"""The rounds begun so far, last first: those before it, the state, how many steps led there."""


def unending(
    system: TransitionSystem, reduced: TransitionSystem, claim: Claim, solver: Solver
) -> Iterator[Witness]:
    """Yield runs of the whole system that go as the claimed one does, and come back.

    Whether the violation is there is for the replay to say.
    """
    loop = claim.witness.loop
    assert loop is not None
    yield from Rounds(Walk(system, reduced, claim, solver), claim, loop).search()


@dataclass(frozen=True, slots=True)
class Rounds:
    """A search for such runs, depth first."""

    walk: Walk
    claim: Claim
    loop: int

    def search(self) -> Iterator[Witness]:
        """Yield the runs; none, if too many places or rounds were looked at."""
        count = len(self.claim.witness.steps)
        ahead: list[tuple[Place, Begun]] = [(self.walk.start(), None)]
        seen: set[tuple[State, int, Choices | None, State | None]] = set()
        while ahead and len(seen) < MOST:
            place, begun = ahead.pop()
            if place.given is None and place.done in (self.loop, count):
                steps = steps_to(place.way)
                came = len(steps) if self.loop == count else _came(begun, place.state)
                if came is not None:
                    yield Witness(self.claim.witness.initial, steps, came)
                    continue
                if _length(begun) == ROUNDS:
                    continue
                begun = (begun, place.state, len(steps))
                place = replace(place, done=self.loop)
            since = None if begun is None else begun[1]
            key = (place.state, place.done, place.given, since)
            if key not in seen:
                seen.add(key)
                ahead += [(after, begun) for after in reversed(self.walk.after(place))]


def _length(begun: Begun) -> int:
    count = 0
    while begun is not None:
        begun, count = begun[0], count + 1
    return count


def _came(begun: Begun, state: State) -> int | None:
    """Return how many steps led to a state in which a round began before."""
    while begun is not None:
        begun, there, steps = begun
        if there == state:
            return steps
    return None
