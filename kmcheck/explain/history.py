"""Who changed last what a violation is about, where it is not a pointer that is to blame."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kmcheck.explain import living
from kmcheck.explain.names import (
    Family,
    plain,
    points_to,
    primitive,
    spec_place,
    waits,
    where,
)
from kmcheck.explain.order import OWNER, Span
from kmcheck.explain.relevance import visible
from kmcheck.trace import Access, Event, Trace, Value

DEREFERENCE = frozenset({"use-after-free", "double-free"})
"""Told by the way of the pointer and by the free."""
LOCKING = frozenset(
    {"guard-violation", "sleep-in-atomic", "lock-misuse", "self-deadlock", "lock-order"}
)
"""Told by the locks that are held, and those that are not."""
PUT = re.compile(r"(^|_)put($|_)|dec_and_test|sub_and_test")
REFERENCES = re.compile(r"ref|count", re.IGNORECASE)
MOST = 4
"""Fields that are told."""
FEW = 2
"""Sentences that are enough, where there is nothing better to say."""

Field = tuple[str, str]
"""An object's name, and a field of it."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence, and the number of the step that it is about."""

    number: int | None
    text: str


def drops_last(event: Event) -> bool:
    """Tell whether the step is a put that brings a reference count from one to zero."""
    return any(_is_last(event, access) for access in event.accesses)


