"""mm/list_lru: fix false warning of negative counter.

Bug: B35.

Kernel: v6.13-rc (the changelog from memory). A wrong invariant: what is broken is the warning.

Breaks: with "mm/list_lru: simplify reparenting and initial allocation" came a warning for
nr_items < 0. While a child is reparented, list_lru_del() finds no list of the child any more and
goes to the parent's, and counts down there what it takes off the child's list, before the splice
has added the child's count to the parent's. The count of the parent may well be below zero.

Fix: no warning. What is true, and checked here in every state: the counts of parent and child
together are the lengths of their lists together; and each by itself in the end.

Modelled: parent > child, objects on the child's list that are being deleted, and the reparenting.
One lock for all lists, so that the objects may be taken off the child's list under the parent's.
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
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.spinlock import spin_lock, spin_unlock
from kmcheck.lang import (
    READ_ONCE,
    WRITE_ONCE,
    Object,
    Ref,
    alive,
    always,
    bound,
    check,
    choice,
    finally_,
    process,
    setup,
    start,
)

DELETERS = bound(2, "objects on the child's list that are being deleted")
FIX = choice(True, "there is no warning of a count below zero")


class Memcg(Object):
    parent: Ref["Memcg"]
    mlru: Ref[ListLruOne]  # the entry at its id in lru->xa


class Dentry(Object):
    memcg: Ref[Memcg]
    d_lru: ListHead


lru = ListLru()


def list_lru_from_memcg(of: Memcg) -> ListLruOne:
    memcg = of
    one = READ_ONCE(memcg.mlru)
    while one is None:
        memcg = memcg.parent
        one = READ_ONCE(memcg.mlru)
    return one


@process
def list_lru_del(dentry: Dentry) -> None:
    memcg = dentry.memcg
    spin_lock(lru.lock)
    one = list_lru_from_memcg(memcg)
    list_lru_isolate(one, dentry.d_lru)
    if not FIX:
        check(one.nr_items >= 0, "warning", "WARN_ON_ONCE(l->nr_items < 0)")
    spin_unlock(lru.lock)


@process
def memcg_reparent_list_lrus(child: Memcg, of_child: ListLruOne, of_parent: ListLruOne) -> None:
    WRITE_ONCE(child.mlru, None)  # xa_store(&lru->xa, id, NULL)
    memcg_reparent_list_lru_one(of_child, of_parent, False)


@setup
def objects_on_the_childs_list() -> None:
    lockdep_init()
    list_lru_init(lru, LockMap.NODE)
    of_parent = ListLruOne()
    of_child = ListLruOne()
    memcg_init_list_lru_one(lru, of_parent, None)
    memcg_init_list_lru_one(lru, of_child, of_parent)
    parent = Memcg(mlru=of_parent)
    child = Memcg(parent=parent, mlru=of_child)
    for _ in range(DELETERS):
        dentry = Dentry(memcg=child)
        list_lru_fill(of_child, dentry.d_lru)
        start(list_lru_del, dentry)
    start(memcg_reparent_list_lrus, child, of_child, of_parent)


@always
def together_the_counts_are_right() -> bool:
    counted = sum(one.nr_items for one in alive(ListLruOne))
    return counted == sum(len(one.items) for one in alive(ListLruOne))


@finally_
def each_count_is_right(one: ListLruOne) -> bool:
    return one.nr_items == len(one.items)
