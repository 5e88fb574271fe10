"""Sets that the state itself makes: what lives, who runs, what can be reached."""

from __future__ import annotations

from typing import Any

from kmcheck.ir.layout import Layout
from kmcheck.semantics.addresses import Meaning


def alive(layout: Layout, kind: str) -> Meaning:
    """Return the set of the live objects of a kind."""
    always, sometimes = 0, []
    for index in range(layout.pool(kind)):
        slot = layout.life_slot(kind, index)
        if slot is None:
            always |= 1 << 2 * index
        else:
            sometimes.append((slot, 1 << 2 * index))
    return lambda s, p: always | sum(bit for slot, bit in sometimes if s[slot])


def running(layout: Layout) -> Meaning:
    """Return the set of the processes that have been started and have not ended."""
    places = [
        (layout.pc[name] + i, 1 << (layout.first_process[name] + i))
        for name in layout.processes
        for i in range(layout.instances(name))
    ]
    return lambda s, p: sum(bit for slot, bit in places if s[slot])


def closure(layout: Layout, origin: Meaning, kind: str, field: str) -> Meaning:
    """Return the set of what is reached from an object through a field."""
    base = layout.fields[kind, field] - 1

    def reach(s: list[Any], p: int) -> int:
        v, mask = origin(s, p), 0
        while v > 0 and not v & 1 and not mask >> (v - 2) & 1:
            mask |= 1 << (v - 2)
            v = s[base + (v >> 1)]
        return mask

    return reach
