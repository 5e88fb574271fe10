"""XArrays: slots that an index leads to, with a lock of their own.

Semantics: an XArray is two fields of an object, its lock and its slots, because what the slots hold
is the spec's own class: `xa: XArray` and `slots: Annotated[ArrayOf[Ref[Memcg]], 4]`. xa_load() is
one step and takes no lock: it is a load under RCU, and what is found may be freed after a grace
period unless the caller is in a read section that began before. xa_store(), xa_erase(),
xa_cmpxchg(), xa_insert() and xa_alloc() take the lock inside and are one step, which waits while
somebody else has the lock. With xa_lock() held the forms with two underscores make several changes
one. Memory for the nodes is always there.

Kernel: `include/linux/xarray.h`, `lib/xarray.c`, v6.12.

Misuse reported: `guard-violation` (__xa_store() and the like without the xa_lock), `self-deadlock`
(xa_store() and the like with it), `free-while-held`, `range` (an index behind the last slot).
"""

from kmcheck.kernel.lockdep import lock_acquire, lock_release
from kmcheck.kernel.spinlock import SpinLock, spin_is_mine, spin_lock, spin_unlock
from kmcheck.lang import (
    READ_ONCE,
    ArrayOf,
    O,
    Object,
    Ref,
    atomic,
    check,
    cmpxchg,
    macro,
    wait_until,
    xchg,
)


class XArray(Object):
    """`struct xarray`, without its slots."""

    xa_lock: SpinLock


def xa_lock(xa: XArray) -> None:
    """Keep all others from changing the array."""
    spin_lock(xa.xa_lock)


def xa_unlock(xa: XArray) -> None:
    """Let others change the array."""
    spin_unlock(xa.xa_lock)


def xa_wait(xa: XArray) -> None:
    """Wait, in an atomic block, until nobody has the lock."""
    lock_acquire(xa.xa_lock, 0)
    lock_release(xa.xa_lock, 0)
    check(not spin_is_mine(xa.xa_lock), "self-deadlock", "the xa_lock is taken by its holder")
    wait_until(xa.xa_lock.owner is None)


def xa_assert_locked(xa: XArray) -> None:
    """Report a change by a process that does not have the lock."""
    check(spin_is_mine(xa.xa_lock), "guard-violation", "array changed without its xa_lock")


@macro
def xa_load(slots: ArrayOf[Ref[O]], index: int) -> O:
    """Return what an index leads to, or NULL."""
    entry = READ_ONCE(slots[index])
    return entry


@macro
def xa_store(xa: XArray, slots: ArrayOf[Ref[O]], index: int, entry: O | None) -> O:
    """Have an index lead to an entry; return what it led to."""
    with atomic("stored in the array"):
        xa_wait(xa)
        old = xchg(slots[index], entry)
    return old


@macro
def xa_erase(xa: XArray, slots: ArrayOf[Ref[O]], index: int) -> O:
    """Have an index lead nowhere; return what it led to."""
    with atomic("erased from the array"):
        xa_wait(xa)
        old = xchg(slots[index], None)
    return old


@macro
def xa_cmpxchg(xa: XArray, slots: ArrayOf[Ref[O]], index: int, old: O | None, entry: O | None) -> O:
    """Have an index lead to `entry` if it leads to `old`; return what it led to."""
    with atomic("array compared and exchanged"):
        xa_wait(xa)
        was = cmpxchg(slots[index], old, entry)
    return was


@macro
def xa_insert(xa: XArray, slots: ArrayOf[Ref[O]], index: int, entry: O) -> bool:
    """Have an index lead to an entry unless it leads somewhere; tell whether it does now."""
    with atomic("inserted into the array"):
        xa_wait(xa)
        was = cmpxchg(slots[index], None, entry)
    return was is None


@macro
def xa_alloc(xa: XArray, slots: ArrayOf[Ref[O]], start: int, entry: O) -> int:
    """Have the first free index from `start` on lead to an entry; return it, or -1 if none is."""
    with atomic("index allocated"):
        xa_wait(xa)
        found = -1
        for index in range(len(slots)):
            if found < 0 and index >= start and slots[index] is None:
                slots[index] = entry
                found = index
    return found


@macro
def __xa_store(xa: XArray, slots: ArrayOf[Ref[O]], index: int, entry: O | None) -> O:
    """Have an index lead to an entry, with the lock held; return what it led to."""
    with atomic("stored in the array"):
        xa_assert_locked(xa)
        old = xchg(slots[index], entry)
    return old


@macro
def __xa_erase(xa: XArray, slots: ArrayOf[Ref[O]], index: int) -> O:
    """Have an index lead nowhere, with the lock held; return what it led to."""
    with atomic("erased from the array"):
        xa_assert_locked(xa)
        old = xchg(slots[index], None)
    return old
