"""Who changed last what a violation is about, where it is not a pointer that is to blame."""

from __future__ import annotations

import re
from itertools import islice

from kmcheck.explain import living
from kmcheck.explain.contexts import Contexts
from kmcheck.explain.issue import at_issue, dangling, given
from kmcheck.explain.names import Family, is_own, plain, points_to, primitive, split
from kmcheck.explain.order import OWNER, Span, is_ordering
from kmcheck.explain.saying import (
    Reason,
    drops_last_in,
    is_count,
    number,
    rises,
    said,
    text_of,
    told,
)
from kmcheck.explain.slicing import Field, changes, field_of, visible
from kmcheck.trace import Access, Event, Trace

DEREFERENCE = frozenset({"use-after-free", "double-free"})
"""Told by the way of the pointer and by the free."""
NULL = re.compile(r"\bNULL\b")
MOST = 4
"""Fields that are told."""
PUTS = 6
"""Changes of one count that are told, the latest."""
FEW = 2
"""Sentences that are enough, where there is nothing better to say."""


class History:
    """Answers, of the fields at issue, which step made them what they are."""

    def __init__(self, trace: Trace, family: Family, order: tuple[Span, ...]) -> None:
        """Keep the run."""
        self.trace, self.family, self.order = trace, family, order

    def reasons(self) -> list[Reason]:
        """Return the sentences, in no order."""
        kind = self.trace.violation.kind
        if kind in DEREFERENCE or not self.trace.events:
            return []
        if kind == "leak":
            return self._leaked()
        if living.asks(self.trace):
            return self._living()
        held = Contexts(self.trace, self.family, self.order).reasons()
        return held or self._changes()

    # --- fields -------------------------------------------------------------------------------

    def _changes(self) -> list[Reason]:
        """Of each field at issue its last change, and of a count the last one up as well."""
        end = len(self.trace.events)
        named = self._named()
        fields = named or self._read()
        found: dict[int, list[Access]] = {}
        still: list[Reason] = []
        for field in sorted(fields, key=lambda field: not self._all(field, end))[:MOST]:
            for index, access in self._telling(self._all(field, end if named else end - 1)):
                found.setdefault(index, []).append(access)
            still += [] if self._all(field, end) else self._never(field)
        if not found and (named or not (still or self.trace.violation.sizes)):
            for index, access in self._pointers():
                found.setdefault(index, []).append(access)
        if not found:
            for index, access in self._dropped():
                found.setdefault(index, []).append(access)
        for index, access in self._missed():
            if access not in found.setdefault(index, []):
                found[index].append(access)
        reasons = [self._told(index, *accesses) for index, accesses in found.items()]
        reasons += self._freed(frozenset(fields))
        inside = not named and primitive(self.trace.events[-1]) is not None
        return [*reasons, *still[: 0 if inside and reasons else max(1, FEW - len(reasons))]]

    def _named(self) -> list[Field]:
        """The fields that the message gives, and the counts of what it names and is freed."""
        first = given(self.trace.violation.message, self.family)
        rest = at_issue(self.trace, self.family) - set(first)
        return [*first, *sorted(rest)]

    def _freed(self, fields: frozenset[Field]) -> list[Reason]:
        """Who freed what a field at issue still points to."""
        gone = dangling(self.trace, self.family, fields)
        return [
            said(event, f"frees {access.thing}", inside=False)
            for event in self.trace.events
            for access in event.accesses
            if access.what == "free" and access.thing in gone
        ]

    def _missed(self) -> list[tuple[int, Access]]:
        """What others changed of what the step had looked at after which it was certain."""
        lost = self.trace.violation.lost
        at = next((i for i, event in enumerate(self.trace.events) if event.number == lost), None)
        if at is None:
            return []
        looked = self.trace.events[at]
        loads = (a for a in visible(looked) if a.what != "store" and not _orders(looked))
        later = (
            pair
            for field in dict.fromkeys(map(field_of, loads))
            for pair in self._all(field, len(self.trace.events))[len(self._all(field, at + 1)) :]
            if self.trace.events[pair[0]].process != looked.process
        )
        return list(later)[:1]

    def _dropped(self) -> list[tuple[int, Access]]:
        """The puts that brought the failing process where it is, if it dropped the last reference.

        Only a call that is still going on has brought it there.
        """
        last = self.trace.events[-1]
        open_ = {frame.serial for frame in last.frames}
        for index, event in reversed(list(enumerate(self.trace.events))):
            seen, _ = split(event.frames)
            near = event.process == last.process and bool(seen) and seen[-1].serial in open_
            for access in event.accesses if near else ():
                if drops_last_in(event, access):
                    return self._telling(self._all(field_of(access), index + 1))
        return []

    def _telling(self, found: list[tuple[int, Access]]) -> list[tuple[int, Access]]:
        """The last change; of a count that came down all since it was last raised."""
        last = found[-1:]
        if not last or number(last[0][1], after=True) is None or rises(last[0][1]):
            return last
        if not is_count(last[0][1]):
            zero = number(last[0][1], after=True) == 0
            return last if zero else [*[pair for pair in found if rises(pair[1])][-1:], *last]
        up = max((at for at, pair in enumerate(found) if rises(pair[1])), default=0)
        return found[up:][-PUTS:]

    def _pointers(self) -> list[tuple[int, Access]]:
        """The latest changes of who points to whom, by the design itself."""
        found: dict[Field, tuple[int, Access]] = {}
        for index, event in enumerate(self.trace.events):
            for access in visible(event) if is_own(event) else ():
                field = (access.thing, access.field)
                if _aims(access) and text_of(access.before) != text_of(access.after):
                    found.pop(field, None)
                    found[field] = (index, access)
        return list(found.values())[-FEW:]

    def _read(self) -> list[Field]:
        """The fields that the failing step looked at, or else those of what it is about."""
        event = self.trace.events[-1]
        seen = [
            a for a in visible(event) if a.field and a.field != OWNER and self._counts(event, a)
        ]
        if not seen and self.trace.violation.kind == "null-deref":
            seen = self._null()
        if seen or self.trace.violation.sizes:
            return list(dict.fromkeys((a.thing, a.field) for a in reversed(seen)))
        thing = self.trace.violation.thing
        views = [view for view in self.family.views.values() if view.name == thing]
        return [(view.name, field) for view in views for field, _ in view.fields]

    def _counts(self, event: Event, access: Access) -> bool:
        """Tell whether the object is the design's, and not one that a primitive keeps."""
        return primitive(event) is None or not self.family.is_global(access.thing)

    def _null(self) -> list[Access]:
        """The latest load of the failing process that found no object, or not all of them."""
        loads = (
            access
            for event in reversed(self.trace.events)
            if event.process == self.trace.failing and not _orders(event)
            for access in visible(event)
            if access.what == "load" and access.field != OWNER
        )
        return list(islice((a for a in loads if NULL.search(text_of(a.after))), 1))

    def _all(self, field: Field, end: int) -> list[tuple[int, Access]]:
        """All changes of the field in the steps before `end`."""
        return changes(self.trace, field, end)

    def _never(self, field: Field) -> list[Reason]:
        """Say that a field is what it was at first, if it was there."""
        first = {view.name: dict(view.fields) for view in self.trace.initial.objects}
        value = first.get(field[0], {}).get(field[1])
        if value is None:
            return []
        name = self.family.member(*field)
        return [Reason(None, plain(f"no step changes {name}: it is {value.text} from the start"))]

    # --- what nothing leads to any more -------------------------------------------------------

    def _leaked(self) -> list[Reason]:
        """Who allocated it, and who dropped the last pointer to it."""
        thing = self.trace.violation.thing
        things = self.family.of(frozenset({thing} if thing else ()))
        made = [
            said(event, f"allocates {thing}")
            for event in self.trace.events
            if any(a.what == "alloc" and a.thing == thing for a in event.accesses)
        ]
        lost = [
            (index, access)
            for index, event in enumerate(self.trace.events)
            for access in event.accesses
            if access.what in {"store", "update"}
            and points_to(access.before, things)
            and not points_to(access.after, things)
        ]
        return [*made, *(self._told(index, access) for index, access in lost[-1:])]

    def _living(self) -> list[Reason]:
        """Who made the objects that are there, or freed those that are not."""
        lost = self.trace.violation.lost  # which is told anyway
        found = [pair for pair in living.births_and_deaths(self.trace) if pair[0] or not lost]
        return [
            Reason(None, plain(text)) if event is None else said(event, text)
            for event, text in found
            if event is None or event.number != lost
        ]

    # --- words --------------------------------------------------------------------------------

    def _told(self, index: int, *accesses: Access) -> Reason:
        return told(self.trace.events[index], accesses, self.family)


def _orders(event: Event) -> bool:
    """Tell whether a step is one of a lock, a section or a wait."""
    call = primitive(event)
    return call is not None and is_ordering(call.function)


def _aims(access: Access) -> bool:
    """Tell whether a pointer is stored, or one that was there is taken away."""
    values = (access.before, access.after)
    return access.what in {"store", "update"} and any(v is not None and v.targets for v in values)
