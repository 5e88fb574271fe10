"""mm/list_lru: drain before clearing xarray entry on reparent.

Bug: B01.

Kernel: v6.13 (fb56fdf8b9a2, one lock for each memcg's list) to mid-2026. Found by audit.

Breaks: memcg_reparent_list_lrus() takes the child's lists out of the xarray, and then splices
them to the parent's. In between, list_lru_del() finds no list for the child, goes to the parent's,
takes that one's lock, and unlinks an object that is still on the child's list: under the wrong
lock, beside whoever holds the right one.

Fix: splice the lists, and mark them dead (nr_items = LONG_MIN) under their locks; only then erase
the entry. Who has found the old list waits for its lock, sees that it is dead, and goes up.

Modelled: parent > child, objects on the child's list that are being deleted, and the reparenting.
The xarray is one pointer a memcg. That a list is changed under its own lock is checked at each
unlink, so that two CPUs show what takes three to corrupt the list.
"""

from kmcheck.kernel.list_lru import (
    ListHead,
    ListLru,
    ListLruOne,
    LockMap,
    list_lru_fill,
    list_lru_init,
    list_lru_isolate,
    memcg_init_list_lru_one,
    memcg_reparent_list_lru_one,
    unlock_list_lru,
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.rcu import RcuHead, kfree_rcu, rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.spinlock import spin_lock, spin_unlock
from kmcheck.lang import (
    READ_ONCE,
    WRITE_ONCE,
    Object,
    Ref,
    alive,
    bound,
    choice,
    finally_,
    process,
    setup,
    start,
)

DELETERS = bound(2, "objects on the child's list that are being deleted")
FIX = choice(True, "the lists are drained before their xarray entry is cleared")


class ListLruMemcg(Object):
    """`struct list_lru_memcg`: a memcg's lists, on one node here."""

    rcu: RcuHead
    node: ListLruOne


class Memcg(Object):
    parent: Ref["Memcg"]
    mlru: Ref[ListLruMemcg]  # the entry at its id in lru->xa


class Dentry(Object):
    memcg: Ref[Memcg]
    d_lru: ListHead


dentry_lru = ListLru()


def lock_list_lru_of_memcg(of: Memcg) -> ListLruOne:
    rcu_read_lock()
    memcg = of
    sublist: ListLruOne | None = None
    while sublist is None:
        mlru = READ_ONCE(memcg.mlru)  # xa_load(&lru->xa, memcg_kmem_id(memcg))
        if mlru is not None:
            spin_lock(mlru.node.lock)
            if mlru.node.dead:  # nr_items == LONG_MIN
                spin_unlock(mlru.node.lock)
            else:
                sublist = mlru.node
        if sublist is None:
            memcg = memcg.parent
    rcu_read_unlock()
    return sublist


@process
def list_lru_del_obj(dentry: Dentry) -> None:
    memcg = dentry.memcg
    sublist = lock_list_lru_of_memcg(memcg)
    list_lru_isolate(sublist, dentry.d_lru)
    unlock_list_lru(sublist)


@process
def memcg_reparent_list_lrus(child: Memcg) -> None:
    mlru = child.mlru
    if not FIX:
        WRITE_ONCE(child.mlru, None)  # xa_store(&lru->xa, id, NULL)
    memcg_reparent_list_lru_one(mlru.node, child.parent.mlru.node, True)
    if FIX:
        WRITE_ONCE(child.mlru, None)  # xa_erase_irq()
    kfree_rcu(mlru, mlru.rcu)


@setup
def objects_on_the_childs_list() -> None:
    lockdep_init()
    list_lru_init(dentry_lru, LockMap.MEMCG)
    of_parent = ListLruMemcg()
    of_child = ListLruMemcg()
    memcg_init_list_lru_one(dentry_lru, of_parent.node, None)
    memcg_init_list_lru_one(dentry_lru, of_child.node, of_parent.node)
    parent = Memcg(mlru=of_parent)
    child = Memcg(parent=parent, mlru=of_child)
    for _ in range(DELETERS):
        dentry = Dentry(memcg=child)
        list_lru_fill(of_child.node, dentry.d_lru)
        start(list_lru_del_obj, dentry)
    start(memcg_reparent_list_lrus, child)


@finally_
def nothing_is_left_on_a_list() -> bool:
    return all(len(one.items) == 0 and one.nr_items == 0 for one in alive(ListLruOne))
