"""Of a property that asks which objects are alive: who allocated them, and who freed others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kmcheck.trace import Access, Event, Trace

ALIVE = re.compile(r"alive\((\w+)\) = \{([^}]*)\}")
"""As a violation's message tells what a property has seen."""
FEW = 2
"""Steps that are told of one kind."""


def asks(trace: Trace) -> bool:
    """Tell whether the property that fails looked at nothing but which objects there are."""
    return ALIVE.search(trace.violation.message) is not None


def births_and_deaths(trace: Trace) -> Iterator[tuple[Event | None, str]]:
    """Yield steps and what they did, for objects of these kinds; no step for what never happens."""
    for kind, names in ALIVE.findall(trace.violation.message):
        for name in names.split(", ")[:FEW] if names else []:
            made = [e for e, access in _of(trace, "alloc") if access.thing == name]
            if not made:
                yield None, f"no step frees {name}: it is there from the start"
            yield from ((event, f"allocates {name}") for event in made)
        if not names:
            freed = [p for p in _of(trace, "free") if p[1].kind.partition("(")[0] == kind]
            yield from ((event, f"frees {access.thing}") for event, access in freed[-FEW:])


def _of(trace: Trace, what: str) -> Iterator[tuple[Event, Access]]:
    """Yield all accesses of a sort, with their steps."""
    return ((e, access) for e in trace.events for access in e.accesses if access.what == what)
