"""Where states are looked up: tables that grow, and the disk once there is no memory for more."""

from __future__ import annotations

from collections.abc import Callable

from kmcheck import machine as host
from kmcheck.claims import Stop
from kmcheck.engines.native import growth
from kmcheck.engines.native.crew import Crew
from kmcheck.engines.native.growth import BYTES, Size
from kmcheck.engines.native.states import States

SIFTED = 1 << 22
"""States of the disk between two looks at the clock."""


class Housing:
    """Keeps room for the states of a search, within its memory.

    `obey` does what machine code stopped for; `heed` raises what the user pressed meanwhile.
    """

    def __init__(
        self,
        crew: Crew,
        states: States,
        size: Size,
        most: int | None,
        obey: Callable[[], None],
        heed: Callable[[], None],
    ) -> None:
        self.crew = crew
        self.states = states
        self.size = size
        self.most = most
        self.obey = obey
        self.heed = heed
        self.base: int | None = None
        """How many states have been sifted, None as long as none wait."""

    def found(self) -> int:
        """Return how many states there are for certain."""
        return self.states["states"] if self.base is None else self.base

    def has_room(self, more: int) -> bool:
        """Tell whether there is memory for so many bytes more."""
        return self.most is None or host.resident() + more < self.most

    def open_for(self, count: int) -> None:
        """Make the first tables, or leave so many states to the disk if there is no memory.

        Raises:
            Stop: there is not, and the disk is not wanted.
        """
        size = self._fitting(count)
        if self._affordable(size) or not self.states["states"]:
            self._take(size)
        else:
            self._spill()

    def list_all(self, more: int, runs: tuple[str, ...]) -> None:
        """Go on with code that goes through all states again, which takes so many bytes more.

        Raises:
            Stop: there is no memory for that.
        """
        size = growth.of_numbers(self.states["states"], self.crew.threads)
        more += size.bytes(self.crew.threads) - self.size.bytes(self.crew.threads)
        if self.base is not None or not self.has_room(more):
            raise Stop("no memory for all states and steps, which runs that never end need")
        self.crew.change(form=size.form, runs=runs)
        self._lay(size)
        self.crew.together(self.crew.compiled.rehash, self.states.start(0))

    def grow(self) -> None:
        """Make room for more states.

        Raises:
            Stop: there is none.
        """
        if self.base is not None:
            self._grow_waiting()
            return
        size = growth.next_after(self.size, self.crew.packing, self.crew.threads)
        if self.states["states"] + size.room * self.crew.threads > self.states.most:
            raise Stop(f"{self.states['states']:,} states reached, which is all there is room for")
        if self._affordable(size):
            self._take(size)
            return
        size = growth.squeezed(self.size)
        if size == self.size:
            self._spill()
            return
        self.size = size
        self.states.make_room(size.room)

    def make_way(self) -> None:
        """Take what is on disk, or can be, out of memory, if that is full."""
        if self.states.folder is None or not self._is_full():
            return
        if self.base is None:
            self._spill()
            return
        self.states.put_away(self.base)
        if self._is_full():
            self.sift()

    def sift(self, *, heeding: bool = True) -> None:
        """Drop the states that wait and are old, if any wait; judge and keep the others."""
        if self.base is None:
            return
        states, base = self.states, self.base
        contexts = states.start(states["until"])
        for first in range(0, base, SIFTED):
            if heeding:
                self.heed()
            end = min(base, first + SIFTED)
            self.crew.together(self.crew.compiled.sift, contexts, first, end, base)
            states.put_away(end)
        states.settling = True
        found = self.crew.compiled.settle(contexts[0], base, states["states"])
        self.base = states["states"] = found
        self.obey()
        states.put_away(self.base)
        self._lay(self.size)
        states.settling = False

    def _fitting(self, count: int) -> Size:
        """Return the size of tables that have room for some states, as full as they may get."""
        size, threads = self.size, self.crew.threads
        while growth.squeezed(size).room * threads < count:
            size = growth.next_after(size, self.crew.packing, threads)
        return size if size.room * threads >= count else growth.squeezed(size)

    def _affordable(self, size: Size) -> bool:
        """Tell whether there is memory for larger tables, and for the states that fill them."""
        return self.has_room(size.bytes(self.crew.threads) - self.size.bytes(self.crew.threads))

    def _take(self, size: Size) -> None:
        """Put all states into tables of a size."""
        if size.form != self.size.form:
            self.crew.change(form=size.form)
        self._lay(size)
        contexts = self.states.start(0)
        for _ in self.states.pieces() if self.states.compact else [None]:
            self.crew.together(self.crew.compiled.rehash, contexts)
        self.states.share_held()

    def _lay(self, size: Size) -> None:
        self.size = size
        self.states.lay_tables(size.entries, BYTES[size.form])
        self.states.make_room(size.room, self.base or 0)

    def _spill(self) -> None:
        """Leave the states to the disk, and let new ones wait.

        Raises:
            Stop: that is not wanted.
        """
        if self.states.folder is None or self.most is None:
            raise Stop(f"{(self.most or 0) / 2**30:.3g} GiB of memory are used")
        self.base = self.states["states"]
        self.states.drop_tables()
        self.states.put_away(self.base)
        available = int(self.most * growth.FULL) - host.resident()
        size = growth.waiting(self.crew.packing, available, self.crew.threads)
        self.crew.change(form=size.form, late=True)
        self._lay(size)
        self.states.wait(size.room * self.crew.threads)

    def _grow_waiting(self) -> None:
        """Make room for more states that wait: there is more than a round finds."""
        if self.states["states"] == self.base:
            self.size = growth.doubled(self.size)
            self.states.wait(self.size.room * self.crew.threads)
        self.sift()

    def _is_full(self) -> bool:
        return self.most is not None and host.resident() > self.most
