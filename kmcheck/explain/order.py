"""What orders the steps of a run: read-side sections, locks held, grace periods.

Sections and grace periods are known by the kernel's names of the calls, at any depth; a lock by
its field `owner` or `writer`, which names the process that holds it; a handler by the CPU's field.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from kmcheck.explain.names import call_text, in_kernel, plain, primitive
from kmcheck.trace import Access, Event, Frame, Trace, Value

Told = tuple[tuple[int, str], ...]
Sort = Literal["read", "spin", "mutex", "irq", "grace"]

LOCKS = re.compile(r"(^|_)(try|un)?lock($|_)|^(down|up)_(read|write)")
GRACE = frozenset({"synchronize_rcu", "synchronize_rcu_expedited", "synchronize_srcu"})
GRACE_BEGINS = "rcu_gp_begin"
"""Its argument is the process that will wait: not always the caller."""
CALLBACKS = frozenset({"rcu_callback", "preempt_rcu_callback"})
"""The processes that wait for a grace period as soon as they are started."""
READ_LOCK = frozenset({"rcu_read_lock", "rcu_read_lock_bh", "rcu_read_lock_sched"})
READ_UNLOCK = frozenset({"rcu_read_unlock", "rcu_read_unlock_bh", "rcu_read_unlock_sched"})
READERS = "readers"
"""The field of RCU's state that holds who is inside of a section."""
RCU_STATE = "RcuState"
"""How the kind of that state ends: a lock may have readers, too."""
RCU = "RCU"
"""What a section of rcu_read_lock() reads; any other has the name of the call that began it."""
OWNER = "owner"
OWNERS = frozenset({OWNER, "writer"})
HANDLERS = frozenset({"hardirq", "softirq"})
"""The fields of a CPU that hold who has interrupted it."""
WAITING = ("flush_", "cancel_work_sync", "drain_", "rcu_barrier", "wait_", "synchronize_")
STARTING = ("queue_", "schedule_", "call_rcu", "kfree_rcu", "mod_delayed_work")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a primitive by the spec: the steps that it took, as indices of events."""

    process: str
    frame: Frame
    events: tuple[int, ...]
    finished: bool
    returned: str
    kept: str
    """The variable that this was assigned to, if it was to one."""

    @property
    def name(self) -> str:
        """The primitive's name."""
        return self.frame.function

    @property
    def text(self) -> str:
        """The call as C, with the variable that has its value."""
        call = call_text(self.frame)
        return f"{plain(self.kept)} = {call}" if self.kept else call


@dataclass(frozen=True, slots=True)
class Span:
    """From `first` to `last` (indices of events; None: to the end) a process reads, holds or waits.

    `what` is the lock's name, or of a section the call that began it, `RCU` if it is RCU's own;
    for a grace period, `waits_for` names the readers that were inside when it began.
    """

    process: str
    sort: Sort
    what: str
    first: int
    last: int | None
    waits_for: tuple[str, ...] = ()

    @property
    def section(self) -> str:
        """What a section is called: `an RCU read section`, `a section of preempt_disable()`."""
        return "an RCU read section" if self.what == RCU else f"a section of {self.what}()"

    def covers(self, first: int, last: int) -> bool:
        """Tell whether the process was inside from `first` to `last`."""
        return self.first <= first and (self.last is None or last <= self.last)

    def meets(self, steps: frozenset[int]) -> bool:
        """Tell whether one of `steps` happened inside."""
        return any(self.covers(step, step) for step in steps)


def is_ordering(name: str) -> bool:
    """Tell whether the primitive is there to order steps, and touches no object of the design."""
    return LOCKS.search(name) is not None or name.startswith(WAITING)


# --- calls ------------------------------------------------------------------------------------


def calls(trace: Trace) -> tuple[Call, ...]:
    """Return all calls of primitives by the spec, in the order of their first steps."""
    return _collected(trace, [primitive(event) for event in trace.events])


def _collected(trace: Trace, inside: list[Frame | None]) -> tuple[Call, ...]:
    """Return the calls that the events are inside of: one frame, or none, for each event."""
    steps: dict[tuple[str, int], list[int]] = {}
    frames: dict[tuple[str, int], Frame] = {}
    for index, frame in enumerate(inside):
        if frame is not None:
            key = (trace.events[index].process, frame.serial)
            steps.setdefault(key, []).append(index)
            frames.setdefault(key, frame)
    return tuple(
        Call(
            process=process,
            frame=frames[process, serial],
            events=tuple(where),
            finished=_is_finished(trace, process, serial, where[-1]),
            returned=_said(trace, process, serial, lambda event: event.returned),
            kept=_said(trace, process, serial, lambda event: event.kept),
        )
        for (process, serial), where in steps.items()
    )


def _is_finished(trace: Trace, process: str, serial: int, last: int) -> bool:
    """A call is over when its process steps on outside of it, or is seen outside at the end."""
    if any(event.process == process for event in trace.events[last + 1 :]):
        return True
    failed = trace.violation.frames
    if failed and process == trace.failing:  # behind the last step's access, still in that step
        return all(frame.serial != serial for frame in failed)
    for view in trace.end.processes:
        if view.name == process and view.frames:
            return all(frame.serial != serial for frame in view.frames)
    return True


def _said(trace: Trace, process: str, serial: int, about: Callable[[Event], Told]) -> str:
    """Return what the steps of a process say about a call; nothing if they do not, or not yet."""
    told = (pair for event in trace.events if event.process == process for pair in about(event))
    return next((text for key, text in told if key == serial), "")


