"""Which steps matter: those that touch the failing object, order them, or lead to their calls."""

from __future__ import annotations

import re

from kmcheck.explain.issue import aims, at_issue, dangling, is_property
from kmcheck.explain.names import Family, points_to, primitive, split
from kmcheck.explain.order import STARTING, WAITING, Call, Span
from kmcheck.explain.slicing import Field, Slice, field_of, visible
from kmcheck.trace import Access, Event, Frame, Trace

SHORT = 32
"""Steps that are all shown where the violation concerns no object in particular."""
FOLLOWED = frozenset({"use-after-free", "double-free"})
"""Told by the way of one pointer: what else its process looked at is no part of that."""


def focus(trace: Trace, family: Family) -> frozenset[str]:
    """Return what the violation is about: the objects, with all that is embedded in them.

    The violation and its message name them; else the last step touched them.
    """
    violation = trace.violation
    named = {violation.thing} if violation.thing else set()
    named |= {name for name, _ in violation.sizes}
    if not violation.thing:
        named |= {name for name in family.views if _mentions(violation.message, name)}
    if not named and trace.events and violation.kind != "deadlock":
        named = {access.thing for access in visible(trace.events[-1])}
    return family.of(frozenset(named))


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w>.#]){re.escape(name)}(?![\w#])", text) is not None


def got(trace: Trace, things: frozenset[str]) -> tuple[Access, ...]:
    """Return the loads by which the failing process got hold of a pointer to one of `things`."""
    return tuple(
        access
        for event in trace.events
        if event.number == trace.violation.source
        for access in visible(event)
        if access.what == "load" and access.thing not in things and points_to(access.after, things)
    )


def kept(
    trace: Trace, family: Family, told: tuple[Call, ...], order: tuple[Span, ...]
) -> frozenset[int]:
    """Return the indices of the events that matter."""
    every = frozenset(range(len(trace.events)))
    if trace.loop_at is not None:
        steps = _endless(trace, trace.loop_at) | _stuck(trace, told, order)
    elif trace.violation.kind == "deadlock":
        steps = _stuck(trace, told, order)
    elif len(trace.events) <= SHORT and not _concerns_an_object(trace):
        steps = every - _noise(trace, family)
    else:
        steps = _sliced(trace, family)
    if not steps:
        return every
    steps |= _starting(trace, told, steps)
    return steps | _ordering(trace, told, order, steps)


def _sliced(trace: Trace, family: Family) -> frozenset[int]:
    """The steps that touch the failing object, and those behind the fields at issue.

    A global object is not somebody's: only the fields of it that are named are at issue.
    """
    back = Slice(trace, family)
    fields = at_issue(trace, family)
    named = _named(trace)
    if not fields or not is_property(trace):
        things = focus(trace, family)
        steps = _touching(trace, things) | named
        steps |= _given(trace, family, things, steps)
        return steps if trace.violation.kind in FOLLOWED else steps | back.behind(named)
    own = frozenset(name for name in focus(trace, family) if not family.is_global(name))
    steps = _touching(trace, own) | named
    steps |= _given(trace, family, own, steps)
    freed = _frees(trace, dangling(trace, family, fields))
    return (steps - _noise(trace, family)) | back.behind(back.writers(fields) | freed | named)


def _frees(trace: Trace, things: frozenset[str]) -> frozenset[int]:
    """Steps that free one of `things`."""
    return frozenset(
        index
        for index, event in enumerate(trace.events)
        if any(access.what == "free" and access.thing in things for access in event.accesses)
    )


def _noise(trace: Trace, family: Family) -> frozenset[int]:
    """Steps that only store numbers where nobody looks, and in no object that is at issue."""
    fields = at_issue(trace, family)
    if not fields:
        return frozenset()
    read = {field_of(a) for e in trace.events for a in e.accesses if a.what == "load"} | fields
    things = family.of(frozenset(filter(None, [trace.violation.thing])))
    return frozenset(
        index
        for index, event in enumerate(trace.events[:-1])
        if event.accesses
        and primitive(event) is None
        and all(a.thing not in things and _is_idle(a, read) for a in event.accesses)
    )


def _is_idle(access: Access, read: set[Field]) -> bool:
    """Tell whether an access changes a number that nobody reads."""
    stores = access.what in {"store", "update"} and not access.ghost
    return (
        stores and field_of(access) not in read and not (aims(access.before) or aims(access.after))
    )


def _concerns_an_object(trace: Trace) -> bool:
    """Tell whether one object's story explains the violation: a property may read all of them."""
    kind = trace.violation.kind
    return trace.violation.thing is not None and ("-" in kind or kind in {"leak", "range"})


def _named(trace: Trace) -> frozenset[int]:
    """The last step, and those that the violation points at."""
    violation = trace.violation
    numbers = {violation.cause, violation.source, violation.lost}
    found = {i for i, event in enumerate(trace.events) if event.number in numbers}
    return frozenset({*found, len(trace.events) - 1})


