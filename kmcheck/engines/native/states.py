"""The states that a search has found, in the memory that machine code works on."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

from kmcheck.claims import Stop
from kmcheck.engines.native.checkpoint import Array
from kmcheck.engines.native.context import (
    CHUNKS,
    EVENT,
    EVENTS,
    HELD,
    JUDGED,
    LINE,
    PARENT_BYTES,
    PLACES,
    SORTS,
    STATUSES,
    TABLES,
    WAY_BYTES,
)
from kmcheck.engines.native.memory import Filed, Region
from kmcheck.engines.native.packing import Packing
from kmcheck.engines.native.questions import KEPT
from kmcheck.engines.native.recent import REMEMBERED, WIPED
from kmcheck.engines.native.table import AHEAD
from kmcheck.semantics import State

MOST_STATES, MOST_FILED = 1 << 30, (1 << 32) - 2
"""States that there is room for, in memory and in files."""

FEW = 1 << 17
"""States that there has to be room for: more than there are entries in the first tables."""

PIECE, ENTRY = 1 << 20, 8
"""Entries of a table of fingerprints that are copied at once, and bytes of each."""

SPARE = 16
"""Bytes for each state that are left to tables where the system limits what may be reserved."""

ALONE, TOGETHER = (1024, 1 << 15), (256, 1 << 13)
"""States of a chunk and entries of a segment: of one thread's, and if there are several."""


