"""Where processes were when it went wrong: locks held, read sections, handlers, endless rounds."""

from __future__ import annotations

from kmcheck.explain.names import Family, in_kernel, plain, points_to, primitive, ranges, waits
from kmcheck.explain.order import OWNER, OWNERS, RCU, Span, is_ordering
from kmcheck.explain.queued import queued_by
from kmcheck.explain.saying import Reason, said, told
from kmcheck.explain.slicing import Field, changes, field_of, visible
from kmcheck.trace import Access, Trace

LOCKING = frozenset({"lock-misuse", "self-deadlock", "lock-order"})
"""Told by the locks that are held."""
CALLBACK = "rcu_callback"
"""The function of a process that runs a callback."""
WORDS = {"spin": "takes", "mutex": "takes", "read": "enters", "irq": "interrupts what runs on"}
MOST = 3
"""Fields that a round reads, of which is told who changed them."""


class Contexts:
    """Tells of a violation what its processes were inside of."""

    def __init__(self, trace: Trace, family: Family, order: tuple[Span, ...]) -> None:
        """Keep the run."""
        self.trace, self.family, self.order = trace, family, order
        self.open = tuple(span for span in order if span.last is None)
        """What nobody has come out of at the end."""

    def reasons(self) -> list[Reason]:
        """Return the sentences, in no order: none where this is not what explains it."""
        kind = self.trace.violation.kind
        if self.trace.loop_at is not None:
            return self._endless(self.trace.loop_at)
        if kind == "deadlock":
            return [*self._held(self.open), *self._waiting(), *self._stuck()]
        if kind == "sleep-in-atomic":
            return self._atomic()
        if kind == "free-while-held":
            return self._freed()
        if kind == "guard-violation":
            return self._guarded()
        return self._held(self._own()) if kind in LOCKING else []

    def _own(self) -> list[Span]:
        """What the failing process holds, which is more than a read section."""
        mine = (span for span in self.open if span.process == self.trace.failing)
        return [span for span in mine if span.sort != "read"]

    def _held(self, spans: list[Span] | tuple[Span, ...]) -> list[Reason]:
        """Who took what is held at the end."""
        return [
            said(self.trace.events[span.first], _takes(span), inside=span.sort == "irq")
            for span in spans
            if span.sort in WORDS
        ]

    def _waiting(self) -> list[Reason]:
        """For whom the grace periods wait that do not end."""
        return [
            Reason(
                self.trace.events[span.first].number,
                plain(f"the grace period of {span.process} waits for {', '.join(span.waits_for)}"),
            )
            for span in self.open
            if span.sort == "grace" and span.waits_for
        ]

    def _stuck(self) -> list[Reason]:
        """Where each process waits, by the spec."""
        blocked = (view for view in self.trace.end.processes if view.status == "blocked")
        return [Reason(None, waits(view)) for view in blocked]

    # --- atomic context -----------------------------------------------------------------------

    def _atomic(self) -> list[Reason]:
        """What makes the context atomic in which something may sleep."""
        trace = self.trace
        reads = "read section" in trace.violation.message
        mine = (span for span in self.open if span.process == trace.failing)
        inside = [s for s in mine if s.sort != "mutex" and (s.what == RCU) == reads]
        return [*self._held(inside), *([] if reads else self._softirq())]

    def _softirq(self) -> list[Reason]:
        """Who had the failing process run a callback, if that is what it does."""
        trace = self.trace
        frames = trace.events[-1].frames
        if not frames or not in_kernel(frames[0]) or not frames[0].function.endswith(CALLBACK):
            return []
        runs = f"{trace.failing} runs the callback in softirq, where nothing may sleep"
        queued = queued_by(trace, trace.events[-1])
        call = primitive(queued) if queued else None
        if queued is None or call is None:
            return [Reason(None, plain(runs))]
        return [said(queued, f"calls {call.function}(): {runs}", inside=False)]

    # --- locks --------------------------------------------------------------------------------

    def _freed(self) -> list[Reason]:
        """Who holds a lock in the object that is freed, how it came to that, and who frees it."""
        looked = {access.thing for access in self.trace.events[-1].accesses}
        holding = [span for span in self.open if span.what in looked]
        return [
            reason
            for span in holding
            for reason in (
                *self._came_to(span, self.family.of(frozenset({span.what}))),
                *self._held([span]),
                self._unwaited(span),
            )
        ]

    def _unwaited(self, span: Span) -> Reason:
        """Say of the free that it did not wait for whoever holds the lock."""
        event, last = self.trace.events[-1], len(self.trace.events) - 1
        text = f"frees {self.family.root(span.what)} while {span.process} holds {span.what}"
        reads = [s for s in self.open if s.process == span.process and s.sort == "read"]
        graces = [s for s in self.order if s.process == event.process and s.sort == "grace"]
        if reads and not any(reads[0].covers(grace.first, last) for grace in graces):
            since = self.trace.events[reads[0].first].number
            text += f", with no grace period since {span.process} began to read in step {since}"
        return said(event, text, inside=False)

    def _guarded(self) -> list[Reason]:
        """The locks that the failing process holds, which one it needs, and how it came to them."""
        trace, own = self.trace, self._own()
        held, needed = self._held(own), self._needed(own)
        if needed is None:
            return held
        locks = [span for span in own if span.sort in {"spin", "mutex"}]
        names = ", ".join(span.what for span in locks) or "no lock"
        others = [s.process for s in self.open if s.what == needed]
        text = f"{needed} is needed, and {', '.join(others) or 'nobody'} holds it"
        last = Reason(trace.events[-1].number, plain(f"{text}; {trace.failing} holds {names}"))
        ways = [
            reason
            for span in locks
            for reason in self._came_to(span, self.family.of(frozenset({span.what})))
        ]
        return [*held, *ways, *self._put_there(needed), last]

    def _needed(self, own: list[Span]) -> str | None:
        """Return the lock that the violation names, or else the one that it found not held."""
        mine = {span.what for span in own}
        looked = (
            access.thing
            for access in visible(self.trace.events[-1])
            if access.field in OWNERS and access.what == "load" and access.thing not in mine
        )
        return self.trace.violation.thing or next(looked, None)

    def _came_to(self, span: Span, things: frozenset[str]) -> list[Reason]:
        """How a process got the pointer by which it came to a lock, and who put that there."""
        for index in reversed(range(span.first)):
            event = self.trace.events[index]
            call = primitive(event)
            if event.process != span.process or (call and is_ordering(call.function)):
                continue
            for access in visible(event):
                if access.what == "load" and self._leads(access, things):
                    return self._got(index, access, things)
        return []

    def _leads(self, access: Access, things: frozenset[str]) -> bool:
        return access.thing not in things and points_to(access.after, things)

    def _got(self, index: int, access: Access, things: frozenset[str]) -> list[Reason]:
        targets = access.after.targets if access.after else ()
        name = next(name for name in targets if name in things)
        text = f"gets the pointer to {name} from {self.family.member(access.thing, access.field)}"
        return [said(self.trace.events[index], text), *self._last(field_of(access), index)]

    def _put_there(self, lock: str) -> list[Reason]:
        """Who made what the failing step changes belong to the lock that it needs."""
        things = self.family.of(frozenset({lock}))
        end = len(self.trace.events) - 1
        fields = dict.fromkeys(
            field_of(access)
            for access in visible(self.trace.events[-1])
            if access.thing not in things and points_to(access.after, things)
        )
        return [reason for field in fields for reason in self._last(field, end)]

    def _last(self, field: Field, end: int) -> list[Reason]:
        """Who changed a field last before a step, if anybody did."""
        found = changes(self.trace, field, end)[-1:]
        return [told(self.trace.events[index], (access,), self.family) for index, access in found]

    # --- rounds -------------------------------------------------------------------------------

    def _endless(self, start: int) -> list[Reason]:
        """What a round reads that does not change, and where all others are."""
        trace = self.trace
        round_ = trace.events[start:]
        written = {field_of(a) for e in round_ for a in e.accesses if a.what in {"store", "update"}}
        read = dict.fromkeys(
            field_of(access)
            for event in round_
            for access in visible(event)
            if access.what == "load" and self._is_own(access)
        )
        fields = [field for field in read if field not in written]
        last = [reason for field in fields[:MOST] for reason in self._last(field, start)]
        found = [*last, *self._waiting(), *self._held(self._waited_for())]
        if not fields or not round_:
            return found
        actors = ", ".join(dict.fromkeys(event.process for event in round_))
        names = " and ".join(self.family.member(*field) for field in fields[:MOST])
        steps = ranges(event.number for event in round_)
        text = f"{actors} goes round in step{'s' * (len(round_) > 1)} {steps}"
        text += f", and no step of it changes what it reads: {names}"
        return [*found, Reason(None, plain(text)), *self._others(start)]

    def _is_own(self, access: Access) -> bool:
        """Tell whether an access is to the design's, or to what is embedded in it."""
        return access.field != OWNER and not self.family.is_global(access.thing)

    def _waited_for(self) -> list[Span]:
        """The read sections that a grace period waits for without end."""
        names = {n for s in self.open if s.sort == "grace" for n in s.waits_for}
        return [s for s in self.open if s.sort == "read" and s.process in names]

    def _others(self, start: int) -> list[Reason]:
        """Say that nobody but those in the round can take a step, if so it is."""
        trace = self.trace
        actors = {event.process for event in trace.events[start:]}
        states = [event.after for event in trace.events[start:]]
        views = [view for state in states for view in state.processes if view.name not in actors]
        if any(view.status not in {"blocked", "ended"} for view in views):
            return []
        at_rest = [view for view in trace.end.processes if view.name not in actors]
        waiting = "; ".join(waits(view) for view in at_rest if view.status == "blocked")
        return [
            Reason(
                None,
                f"nobody else can take a step: {waiting}" if waiting else "all others have ended",
            )
        ]


def _takes(span: Span) -> str:
    return f"{WORDS[span.sort]} {span.section if span.sort == 'read' else span.what}"
