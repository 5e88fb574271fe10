"""Who had the kernel do it: the call by which the spec queued a callback or a work."""

from __future__ import annotations

from kmcheck.explain.names import in_kernel
from kmcheck.trace import Event, Snapshot, Trace


def runs_from(trace: Trace, process: str) -> int | None:
    """Return the index of the event in which a process started; None if it was there at first."""
    states = [trace.initial, *(event.after for event in trace.events)]
    there = [_runs(state, process) for state in states]
    return None if there[0] or True not in there else there.index(True) - 1


def queued_by(trace: Trace, event: Event) -> Event | None:
    """Return the step in which the spec queued what a process of the kernel does in `event`.

    None if a process of the spec's does it. What the kernel queues in turn, as the work of an
    rcu_work, is told by the spec's call that led there.
    """
    found, before = event, len(trace.events)
    while found.frames and in_kernel(found.frames[0]):
        at = runs_from(trace, found.process)
        if at is None or at >= before:  # nobody starts what has started before
            return None
        found, before = trace.events[at], at
        if not all(map(in_kernel, found.frames)):
            return found
    return None


def _runs(state: Snapshot, process: str) -> bool:
    return any(view.name == process and view.status != "ended" for view in state.processes)