def _is_last(event: Event, access: Access) -> bool:
    puts = any(PUT.search(frame.function) for frame in event.frames)
    counts = REFERENCES.search(access.field) and (puts or "ref" in access.kind.lower())
    down = _number(access, after=False) == 1 and _number(access, after=True) == 0
    return access.what in {"store", "update"} and bool(counts) and down


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
        if kind == "deadlock":
            return [*self._held(None), *self._waiting(), *self._stuck()]
        if kind == "leak":
            return self._leaked()
        if living.asks(self.trace):
            return self._living()
        held = self._locking() if kind in LOCKING else []
        return held or self._changes()

    # --- locks --------------------------------------------------------------------------------

    def _held(self, process: str | None) -> list[Reason]:
        """Who took what is held at the end; of one process, or of all."""
        words = {
            "spin": "takes",
            "mutex": "takes",
            "read": "enters",
            "irq": "interrupts what runs on",
        }
        return [
            self._said(self.trace.events[span.first], _takes(span, words[span.sort]))
            for span in self.order
            if span.last is None
            and span.sort in words
            and (process is None or (span.process == process and span.sort != "read"))
        ]

    def _waiting(self) -> list[Reason]:
        """For whom the grace periods wait that do not end."""
        return [
            Reason(
                self.trace.events[span.first].number,
                plain(f"the grace period of {span.process} waits for {', '.join(span.waits_for)}"),
            )
            for span in self.order
            if span.sort == "grace" and span.last is None and span.waits_for
        ]

    def _stuck(self) -> list[Reason]:
        """Where each process waits, by the spec."""
        blocked = (view for view in self.trace.end.processes if view.status == "blocked")
        return [Reason(None, waits(view)) for view in blocked]

    def _locking(self) -> list[Reason]:
        """The locks that the failing process holds, which one it needs, and how it came to them."""
        trace, violation = self.trace, self.trace.violation
        held = self._held(trace.failing)
        needed = violation.thing if violation.kind == "guard-violation" else None
        if needed is None:
            return held
        own = [s for s in self.order if s.last is None and s.process == trace.failing]
        names = [span.what for span in own if span.sort in {"spin", "mutex"}]
        others = [s.process for s in self.order if s.last is None and s.what == needed]
        text = f"{needed} is needed, and {', '.join(others) or 'nobody'} holds it"
        text += f"; {trace.failing} holds {', '.join(names) or 'no lock'}"
        last = Reason(trace.events[-1].number, plain(text))
        return [*held, *self._led_to(names), last]

    def _led_to(self, locks: list[str]) -> list[Reason]:
        """The change of the pointer by which the failing process came to the lock it holds."""
        things = self.family.of(frozenset(locks))
        roots = frozenset(self.family.root(lock) for lock in locks if lock in self.family.views)
        for index in reversed(range(len(self.trace.events))):
            event = self.trace.events[index]
            if event.process != self.trace.failing or primitive(event) is not None:
                continue
            for access in visible(event):
                if access.what == "load" and points_to(access.after, roots | things):
                    found = self._last((access.thing, access.field), index)
                    return [self._told(*found)] if found else []
        return []

    # --- fields -------------------------------------------------------------------------------

    def _changes(self) -> list[Reason]:
        """Of each field at issue its last change, and of a count the last one up as well."""
        end = len(self.trace.events)
        named = self._named()
        fields = named or self._read()
        found: dict[int, list[Access]] = {}
        still: list[Reason] = []
        for field in sorted(fields, key=lambda field: not self._all(field, end))[:MOST]:
            changes = self._all(field, end if named else end - 1)
            for index, access in _telling(changes):
                found.setdefault(index, []).append(access)
            still += [] if self._all(field, end) else self._never(field)
        if not found and (named or not (still or self.trace.violation.sizes)):
            for index, access in self._pointers():
                found.setdefault(index, []).append(access)
        told = [self._told(index, *accesses) for index, accesses in found.items()]
        inside = not named and primitive(self.trace.events[-1]) is not None
        return [*told, *still[: 0 if inside and told else max(1, FEW - len(told))]]

    def _pointers(self) -> list[tuple[int, Access]]:
        """The latest changes of who points to whom, by the design itself."""
        found: dict[Field, tuple[int, Access]] = {}
        for index, event in enumerate(self.trace.events):
            for access in visible(event) if primitive(event) is None else ():
                field = (access.thing, access.field)
                if _aims(access) and _text(access.before) != _text(access.after):
                    found.pop(field, None)
                    found[field] = (index, access)
        return list(found.values())[-FEW:]

    def _named(self) -> list[Field]:
        """The fields that the message gives the values of."""
        fields = [
            (view.name, field)
            for view in self.family.views.values()
            for field, _ in view.fields
            if _gives(self.trace.violation.message, self.family.member(view.name, field))
        ]
        message = self.trace.violation.message
        return sorted(fields, key=lambda pair: message.index(self.family.member(*pair)))

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
        """The latest load of the failing process that found no object."""
        for event in reversed(self.trace.events):
            if event.process == self.trace.failing:
                found = [a for a in visible(event) if a.what == "load" and a.after is not None]
                found = [a for a in found if a.after and a.after.text == "NULL"]
                if found:
                    return found[-1:]
        return []

    def _all(self, field: Field, end: int) -> list[tuple[int, Access]]:
        """All changes of the field in the steps before `end`."""
        return [
            (index, access)
            for index, event in enumerate(self.trace.events[:end])
            for access in event.accesses
            if (access.thing, access.field) == field
            and access.what in {"store", "update"}
            and _text(access.before) != _text(access.after)
        ]

    def _last(self, field: Field, end: int) -> tuple[int, Access] | None:
        return next(reversed(self._all(field, end)), None)

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
            self._said(event, f"allocates {thing}")
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
            Reason(None, plain(text)) if event is None else self._said(event, text)
            for event, text in found
            if event is None or event.number != lost
        ]

    # --- words --------------------------------------------------------------------------------

    def _told(self, index: int, *accesses: Access) -> Reason:
        event = self.trace.events[index]
        return self._said(event, " and ".join(self._verb(event, access) for access in accesses))

    def _verb(self, event: Event, access: Access) -> str:
        name, after = self.family.member(access.thing, access.field), _text(access.after)
        before, now = _number(access, after=False), _number(access, after=True)
        if _is_last(event, access):
            return f"drops the last reference, {name},"
        if before is None or now is None:
            return f"sets {name} to {after}"
        return f"{'raises' if now > before else 'lowers'} {name} to {after}"

    def _said(self, event: Event, text: str) -> Reason:
        frame = None if text.startswith(("takes", "enters")) else primitive(event)
        by = f" in {frame.function}()" if frame else ""
        place = where(spec_place(event))
        return Reason(event.number, plain(f"{event.process} {f'{text}{by}'.rstrip(',')} ({place})"))


def _aims(access: Access) -> bool:
    """Tell whether a pointer is stored, or one that was there is taken away."""
    values = (access.before, access.after)
    return access.what in {"store", "update"} and any(v is not None and v.targets for v in values)


def _takes(span: Span, words: str) -> str:
    return f"{words} {span.section if span.sort == 'read' else span.what}"


def _telling(changes: list[tuple[int, Access]]) -> list[tuple[int, Access]]:
    """The last change; of a count that came down but not to zero, the last one up as well."""
    last = changes[-1:]
    if not last or _number(last[0][1], after=True) in {None, 0} or _rises(last[0][1]):
        return last
    return [*[pair for pair in changes if _rises(pair[1])][-1:], *last]


def _rises(access: Access) -> bool:
    before, after = _number(access, after=False), _number(access, after=True)
    return before is not None and after is not None and after > before


def _number(access: Access, *, after: bool) -> int | None:
    text = _text(access.after if after else access.before)
    return int(text) if re.fullmatch(r"-?\d+", text) else None


def _text(value: Value | None) -> str:
    return value.text if value else ""


def _gives(message: str, member: str) -> bool:
    return re.search(rf"(?<![\w>.#]){re.escape(member)} = ", message) is not None
