"""The memory that machine code and Python share: where each number is, in words of 64 bits."""

from __future__ import annotations

MOST_CHOICES = 64
"""Choices in one step."""

NOTE, TAKEN, GIVEN, PLAN = 0, 1, 2, 8
"""Places in a context: what a failure is about, how many choices were made, how many are given,
and from `PLAN` on for each choice what it is and among how many."""

_NAMES = (
    "table",
    "mask",
    "arena",
    "parents",
    "room",
    "states",
    "next",
    "until",
    "transitions",
    "terminal",
    "stop",
    "actor",
    "where",
    "previous",
    "pending",
    "batch",
    "origins",
    "hashes",
    "sequence",
    "events",
    "events_count",
    "reported",
    "grow",
    "ask",
    "asked",
    "stood_for",
)
PLACES = {name: PLAN + 2 * MOST_CHOICES + at for at, name in enumerate(_NAMES)}
"""Where each number is.

`table` (of `mask + 1` entries), `arena` (the states in order of discovery), `parents`, `batch` with
`origins`, `hashes` and `sequence` (successors that wait to be looked up, `pending` of them) and
`events` are addresses, `grow` and `ask` those of functions. `room` is how many states fit.
"""

JUDGED = PLAN + 2 * MOST_CHOICES + len(_NAMES)
"""From here on: for each property, how often it was asked for."""

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

BATCH = 256
"""Successors that are looked up together, so that their cache lines are fetched side by side."""

PARENT_BYTES = 4
