"""Spinlocks.

Semantics: taking a free lock is one step, which also turns preemption off (so the holder is an
RCU reader and must not sleep); releasing it is one step. Waiting is a disabled step, so a spinner
that waits for ever shows as a deadlock and not as a busy loop.

Kernel: `include/linux/spinlock.h`, `kernel/locking/spinlock.c`, v6.12.

Misuse reported: `self-deadlock` (taken twice), `lock-misuse` (released by a process that does not
hold it, or never released), `free-while-held` (freed while anyone holds it),
`sleep-in-atomic` (by what sleeps under it).
"""

from kmcheck.kernel.context import current
from kmcheck.kernel.lockdep import Subclass, lock_acquire, lock_acquired, lock_release, lockdep_init
from kmcheck.kernel.preempt import preempt_disable, preempt_enable
from kmcheck.lang import Object, Process, atomic, check, is_called, me, mine, wait_until


class SpinLock(Object):
    """`spinlock_t`."""

    owner: Process | None
    subclass: Subclass  # that it was taken as; for lockdep

    def on_free(self) -> None:
        """Look for a holder."""
        check(self.owner is None, "free-while-held", "freed with its spinlock held")


def spin_lock(lock: SpinLock) -> None:
    """Take the lock, waiting for it if need be."""
    spin_lock_nested(lock, 0)


def spin_lock_nested(lock: SpinLock, subclass: Subclass) -> None:
    """Take the lock as one of a subclass, waiting for it if need be."""
    with atomic("locked"):
        lock_acquire(lock, subclass)
        wait_until(lock.owner is None or lock.owner == me())
        check(lock.owner is None, "self-deadlock", "spin_lock() by the lock's holder")
        lock.owner = me()
        if is_called(lockdep_init):
            lock.subclass = subclass
        preempt_disable()
        mine(current).lockdep_depth += 1


def spin_trylock(lock: SpinLock) -> bool:
    """Take the lock if it is free; tell whether it was."""
    with atomic("try"):
        taken = lock.owner is None
        if taken:
            lock_acquired(lock, 0)
            lock.owner = me()
            preempt_disable()
            mine(current).lockdep_depth += 1
    return taken


def spin_unlock(lock: SpinLock) -> None:
    """Release the lock."""
    with atomic("unlocked"):
        check(lock.owner == me(), "lock-misuse", "spin_unlock() by a process that has not got it")
        lock_release(lock, lock.subclass)
        if is_called(lockdep_init):
            lock.subclass = 0
        lock.owner = None
        mine(current).lockdep_depth -= 1
        preempt_enable()


def spin_is_mine(lock: SpinLock) -> bool:
    """Tell whether this process holds the lock: lockdep_is_held()."""
    return lock.owner == me()
