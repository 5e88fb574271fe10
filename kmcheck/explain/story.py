"""A run told to a reader: the rows that matter, whose they are, and why it went wrong."""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.explain.issue import at_issue, is_property
from kmcheck.explain.names import Family, is_own
from kmcheck.explain.order import OWNER, Span, calls, spans
from kmcheck.explain.relevance import focus, got, kept
from kmcheck.explain.rows import Row, Rows, fails_inside
from kmcheck.explain.saying import Reason
from kmcheck.explain.slicing import Field, alters, field_of, visible
from kmcheck.explain.why import Missing, Why
from kmcheck.trace import Access, ProcessView, Trace, Value


@dataclass(frozen=True, slots=True)
class Column:
    """A process that has rows: its name, and its own function's call as C."""

    process: str
    call: str
    early: bool
    """Whether it was there from the beginning: its call can stand at the top."""


@dataclass(frozen=True, slots=True)
class Story:
    """What every picture draws. Indices of events are those of `trace.events`.

    `cast` are the objects that the rows are about (containers, not what is embedded), the failing
    one first; `missing` is the section or grace period that would have prevented it.
    """

    trace: Trace
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    spans: tuple[Span, ...]
    cast: tuple[str, ...]
    mark: str
    reasons: tuple[Reason, ...]
    missing: Missing | None
    family: Family
    fails_inside: bool
    """Whether the last step itself fails, so that what it changed never happened."""
    things: frozenset[str]
    """What the violation is about, with all that is embedded in it."""
    full: bool = False
    issue: frozenset[Field] = frozenset()
    """The fields that a property has looked at, and those that the reasons are about."""

    @property
    def loop(self) -> int | None:
        """Return the index of the row with which the round begins, None if there is no round."""
        at = self.trace.loop_at
        if at is None or at >= len(self.trace.events):
            return None
        later = (i for i, row in enumerate(self.rows) if row.events and row.events[-1] >= at)
        return next(later, None)

    def row_of(self, event: int) -> int | None:
        """Return the index of the row that stands for the event; None if it was left out."""
        return next((i for i, row in enumerate(self.rows) if event in row.events), None)

    def accesses(self, row: Row) -> tuple[Access, ...]:
        """Return what the row does to the design's objects: what a primitive keeps is no part."""
        return _accesses(self.trace, self.family, self.things, row)


def explain(trace: Trace, *, full: bool = False) -> Story:
    """Tell a run: only what touches the failing object or orders it, all of it if `full`."""
    family, told = Family(trace), calls(trace)
    order = spans(trace)
    every = frozenset(range(len(trace.events)))
    why, things = Why(trace, family, order), focus(trace, family)
    cited = why.cited()
    steps = every if full or not every else kept(trace, family, told, order) | cited
    rows = Rows(trace, told, order, cited, full=full).write(steps)
    reasons = why.reasons(rows)
    return Story(
        trace=trace,
        rows=rows,
        columns=_columns(trace, rows),
        spans=order,
        cast=_cast(trace, family, things, rows, full=full),
        mark=why.mark(),
        reasons=reasons,
        missing=why.missing(),
        family=family,
        fails_inside=bool(trace.events) and fails_inside(trace),
        things=things,
        full=full,
        issue=_issue(trace, family, reasons),
    )


def _issue(trace: Trace, family: Family, reasons: tuple[Reason, ...]) -> frozenset[Field]:
    """The fields that a property names, and those of which a sentence says who changed them."""
    named = at_issue(trace, family)
    if not named or not is_property(trace):
        return frozenset()
    numbers = {reason.number for reason in reasons}
    cited = (a for e in trace.events if e.number in numbers for a in visible(e) if alters(a))
    return named | {field_of(access) for access in cited}


def _accesses(trace: Trace, family: Family, things: frozenset[str], row: Row) -> tuple[Access, ...]:
    if trace.violation.kind == "deadlock":
        return tuple(access for index in row.events for access in visible(trace.events[index]))
    through = {(access.thing, access.field) for access in got(trace, things)}
    return tuple(
        access
        for index in row.events
        for access in visible(trace.events[index])
        if not row.is_ordering
        and access.field != OWNER
        and (
            access.thing in things
            or (access.thing, access.field) in through
            or is_own(trace.events[index])
            or (access.what != "load" and not family.is_global(access.thing))
        )
    )


def _columns(trace: Trace, rows: tuple[Row, ...]) -> tuple[Column, ...]:
    """The processes that have rows: in the spec's order, then as they come."""
    views = {view.name: view for event in trace.events for view in event.after.processes}
    views |= {view.name: view for view in trace.initial.processes}
    acting = dict.fromkeys(row.process for row in rows)
    names = [name for name in views if name in acting]
    return tuple(
        _column(name, views.get(name), trace, rows)
        for name in (*names, *(name for name in acting if name not in views))
    )


def _column(name: str, view: ProcessView | None, trace: Trace, rows: tuple[Row, ...]) -> Column:
    entry = (row.text for row in rows if row.process == name and row.role == "call")
    there = {view.name for view in trace.initial.processes if view.status != "ended"}
    call = next(entry, view.function if view else "")  # an action is its own name
    return Column(name, call, early=name in there)


def _cast(
    trace: Trace, family: Family, things: frozenset[str], rows: tuple[Row, ...], *, full: bool
) -> tuple[str, ...]:
    """The failing object, then those that the rows touch or that it was reached through."""
    thing = trace.violation.thing
    touched = [
        name
        for row in rows
        for access in _accesses(trace, family, things, row)
        for name in (access.thing, *_targets(access.before), *_targets(access.after))
    ]
    order = {name: i for i, name in enumerate(family.views)}
    names = (*sorted(things), *touched, *(order if full else ()))
    rest = sorted({family.root(name) for name in names}, key=lambda name: order.get(name, 0))
    first = [family.root(thing)] if thing else []
    return tuple(name for name in dict.fromkeys((*first, *rest)) if name in order)


def _targets(value: Value | None) -> tuple[str, ...]:
    return value.targets if value else ()
