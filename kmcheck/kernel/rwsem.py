"""Sleeping readers/writer locks.

Semantics: any number of readers, or one writer. A writer first queues, one step, and then takes the
lock, another; from when it queues, no reader gets in before it. (In the kernel a reader sometimes
does, by optimistic spinning, and may always have to wait: a design must not rely on it.) The taker
may sleep even where the lock happens to be free. Releasing is one step, downgrade_write() too.

Kernel: `include/linux/rwsem.h`, `kernel/locking/rwsem.c`, v6.12.

Misuse reported: `sleep-in-atomic`, `self-deadlock` (taken again by who has it, reading or writing),
`lock-misuse` (released by who has not got it, or never released), `free-while-held`.
"""

from kmcheck.kernel.context import current, might_sleep
from kmcheck.kernel.lockdep import lock_acquire, lock_acquired, lock_release
from kmcheck.lang import Object, Process, SetOf, atomic, check, me, mine, wait_until


class RwSemaphore(Object):
    """`struct rw_semaphore`."""

    readers: SetOf[Process]
    writer: Process | None
    waiting: SetOf[Process]  # writers that have queued

    def on_free(self) -> None:
        """Look for a holder."""
        check(
            self.writer is None and len(self.readers) == 0,
            "free-while-held",
            "freed with its rwsem held",
        )


def rwsem_is_mine(sem: RwSemaphore) -> bool:
    """Tell whether this process holds the lock, reading or writing."""
    return sem.writer == me() or me() in sem.readers


def down_read(sem: RwSemaphore) -> None:
    """Take the lock as one of its readers, behind the writers that have queued."""
    might_sleep()
    with atomic("locked for reading"):
        lock_acquire(sem, 0)
        check(not rwsem_is_mine(sem), "self-deadlock", "down_read() by one who has the lock")
        wait_until(sem.writer is None and len(sem.waiting) == 0)
        sem.readers.add(me())
        mine(current).lockdep_depth += 1


def down_read_trylock(sem: RwSemaphore) -> bool:
    """Take the lock as one of its readers if no writer has it; tell whether it was."""
    with atomic("try to read"):
        taken = sem.writer is None and me() not in sem.readers
        if taken:
            lock_acquired(sem, 0)
            sem.readers.add(me())
            mine(current).lockdep_depth += 1
    return taken


def up_read(sem: RwSemaphore) -> None:
    """Leave as a reader."""
    with atomic("unlocked by a reader"):
        check(me() in sem.readers, "lock-misuse", "up_read() by one who is no reader")
        lock_release(sem, 0)
        sem.readers.remove(me())
        mine(current).lockdep_depth -= 1


def down_write(sem: RwSemaphore) -> None:
    """Take the lock as its only holder: queue, then sleep until those before have left."""
    might_sleep()
    with atomic("writer queued"):
        lock_acquire(sem, 0)
        check(not rwsem_is_mine(sem), "self-deadlock", "down_write() by one who has the lock")
        sem.waiting.add(me())
    with atomic("locked for writing"):
        wait_until(sem.writer is None and len(sem.readers) == 0)
        sem.waiting.remove(me())
        sem.writer = me()
        mine(current).lockdep_depth += 1


def down_write_trylock(sem: RwSemaphore) -> bool:
    """Take the lock as its only holder if nobody has it; tell whether it was."""
    with atomic("try to write"):
        taken = sem.writer is None and len(sem.readers) == 0
        if taken:
            lock_acquired(sem, 0)
            sem.writer = me()
            mine(current).lockdep_depth += 1
    return taken


def up_write(sem: RwSemaphore) -> None:
    """Release the lock that this process is writing under."""
    with atomic("unlocked by the writer"):
        check(sem.writer == me(), "lock-misuse", "up_write() by one who is not the writer")
        lock_release(sem, 0)
        sem.writer = None
        mine(current).lockdep_depth -= 1


def downgrade_write(sem: RwSemaphore) -> None:
    """Become a reader, from a writer, with nobody in between."""
    with atomic("downgraded"):
        check(sem.writer == me(), "lock-misuse", "downgrade_write() by one who is not the writer")
        sem.writer = None
        sem.readers.add(me())
