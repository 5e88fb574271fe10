"""Spinning readers/writer locks.

Semantics: any number of readers, or one writer. A writer first queues, one step, and then takes the
lock, another; from when it queues, no reader gets in before it. So it is in the kernel (queued
rwlocks), and that is why a reader that takes the lock again may wait for ever: for the writer, who
waits for it. (A reader in an interrupt gets in before writers that only wait: write
read_lock_unfair().) Readers and the writer have preemption off. Releasing is one step.

Kernel: `include/linux/rwlock.h`, `kernel/locking/qrwlock.c`, v6.12.

Misuse reported: `self-deadlock` (taken again by who has it, reading or writing), `lock-misuse`
(released by who has not got it, or never released), `free-while-held`, `sleep-in-atomic` (by what
sleeps under it).
"""

from kmcheck.kernel.context import current
from kmcheck.kernel.lockdep import lock_acquire, lock_acquired, lock_release
from kmcheck.kernel.preempt import preempt_disable, preempt_enable
from kmcheck.lang import Object, Process, SetOf, atomic, check, me, mine, wait_until


class RwLock(Object):
    """`rwlock_t`."""

    readers: SetOf[Process]
    writer: Process | None
    waiting: SetOf[Process]  # writers that have queued

    def on_free(self) -> None:
        """Look for a holder."""
        check(
            self.writer is None and len(self.readers) == 0,
            "free-while-held",
            "freed with its rwlock held",
        )


def rwlock_is_mine(lock: RwLock) -> bool:
    """Tell whether this process holds the lock, reading or writing."""
    return lock.writer == me() or me() in lock.readers


def rwlock_taken() -> None:
    """Note that this process holds one more lock, which is not to be slept under."""
    preempt_disable()
    mine(current).lockdep_depth += 1


def rwlock_given_back() -> None:
    """Note that this process holds one lock less."""
    mine(current).lockdep_depth -= 1
    preempt_enable()


def read_lock(lock: RwLock) -> None:
    """Take the lock as one of its readers, behind the writers that have queued."""
    with atomic("locked for reading"):
        lock_acquire(lock, 0)
        check(not rwlock_is_mine(lock), "self-deadlock", "read_lock() by one who has the lock")
        wait_until(lock.writer is None and len(lock.waiting) == 0)
        lock.readers.add(me())
        rwlock_taken()


def read_lock_unfair(lock: RwLock) -> None:
    """Take the lock as one of its readers, before writers that only wait: in an interrupt."""
    with atomic("locked for reading"):
        lock_acquire(lock, 0)
        check(not rwlock_is_mine(lock), "self-deadlock", "read_lock() by one who has the lock")
        wait_until(lock.writer is None)
        lock.readers.add(me())
        rwlock_taken()


def read_trylock(lock: RwLock) -> bool:
    """Take the lock as one of its readers if no writer has it or waits; tell whether it was."""
    with atomic("try to read"):
        taken = lock.writer is None and len(lock.waiting) == 0 and me() not in lock.readers
        if taken:
            lock_acquired(lock, 0)
            lock.readers.add(me())
            rwlock_taken()
    return taken


def read_unlock(lock: RwLock) -> None:
    """Leave as a reader."""
    with atomic("unlocked by a reader"):
        check(me() in lock.readers, "lock-misuse", "read_unlock() by one who is no reader")
        lock_release(lock, 0)
        lock.readers.remove(me())
        rwlock_given_back()


def write_lock(lock: RwLock) -> None:
    """Take the lock as its only holder: queue, then wait until those before have left."""
    with atomic("writer queued"):
        lock_acquire(lock, 0)
        check(not rwlock_is_mine(lock), "self-deadlock", "write_lock() by one who has the lock")
        lock.waiting.add(me())
    with atomic("locked for writing"):
        wait_until(lock.writer is None and len(lock.readers) == 0)
        lock.waiting.remove(me())
        lock.writer = me()
        rwlock_taken()


def write_trylock(lock: RwLock) -> bool:
    """Take the lock as its only holder if nobody has it; tell whether it was."""
    with atomic("try to write"):
        taken = lock.writer is None and len(lock.readers) == 0
        if taken:
            lock_acquired(lock, 0)
            lock.writer = me()
            rwlock_taken()
    return taken


def write_unlock(lock: RwLock) -> None:
    """Release the lock that this process is writing under."""
    with atomic("unlocked by the writer"):
        check(lock.writer == me(), "lock-misuse", "write_unlock() by one who is not the writer")
        lock_release(lock, 0)
        lock.writer = None
        rwlock_given_back()
