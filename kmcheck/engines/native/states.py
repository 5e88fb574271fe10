"""The states that a search has found, in the memory that machine code works on."""

from __future__ import annotations

import ctypes

from kmcheck.claims import Stop
from kmcheck.engines.native.compiled import Compiled
from kmcheck.engines.native.context import BATCH, EVENT, EVENTS, JUDGED, PARENT_BYTES, PLACES
from kmcheck.engines.native.memory import Region
from kmcheck.engines.native.packing import Packing
from kmcheck.semantics import BoundReached, Machine, State
from kmcheck.verdict import Witness

FIRST = 1 << 16
"""Entries of the first table."""

LARGE = 1 << 24
"""Entries from which on a table only doubles: clearing smaller ones again costs more than room."""

FULL = 0.75
"""How full the table may get."""

MOST_STATES = 1 << 30
"""States that there is room for."""


class States:
    """A context for machine code, the states found with it, and the runs that led to them.

    A state's number is its place in the order of discovery. `origins` has, for each initial state
    that was kept, its place among those of the system.
    """

    def __init__(self, packing: Packing, machine: Machine, sorts: int) -> None:
        """Take memory; `sorts` is how many sorts of events there may be."""
        self.packing = packing
        self.machine = machine
        self.words = packing.words
        self.origins: list[int] = []
        count = JUDGED + len(packing.layout.program.properties)
        self.context = (ctypes.c_int64 * count)()
        self.at = ctypes.addressof(self.context)
        self.table = Region(8 * FIRST)
        self.most = MOST_STATES
        self._reserve()
        self.batch = Region(8 * BATCH * (self.words + 3))
        self.events = Region(8 * EVENT * EVENTS)
        self.reported = Region(sorts)
        self._lay_table(FIRST)
        for name in ("arena", "parents", "batch", "events", "reported"):
            self[name] = getattr(self, name).address
        for place, name in enumerate(("origins", "hashes", "sequence")):
            self[name] = self.batch.address + 8 * BATCH * (self.words + place)

    def _reserve(self) -> None:
        """Reserve room for as many states as the system lets us; none is taken before it is used.

        Raises:
            MemoryError: there is not even room for a few.
        """
        while True:
            try:
                self.arena = Region(8 * self.words * self.most)
                self.parents = Region(PARENT_BYTES * self.most)
            except OSError:
                self.most //= 2
                if self.most < FIRST:
                    raise MemoryError from None
            else:
                return

    def __getitem__(self, name: str) -> int:
        """Return a number of the context."""
        return self.context[PLACES[name]]

    def __setitem__(self, name: str, value: int) -> None:
        """Change a number of the context."""
        self.context[PLACES[name]] = value

    def close(self) -> None:
        """Give the memory back."""
        for name in ("table", "arena", "parents", "batch", "events", "reported"):
            getattr(self, name).close()

    def add(self, compiled: Compiled, state: State) -> bool:
        """Add an initial state, and tell whether it is new."""
        words = (ctypes.c_uint64 * self.words)(*self.packing.pack(state))
        return bool(compiled.add(self.at, ctypes.addressof(words)))

    def grow(self, compiled: Compiled) -> None:
        """Make the table larger: the old one goes first, for the arena has all states.

        Raises:
            Stop: there is no room for as many states.
        """
        entries = self["mask"] + 1
        entries *= 2 if entries >= LARGE else 4
        if entries * FULL > self.most:
            raise Stop(f"{self['states']:,} states reached, which is all there is room for")
        self.table.close()
        self.table = Region(8 * entries)
        self._lay_table(entries)
        compiled.rehash(self.at)

    def _lay_table(self, entries: int) -> None:
        self["table"], self["mask"] = self.table.address, entries - 1
        self["room"] = int(entries * FULL)

    def happened(self) -> list[tuple[int, ...]]:
        """Return what was recorded since the last time, in order."""
        count = self["events_count"]
        flat = (ctypes.c_int64 * (count * EVENT)).from_address(self.events.address)
        self["events_count"] = 0
        found = [tuple(flat[i * EVENT : (i + 1) * EVENT]) for i in range(count)]
        return sorted(found, key=lambda event: event[-1])

    def state(self, number: int) -> State:
        """Return a state."""
        kind = ctypes.c_uint64 * self.words
        words = kind.from_address(self.arena.address + 8 * self.words * number)
        return self.packing.unpack(list(words))

    def previous(self, number: int) -> State | None:
        """Return the state from which a state was found, None of an initial one."""
        return self.state(self._parent(number)) if number >= len(self.origins) else None

    def _parent(self, number: int) -> int:
        place = self.parents.address + PARENT_BYTES * number
        return ctypes.c_uint32.from_address(place).value

    def run(self, number: int) -> Witness:
        """Return the run to a state: the steps are found again by taking all of them."""
        steps: list[tuple[int, tuple[int, ...]]] = []
        while number >= len(self.origins):
            parent = self._parent(number)
            steps.append(self._step(self.state(parent), self.state(number)))
            number = parent
        return Witness(self.origins[number], tuple(reversed(steps)))

    def _step(self, before: State, after: State) -> tuple[int, tuple[int, ...]]:
        for actor in range(len(self.machine.actors)):
            try:
                for step in self.machine.steps_of(before, actor):
                    if step.state == after:
                        return step.process, step.choices
            except BoundReached:
                continue
        raise AssertionError(after)
