"""What orders the steps of a run: read-side sections, locks held, grace periods.

All of it is read off the calls of kernel primitives, by the kernel's own names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from kmcheck.explain.names import call_text, primitive
from kmcheck.trace import Frame, Trace

Sort = Literal["read", "spin", "mutex", "grace"]

LOCK = re.compile(r"(^|_)(try)?lock($|_)|^down_(read|write)")
UNLOCK = re.compile(r"(^|_)unlock($|_)|^up_(read|write)")
MUTEX = re.compile(r"mutex|^down_")

GRACE = frozenset({"synchronize_rcu", "synchronize_rcu_expedited", "synchronize_srcu"})
READ_LOCK = frozenset({"rcu_read_lock", "rcu_read_lock_bh", "rcu_read_lock_sched"})
READ_UNLOCK = frozenset({"rcu_read_unlock", "rcu_read_unlock_bh", "rcu_read_unlock_sched"})
WAITING = ("flush_", "cancel_work_sync", "drain_", "rcu_barrier", "wait_", "synchronize_")
STARTING = ("queue_", "schedule_", "call_rcu", "kfree_rcu", "mod_delayed_work")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a primitive: the steps that it took, as indices of events."""

    process: str
    frame: Frame
    events: tuple[int, ...]
    finished: bool
    returned: str

    @property
    def name(self) -> str:
        """The primitive's name."""
        return self.frame.function

    @property
    def text(self) -> str:
        """The call as C."""
        return call_text(self.frame)


@dataclass(frozen=True, slots=True)
class Span:
    """From `first` to `last` (indices of events; None: to the end) a process reads, holds or waits.

    `what` is the lock as C (`&node->lock`); for a grace period, `waits_for` names the readers that
    were inside when it began.
    """

    process: str
    sort: Sort
    what: str
    first: int
    last: int | None
    waits_for: tuple[str, ...] = ()

    def covers(self, first: int, last: int) -> bool:
        """Tell whether the process was inside from `first` to `last`."""
        return self.first <= first and (self.last is None or last <= self.last)

    def meets(self, steps: frozenset[int]) -> bool:
        """Tell whether one of `steps` happened inside."""
        return any(self.covers(step, step) for step in steps)


def is_lock(name: str) -> bool:
    """Tell whether the primitive takes a lock that it will hold."""
    return LOCK.search(name) is not None and name not in READ_LOCK and "init" not in name


def is_unlock(name: str) -> bool:
    """Tell whether the primitive gives a lock back."""
    return UNLOCK.search(name) is not None and name not in READ_UNLOCK


def is_ordering(name: str) -> bool:
    """Tell whether the primitive is there to order steps, and touches no object of the design."""
    locks = is_lock(name) or is_unlock(name) or name in READ_LOCK or name in READ_UNLOCK
    return locks or name.startswith(WAITING)


def calls(trace: Trace) -> tuple[Call, ...]:
    """Return all calls of primitives, in the order of their first steps."""
    steps: dict[tuple[str, int], list[int]] = {}
    frames: dict[tuple[str, int], Frame] = {}
    for index, event in enumerate(trace.events):
        frame = primitive(event)
        if frame is not None:
            key = (event.process, frame.serial)
            steps.setdefault(key, []).append(index)
            frames.setdefault(key, frame)
    return tuple(
        Call(
            process=process,
            frame=frames[process, serial],
            events=tuple(where),
            finished=_is_finished(trace, process, serial, where[-1]),
            returned=_returned(trace, process, serial),
        )
        for (process, serial), where in steps.items()
    )


def _is_finished(trace: Trace, process: str, serial: int, last: int) -> bool:
    """A call is over when its process steps on outside of it, or is seen outside at the end."""
    if any(event.process == process for event in trace.events[last + 1 :]):
        return True
    for view in trace.events[-1].after.processes:
        if view.name == process and view.frames:
            return all(frame.serial != serial for frame in view.frames)
    return True


def _returned(trace: Trace, process: str, serial: int) -> str:
    """Return what the call returned, as text; nothing if it returned nothing, or not yet."""
    for event in trace.events:
        if event.process == process:
            for key, value in event.returned:
                if key == serial:
                    return value
    return ""


def spans(trace: Trace, told: tuple[Call, ...]) -> tuple[Span, ...]:
    """Return all spans, in the order of their beginnings."""
    others = (*_reads(told), *_locks(told))
    graces = tuple(_grace(trace, call, others) for call in told if call.name in GRACE)
    return tuple(sorted((*others, *graces), key=lambda span: (span.first, span.sort)))


def _grace(trace: Trace, call: Call, others: tuple[Span, ...]) -> Span:
    """A grace period waits for the readers inside at its start; a spinning context may be one."""
    first, last = call.events[0], call.events[-1] if call.finished else None
    inside = {
        span.process
        for span in others
        if span.process != call.process
        and span.covers(first, first)
        and (span.sort == "read" or (span.sort == "spin" and _ends_by(span, last)))
    }
    order = [view.name for view in trace.initial.processes]
    waits_for = sorted(
        inside, key=lambda name: (order.index(name) if name in order else len(order), name)
    )
    return Span(call.process, "grace", call.text, first, last, tuple(waits_for))


def _ends_by(span: Span, last: int | None) -> bool:
    """Tell whether the grace period may have waited for the span."""
    return last is None or (span.last is not None and span.last <= last)


def _reads(told: tuple[Call, ...]) -> tuple[Span, ...]:
    """The outermost read-side sections of each process."""
    depth: dict[str, int] = {}
    start: dict[str, int] = {}
    found: list[Span] = []
    for call in _by_end(told):
        inside = depth.get(call.process, 0)
        if call.name in READ_LOCK:
            depth[call.process] = inside + 1
            if inside == 0:
                start[call.process] = call.events[0]
        elif call.name in READ_UNLOCK and inside:
            depth[call.process] = inside - 1
            if inside == 1:
                last = call.events[-1]
                found.append(Span(call.process, "read", "RCU", start[call.process], last))
    open_ = [Span(name, "read", "RCU", start[name], None) for name, n in depth.items() if n]
    return (*found, *open_)


def _locks(told: tuple[Call, ...]) -> tuple[Span, ...]:
    """Each lock from the step that took it to the step that gave it back."""
    held: dict[tuple[str, str], tuple[Sort, int]] = {}
    found: list[Span] = []
    for call in _by_end(told):
        what = call.frame.arguments[0] if call.frame.arguments else call.frame.module
        key = (call.process, what)
        if is_lock(call.name) and call.finished and call.returned not in {"false", "0"}:
            held[key] = ("mutex" if MUTEX.search(call.name) else "spin", call.events[-1])
        elif is_unlock(call.name) and key in held:
            sort, first = held.pop(key)
            found.append(Span(call.process, sort, what, first, call.events[0]))
    still = [Span(process, sort, what, n, None) for (process, what), (sort, n) in held.items()]
    return (*found, *still)


def _by_end(told: tuple[Call, ...]) -> list[Call]:
    return sorted(told, key=lambda call: call.events[-1])
