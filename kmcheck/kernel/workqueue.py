"""Work items and workqueues.

Semantics: queue_work() makes a work pending and starts a process, its worker; a work that is
pending already is not queued again. The worker runs the work when no other worker is running that
same work, so a work that is queued again while it runs does not run beside itself. The worker
takes the function out of the work in the step in which it starts it, as process_one_work() does,
and does not touch it any more: the object that it lives in may be freed from then on, by the
function itself or by others. flush_work() waits for what is pending and running now and not for
what is queued later. cancel_work_sync() takes a pending work off the queue, disables it, waits
while it runs, and enables it again: a work is not queued before all who cancel it, up to 255, are
back. Different works run side by side.

Kernel: `include/linux/workqueue.h`, `kernel/workqueue.c`, v6.12. A work counts those who cancel it
since v6.10: work_offqd_disable(), clear_pending_if_disabled(), enable_work(). Before that,
WORK_OFFQ_CANCELING kept the work pending, and who cancelled it too waited for the first.

Misuse reported: `free-while-pending` (the object freed with its work queued), `double-queue`
(INIT_WORK() on a work that is queued, or that is being cancelled), `self-deadlock` (a work that
flushes or cancels itself), `sleep-in-atomic` (flush or cancel in atomic context). Flushing while
holding a lock that the work needs is found as a `deadlock`.
"""

from kmcheck.kernel.context import might_sleep
from kmcheck.kernel.lockdep import lock_acquire, lock_acquired, lock_release
from kmcheck.lang import (
    Annotated,
    Callable,
    Object,
    PerProcess,
    Process,
    Ref,
    SetOf,
    atomic,
    check,
    each,
    me,
    mine,
    process,
    processes,
    slots,
    start,
    wait_until,
)


class Workqueue(Object):
    """`struct workqueue_struct`."""


class Work(Object):
    """`struct work_struct`: lives in the object that it works on."""

    pending: bool
    disable: Annotated[int, range(256)]  # how many are cancelling it
    func: Callable[["Work"], None]

    def on_free(self) -> None:
        """Look for a worker that would find freed memory."""
        check(not self.pending, "free-while-pending", "freed with its work pending")


class Worker(Object):
    """`struct worker`: what a worker is to run or runs, and who waits for it to be done."""

    work: Ref[Work]
    wq: Ref[Workqueue]
    running: bool
    flushers: SetOf[Process]


system_wq = Workqueue()
workers = PerProcess(Worker)


def INIT_WORK(work: Work, func: Callable[[Work], None]) -> None:
    """Say what a work does."""
    with atomic("work initialised"):
        check(not work.pending, "double-queue", "INIT_WORK() on a pending work")
        check(work.disable == 0, "double-queue", "INIT_WORK() on a work that is being cancelled")
        work.func = func


def worker_may_start(work: Work) -> bool:
    """Tell whether no other worker is running the same work."""
    return not any(
        other != me() and workers.of(other).running and workers.of(other).work == work
        for other in processes()
    )


@process(limit=2 * slots(Work))
def kworker(work: Work) -> None:
    """Run one work, once."""
    with atomic("work starts"):
        wait_until(mine(workers).work is None or worker_may_start(work))
        if mine(workers).work is None:
            return  # cancelled
        func = work.func
        work.pending = False
        mine(workers).running = True
        lock_acquired(mine(workers).wq, 0)
        lock_acquired(work, 0)
    func(work)
    with atomic("work done"):
        mine(workers).work = None
        mine(workers).wq = None
        mine(workers).running = False
        mine(workers).flushers.clear()


def insert_work(wq: Workqueue, work: Work) -> None:
    """Give a pending work to a worker of its own."""
    with atomic("queued"):
        worker = start(kworker, work)
        workers.of(worker).work = work
        workers.of(worker).wq = wq


def queue_work(wq: Workqueue, work: Work) -> bool:
    """Queue a work unless it is pending or being cancelled; tell whether it was queued."""
    with atomic("queued, unless it is pending"):
        queued = not work.pending and work.disable == 0
        if queued:
            work.pending = True
            insert_work(wq, work)
    return queued


def schedule_work(work: Work) -> bool:
    """Queue a work on the system's workqueue."""
    return queue_work(system_wq, work)


def nothing_to_flush() -> bool:
    """Tell whether all that this process waits for has been done."""
    return all(me() not in workers.of(worker).flushers for worker in processes())


def flush_work(work: Work) -> bool:
    """Wait until the work, as it is queued now, has run; tell whether it was pending."""
    might_sleep()
    with atomic("flush begins"):
        check(mine(workers).work != work, "self-deadlock", "flush_work() by the work itself")
        lock_acquire(work, 0)
        lock_release(work, 0)
        was_pending = work.pending
        for worker in each(processes()):
            if workers.of(worker).work == work:
                workers.of(worker).flushers.add(me())
    wait_until(nothing_to_flush(), "flushed")
    return was_pending


def flush_workqueue(wq: Workqueue) -> None:
    """Wait until all works that are queued now have run."""
    might_sleep()
    with atomic("flush begins"):
        check(mine(workers).wq != wq, "self-deadlock", "flush_workqueue() by one of its works")
        lock_acquire(wq, 0)
        lock_release(wq, 0)
        for worker in each(processes()):
            if workers.of(worker).wq == wq:
                workers.of(worker).flushers.add(me())
    wait_until(nothing_to_flush(), "flushed")


def cancel_work_sync(work: Work) -> bool:
    """Take the work off the queue and wait while it runs; tell whether it was pending."""
    might_sleep()
    with atomic("taken off the queue"):
        check(mine(workers).work != work, "self-deadlock", "cancel_work_sync() by the work itself")
        lock_acquire(work, 0)
        lock_release(work, 0)
        was_pending = work.pending
        work.pending = False
        work.disable += 1  # nobody can queue it meanwhile
        for worker in each(processes()):
            if workers.of(worker).work == work:
                if workers.of(worker).running:
                    workers.of(worker).flushers.add(me())
                else:
                    workers.of(worker).work = None
                    workers.of(worker).wq = None
                    workers.of(worker).flushers.clear()
    with atomic("not running any more"):
        wait_until(nothing_to_flush())
        work.disable -= 1
    return was_pending
