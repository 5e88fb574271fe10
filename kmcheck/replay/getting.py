"""In which step a process got hold of the pointer that it follows."""

from __future__ import annotations

from collections.abc import Sequence

from kmcheck.explain.names import is_own
from kmcheck.trace import Event, Snapshot, Value


def owner_of(name: str) -> str:
    """Return the object that one embedded in it lives and dies with: `s` of `s->node`."""
    return name.partition("->")[0]


def got_by(events: Sequence[Event], initial: Snapshot, thing: str | None) -> int | None:
    """Return the number of the step in which the last one's process got a pointer to `thing`.

    A pointer to what is embedded leads to its owner. What is loaded from the object itself was
    reached already, and what the kernel loads to compare it with what it was given is not kept.
    None if there is no step, no thing, or the process had the pointer from its beginning.
    """
    if thing is None or not events:
        return None
    owner, process = owner_of(thing), events[-1].process
    states = [initial, *(event.after for event in events)]
    for at in reversed(range(len(events) - 1)):
        event = events[at]
        if event.process != process or not _loads(event, owner):
            continue
        if is_own(event) or _returns(events[at:], event, owner):
            return event.number
        if not _holds(states[at], process, owner):
            return event.number
    return None


def _loads(event: Event, owner: str) -> bool:
    return any(
        access.what == "load" and _leads(access.after, owner) and owner_of(access.thing) != owner
        for access in event.accesses
    )


def _returns(events: Sequence[Event], load: Event, owner: str) -> bool:
    """Tell whether one of the calls that a load is in returns such a pointer."""
    inside = {frame.serial for frame in load.frames}
    texts = (text for e in events for serial, text in e.returned if serial in inside)
    return any(owner_of(text.lstrip("&")) == owner for text in texts)


def _holds(state: Snapshot, process: str, owner: str) -> bool:
    """Tell whether a variable of the process points to it already."""
    views = (view for view in state.processes if view.name == process)
    return any(_leads(value, owner) for view in views for _, value in view.variables)


def _leads(value: Value | None, owner: str) -> bool:
    return value is not None and any(owner_of(target) == owner for target in value.targets)
