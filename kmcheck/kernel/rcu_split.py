"""RCU as it was before v4.20 on preemptible kernels: two flavours that do not wait for each other.

Semantics: what is between rcu_read_lock() and rcu_read_unlock() of this file is a section of
preemptible RCU, for which synchronize_rcu() and call_rcu() wait. Having preemption off is a section
of rcu_sched, be it by rcu_read_lock_sched(), by a spinlock or in softirq, for which
synchronize_sched() and call_rcu_sched() wait. Neither waits for the other's readers: a spinlock
protects from no call_rcu(). Grace periods, callbacks and nesting are as in `rcu`, which is the
flavour since v4.20, and the only one before without CONFIG_PREEMPT. What other primitives do by
`rcu` is rcu_sched here: so it was in percpu_ref, but not in css. rcu_bh and rcu_barrier() are left
out.

Kernel: `include/linux/rcupdate.h`, `kernel/rcu/tree_plugin.h`, v4.19 with CONFIG_PREEMPT.

Misuse reported: `rcu-imbalance` (an unlock too many), `sleep-in-atomic` (synchronize_rcu() and
synchronize_sched() in a section of either), `double-queue`, `free-while-pending` by the rcu_head.
An object that is used in a section of the wrong flavour is a `use-after-free`.
"""

from kmcheck.kernel.context import current, might_sleep
from kmcheck.kernel.lockdep import lockdep_softirq_enter, lockdep_softirq_exit
from kmcheck.kernel.preempt import preempt_disable, preempt_enable
from kmcheck.kernel.rcu import (
    RcuHead,
    rcu_enter,
    rcu_gp_begin,
    rcu_gp_over,
    rcu_leave,
    rcu_queue,
)
from kmcheck.lang import (
    Callable,
    Object,
    PerProcess,
    Process,
    SetOf,
    atomic,
    check,
    each,
    me,
    mine,
    process,
    slots,
    start,
    wait_until,
)


class PreemptRcuState(Object):
    """Who is in a section of preemptible RCU now."""

    readers: SetOf[Process]


class PreemptRcuTask(Object):
    """Who waits for this process as a reader."""

    holds_up: SetOf[Process]


preempt_rcu_state = PreemptRcuState()
preempt_rcu_tasks = PerProcess(PreemptRcuTask)


# --- preemptible RCU ----------------------------------------------------------------------------


def rcu_read_lock() -> None:
    """Enter a section of preemptible RCU."""
    if mine(current).preempt_rcu_nesting == 0:
        with atomic("read section begins"):
            preempt_rcu_state.readers.add(me())
    mine(current).preempt_rcu_nesting += 1


def rcu_read_unlock() -> None:
    """Leave a section of preemptible RCU."""
    check(
        mine(current).preempt_rcu_nesting > 0,
        "rcu-imbalance",
        "rcu_read_unlock() without rcu_read_lock()",
    )
    mine(current).preempt_rcu_nesting -= 1
    if mine(current).preempt_rcu_nesting == 0:
        with atomic("read section ends"):
            preempt_rcu_state.readers.remove(me())
            mine(preempt_rcu_tasks).holds_up.clear()


def preempt_rcu_gp_begin(waiter: Process) -> None:
    """Let `waiter` wait for all who are in such a section now."""
    with atomic("grace period begins"):
        for reader in each(preempt_rcu_state.readers):
            preempt_rcu_tasks.of(reader).holds_up.add(waiter)


def preempt_rcu_gp_over() -> bool:
    """Tell whether all whom this process waits for have left."""
    return all(
        me() not in preempt_rcu_tasks.of(reader).holds_up for reader in preempt_rcu_state.readers
    )


def synchronize_rcu() -> None:
    """Wait until all who are in a section of preemptible RCU now have left it."""
    might_sleep()
    preempt_rcu_gp_begin(me())
    wait_until(preempt_rcu_gp_over(), "grace period ends")


@process(limit=2 * slots(RcuHead))
def preempt_rcu_callback(head: RcuHead) -> None:
    """Run one callback in softirq, when its grace period is over."""
    with atomic("grace period ends, callback runs"):
        wait_until(preempt_rcu_gp_over())
        func = head.func
        head.queued = False
        rcu_enter()
        mine(current).preempt_count += 1
        lockdep_softirq_enter()
    func(head)
    with atomic("callback returned"):
        lockdep_softirq_exit()
        mine(current).preempt_count -= 1
        rcu_leave()


def call_rcu(head: RcuHead, func: Callable[[RcuHead], None]) -> None:
    """Have `func(head)` called after a grace period of preemptible RCU; does not wait."""
    with atomic("callback queued, grace period begins"):
        check(not head.queued, "double-queue", "call_rcu() on an rcu_head that is queued already")
        head.queued = True
        head.func = func
        preempt_rcu_gp_begin(start(preempt_rcu_callback, head))


# --- rcu_sched ----------------------------------------------------------------------------------


def rcu_read_lock_sched() -> None:
    """Enter a section of rcu_sched."""
    preempt_disable()


def rcu_read_unlock_sched() -> None:
    """Leave a section of rcu_sched."""
    preempt_enable()


def synchronize_sched() -> None:
    """Wait until all who have preemption off now have had it on."""
    might_sleep()
    rcu_gp_begin(me())
    wait_until(rcu_gp_over(), "grace period ends")


def call_rcu_sched(head: RcuHead, func: Callable[[RcuHead], None]) -> None:
    """Have `func(head)` called after a grace period of rcu_sched; does not wait."""
    rcu_queue(head, func)
