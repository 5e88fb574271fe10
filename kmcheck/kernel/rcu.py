"""Read-copy-update: read sections, grace periods, callbacks.

Semantics: a grace period waits for the readers that are inside when it begins, until each has
left its outermost section once; readers that come later do not matter. A grace period is two
steps, its begin and its end. RCU is the consolidated flavour: whoever has preemption off (holds a
spinlock, runs in softirq) is a reader too. A nested rcu_read_lock() is the process's own business
and no step. call_rcu() starts a process that waits for its own grace period and then runs the
callback in softirq, so two callbacks may run in either order, and a callback may queue its own
head again. The function is taken out of the head in the step in which it is dequeued, and the head
is not touched any more. The reader remembers who waits for it (`holds_up`), so that leaving is one
update of its own record.

Kernel: `include/linux/rcupdate.h`, `kernel/rcu/tree.c`, v6.12; consolidated since v4.20: for before
that see `rcu_split`.

Misuse reported: `rcu-imbalance` (an unlock too many; for a missing one see `context`);
`sleep-in-atomic` (synchronize_rcu() or rcu_barrier() in atomic context, a callback that sleeps);
`double-queue` (call_rcu() on a head that is queued); `free-while-pending` (an object freed with
its head queued). synchronize_rcu() while a reader waits for the caller is found as a `deadlock`.
"""

from kmcheck.kernel.context import current, might_sleep
from kmcheck.kernel.lockdep import lockdep_softirq_enter, lockdep_softirq_exit
from kmcheck.lang import (
    READ_ONCE,
    WRITE_ONCE,
    Callable,
    Object,
    PerProcess,
    Process,
    SetOf,
    T,
    atomic,
    check,
    each,
    free,
    macro,
    me,
    mine,
    process,
    slots,
    start,
    wait_until,
)


class RcuState(Object):
    """Who is in a read section now, and which callbacks have not returned yet."""

    readers: SetOf[Process]
    callbacks: SetOf[Process]


class RcuTask(Object):
    """Who waits for this process: as a reader, and as a callback."""

    holds_up: SetOf[Process]
    barriers: SetOf[Process]


class RcuHead(Object):
    """`struct rcu_head`: lives in the object that its callback is to work on."""

    queued: bool
    func: Callable[["RcuHead"], None]

    def on_free(self) -> None:
        """Look for a callback that would run on freed memory."""
        check(not self.queued, "free-while-pending", "freed with its rcu_head queued")


rcu_state = RcuState()
rcu_tasks = PerProcess(RcuTask)


# --- readers ------------------------------------------------------------------------------------


def rcu_is_reader() -> bool:
    """Tell whether grace periods wait for this process."""
    return mine(current).rcu_read_lock_nesting > 0 or mine(current).preempt_count > 0


def rcu_enter() -> None:
    """Become a reader, for a process that is none yet."""
    with atomic("read section begins"):
        rcu_state.readers.add(me())


def rcu_leave() -> None:
    """Be no reader any more: every grace period that waited for this process waits no longer."""
    with atomic("read section ends"):
        rcu_state.readers.remove(me())
        mine(rcu_tasks).holds_up.clear()


def rcu_read_lock() -> None:
    """Enter a read section."""
    if not rcu_is_reader():
        rcu_enter()
    mine(current).rcu_read_lock_nesting += 1


def rcu_read_unlock() -> None:
    """Leave a read section."""
    check(
        mine(current).rcu_read_lock_nesting > 0,
        "rcu-imbalance",
        "rcu_read_unlock() without rcu_read_lock()",
    )
    mine(current).rcu_read_lock_nesting -= 1
    if not rcu_is_reader():
        rcu_leave()


@macro
def rcu_dereference(p: T) -> T:
    """Load a pointer that RCU protects."""
    return READ_ONCE(p)


@macro
def rcu_assign_pointer(p: T, v: T | None) -> None:
    """Store a pointer that RCU protects, after all that was written before."""
    WRITE_ONCE(p, v)


# --- grace periods ------------------------------------------------------------------------------


def rcu_gp_begin(waiter: Process) -> None:
    """Let `waiter` wait for all who are readers now."""
    with atomic("grace period begins"):
        for reader in each(rcu_state.readers):
            rcu_tasks.of(reader).holds_up.add(waiter)


def rcu_gp_over() -> bool:
    """Tell whether all whom this process waits for have left."""
    return all(me() not in rcu_tasks.of(reader).holds_up for reader in rcu_state.readers)


def synchronize_rcu() -> None:
    """Wait until all who are readers now have left their sections."""
    might_sleep()
    rcu_gp_begin(me())
    wait_until(rcu_gp_over(), "grace period ends")


# --- callbacks ----------------------------------------------------------------------------------


@process(limit=2 * slots(RcuHead))
def rcu_callback(head: RcuHead) -> None:
    """Run one callback in softirq, when its grace period is over."""
    with atomic("grace period ends, callback runs"):
        wait_until(rcu_gp_over())
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
        rcu_state.callbacks.remove(me())
        mine(rcu_tasks).barriers.clear()


def rcu_queue(head: RcuHead, func: Callable[[RcuHead], None]) -> Process:
    """Do what call_rcu() does, and return who waits for the grace period and runs the callback."""
    with atomic("callback queued, grace period begins"):
        check(not head.queued, "double-queue", "call_rcu() on an rcu_head that is queued already")
        head.queued = True
        head.func = func
        callback = start(rcu_callback, head)
        rcu_state.callbacks.add(callback)
        rcu_gp_begin(callback)
    return callback


def call_rcu(head: RcuHead, func: Callable[[RcuHead], None]) -> None:
    """Have `func(head)` called after a grace period that begins now; does not wait."""
    rcu_queue(head, func)


def rcu_hold_up(waiter: Process) -> None:
    """Let `waiter` wait for this read section, too, as if its grace period had begun later."""
    mine(rcu_tasks).holds_up.add(waiter)


def kvfree_rcu_cb(head: RcuHead) -> None:
    """Free the object that the head lives in."""
    free(head)


def kfree_rcu(ptr: Object, head: RcuHead) -> None:
    """Free an object after a grace period, through its own rcu_head: `kfree_rcu(m, m.rcu)`.

    The kernel's macro passes over NULL. Here it is not to be called with it: `null-deref`.
    """
    call_rcu(head, kvfree_rcu_cb)


def rcu_barrier() -> None:
    """Wait for the callbacks that are queued now, not for those that these queue."""
    might_sleep()
    with atomic("barrier begins"):
        for callback in each(rcu_state.callbacks):
            rcu_tasks.of(callback).barriers.add(me())
    wait_until(
        all(me() not in rcu_tasks.of(callback).barriers for callback in rcu_state.callbacks),
        "all callbacks queued before the barrier have run",
    )