def _frame(event: Event, names: frozenset[str]) -> Frame | None:
    """Return the outermost call of one of these primitives that the event is inside of."""
    return next((f for f in event.frames if in_kernel(f) and f.function in names), None)


# --- spans ------------------------------------------------------------------------------------


def spans(trace: Trace) -> tuple[Span, ...]:
    """Return all spans, in the order of their beginnings."""
    others = (*_reads(trace), *_locks(trace))
    every = (*others, *_graces(trace, others), *_callbacks(trace, others))
    return tuple(sorted(every, key=lambda span: (span.first, span.sort)))


def _reads(trace: Trace) -> tuple[Span, ...]:
    """The outermost read-side sections: an inner lock or unlock is none of the others' business.

    Whoever has preemption off is in one, too; who holds a lock is told by the lock.
    """
    start: dict[str, tuple[int, str]] = {}
    found: list[Span] = []
    locking = _locking(trace)
    for index, event in enumerate(trace.events):
        name = event.process
        if name in start and (
            _moves(event, out=True) or (start[name][1] == RCU and _frame(event, READ_UNLOCK))
        ):
            first, what = start.pop(name)
            found.append(Span(name, "read", what, first, index))
        elif name not in start and _frame(event, READ_LOCK):
            start[name] = index, RCU
        elif name not in start and _moves(event, out=False):
            call = primitive(event)
            if call and not in_kernel(event.frames[0]) and (name, call.serial) not in locking:
                start[name] = index, call.function
    return (*found, *(Span(name, "read", w, first, None) for name, (first, w) in start.items()))


def _moves(event: Event, *, out: bool) -> bool:
    """Tell whether the step takes the process out of RCU's readers, or else makes it one."""
    return any(
        access.field == READERS
        and access.kind.endswith(RCU_STATE)
        and (event.process in _members(access.before)) == out
        and (event.process in _members(access.after)) != out
        for access in event.accesses
        if access.what != "load"
    )


def _locking(trace: Trace) -> set[tuple[str, int]]:
    """Return the calls of primitives that take a lock, by process and serial."""
    told = [(event, primitive(event)) for event in trace.events]
    return {
        (event.process, call.serial)
        for event, call in told
        for access in event.accesses
        if call and access.field in OWNERS and access.what != "load"
        if access.after and access.after.text == event.process
    }


def _members(value: Value | None) -> list[str]:
    return value.text.strip("{}").split(", ") if value else []


def _locks(trace: Trace) -> tuple[Span, ...]:
    """Each lock from the step that took it to the step that gave it back, if these are two."""
    held: dict[tuple[str, str], tuple[Access, str, int]] = {}
    found: list[Span] = []
    for index, event in enumerate(trace.events):
        for access in event.accesses:
            if (
                access.field not in OWNERS | HANDLERS
                or access.what == "load"
                or access.after is None
            ):
                continue
            place = access.thing, access.field
            if place in held:
                taken, process, first = held.pop(place)
                found += [Span(process, _sort(taken), access.thing, first, index)][: index - first]
            if access.after.text == event.process:
                held[place] = (access, event.process, index)
    still = [Span(name, _sort(a), a.thing, first, None) for a, name, first in held.values()]
    return (*found, *still)


def _sort(access: Access) -> Literal["spin", "mutex", "irq"]:
    if access.field in HANDLERS:
        return "irq"
    sleeps = "mutex" in access.kind.lower() or "sem" in access.kind.lower()
    return "mutex" if sleeps else "spin"


def _graces(trace: Trace, others: tuple[Span, ...]) -> list[Span]:
    """Grace periods that the caller itself waits for."""
    told = _collected(trace, [_frame(event, GRACE) for event in trace.events])
    periods = ((c.process, c.events[0], c.events[-1] if c.finished else None) for c in told)
    return [_grace(trace, period, others) for period in periods]


def _callbacks(trace: Trace, others: tuple[Span, ...]) -> list[Span]:
    """Grace periods that a callback waits for, from where it is queued to its first step."""
    found: list[Span] = []
    for index, event in enumerate(trace.events):
        frame = _frame(event, frozenset({GRACE_BEGINS}))
        waiters = {frame.arguments[0]} if frame and frame.arguments else set()
        waiters |= _queued(trace, index)
        for waiter in sorted(waiters - {event.process}):
            steps = (
                i for i in range(index, len(trace.events)) if trace.events[i].process == waiter
            )
            found.append(_grace(trace, (waiter, index, next(steps, None)), others))
    return found


def _queued(trace: Trace, index: int) -> set[str]:
    """Return the callbacks that a step queues: with that their grace period begins."""
    before = trace.events[index - 1].after if index else trace.initial
    running = {view.name for view in before.processes if view.status != "ended"}
    return {
        view.name
        for view in trace.events[index].after.processes
        if view.function in CALLBACKS and view.status != "ended" and view.name not in running
    }


def _grace(trace: Trace, period: tuple[str, int, int | None], others: tuple[Span, ...]) -> Span:
    """A grace period waits for the readers inside at its start; a spinning context may be one."""
    process, first, last = period
    inside = {
        span.process
        for span in others
        if span.process != process
        and span.covers(first, first)
        and (
            (span.sort == "read" and span.what == RCU)
            or (span.sort in {"read", "spin", "irq"} and _ends_by(span, last))
        )
    }
    order = [view.name for view in trace.initial.processes]
    waits_for = sorted(inside, key=lambda n: (order.index(n) if n in order else len(order), n))
    return Span(process, "grace", "grace period", first, last, tuple(waits_for))


def _ends_by(span: Span, last: int | None) -> bool:
    """Tell whether the grace period may have waited for the span."""
    return last is None or (span.last is not None and span.last <= last)
