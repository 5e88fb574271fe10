"""mm: memcontrol: reparent LRU folios: what reviewers found in the series before it was merged.

Kernel: none: notes on versions of the series that was merged for v7.1. The title is ours.

Breaks: NOTE=irqs_on: spin_lock(&lruvec->lru_lock) behind a spin_unlock_irq(), which has turned
interrupts on: the lock is taken from interrupts too (I/O completion rotates folios), and one that
comes now on this CPU spins for ever. NOTE=flush_in_section: the statistics are flushed, which may
sleep, inside a read section. (A third note, a retry loop whose load the compiler may hoist for want
of READ_ONCE(), is a loop without progress, and not modelled.)

Fix: keep interrupts off until the last lock is released, and flush behind the read section.

Modelled: the offline of a memcg with a folio, on one CPU, and an interrupt there (drawn as CPU1).
An interrupt comes where interrupts are on, and the offline does not go on before it has returned:
this is asked where it would turn them off, and where it would release the lock that the interrupt
wants.
"""

from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.mutex import Mutex, mutex_lock, mutex_unlock
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.lang import (
    WRITE_ONCE,
    Enum,
    Object,
    Ref,
    SetOf,
    atomic,
    auto,
    choice,
    finally_,
    process,
    setup,
    start,
    wait_until,
)


class Note(Enum):
    NONE = auto()
    IRQS_ON = auto()
    FLUSH_IN_SECTION = auto()


NOTE = choice(Note.NONE, "which of the reviewers' notes is not heeded")


class Cpu(Object):
    irqs_off: bool
    in_irq: bool


class Memcg(Object):
    parent: Ref["Memcg"]
    lru_lock: SpinLock  # of its lruvec
    folios: SetOf["Folio"]


class Folio(Object):
    memcg: Ref[Memcg]


cpu = Cpu()
objcg_lock = SpinLock()
cgroup_rstat_mutex = Mutex()


def spin_lock_irq(lock: SpinLock) -> None:
    with atomic("interrupts off"):
        wait_until(not cpu.in_irq)
        cpu.irqs_off = True
    spin_lock(lock)


def spin_unlock_irq(lock: SpinLock) -> None:
    spin_unlock(lock)
    cpu.irqs_off = False


def lru_reparent_memcg(child: Memcg, parent: Memcg, folio: Folio) -> None:
    spin_lock(child.lru_lock)
    child.folios.remove(folio)
    parent.folios.add(folio)
    with atomic("unlocked, behind any interrupt of this CPU"):
        wait_until(not cpu.in_irq)
        spin_unlock(child.lru_lock)


def mem_cgroup_flush_stats() -> None:
    mutex_lock(cgroup_rstat_mutex)
    mutex_unlock(cgroup_rstat_mutex)


@process
def memcg_reparent_objcgs(child: Memcg, parent: Memcg, folio: Folio) -> None:
    spin_lock_irq(objcg_lock)
    WRITE_ONCE(folio.memcg, parent)
    if NOTE == Note.IRQS_ON:
        spin_unlock_irq(objcg_lock)
        lru_reparent_memcg(child, parent, folio)
    else:
        lru_reparent_memcg(child, parent, folio)
        spin_unlock_irq(objcg_lock)
    rcu_read_lock()
    if NOTE == Note.FLUSH_IN_SECTION:
        mem_cgroup_flush_stats()
    rcu_read_unlock()
    if NOTE != Note.FLUSH_IN_SECTION:
        mem_cgroup_flush_stats()


@process
def folio_rotate_reclaimable(memcg: Memcg) -> None:
    """Run in an interrupt."""
    with atomic("interrupt"):
        wait_until(not cpu.irqs_off)
        cpu.in_irq = True
    spin_lock(memcg.lru_lock)
    spin_unlock(memcg.lru_lock)
    cpu.in_irq = False


@setup
def a_folio_of_the_child() -> None:
    lockdep_init()
    parent = Memcg()
    child = Memcg(parent=parent)
    folio = Folio(memcg=child)
    child.folios.add(folio)
    start(memcg_reparent_objcgs, child, parent, folio)
    start(folio_rotate_reclaimable, child)


@finally_
def the_folio_is_the_parents(folio: Folio) -> bool:
    return folio in folio.memcg.folios and folio.memcg.parent is None