class States:
    """Contexts for machine code, and the states found with it.

    A state's number is its place in the order of discovery. `origins` has, for each initial state
    that was kept, its place among those of the system.
    """

    def __init__(
        self,
        packing: Packing,
        sorts: int,
        threads: int,
        folder: str | None,
        *,
        compact: bool = False,
    ) -> None:
        """Take memory, and files in a folder if one is given, for states and their parents.

        `sorts` is how many sorts of events there may be. If it is to be `compact`, states are let
        go, and the ways that led to them are kept.
        """
        self.packing = packing
        self.words = packing.words
        self.threads = threads
        self.origins: list[int] = []
        self.seen: set[tuple[int, ...]] = set()
        self.properties = len(packing.layout.program.properties)
        self.contexts = [(ctypes.c_int64 * (JUDGED + self.properties))() for _ in range(threads)]
        self.common = Region(8 * LINE)
        self.folder = folder
        self.compact = compact
        self.gone = 0
        """How many states have been let go, the first ones."""
        self.settling = False
        """Whether a level is being ended, or an event was lost: what is kept then would lack it."""
        self.most = MOST_FILED if folder else MOST_STATES
        self._reserve()
        self.old = Region(1)
        self.tables: list[Region] = []
        self.former: list[Region] = []
        """Tables that the present ones are made from."""
        self.events = [Region(8 * EVENT * EVENTS) for _ in range(threads)]
        self.reported = [Region(sorts) for _ in range(threads)]
        self.kept = [Region(8 * KEPT * (self.words + 2)) for _ in range(threads)]
        self.recent = [Region(8 * REMEMBERED * self.words) for _ in range(threads)]
        self.forget()
        self.buffers: list[Region] = []
        self.chunk, self.capacity = ALONE if threads == 1 else TOGETHER
        self._lay_buffers()
        for thread, context in enumerate(self.contexts):
            context[PLACES["thread"]] = thread
            for name in ("events", "reported", "kept", "recent"):
                context[PLACES[name]] = getattr(self, name)[thread].address
        for name in ("common", "arena", "parents", "ways"):
            self[name] = getattr(self, name).address

    def _reserve(self) -> None:
        """Reserve room for as many states as the system lets us; none is taken before it is used.

        Raises:
            MemoryError: there is not even room for a few.
        """
        while self.most >= FEW:
            with ExitStack() as taken:
                try:
                    self.arena = self._large(8 * self.words * (self.most + AHEAD))
                    taken.callback(self.arena.close)
                    self.parents = self._large(PARENT_BYTES * self.most)
                    taken.callback(self.parents.close)
                    self.ways = Region(WAY_BYTES * self.most if self.compact else 1)
                    taken.callback(self.ways.close)
                    Region(SPARE * self.most).close()
                except MemoryError:
                    self.most //= 2
                else:
                    taken.pop_all()
                    return
        raise MemoryError

    def _large(self, size: int) -> Region:
        return Filed(size, self.folder) if self.folder else Region(size)

    # --- the contexts --------------------------------------------------------------------------

    def __getitem__(self, name: str) -> int:
        """Return a number that all contexts have in common."""
        return self.contexts[0][PLACES[name]]

    def __setitem__(self, name: str, value: int) -> None:
        """Change a number in all contexts."""
        for context in self.contexts:
            context[PLACES[name]] = value

    def total(self, name: str) -> int:
        """Return a number added up over all contexts."""
        return sum(context[PLACES[name]] for context in self.contexts)

    def judged(self, number: int) -> int:
        """Return how often a property was asked for."""
        return sum(context[JUDGED + number] for context in self.contexts)

    def stopped(self) -> int | None:
        """Return the first thread that has a reason to stop, None if there is none."""
        stops = [context[PLACES["stop"]] for context in self.contexts]
        return next((thread for thread, stop in enumerate(stops) if stop), None)

    def arrays(self) -> list[Array]:
        """Return the states and their parents, as far as they go."""
        count = self["states"]
        return [
            Array(self.arena, 8 * self.words * count),
            Array(self.parents, PARENT_BYTES * count),
        ]

    def start(self, until: int) -> list[int]:
        """Make ready to expand states up to a number, and return where the contexts are."""
        self["until"], self["stop"] = until, 0
        ctypes.memset(self.common.address, 0, self.common.size)
        return [ctypes.addressof(context) for context in self.contexts]

    def spread(self) -> None:
        """Make what the first context says of the states true of all."""
        self["states"] = self["states"]
        for thread in range(self.threads):
            self._hold(thread, self.contexts[0][HELD + thread])

    def share_held(self) -> None:
        """Make what each context says of its own table true of all."""
        for thread, own in enumerate(self.contexts):
            self._hold(thread, own[HELD + thread])

    def _hold(self, thread: int, count: int) -> None:
        for context in self.contexts:
            context[HELD + thread] = count

    def close(self) -> None:
        """Give the memory back."""
        apart = [self.common, self.arena, self.parents, self.ways, self.old, *self.former]
        for region in (
            *apart,
            *self.tables,
            *self.events,
            *self.reported,
            *self.kept,
            *self.recent,
        ):
            region.close()
        for region in self.buffers:
            region.close()

    # --- tables and buffers --------------------------------------------------------------------

    def lay_tables(self, entries: int, entry_bytes: int) -> None:
        """Make empty tables, one for each thread; the old ones go first, unless all is in them."""
        if self.compact:
            self.former, self.tables = self.tables, []
        self.drop_tables()
        self.tables += [Region(entries * entry_bytes) for _ in range(self.threads)]
        self["mask"] = entries - 1
        for thread, table in enumerate(self.tables):
            self._hold(thread, 0)
            for context in self.contexts:
                context[TABLES + thread] = table.address

    def drop_tables(self) -> None:
        """Give the tables' memory back."""
        for table in self.tables:
            table.close()
        self.tables.clear()

    def pieces(self) -> Iterator[None]:
        """Yield while there are pieces of former tables to be copied, and give them back."""
        entries = self.former[0].size // ENTRY if self.former else 0
        for context, table in zip(self.contexts, self.former, strict=bool(self.former)):
            context[PLACES["former"]] = table.address
        for first in range(0, entries, PIECE):
            end = min(entries, first + PIECE)
            self["former_from"], self["former_until"] = first, end
            yield
            for table in self.former:
                table.release(ENTRY * end)
        for table in self.former:
            table.close()
        self.former = []

    def make_room(self, room: int, base: int = 0) -> None:
        """Let each table have so many states; those below `base` are in none.

        Raises:
            Stop: the disk has no room for them.
        """
        self["room"] = room
        most = base + room * self.threads + AHEAD
        try:
            self.arena.ensure(8 * self.words * most)
            self.parents.ensure(PARENT_BYTES * most)
        except OSError as error:
            raise Stop(f"no room in {self.folder}: {error.strerror}") from None

    def wait(self, count: int) -> None:
        """Make place for marks at so many states that wait."""
        self.old.close()
        self.old = Region(count)
        self["old"] = self.old.address

    def put_away(self, count: int) -> None:
        """Leave the first states to the files."""
        self.arena.release(8 * self.words * count)
        self.parents.release(PARENT_BYTES * count)

    def let_go(self, count: int) -> None:
        """Give back the memory of the first states: nothing reads them again."""
        self.arena.release(8 * self.words * count)
        self.gone = count

    def forget(self) -> None:
        """Forget what was put into the buffers lately: the round has been given up."""
        for region in self.recent:
            ctypes.memset(region.address, WIPED, region.size)

    def lengthen(self) -> None:
        """Make place for twice as many successors of a state."""
        self.capacity *= 2
        self.chunk = max(1, self.chunk // 2)
        self._lay_buffers()

    def _lay_buffers(self) -> None:
        for region in self.buffers:
            region.close()
        chunks = 1 if self.threads == 1 else CHUNKS * self.threads
        segments = chunks * self.threads
        entries = segments * self.capacity + AHEAD + 1
        waiting = Region(8 * (self.words + 2) * entries)
        counts = Region(2 * 8 * segments)
        fresh = Region(16 * entries)
        self.buffers = [waiting, counts, fresh]
        self["chunk"], self["capacity"] = self.chunk, self.capacity
        self["buffers"], self["filled"] = waiting.address, counts.address
        self["news"] = counts.address + 8 * segments
        for thread, context in enumerate(self.contexts):
            context[PLACES["fresh"]] = fresh.address + 16 * thread * chunks * self.capacity

    # --- what was found ------------------------------------------------------------------------

    def happened(self) -> list[tuple[int, ...]]:
        """Return what was recorded since the last time, in order, the first of each sort."""
        found: list[tuple[int, ...]] = []
        for context, events in zip(self.contexts, self.events, strict=True):
            count = context[PLACES["events_count"]]
            flat = (ctypes.c_int64 * (count * EVENT)).from_address(events.address)
            found += [tuple(flat[i * EVENT : (i + 1) * EVENT]) for i in range(count)]
            context[PLACES["events_count"]] = 0
        self.seen |= {event[:3] for event in found}
        return sorted(found, key=lambda event: event[-1])

    def forestall(self, seen: Iterable[tuple[int, ...]]) -> None:
        """Make known which sorts of events have been recorded: they are not again."""
        for sort, what, status in seen:
            self.seen.add((sort, what, status))
            at = (what * SORTS + sort) * STATUSES + status
            for region in self.reported:
                ctypes.c_uint8.from_address(region.address + at).value = 1

    def state(self, number: int) -> State:
        """Return a state."""
        kind = ctypes.c_uint64 * self.words
        words = kind.from_address(self.arena.address + 8 * self.words * number)
        return self.packing.unpack(list(words))

    def previous(self, number: int) -> State | None:
        """Return the state from which a state was found, None of an initial one."""
        return self.state(self.parent(number)) if number >= len(self.origins) else None

    def way(self, number: int) -> int:
        """Return which step out of its parent led to a state: 1 is the first."""
        place = self.ways.address + WAY_BYTES * number
        return ctypes.c_uint16.from_address(place).value

    def parent(self, number: int) -> int:
        """Return the number of the state from which a state was found."""
        place = self.parents.address + PARENT_BYTES * number
        return ctypes.c_uint32.from_address(place).value
