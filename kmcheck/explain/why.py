"""Why it went wrong: the mark on the bad row, and the sentences below the table."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kmcheck.explain.history import DEREFERENCE, History, Reason
from kmcheck.explain.names import (
    TRANSPARENT,
    Family,
    in_library,
    plain,
    points_to,
    primitive,
    spec_place,
    split,
    where,
)
from kmcheck.explain.order import READ_LOCK, READ_UNLOCK, Span
from kmcheck.explain.queued import queued_by
from kmcheck.explain.relevance import focus, got, visible
from kmcheck.explain.rows import Row
from kmcheck.trace import Access, Event, Trace

TERM = re.compile(r"\s*([+-]?)\s*(?:(\d+)\s*\*\s*)?(?:size\(([^()]*)\)|(\d+))(?:\s*\*\s*(\d+))?")


@dataclass(frozen=True, slots=True)
class Missing:
    """A section or grace period that would have prevented it: where, and what to say there.

    `first` and `last` are indices of events of `process`.
    """

    process: str
    sort: str
    first: int
    last: int
    label: tuple[str, ...]


class Why:
    """Answers questions about one violation."""

    def __init__(self, trace: Trace, family: Family, order: tuple[Span, ...]) -> None:
        """Find the steps that the violation points at."""
        self.trace, self.family, self.order = trace, family, order
        self.things = focus(trace, family)
        index = {event.number: i for i, event in enumerate(trace.events)}
        violation = trace.violation
        self.cause = None if violation.cause is None else index.get(violation.cause)
        self.source = None if violation.source is None else index.get(violation.source)
        self.last = len(trace.events) - 1

    def mark(self) -> str:
        """Return what stands at the bad row: `use-after-free: child was freed by ...`."""
        violation = self.trace.violation
        if violation.kind == "use-after-free" and violation.thing and self.cause is not None:
            event = self.trace.events[self.cause]
            seen, _ = split(event.frames)
            by = seen[-1].function if seen else event.process
            queued, place = queued_by(self.trace, event), spec_place(event)
            at = "" if queued and in_library(place) else f" at {where(place)}"
            then = f", queued at {where(spec_place(queued))}" if queued else ""
            told = f"was freed by {by}{at} (step {event.number}){then}"
            return plain(f"{violation.kind}: {violation.thing} {told}")
        if violation.message.startswith(violation.kind):
            return plain(violation.message)
        return plain(f"{violation.kind}: {violation.message}".rstrip(": "))

    def reasons(self, rows: tuple[Row, ...]) -> tuple[Reason, ...]:
        """Return the sentences, in the order of the steps; those about no step come last."""
        found = [*self._loaded(), *self._moved(), *self._queued(), *self._graces()]
        found += History(self.trace, self.family, self.order).reasons()
        numbers = {reason.number for reason in found}
        found += [reason for reason in self._caused(rows) if reason.number not in numbers]
        found += self._lost(rows)
        last = len(self.trace.events) + 1
        found.sort(key=lambda reason: last if reason.number is None else reason.number)
        sizes = [Reason(None, text) for text in self._sizes()]
        return (*found, *sizes)

    def cited(self) -> frozenset[int]:
        """Return the indices of the steps that the violation or a sentence points at."""
        numbers = {reason.number for reason in self.reasons(())}
        found = {i for i, event in enumerate(self.trace.events) if event.number in numbers}
        if self.trace.loop_at is not None and self.trace.loop_at <= self.last:
            found.add(self.trace.loop_at)  # the round begins with a row of its own
        return frozenset(found | {i for i in (self.cause, self.source) if i is not None})

    def missing(self) -> Missing | None:
        """Return the read-side section or grace period that is not there, if that is the reason."""
        if self.trace.violation.kind != "use-after-free":
            return None
        if self.source is None or self.cause is None or not self.source < self.cause < self.last:
            return None
        reader = self.trace.events[self.last].process
        if self.trace.events[self.cause].process == reader:
            return None
        reads = [s for s in self.order if s.sort == "read" and s.process == reader]
        if any(span.covers(self.source, self.last) for span in reads):
            return self._missing_grace(reader, self.source, self.cause)
        return self._missing_read(reader, reads, self.source, self.cause)

    def _missing_read(
        self, reader: str, reads: list[Span], source: int, cause: int
    ) -> Missing | None:
        if not self._waited(source, cause, other_than=reader):
            return None
        ended = [s.last for s in reads if s.last is not None and s.covers(source, source)]
        if ended:
            label = ("the RCU read section is over:", "the grace period does not wait")
            return Missing(reader, "read", ended[-1], self.last, label)
        label = ("no RCU read section here:", "the grace period does not wait")
        return Missing(reader, "read", source, self.last, label)

    def _missing_grace(self, reader: str, source: int, cause: int) -> Missing | None:
        """Say that none is there only if nothing on the way looks like one."""
        process = self.trace.events[cause].process
        between = [e for e in self.trace.events[source : cause + 1] if e.process == process]
        if self._waited(source, cause, other_than=reader) or any(map(_may_wait, between)):
            return None
        label = ("no grace period here:", f"{reader} is still reading")
        return Missing(process, "grace", source, cause, label)

    def _waited(self, first: int, last: int, other_than: str) -> list[Span]:
        """The grace periods of others that ended between the two steps."""
        graces = [s for s in self.order if s.sort == "grace" and s.process != other_than]
        return [s for s in graces if s.last is not None and first < s.last <= last]

    def _loaded(self) -> list[Reason]:
        """Who got hold of the pointer, from where, and under what protection."""
        if self.source is None or self.source == self.last:
            return []
        event = self.trace.events[self.source]
        found = got(self.trace, self.things)
        place = f" from {self._field(found[0])}" if found else ""
        reached = found[0].after.targets if found and found[0].after else ()
        named = reached if len(reached) == 1 else (self.trace.violation.thing or "it",)
        text = f"{event.process} gets the pointer to {named[0]}{place}{self._protection()}"
        return [Reason(event.number, plain(f"{text} ({where(spec_place(event))})"))]

    def _protection(self) -> str:
        if self.trace.violation.kind != "use-after-free" or self.source is None:
            return ""
        process = self.trace.events[self.source].process
        spans = [s for s in self.order if s.process == process and s.covers(self.source, self.last)]
        inside = [span.section for span in spans if span.sort == "read"]
        if inside:
            return f" inside {inside[0]}"
        reads = [s for s in self.order if s.process == process and s.sort == "read"]
        ended = [span.section for span in reads if span.covers(self.source, self.source)]
        if ended:
            return f" inside {ended[0]} that ends before the use"
        locks = [span.what for span in spans if span.sort in {"spin", "mutex"}]
        return f" holding {', '.join(locks)}" if locks else ", in no RCU read section, with no lock"

    def _moved(self) -> list[Reason]:
        """Who made the field that the pointer came from point elsewhere, before the free."""
        if self.source is None or self.cause is None:
            return []
        between = self.trace.events[self.source + 1 : self.cause + 1]
        through = {(a.thing, a.field) for a in got(self.trace, self.things)}
        return [
            Reason(event.number, self._store(event, access))
            for event in between
            for access in visible(event)
            if access.what in {"store", "update"}
            and (access.thing, access.field) in through
            and not points_to(access.after, self.things)
        ]

    def _store(self, event: Event, access: Access) -> str:
        after = access.after.text if access.after else "NULL"
        field = self._field(access)
        return plain(f"{event.process} sets {field} to {after} ({where(spec_place(event))})")

    def _field(self, access: Access) -> str:
        return self.family.member(access.thing, access.field)

    def _queued(self) -> list[Reason]:
        """Who had the kernel free it."""
        if self.cause is None or self.trace.violation.kind not in DEREFERENCE:
            return []
        event = queued_by(self.trace, self.trace.events[self.cause])
        call = primitive(event) if event else None
        if event is None or call is None:
            return []
        text = f"{event.process} queues what frees {self.trace.violation.thing}"
        place = where(spec_place(event))
        return [Reason(event.number, plain(f"{text} with {call.function}() ({place})"))]

    def _graces(self) -> list[Reason]:
        """For whom the grace periods before the free did not wait."""
        if self.source is None or self.cause is None:
            return []
        reader = self.trace.events[self.last].process
        return [self._grace(s) for s in self._waited(self.source, self.cause, other_than=reader)]

    def _grace(self, span: Span) -> Reason:
        number = self.trace.events[span.first].number
        text = (
            f"the grace period of {span.process} waits for {', '.join(span.waits_for) or 'nobody'}"
        )
        reader = self.trace.events[self.last].process
        later = any(
            s.sort == "read" and s.process == reader and span.covers(s.first, s.first)
            for s in self.order
        )
        return Reason(
            number, plain(f"{text}; {reader}'s read section begins later" if later else text)
        )

    def _caused(self, rows: tuple[Row, ...]) -> list[Reason]:
        """What broke it."""
        if self.cause is None or self.cause == self.last:
            return []
        event, thing = self.trace.events[self.cause], self.trace.violation.thing
        place = where(spec_place(event))
        if any(access.what == "free" for access in event.accesses):
            gap = self.missing()
            late = ", with no grace period" if gap and gap.sort == "grace" else ""
            return [Reason(event.number, plain(f"{event.process} frees {thing}{late} ({place})"))]
        texts = (row.text for row in rows if self.cause in row.events)
        row = next((text for text in texts if text), event.text)
        return [Reason(event.number, plain(f"{event.process}: {row} ({place})"))]

    def _lost(self, rows: tuple[Row, ...]) -> list[Reason]:
        """From when on it was certain."""
        number = self.trace.violation.lost
        index = next((i for i, e in enumerate(self.trace.events) if e.number == number), None)
        if index is None:
            return []
        event = self.trace.events[index]
        text = next((row.text for row in rows if index in row.events and row.text), event.text)
        place = where(spec_place(event))
        title = f"{event.process}: {text} ({place}); behind it no run avoids this"
        return [Reason(event.number, plain(title))]

    def _sizes(self) -> list[str]:
        """The counters concerned, with sizes that break the law put in."""
        sizes = dict(self.trace.violation.sizes)
        given = ", ".join(f"{name} = {value}" for name, value in sizes.items())
        if given in self.trace.violation.message:
            return []
        end = self.trace.end
        thing = self.trace.violation.thing
        roots = self.family.of(frozenset({thing})) if thing else self.things
        found = [
            (self.family.member(view.name, field), value.text, evaluate(value.text, sizes))
            for view in end.objects
            for field, value in view.fields
            if view.name in roots and view.name not in sizes and "size(" in value.text
        ]
        sums = [f"{name} = {text} = {value}" for name, text, value in found if value is not None]
        return [plain(f"{given}: {'; '.join(sums)}" if sums else given)]


def _may_wait(event: Event) -> bool:
    names = (frame.function for frame in event.frames)
    return "grace period" in event.note or any(
        n.startswith(("synchronize_", "rcu_"))
        for n in names
        if n not in TRANSPARENT and n not in READ_LOCK | READ_UNLOCK
    )


def evaluate(text: str, sizes: dict[str, int]) -> int | None:
    """Return the value of `2*size(page#0) - size(page#1) + 1`; None if it is no such sum."""
    total, end = 0, 0
    while end < len(text.rstrip()):
        match = TERM.match(text, end)
        if match is None or (match[3] is not None and match[3] not in sizes):
            return None
        value = sizes[match[3]] if match[3] is not None else int(match[4])
        value *= int(match[2] or 1) * int(match[5] or 1)
        total += -value if match[1] == "-" else value
        end = match.end()
    return total
