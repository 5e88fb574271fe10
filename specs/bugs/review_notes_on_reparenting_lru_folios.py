"""mm: memcontrol: reparent LRU folios: what reviewers found in the series before it was merged.

Bug: B42.

Kernel: none: notes on versions of the series that was merged for v7.1. The title is ours.

Breaks: NOTE=irqs_on: spin_lock(&lruvec->lru_lock) behind a spin_unlock_irq(), which has turned
interrupts on: the lock is taken from interrupts too (I/O completion rotates folios), and one that
comes now on this CPU spins for ever. Lockdep reports the lock even where none comes.
NOTE=flush_in_section: the statistics are flushed, which may sleep, inside a read section. (A third
note, a retry loop whose load the compiler may hoist for want of READ_ONCE(), is a loop without
progress, and not modelled.)

Fix: keep interrupts off until the last lock is released, and flush behind the read section.

Modelled: the offline of a memcg with a folio, and an interrupt on its CPU, that rotates the folio.
"""

from kmcheck.kernel.irq import irq_enter, irq_exit, request_irq, spin_lock_irq, spin_unlock_irq
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
    auto,
    choice,
    finally_,
    process,
    setup,
    start,
)


class Note(Enum):
    NONE = auto()
    IRQS_ON = auto()
    FLUSH_IN_SECTION = auto()


NOTE = choice(Note.NONE, "which of the reviewers' notes is not heeded")


class Memcg(Object):
    parent: Ref["Memcg"]
    lru_lock: SpinLock  # of its lruvec
    folios: SetOf["Folio"]


class Folio(Object):
    memcg: Ref[Memcg]


objcg_lock = SpinLock()
cgroup_rstat_mutex = Mutex()


def lru_reparent_memcg(child: Memcg, parent: Memcg, folio: Folio) -> None:
    spin_lock(child.lru_lock)
    child.folios.remove(folio)
    parent.folios.add(folio)
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
    irq_enter()
    spin_lock(memcg.lru_lock)
    spin_unlock(memcg.lru_lock)
    irq_exit()


@setup
def a_folio_of_the_child() -> None:
    lockdep_init()
    parent = Memcg()
    child = Memcg(parent=parent)
    folio = Folio(memcg=child)
    child.folios.add(folio)
    start(memcg_reparent_objcgs, child, parent, folio, cpu=0)
    request_irq(start(folio_rotate_reclaimable, child, cpu=0))


@finally_
def the_folio_is_the_parents(folio: Folio) -> bool:
    return folio in folio.memcg.folios and folio.memcg.parent is None
