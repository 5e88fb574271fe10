"""mm: memcontrol: recheck the memcg after locking the lruvec (LRU folio reparenting).

Bug: B40.

Kernel: none: avoided in the series that reparents LRU folios (2021 to 2026, merged for v7.1), by
the comment and the retry in folio_lruvec_lock(). The title is ours.

Breaks: a folio's lruvec is found through its memcg, and then locked. Once folios are reparented,
the folio may have moved to the parent's lruvec in between: it is taken off the parent's list under
the child's lock.

Fix: look at the folio's memcg again when the lock is held; if it is another one, unlock and retry.
That is enough because folios change their memcg only under both lruvec locks. A read section from
the lookup to the unlock keeps the lruvec, which lives in the memcg.

Modelled: parent > child, folios of the child that are being isolated, and the child's teardown:
both locks, the folios are moved and re-pointed, a grace period, and the child is freed.
"""

from kmcheck.kernel.lockdep import SINGLE_DEPTH_NESTING, lockdep_init
from kmcheck.kernel.rcu import (
    rcu_dereference,
    rcu_read_lock,
    rcu_read_unlock,
    synchronize_rcu,
)
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.spinlock import SpinLock, spin_is_mine, spin_lock, spin_lock_nested, spin_unlock
from kmcheck.lang import (
    Object,
    Ref,
    SetOf,
    alive,
    atomic,
    bound,
    check,
    choice,
    each,
    finally_,
    process,
    setup,
    start,
)

FOLIOS = bound(2, "folios of the child that are being isolated")
FIX = choice(True, "the folio's memcg is looked at again when the lock is held")


class Lruvec(Object):
    lru_lock: SpinLock
    folios: SetOf["Folio"]


class Memcg(Object):
    parent: Ref["Memcg"]
    lruvec: Lruvec


class Folio(Object):
    memcg: Ref[Memcg]  # folio->memcg_data->memcg, through its objcg
    lru: Ref[Lruvec]  # the lruvec on whose list it is


def folio_lruvec_lock(folio: Folio) -> Memcg:
    """Return the memcg whose lruvec has been locked."""
    rcu_read_lock()
    memcg = rcu_dereference(folio.memcg)
    spin_lock(memcg.lruvec.lru_lock)
    if FIX:
        while folio.memcg != memcg:  # lruvec_memcg(lruvec) != folio_memcg(folio)
            spin_unlock(memcg.lruvec.lru_lock)
            memcg = rcu_dereference(folio.memcg)
            spin_lock(memcg.lruvec.lru_lock)
    return memcg


@process
def folio_isolate_lru(folio: Folio) -> None:
    memcg = folio_lruvec_lock(folio)
    with atomic("lruvec_del_folio()"):
        held = spin_is_mine(folio.lru.lru_lock)
        check(held, "guard-violation", "folio taken off a list whose lruvec lock is not held")
        folio.lru.folios.remove(folio)
        folio.lru = None
    spin_unlock(memcg.lruvec.lru_lock)
    rcu_read_unlock()


@process
def memcg_reparent_objcgs(child: Memcg) -> None:
    parent = child.parent
    spin_lock(child.lruvec.lru_lock)
    spin_lock_nested(parent.lruvec.lru_lock, SINGLE_DEPTH_NESTING)
    with atomic("lru_reparent_memcg()"):
        for folio in each(child.lruvec.folios):
            folio.lru = parent.lruvec
        parent.lruvec.folios.update(child.lruvec.folios)
        child.lruvec.folios.clear()
    with atomic("WRITE_ONCE(objcg->memcg, parent)"):
        for folio in each(alive(Folio)):
            folio.memcg = parent
    spin_unlock(parent.lruvec.lru_lock)
    spin_unlock(child.lruvec.lru_lock)
    synchronize_rcu()
    kfree(child)


@setup
def folios_of_the_child() -> None:
    lockdep_init()
    parent = Memcg()
    child = Memcg(parent=parent)
    for _ in range(FOLIOS):
        folio = Folio(memcg=child, lru=child.lruvec)
        child.lruvec.folios.add(folio)
        start(folio_isolate_lru, folio)
    start(memcg_reparent_objcgs, child)


@finally_
def all_folios_are_isolated(memcg: Memcg) -> bool:
    return len(memcg.lruvec.folios) == 0
