"""Swap the memcg pointer, wait for a grace period, splice the lists: under split list locks.

Bug: B48.

Kernel: none: the order of Johannes Weiner's design (LKML, 14 February 2014) with the locks of
v6.13 (fb56fdf8b9a2). The title is ours. v6.13 to mid-2026 had the same shape by another way, see
list_lru_drain_before_clearing_xarray_entry.

Breaks: between the swap and the splice, a delete loads the parent, locks the parent's list, and
unlinks an object that is still on the child's list.

Fix: either one lock for all lists of the node, as until v6.12 (LOCKS=node), where only the counts
of the two lists are wrong for a while and the splice adds them up. Or splice first, marking the
list dead under its lock, and then swap (FIX=yes): who comes late goes to the parent.

Finding: kmcheck confirms it, under sequential consistency, with one cache, and whatever the number
of objects: a single delete is enough. Whether a design is right depends on what a lock guards. The
mail's order was right for the locks of its day.

Modelled: parent > child, objects of the child that are being deleted, the cache whose back pointer
leads to their list, and the child's teardown.
"""

from kmcheck.kernel.list_lru import (
    ListHead,
    ListLru,
    ListLruOne,
    LockMap,
    list_lru_del,
    list_lru_fill,
    list_lru_init,
    memcg_init_list_lru_one,
    memcg_reparent_list_lru_one,
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.rcu import (
    rcu_assign_pointer,
    rcu_dereference,
    rcu_read_lock,
    rcu_read_unlock,
    synchronize_rcu,
)
from kmcheck.kernel.slab import kfree
from kmcheck.lang import Object, Ref, bound, choice, finally_, process, setup, start

DELETERS = bound(2, "objects on the child's list that are being deleted")
LOCKS = choice(LockMap.MEMCG, "what the lock of a list guards: a node's lists, or one memcg's")
FIX = choice(True, "the list is spliced, and marked dead, before the pointer is swapped")


class Memcg(Object):
    parent: Ref["Memcg"]
    lru: ListLruOne


class Cache(Object):
    memcg: Ref[Memcg]


class Dentry(Object):
    slab_cache: Ref[Cache]
    d_lru: ListHead


dentry_lru = ListLru()


@process
def list_lru_del_obj(dentry: Dentry) -> None:
    s = dentry.slab_cache
    rcu_read_lock()
    memcg = rcu_dereference(s.memcg)
    list_lru_del(dentry_lru, dentry.d_lru, memcg.lru)
    rcu_read_unlock()


@process
def css_free(child: Memcg, s: Cache) -> None:
    parent = child.parent
    if FIX:
        memcg_reparent_list_lru_one(child.lru, parent.lru, True)
        rcu_assign_pointer(s.memcg, parent)
        synchronize_rcu()
    else:
        rcu_assign_pointer(s.memcg, parent)
        synchronize_rcu()
        memcg_reparent_list_lru_one(child.lru, parent.lru, False)
    kfree(child)


@setup
def objects_on_the_childs_list() -> None:
    lockdep_init()
    list_lru_init(dentry_lru, LOCKS)
    parent = Memcg()
    child = Memcg(parent=parent)
    memcg_init_list_lru_one(dentry_lru, parent.lru, None)
    memcg_init_list_lru_one(dentry_lru, child.lru, parent.lru)
    s = Cache(memcg=child)
    for _ in range(DELETERS):
        dentry = Dentry(slab_cache=s)
        list_lru_fill(child.lru, dentry.d_lru)
        start(list_lru_del_obj, dentry)
    start(css_free, child, s)


@finally_
def nothing_is_left_on_the_list(memcg: Memcg) -> bool:
    return memcg.lru.nr_items == 0 and len(memcg.lru.items) == 0
