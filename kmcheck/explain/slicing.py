"""The steps that made fields what they are: a slice of the run, from its end backwards.

A trace has no program, so that what a step depends on is taken from what the run did: the loads by
which its process came to the objects that it touches and to the pointers that it stores, and the
loads of what others change, in calls that are still going on: a branch may have hung on them.
"""

from __future__ import annotations

from kmcheck.explain.names import Family, is_own, split
from kmcheck.trace import Access, Event, Trace, Value

Field = tuple[str, str]
"""An object's name, and a field of it."""


def visible(event: Event) -> tuple[Access, ...]:
    """Return the accesses that are part of the design: ghosts are not."""
    return tuple(access for access in event.accesses if not access.ghost)


def field_of(access: Access) -> Field:
    """Return what an access is to."""
    return access.thing, access.field


def alters(access: Access) -> bool:
    """Tell whether an access leaves another value than it found."""
    texts = [value.text if value else "" for value in (access.before, access.after)]
    return access.what in {"store", "update"} and texts[0] != texts[1]


def changes(trace: Trace, field: Field, end: int) -> list[tuple[int, Access]]:
    """Return all changes of a field in the steps before `end`, with the indices of these."""
    return [
        (index, access)
        for index, event in enumerate(trace.events[:end])
        for access in event.accesses
        if field_of(access) == field and alters(access)
    ]


class Slice:
    """Follows dependences backwards, in one run."""

    def __init__(self, trace: Trace, family: Family) -> None:
        """Note who changes which field."""
        self.trace, self.family = trace, family
        self.changes: dict[Field, list[int]] = {}
        for index, event in enumerate(trace.events):
            for access in event.accesses:
                if alters(access):
                    self.changes.setdefault(field_of(access), []).append(index)
        self.returned = {
            (event.process, serial) for event in trace.events for serial, _ in event.returned
        }

    def writers(self, fields: frozenset[Field]) -> frozenset[int]:
        """Return the steps that store to one of `fields`."""
        return frozenset(
            index
            for index, event in enumerate(self.trace.events)
            for access in event.accesses
            if access.what in {"store", "update"} and field_of(access) in fields
        )

    def behind(self, steps: frozenset[int]) -> frozenset[int]:
        """Return `steps`, and all that they depend on."""
        found: set[int] = set()
        left = set(steps)
        while left:
            index = left.pop()
            found.add(index)
            left |= self._needs(index) - found
        return frozenset(found)

    def _needs(self, index: int) -> set[int]:
        """Return what one step depends on itself."""
        event = self.trace.events[index]
        names = {access.thing for access in visible(event)}
        names |= {name for access in visible(event) for name in _fresh(access)}
        ways = {self.origin(event.process, name, index) for name in names}
        decisive = [index, *self._decisive(index)]
        return {
            *(way for way in ways if way is not None),
            *decisive,
            *(step for load in decisive for step in self._rivals(load)),
        }

    def origin(self, process: str, name: str, end: int) -> int | None:
        """Return the latest step before `end` in which a process got a pointer to an object.

        It loaded the pointer from elsewhere, or made the object.
        """
        root = self.family.root(name)
        for index in reversed(range(end)):
            event = self.trace.events[index]
            if event.process != process:
                continue
            for access in visible(event):
                made = access.what == "alloc" and access.thing == root
                if made or (access.what == "load" and self._leads(access, root)):
                    return index
        return None

    def _leads(self, access: Access, root: str) -> bool:
        """Tell whether a load gives a pointer to an object, from outside of that."""
        aims = access.after is not None and root in map(self.family.root, access.after.targets)
        return aims and self.family.root(access.thing) != root

    def _decisive(self, end: int) -> list[int]:
        """Return the earlier loads of what others change, on which the step may hang."""
        event = self.trace.events[end]
        open_ = {frame.serial for frame in event.frames}
        return [
            index
            for index in range(end)
            if self.trace.events[index].process == event.process
            and self._reaches(self.trace.events[index], open_)
            and self._raced(self.trace.events[index])
        ]

    def _reaches(self, event: Event, open_: set[int]) -> bool:
        """Tell whether what a step loads is still known in the calls that are `open_`."""
        closed = [frame for frame in split(event.frames)[0] if frame.serial not in open_]
        return not closed or (event.process, closed[0].serial) in self.returned

    def _raced(self, event: Event) -> list[Field]:
        """Return the fields that a step loads, and that another process changes in the run.

        A step that counts does not hang on the count: it goes up from wherever it is.
        """
        if not is_own(event):
            return []
        loaded = {field_of(access): None for access in visible(event) if access.what == "load"}
        return [f for f in loaded if not _counts(event, f) and self._others(f, event.process)]

    def _others(self, field: Field, process: str) -> list[int]:
        """Return the steps in which anybody else changes a field."""
        steps = self.changes.get(field, [])
        return [index for index in steps if self.trace.events[index].process != process]

    def _rivals(self, load: int) -> set[int]:
        """Return the change that a load has seen, and those that it has not."""
        found: set[int] = set()
        for field in self._raced(self.trace.events[load]):
            steps = self.changes[field]
            before = [index for index in steps if index < load]
            process = self.trace.events[load].process
            later = [index for index in self._others(field, process) if index > load]
            found |= {*before[-1:], *later}
        return found


def _counts(event: Event, field: Field) -> bool:
    """Tell whether a step adds to a field, or takes from it."""
    return any(f"{field[1]} {sign}= " in event.text for sign in "+-")


def _fresh(access: Access) -> set[str]:
    """Return the objects to which a store makes something point."""
    if access.what not in {"store", "update"}:
        return set()
    return set(_targets(access.after)) - set(_targets(access.before))


def _targets(value: Value | None) -> tuple[str, ...]:
    return value.targets if value else ()
