"""The memory that machine code and Python share: where each number is, in words of 64 bits.

Each thread has a context of its own. What all of them write is in one small block, `COMMON`.
"""

from __future__ import annotations

MOST_CHOICES = 64
"""Choices in one step."""

MOST_THREADS = 16

NOTE, TAKEN, GIVEN, PLAN = 0, 1, 2, 8
"""Places in a context: what a failure is about, how many choices were made, how many are given,
and from `PLAN` on for each choice what it is and among how many."""

COUNTED = ("transitions", "terminal", "asked", "stood_for")
"""What is counted while states are expanded: a round that is given up takes it back."""

_NAMES = (
    "thread",
    "common",
    "arena",
    "parents",
    "states",
    "next",
    "until",
    "mask",
    "room",
    "stop",
    "actor",
    "where",
    "previous",
    "when",
    "chunk",
    "capacity",
    "buffers",
    "filled",
    "fresh",
    "news",
    "into",
    "filling",
    "events",
    "events_count",
    "reported",
    "kept",
    "recent",
    "old",
    "ways",
    "former",
    "former_from",
    "former_until",
    "ask",
    *COUNTED,
)
PLACES = {name: PLAN + 2 * MOST_CHOICES + at for at, name in enumerate(_NAMES)}
"""Where each number is. Those of arrays and functions are addresses.

`arena` has the states in order of discovery, `states` of them, `parents` where each was found from.
States from `next` to `until` are to be expanded, `chunk` of them at a time. Their successors wait
in `buffers`, `capacity` to a segment; `filled` has their numbers. There is a segment for each chunk
of a round and each thread: the thread looks them up. `fresh` has those that turned out new, for
each thread, and `news` how many of each segment. `into` and `filling` are the current chunk's part
of `buffers` and `filled`. Each thread has a table of `mask + 1` entries, and room for `room`
states in it. `when` says where in the order of all steps a thread is. `old` has a byte for each
state that waits to be sifted (`sifting`). With fingerprints, `ways` has which step out of its
parent led to each state, and a table is made anew from the `former` one, a piece at a time.
"""

TABLES = PLAN + 2 * MOST_CHOICES + len(_NAMES)
"""From here on: the address of each thread's table."""

HELD = TABLES + MOST_THREADS
"""From here on: how many states each thread's table has."""

JUDGED = HELD + MOST_THREADS
"""From here on: for each property, how often it was asked for."""

LINE = 64
"""Bytes of a cache line."""

_COMMON = ("taken", "numbered", "arrived", "turn", "stop", "decided")
COMMON = {name: 8 * at for at, name in enumerate(_COMMON)}
"""Where each number is in the block that all threads write, which is 64 bytes to each: how many
chunks have been taken to expand and to number, how many threads have arrived at a barrier, how
often all had, why one wants all to stop, and what of this was known when all had arrived."""

STEPS_BITS = 24
"""Of `when`: steps out of a state. Above them is the state's number."""

CHUNKS = 16
"""Chunks of a round for each thread, if there are several."""

EVENT = 6
"""Words of an event: its sort, of what, with which status, at which state, of which actor, when."""

FAILS, BREAKS, MISSTEPS, REACHES, DEADLOCK, LEAK = range(6)
"""Sorts of events: a step fails, a property breaks in a new state or at a step to a known one, a
bound is reached, nothing goes on, a leak."""

EVENTS = 1024
"""Events that there is room for: each is recorded once a level."""

SORTS = 8
"""Sorts of events that there is room for."""

STATUSES = 256
"""Statuses that there may be: each, of each sort, has a flag that says if it was recorded."""

PARENT_BYTES = 4

WAY_BITS = 16
"""What is kept with fingerprints of which step it was: 0 is none, 1 the first."""

WAY_BYTES = WAY_BITS // 8
