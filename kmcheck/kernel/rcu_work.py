"""Works that are queued after a grace period: queue_rcu_work().

Semantics: queue_rcu_work() makes the work pending and begins a grace period; when that is over, an
RCU callback in softirq queues the work. The work is pending all that time, so it is not queued
twice. flush_rcu_work() waits for the callbacks that are queued, if the work is pending, and then
for the work.

Kernel: `include/linux/workqueue.h`, `kernel/workqueue.c` (queue_rcu_work, flush_rcu_work), v6.12.

Misuse reported: `free-while-pending` (freed before the grace period is over or before the work
runs), `sleep-in-atomic` (flush_rcu_work() in atomic context), `rcu-work-cancelled`
(cancel_work_sync() on the work of an rcu_work in its grace period: the kernel waits for the grace
period then, which is not modelled).
"""

from kmcheck.kernel.rcu import RcuHead, call_rcu, rcu_barrier
from kmcheck.kernel.workqueue import INIT_WORK, Work, Workqueue, flush_work, insert_work
from kmcheck.lang import Callable, Object, Ref, atomic, check, container_of


class RcuWork(Object):
    """`struct rcu_work`: lives in the object that it works on."""

    work: Work
    rcu: RcuHead
    wq: Ref[Workqueue]


def INIT_RCU_WORK(rwork: RcuWork, func: Callable[[Work], None]) -> None:
    """Say what the work does."""
    INIT_WORK(rwork.work, func)


def to_rcu_work(work: Work) -> RcuWork:
    """Return the rcu_work that a work is part of."""
    return container_of(work, RcuWork, RcuWork.work)


def rcu_work_rcufn(head: RcuHead) -> None:
    """Queue the work, its grace period being over."""
    rwork = container_of(head, RcuWork, RcuWork.rcu)
    with atomic("grace period is over: work queued"):
        check(rwork.work.pending, "rcu-work-cancelled", "cancelled during its grace period")
        insert_work(rwork.wq, rwork.work)


def queue_rcu_work(wq: Workqueue, rwork: RcuWork) -> bool:
    """Queue a work after a grace period, unless it is pending; tell whether it was not."""
    with atomic("grace period begins, unless it is pending"):
        queued = not rwork.work.pending
        if queued:
            rwork.work.pending = True
            rwork.wq = wq
            call_rcu(rwork.rcu, rcu_work_rcufn)
    return queued


def flush_rcu_work(rwork: RcuWork) -> bool:
    """Wait until the work, as it is queued now, has run; tell whether there was any to wait for."""
    was_pending = rwork.work.pending
    if was_pending:
        rcu_barrier()
    flushed = flush_work(rwork.work)
    return was_pending or flushed
