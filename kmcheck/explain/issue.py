"""What a violation is about: the fields that a property looked at, as far as it tells them."""

from __future__ import annotations

import re

from kmcheck.explain.names import Family
from kmcheck.explain.saying import is_count
from kmcheck.explain.slicing import Field, alters, field_of
from kmcheck.trace import Trace, Value


def is_property(trace: Trace) -> bool:
    """Tell whether what is violated is a property that the spec states."""
    violation = trace.violation
    told = violation.message.removeprefix(violation.kind)
    return told != violation.message and "does not hold" in told


def given(message: str, family: Family) -> tuple[Field, ...]:
    """Return the fields that a message gives the values of, in its order."""
    found: dict[Field, int] = {}
    for view in family.views.values():
        for field, _ in view.fields:
            place = _place(message, family.member(view.name, field))
            if place is not None:
                found[view.name, field] = place
    return tuple(sorted(found, key=lambda field: found[field]))


def _place(message: str, member: str) -> int | None:
    """Return where a message gives the value of a field, whichever way it joins the two names."""
    owner, field = re.split(r"(?:->|\.)(?=[^.>]*$)", member, maxsplit=1)
    found = re.search(rf"(?<![\w>.#]){re.escape(owner)}(?:->|\.){re.escape(field)} = ", message)
    return found.start() if found else None


def at_issue(trace: Trace, family: Family) -> frozenset[Field]:
    """Return the fields that a property has looked at, as far as its violation tells them.

    A law tells only its counters; it also looks at where the pages are that it adds up. What is
    freed is told by the references to it.
    """
    violation = trace.violation
    fields = frozenset(given(violation.message, family))
    if not fields or not is_property(trace):
        return fields
    sized = frozenset(name for name, _ in violation.sizes)
    counted = family.of(dangling(trace, family, fields))
    return fields | {
        field_of(access)
        for event in trace.events
        for access in event.accesses
        if alters(access)
        and (
            (access.thing in sized and (aims(access.before) or aims(access.after)))
            or (access.thing in counted and is_count(access))
        )
    }


def dangling(trace: Trace, family: Family, fields: frozenset[Field]) -> frozenset[str]:
    """Return the objects that are freed, and that some fields point to at the end."""
    freed = {
        family.root(name)
        for view in trace.end.objects
        for field, value in view.fields
        if (view.name, field) in fields
        for name in value.stale
    }
    return frozenset(freed)


def aims(value: Value | None) -> bool:
    """Tell whether a value is a pointer, or has some, and not only to nothing."""
    return value is not None and bool(value.targets)
