"""Stubborn sets: which processes' steps are enough to explore from a state.

The reasons why they are enough are in `reduce.stubborn`. What is chosen depends on the state only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from kmcheck.ir.layout import Layout
from kmcheck.ir.stubborn import ME, Footprint, Meeting, Point, Row, Stubborn, clash, wake
from kmcheck.semantics.faults import BoundReached
from kmcheck.semantics.machine import Machine, State

Meet = Callable[[State], bool]
How = Callable[[Footprint, Footprint], Meeting]


class Chooser:
    """Chooses among the actors of a machine. Sets of actors are bit masks."""

    def __init__(self, machine: Machine, stubborn: Stubborn) -> None:
        self.machine = machine
        self.layout: Layout = machine.layout
        self.actors = [(name, i, slot) for name, i, slot, _ in machine.actors]
        self.names = list(dict.fromkeys(name for name, _, _ in self.actors))
        self.alike = stubborn.alike
        self.rows = [stubborn.rows[name] for name, _, _ in self.actors]
        self.meeting = cache(self._meeting)

    def actors_of(self, state: State) -> list[int]:
        """Return the actors whose steps are to be explored, those that are blocked left out.

        Raises:
            Undecided: a step depends on the sizes.
        """
        enabled, failing = self._survey(state)
        chosen = self.chosen(state, enabled, failing)
        return [actor for actor in range(len(self.actors)) if chosen >> actor & 1]

    def _survey(self, state: State) -> tuple[int, int]:
        """Return who can go on, and who of them may go wrong or needs more than there is."""
        enabled = failing = 0
        for actor in range(len(self.actors)):
            try:
                for step in self.machine.steps_of(state, actor):
                    enabled |= 1 << actor
                    failing |= (step.fault is not None) << actor
            except BoundReached:
                enabled |= 1 << actor
                failing |= 1 << actor
        return enabled, failing

    def chosen(self, state: State, enabled: int, failing: int) -> int:
        """Return a smallest stubborn set's enabled actors; all if there is none that may go first.

        Among those of the same number it is the one that is found from the lowest actor.
        """
        whole = failing
        for actor, row in self._running(state):
            whole |= row.whole << actor
        if self.alike:
            return self._alike(state, enabled, whole)
        best, least = enabled, enabled.bit_count()
        for seed in range(len(self.actors)):
            if (enabled & ~whole) >> seed & 1 and least > 1:
                found = enabled & self._closure(state, seed, enabled)
                if not found & whole and found.bit_count() < least:
                    best, least = found, found.bit_count()
        return best

    def _alike(self, state: State, enabled: int, whole: int) -> int:
        """Return what is chosen where it is not to matter who is who.

        Sets of one size that are found from processes of one template at one place are taken
        together: nothing tells which of them to prefer.
        """
        together: dict[tuple[int, int, int], int] = {}
        for seed, (name, _, slot) in enumerate(self.actors):
            if (enabled & ~whole) >> seed & 1:
                found = enabled & self._closure(state, seed, enabled)
                if not found & whole:
                    key = (self.names.index(name), state[slot], found.bit_count())
                    together[key] = together.get(key, 0) | found
        ranked = [(found.bit_count(), *key, found) for key, found in together.items()]
        best = min(ranked, default=(enabled.bit_count(), enabled))
        return best[-1] if best[0] < enabled.bit_count() else enabled

    def _running(self, state: State) -> list[tuple[int, Row]]:
        return [
            (actor, self.rows[actor][state[slot]])
            for actor, (_, _, slot) in enumerate(self.actors)
            if state[slot]
        ]

    def _closure(self, state: State, seed: int, enabled: int) -> int:
        """Return a seed and all that is taken with it."""
        found, ahead = 1 << seed, [seed]
        for actor in ahead:
            how = clash if enabled >> actor & 1 else wake
            for other in self._disturbing(state, actor, how):
                if not found >> other & 1:
                    found |= 1 << other
                    ahead.append(other)
        return found

    def _disturbing(self, state: State, actor: int, how: How) -> list[int]:
        """Return those whose steps, now or later, may disturb (or unblock) an actor's next."""
        at = state[self.actors[actor][2]]
        return [
            other
            for other, (_, _, slot) in enumerate(self.actors)
            if other != actor
            and state[slot]
            and self.meeting(how, actor, at, other, state[slot])(state)
        ]

    def _meeting(self, how: How, actor: int, at: int, other: int, there: int) -> Meet:
        """Return what tells whether two actors meet, by where they are."""
        found = how(self.rows[actor][at].next, self.rows[other][there].ever)
        if isinstance(found, bool):
            answer = found
            return lambda s: answer
        pairs = [(self._index(actor, one), self._index(other, two)) for one, two in found]
        return lambda s: any(_same(one(s), two(s)) for one, two in pairs)

    def _index(self, actor: int, point: Point) -> Callable[[State], int | None]:
        name, instance, _ = self.actors[actor]
        shift = point.shift
        if not point.source:
            return lambda s: shift
        if point.source == ME:
            return lambda s: instance + shift
        slot = self.layout.variables[name, point.source] + instance
        if point.halved:
            return lambda s: (s[slot] >> 1) + shift if s[slot] > 0 else None
        return lambda s: int(s[slot]) + shift


def _same(one: int | None, other: int | None) -> bool:
    """Tell whether two indices are the same; None is no index."""
    return one is not None and one == other
