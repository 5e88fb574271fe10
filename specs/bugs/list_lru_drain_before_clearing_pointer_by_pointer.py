"""mm/list_lru: drain before clearing xarray entry on reparent, pointer by pointer.

Bug: B01.

Kernel: v6.13 (fb56fdf8b9a2) to mid-2026.

Breaks: as in list_lru_drain_before_clearing_xarray_entry, and here is what comes of it. Two objects
that are neighbours on the child's list are deleted under different locks, one list_del() in the
middle of the other: what has been unlinked is linked again, and reclaim will find it when it is
long freed.

Fix: the same: drain the lists under their locks, mark them dead, and then erase the entry.

Modelled: parent > child, two objects on the child's list, both being deleted, and the reparenting.
With LIST_STEPS=fine, list_del_init() and list_splice_init() are the loads and stores that they are
in <linux/list.h>, in any interleaving, with LIST_DEBUG=no unchecked. With whole steps the guard is
what tells. Nothing is freed, so there is no RCU.
"""

from kmcheck.kernel.list import (
    INIT_LIST_HEAD,
    ListLink,
    list_add,
    list_del_init,
    list_guarded_by,
    list_splice_init,
)
from kmcheck.kernel.lockdep import SINGLE_DEPTH_NESTING, lockdep_init
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_lock_nested, spin_unlock
from kmcheck.lang import (
    READ_ONCE,
    WRITE_ONCE,
    Object,
    Ref,
    choice,
    finally_,
    process,
    setup,
    start,
)

FIX = choice(True, "the lists are drained before their xarray entry is cleared")


class ListLruOne(Object):
    lock: SpinLock
    list: ListLink
    dead: bool  # nr_items == LONG_MIN


class Memcg(Object):
    parent: Ref["Memcg"]
    lru: Ref[ListLruOne]  # the entry at its id in lru->xa


class Dentry(Object):
    d_lru: ListLink


def lock_list_lru_of_memcg(of: Memcg) -> ListLruOne:
    memcg = of
    sublist: ListLruOne | None = None
    while sublist is None:
        sublist = READ_ONCE(memcg.lru)  # xa_load(&lru->xa, memcg_kmem_id(memcg))
        if sublist is not None:
            spin_lock(sublist.lock)
            if sublist.dead:
                spin_unlock(sublist.lock)
                sublist = None
        if sublist is None:
            memcg = memcg.parent
    return sublist


@process
def list_lru_del(dentry: Dentry, memcg: Memcg) -> None:
    sublist = lock_list_lru_of_memcg(memcg)
    list_del_init(dentry.d_lru)
    spin_unlock(sublist.lock)


@process
def memcg_reparent_list_lrus(child: Memcg, source: ListLruOne, target: ListLruOne) -> None:
    if not FIX:
        WRITE_ONCE(child.lru, None)  # xa_store(&lru->xa, id, NULL)
    spin_lock(source.lock)
    spin_lock_nested(target.lock, SINGLE_DEPTH_NESTING)
    list_splice_init(source.list, target.list)
    source.dead = True
    spin_unlock(target.lock)
    spin_unlock(source.lock)
    if FIX:
        WRITE_ONCE(child.lru, None)  # xa_erase_irq()


@setup
def two_neighbours() -> None:
    lockdep_init()
    of_parent = ListLruOne()
    of_child = ListLruOne()
    INIT_LIST_HEAD(of_parent.list)
    INIT_LIST_HEAD(of_child.list)
    list_guarded_by(of_parent.list, of_parent.lock)
    list_guarded_by(of_child.list, of_child.lock)
    parent = Memcg(lru=of_parent)
    child = Memcg(parent=parent, lru=of_child)
    a = Dentry()
    b = Dentry()
    list_add(b.d_lru, of_child.list)
    list_add(a.d_lru, of_child.list)
    start(list_lru_del, a, child)
    start(memcg_reparent_list_lrus, child, of_child, of_parent)
    start(list_lru_del, b, child)


@finally_
def all_objects_are_off_the_lists(one: ListLruOne) -> bool:
    return one.dead or (one.list.next == one.list and one.list.prev == one.list)
