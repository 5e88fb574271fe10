"""Kernel threads that are asked to stop.

Semantics: a thread is a process of the spec's: `thread = start(flusher, device)`. kthread_stop() is
two steps: it asks the thread to stop and wakes it, and goes on when the thread has ended.
kthread_should_stop() is one step. A thread that sleeps has to look at it between
set_current_state() and schedule(), as in the kernel, or in the condition of a wait_event().

Kernel: `include/linux/kthread.h`, `kernel/kthread.c`, v6.12.

Misuse reported: `kthread-gone` (kthread_stop() of a thread that has ended by itself: its
task_struct may be freed), `self-deadlock` (a thread that stops itself), `sleep-in-atomic`
(kthread_stop() in atomic context). A thread that does not look before it sleeps, or that waits for
a lock which the caller of kthread_stop() holds, is found as a `deadlock`.
"""

from kmcheck.kernel.context import might_sleep
from kmcheck.kernel.sched import TaskState, sleepers
from kmcheck.lang import (
    Object,
    PerProcess,
    Process,
    SetOf,
    atomic,
    check,
    me,
    mine,
    processes,
    wait_until,
)


class Kthread(Object):
    """`struct kthread`."""

    should_stop: bool
    stopping: SetOf[Process]  # who waits for it to end; forgotten when it does


kthreads = PerProcess(Kthread)


def kthread_should_stop() -> bool:
    """Tell whether somebody wants this thread to end."""
    return mine(kthreads).should_stop


def kthread_stop(thread: Process) -> None:
    """Have a thread end, and wait until it has."""
    might_sleep()
    with atomic("thread asked to stop, and woken"):
        check(thread != me(), "self-deadlock", "kthread_stop() by the thread itself")
        check(thread in processes(), "kthread-gone", "kthread_stop() of a thread that has ended")
        kthreads.of(thread).should_stop = True
        kthreads.of(thread).stopping.add(me())
        sleepers.of(thread).state = TaskState.RUNNING
    wait_until(me() not in kthreads.of(thread).stopping, "thread has ended")
