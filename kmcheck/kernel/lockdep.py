"""The order in which locks are taken: reported where two pieces of code contradict each other.

Semantics: a spec whose setup calls lockdep_init() is checked for it; for all others nothing of this
is there. A class of locks is where they live: `Memcg.lock` for the field of a class, `slab_mutex`
for a global. An order is looked for that every process keeps in every run: whoever takes a lock
while it holds others, waiting for it if need be, takes a later one. There is none where one process
takes A and then B and another one B and then A, or so in a circle, be it in different runs and
without ever waiting for each other. Two locks of one class are not taken together, unless one is
taken as a subclass, which is a class of its own: spin_lock_nested(lock, SINGLE_DEPTH_NESTING), or
any number up to 7. A lock remembers what it was taken as until it is released. A trylock waits for
nobody, so it may be against the order, and may be of a class that is held. Read locks count as
locks.

A work and its workqueue are as locks, too: the worker holds both, and who flushes or cancels takes
them for a moment, be the work pending or not. So is the xa_lock within xa_store() and the like.

Being interrupted is as waiting for a lock: a handler holds `hardirq` or `softirq` all the time, and
a process that holds a lock with interrupts on may have to wait for a handler. So a lock that is
taken in a handler, and elsewhere with interrupts on, is reported, on whichever CPU. Handlers are
those of `irq`; an RCU callback is a softirq.

No state is added for the order itself: kmcheck searches with one order, and again with another one
if that was wrong, so the counts are those of the last search.

Kernel: `include/linux/lockdep.h`, `kernel/locking/lockdep.c`,
`Documentation/locking/lockdep-design.rst`, v6.12.

Misuse reported: `lock-order`. The message names both pieces of code, the trace shows one of them.
It is reported, too, where a process holds a third lock of one class, got by trylocks: no more than
two are counted.
"""

from kmcheck.lang import (
    Annotated,
    Object,
    PerProcess,
    SetOf,
    check,
    is_called,
    lock_class,
    mine,
    takes_lock,
)

SINGLE_DEPTH_NESTING = 1

Subclass = Annotated[int, range(8)]


class LockdepMap(Object):
    """`struct lockdep_map`: what is taken and released without being a lock."""


class LockdepTask(Object):
    """The part of `struct task_struct` that says what its process holds: `held_locks`."""

    held: SetOf[Annotated[int, range(64)]]
    twice: SetOf[Annotated[int, range(64)]]  # those of `held` that it holds two locks of
    hardirqs_off: bool
    softirqs_off: Annotated[int, range(256)]


lockdep = PerProcess(LockdepTask)
hardirq = LockdepMap()
softirq = LockdepMap()


def lockdep_init() -> None:
    """Have the order of locks checked: for setup."""


def lock_acquire(lock: Object, subclass: Subclass) -> None:
    """Note that this process takes a lock, and waits for it if need be."""
    if is_called(lockdep_init):
        takes_lock(mine(lockdep).held, lock, subclass)
        lock_acquired(lock, subclass)


def lock_acquired(lock: Object, subclass: Subclass) -> None:
    """Note that this process has got a lock, and may be interrupted with it."""
    if is_called(lockdep_init):
        if lock_class(lock, subclass) in mine(lockdep).held:
            check(
                lock_class(lock, subclass) not in mine(lockdep).twice,
                "lock-order",
                "a third lock of one class and subclass is held",
            )
            mine(lockdep).twice.add(lock_class(lock, subclass))
        mine(lockdep).held.add(lock_class(lock, subclass))
        lockdep_may_be_interrupted()


def lockdep_may_be_interrupted() -> None:
    """Note that what this process holds now may be waited for by an interrupt."""
    if is_called(lockdep_init):
        if not mine(lockdep).hardirqs_off:
            if is_called(lockdep_hardirq_enter):
                takes_lock(mine(lockdep).held, hardirq, 0)
            if is_called(lockdep_softirq_enter):
                if mine(lockdep).softirqs_off == 0:
                    takes_lock(mine(lockdep).held, softirq, 0)


def lock_release(lock: Object, subclass: Subclass) -> None:
    """Note that this process has a lock no more, which it took as one of a subclass."""
    if is_called(lockdep_init):
        if lock_class(lock, subclass) in mine(lockdep).twice:
            mine(lockdep).twice.discard(lock_class(lock, subclass))
        else:
            mine(lockdep).held.discard(lock_class(lock, subclass))


# --- interrupts ---------------------------------------------------------------------------------


def lockdep_hardirqs_off() -> None:
    """Note that no interrupt comes."""
    if is_called(lockdep_init):
        mine(lockdep).hardirqs_off = True


def lockdep_hardirqs_on() -> None:
    """Note that interrupts may come."""
    if is_called(lockdep_init):
        mine(lockdep).hardirqs_off = False
        lockdep_may_be_interrupted()


def lockdep_irq_save() -> bool:
    """Note that no interrupt comes; tell whether that was so: for primitives without a CPU."""
    flags = False
    if is_called(lockdep_init):
        flags = mine(lockdep).hardirqs_off
        mine(lockdep).hardirqs_off = True
    return flags


def lockdep_irq_restore(flags: bool) -> None:
    """Note that interrupts may come, unless they could not before."""
    if not flags:
        lockdep_hardirqs_on()


def lockdep_softirqs_off() -> None:
    """Note that no softirq comes."""
    if is_called(lockdep_init):
        mine(lockdep).softirqs_off += 1


def lockdep_softirqs_on() -> None:
    """Note that softirqs may come, unless something else keeps them away."""
    if is_called(lockdep_init):
        mine(lockdep).softirqs_off -= 1
        lockdep_may_be_interrupted()


def lockdep_hardirq_enter() -> None:
    """Note that this process interrupts others."""
    if is_called(lockdep_init):
        mine(lockdep).hardirqs_off = True
        mine(lockdep).held.add(lock_class(hardirq, 0))


def lockdep_hardirq_exit() -> None:
    """Note that this process does not interrupt others any more."""
    if is_called(lockdep_init):
        mine(lockdep).held.discard(lock_class(hardirq, 0))
        mine(lockdep).hardirqs_off = False


def lockdep_softirq_enter() -> None:
    """Note that this process interrupts tasks."""
    if is_called(lockdep_init):
        mine(lockdep).softirqs_off += 1
        mine(lockdep).held.add(lock_class(softirq, 0))


def lockdep_softirq_exit() -> None:
    """Note that this process does not interrupt tasks any more."""
    if is_called(lockdep_init):
        mine(lockdep).held.discard(lock_class(softirq, 0))
        mine(lockdep).softirqs_off -= 1