def _touching(trace: Trace, things: frozenset[str]) -> frozenset[int]:
    """Steps that change the failing object or a pointer to it, and loads that lead to it."""
    last_use = _last_use(trace, things)
    return frozenset(
        index
        for index, event in enumerate(trace.events)
        if any(_matters(access, things) for access in visible(event))
        or (last_use.get(event.process, -1) > index and _leads(trace, index, things))
        or (event.process == trace.failing and _looks(trace, index, things))
    )


def _given(
    trace: Trace, family: Family, things: frozenset[str], steps: frozenset[int]
) -> frozenset[int]:
    """Where the arguments of the calls around these steps come from: the load, and the store."""
    found: set[int] = set()
    for index in steps:
        event = trace.events[index]
        seen, _ = split(event.frames)
        for frame in seen[1:]:
            first = _first(trace, event.process, frame)
            for name in (family.views.keys() - things) & set(frame.arguments):
                found |= _way(trace, event.process, name, first)
    return frozenset(found)


def _first(trace: Trace, process: str, frame: Frame) -> int:
    """Return the first step inside of a call."""
    return next(
        index
        for index, event in enumerate(trace.events)
        if event.process == process and any(f.serial == frame.serial for f in event.frames)
    )


def _way(trace: Trace, process: str, name: str, end: int) -> set[int]:
    """Return the latest load of a pointer by a process, and the store that put it there."""
    for index in reversed(range(end)):
        for access in (
            visible(trace.events[index]) if trace.events[index].process == process else ()
        ):
            if access.what == "load" and access.after and access.after.text == name:
                stores = (i for i in reversed(range(index)) if _puts(trace.events[i], access))
                store = next(stores, None)
                return set() if store is None else {store, index}
    return set()


def _puts(event: Event, load: Access) -> bool:
    """Tell whether a step stores to the field that is loaded."""
    return any(
        (access.thing, access.field) == (load.thing, load.field) and access.what != "load"
        for access in visible(event)
    )


def _last_use(trace: Trace, things: frozenset[str]) -> dict[str, int]:
    """Of each process, its last step that changes one of `things`, or fails on it."""
    last = {
        event.process: index
        for index, event in enumerate(trace.events)
        for access in visible(event)
        if access.thing in things and access.what != "load"
    }
    return last | {trace.failing: len(trace.events) - 1}


def _matters(access: Access, things: frozenset[str]) -> bool:
    if access.what == "load":
        return False
    aims = points_to(access.before, things) or points_to(access.after, things)
    return access.thing in things or (access.what != "free" and aims)


def _leads(trace: Trace, index: int, things: frozenset[str]) -> bool:
    """Tell whether the step loads a pointer to one of `things` from somewhere else."""
    loads = [a for a in visible(trace.events[index]) if a.what == "load"]
    return any(points_to(a.after, things) and a.thing not in things for a in loads)


def _looks(trace: Trace, index: int, things: frozenset[str]) -> bool:
    """Tell whether the step reads one of `things` after the pointer to it was loaded."""
    source = trace.violation.source
    after = source is not None and trace.events[index].number > source
    return after and any(access.thing in things for access in visible(trace.events[index]))


def _starting(trace: Trace, told: tuple[Call, ...], steps: frozenset[int]) -> frozenset[int]:
    """Calls that start a process which matters: queue_work(), call_rcu()."""
    known = {view.name for view in trace.initial.processes if view.status != "ended"}
    late = [i for i in steps if trace.events[i].process not in known]
    found = (c for c in told if c.name.startswith(STARTING) and any(c.events[0] < i for i in late))
    return frozenset(index for call in found for index in call.events)


def _ordering(
    trace: Trace, told: tuple[Call, ...], order: tuple[Span, ...], steps: frozenset[int]
) -> frozenset[int]:
    """Sections and locks around steps that matter, and the waits of the processes concerned."""
    mine = {
        process: frozenset(i for i in steps if trace.events[i].process == process)
        for process in {trace.events[i].process for i in steps}
    }
    found = {
        edge
        for span in order
        if span.process in mine and (span.sort == "grace" or span.meets(mine[span.process]))
        for edge in (span.first, span.last)
        if edge is not None
    }
    waits = (c for c in told if c.process in mine and c.name.startswith(WAITING))
    return frozenset(found) | {index for call in waits for index in call.events}


def _stuck(trace: Trace, told: tuple[Call, ...], order: tuple[Span, ...]) -> frozenset[int]:
    """What a deadlock is made of: all that is still held, and calls that do not return."""
    if not trace.events:
        return frozenset()
    last = {view.name for view in trace.end.processes if view.status != "ended"}
    held = {s.first for s in order if s.last is None and s.process in last}
    return frozenset(held) | {i for call in told if not call.finished for i in call.events}


def _endless(trace: Trace, loop_at: int) -> frozenset[int]:
    """The round that is repeated, and what was changed before of the objects that it touches."""
    every = frozenset(range(len(trace.events)))
    if len(trace.events) <= SHORT:
        return every
    things = {a.thing for event in trace.events[loop_at:] for a in visible(event)}
    before = (
        index
        for index, event in enumerate(trace.events[:loop_at])
        if any(a.thing in things and a.what != "load" for a in visible(event))
    )
    return frozenset(range(loop_at, len(trace.events))) | frozenset(before)
