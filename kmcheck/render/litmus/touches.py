"""What a step does to shared fields, and to locks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kmcheck.explain.names import TRANSPARENT
from kmcheck.trace import Access, Event, Value

LOCK = re.compile("lock|mutex|sem", re.IGNORECASE)
"""The kinds of objects whose holder is a field of theirs."""
HOLDERS = frozenset({"owner", "writer"})
LISTS = "kmcheck.kernel.list"
"""Where links of lists are changed, several in a step."""


@dataclass(frozen=True, slots=True)
class Touch:
    """What one step does to one field: read, written, or changed at once (both)."""

    access: Access
    read: Value | None
    written: Value | None


def is_linking(event: Event) -> bool:
    """Tell whether the step looks at the links of a list, or changes them."""
    frames = [f for f in event.frames if f.function not in TRANSPARENT]
    return bool(frames) and frames[-1].module == LISTS


def touches(event: Event) -> Iterator[Touch]:
    """Return for each field that a step touches what it finds there, and what it leaves.

    A link of a list that is changed is stored to: what is found there before is checked only.
    """
    linking = is_linking(event)
    found: dict[tuple[str, str], Touch] = {}
    for access in event.accesses:
        if access.ghost or not access.field:
            continue
        key = access.thing, access.field
        old = found.get(key, Touch(access, None, None))
        reads = access.what in {"load", "update"} and old.written is None
        first = access.before if access.what == "update" else access.after
        read = first if reads and old.read is None else old.read
        written = old.written if access.what == "load" else access.after
        read = None if linking and written is not None else read
        found[key] = Touch(access, read, written)
    yield from found.values()


def locks(event: Event) -> tuple[list[str], list[str]]:
    """Return the locks that a step takes, and those that it gives back."""
    changed = [
        access
        for access in event.accesses
        if access.field in HOLDERS and access.what != "load" and LOCK.search(access.kind)
    ]
    taken = [a.thing for a in changed if a.after and a.after.text == event.process]
    given = [a.thing for a in changed if a.before and a.before.text == event.process]
    return taken, given
