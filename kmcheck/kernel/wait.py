"""Wait queues: wait_event() and wake_up().

Semantics: as in the kernel, a waiter looks at its condition, puts itself on the queue and says
that it is about to sleep (one step, under the queue's lock), looks again, and sleeps until woken;
then again. It does not notice by itself that its condition has become true. wake_up() takes all
waiters off the queue and makes them running, in one step. The condition is a function of an object
and is looked at with the steps that its loads take: `wait_event(q, is_ready, device)`. Exclusive
waiters, signals and timeouts are left out.

Kernel: `include/linux/wait.h` (___wait_event), `kernel/sched/wait.c`, v6.12.

Misuse reported: `sleep-in-atomic` (wait_event() in atomic context), `free-while-waited` (a queue
freed with a waiter on it). A condition that is made true without wake_up(), or before it is made
true, is found as a `deadlock`.
"""

from kmcheck.kernel.context import might_sleep
from kmcheck.kernel.sched import TaskState, schedule, set_current_state, sleepers
from kmcheck.lang import (
    Callable,
    O,
    Object,
    Process,
    SetOf,
    atomic,
    check,
    each,
    me,
    mine,
)


class WaitQueueHead(Object):
    """`wait_queue_head_t`."""

    head: SetOf[Process]

    def on_free(self) -> None:
        """Look for a process that would take itself off a freed queue."""
        check(len(self.head) == 0, "free-while-waited", "wait queue freed with a waiter on it")


def prepare_to_wait(wq: WaitQueueHead) -> None:
    """Get on the queue, about to sleep."""
    with atomic("on the wait queue"):
        wq.head.add(me())
        mine(sleepers).state = TaskState.UNINTERRUPTIBLE


def finish_wait(wq: WaitQueueHead) -> None:
    """Get off the queue, running."""
    set_current_state(TaskState.RUNNING)
    with atomic("off the wait queue"):
        wq.head.discard(me())


def wait_event(wq: WaitQueueHead, condition: Callable[[O], bool], of: O) -> None:
    """Sleep until `condition(of)` holds; it is looked at again each time that wake_up() comes."""
    might_sleep()
    done = condition(of)
    if not done:
        while not done:
            prepare_to_wait(wq)
            done = condition(of)
            if not done:
                schedule()
        finish_wait(wq)


def wake_up(wq: WaitQueueHead) -> None:
    """Wake all who are on the queue."""
    with atomic("waiters woken"):
        for waiter in each(wq.head):
            sleepers.of(waiter).state = TaskState.RUNNING
        wq.head.clear()


def waitqueue_active(wq: WaitQueueHead) -> bool:
    """Tell whether anybody is on the queue."""
    return len(wq.head) > 0
