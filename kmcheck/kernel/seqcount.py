"""Sequence counters and seqlocks: readers that look again when a writer was there.

Semantics: a writer makes the sequence odd, one step, writes, and makes it even, another step. A
reader waits while it is odd, reads, and asks whether it is still the same. Writers keep each other
out by a lock, which the sequence counter may know (seqcount_spinlock_init, seqcount_mutex_init) and
then looks for. A writer has preemption off: a counter that knows a mutex turns it off itself. A
sequence goes up to 255: 127 writes. Waiting is a disabled step, so a reader that spins for ever
shows as a deadlock.

Kernel: `include/linux/seqlock.h`, `Documentation/locking/seqlock.rst`, v6.12.

Misuse reported: `guard-violation` (a writer without the lock that the counter knows, or a second
writer), `lock-misuse` (a writer with preemption on, an end without a begin), `free-while-held`
(freed under a writer). That a reader uses what it has read without asking is for a property of the
spec.
"""

from kmcheck.kernel.context import current
from kmcheck.kernel.mutex import Mutex
from kmcheck.kernel.preempt import preempt_disable, preempt_enable
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.lang import (
    Annotated,
    Object,
    Process,
    Ref,
    atomic,
    check,
    me,
    mine,
    wait_until,
)


class SeqCount(Object):
    """`seqcount_t`, `seqcount_spinlock_t`, `seqcount_mutex_t`."""

    sequence: Annotated[int, range(256)]
    writer: Process | None
    spinlock: Ref[SpinLock]  # of seqcount_spinlock_t
    mutex: Ref[Mutex]  # of seqcount_mutex_t

    def on_free(self) -> None:
        """Look for a writer."""
        check(self.writer is None, "free-while-held", "seqcount freed under its writer")


class SeqLock(Object):
    """`seqlock_t`: a sequence counter with the spinlock of its writers."""

    seqcount: SeqCount
    lock: SpinLock


def seqcount_spinlock_init(s: SeqCount, lock: SpinLock) -> None:
    """Say which spinlock keeps writers apart."""
    s.spinlock = lock


def seqcount_mutex_init(s: SeqCount, lock: Mutex) -> None:
    """Say which mutex keeps writers apart."""
    s.mutex = lock


def seqlock_init(sl: SeqLock) -> None:
    """Say that the seqlock's own lock keeps writers apart."""
    sl.seqcount.spinlock = sl.lock


def write_seqcount_begin(s: SeqCount) -> None:
    """Begin to write: readers will look again."""
    with atomic("sequence is odd"):
        lock = s.spinlock
        if lock is not None:
            check(
                lock.owner == me(),
                "guard-violation",
                "write_seqcount_begin() without the spinlock that keeps writers apart",
            )
        mutex = s.mutex
        if mutex is not None:
            check(
                mutex.owner == me(),
                "guard-violation",
                "write_seqcount_begin() without the mutex that keeps writers apart",
            )
            preempt_disable()
        check(s.writer is None, "guard-violation", "two writers of a seqcount at once")
        check(
            mine(current).preempt_count > 0,
            "lock-misuse",
            "write_seqcount_begin() with preemption on: a reader may spin for ever",
        )
        s.writer = me()
        s.sequence += 1


def write_seqcount_end(s: SeqCount) -> None:
    """Have written: readers from now on see all of it."""
    with atomic("sequence is even"):
        check(s.writer == me(), "lock-misuse", "write_seqcount_end() without its begin")
        s.writer = None
        s.sequence += 1
        if s.mutex is not None:
            preempt_enable()


def read_seqcount_begin(s: SeqCount) -> int:
    """Return the sequence once no writer is at work."""
    with atomic("sequence read"):
        wait_until(s.sequence % 2 == 0)
        seq = s.sequence
    return seq


def read_seqcount_retry(s: SeqCount, start: int) -> bool:
    """Tell whether a writer was there since `start`: then what was read is worth nothing."""
    return s.sequence != start


# --- seqlocks -----------------------------------------------------------------------------------


def write_seqlock(sl: SeqLock) -> None:
    """Lock out other writers and begin to write."""
    spin_lock(sl.lock)
    write_seqcount_begin(sl.seqcount)


def write_sequnlock(sl: SeqLock) -> None:
    """Have written, and let other writers in."""
    write_seqcount_end(sl.seqcount)
    spin_unlock(sl.lock)


def read_seqbegin(sl: SeqLock) -> int:
    """Return the sequence once no writer is at work."""
    return read_seqcount_begin(sl.seqcount)


def read_seqretry(sl: SeqLock, start: int) -> bool:
    """Tell whether a writer was there since `start`."""
    return read_seqcount_retry(sl.seqcount, start)
