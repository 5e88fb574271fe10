"""Mutexes.

Semantics: taking a free mutex is one step, releasing it is one step; waiting for it is a disabled
step. The taker may sleep even where the mutex happens to be free.

Kernel: `include/linux/mutex.h`, `kernel/locking/mutex.c`, v6.12.

Misuse reported: `sleep-in-atomic` (mutex_lock() in atomic context), `self-deadlock` (taken
twice), `lock-misuse` (released by a process that does not hold it, or never released),
`free-while-held`.
"""

from kmcheck.kernel.context import current, might_sleep
from kmcheck.kernel.lockdep import Subclass, lock_acquire, lock_acquired, lock_release, lockdep_init
from kmcheck.lang import Object, Process, atomic, check, is_called, me, mine, wait_until


class Mutex(Object):
    """`struct mutex`."""

    owner: Process | None
    subclass: Subclass  # that it was taken as; for lockdep

    def on_free(self) -> None:
        """Look for a holder."""
        check(self.owner is None, "free-while-held", "freed with its mutex held")


def mutex_lock(lock: Mutex) -> None:
    """Take the mutex, sleeping until it is free."""
    mutex_lock_nested(lock, 0)


def mutex_lock_nested(lock: Mutex, subclass: Subclass) -> None:
    """Take the mutex as one of a subclass, sleeping until it is free."""
    might_sleep()
    with atomic("locked"):
        lock_acquire(lock, subclass)
        wait_until(lock.owner is None or lock.owner == me())
        check(lock.owner is None, "self-deadlock", "mutex_lock() by the mutex's owner")
        lock.owner = me()
        if is_called(lockdep_init):
            lock.subclass = subclass
        mine(current).lockdep_depth += 1


def mutex_trylock(lock: Mutex) -> bool:
    """Take the mutex if it is free; tell whether it was."""
    with atomic("try"):
        taken = lock.owner is None
        if taken:
            lock_acquired(lock, 0)
            lock.owner = me()
            mine(current).lockdep_depth += 1
    return taken


def mutex_unlock(lock: Mutex) -> None:
    """Release the mutex."""
    with atomic("unlocked"):
        check(lock.owner == me(), "lock-misuse", "mutex_unlock() by a process without it")
        lock_release(lock, lock.subclass)
        if is_called(lockdep_init):
            lock.subclass = 0
        lock.owner = None
        mine(current).lockdep_depth -= 1
