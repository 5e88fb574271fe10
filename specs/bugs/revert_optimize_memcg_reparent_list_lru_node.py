"""Revert "mm/list_lru: optimize memcg_reparent_list_lru_node()".

Bug: B03.

Kernel: v5.18-rc only: 405cc51fc104, reverted by b33e1044475a.

Breaks: memcg_reparent_list_lru_node() returns early, without the lock, where the node's lists have
no objects. But list_lru_add() may be under the lock, with the child's list in its hands, and has
not counted the object yet: the object is put on the child's list after the reparenting, and is
stranded there.

Fix: take the lock always. Two others were discussed, and both look at the lock without taking it.
CHECK=nr_then_locked is as wrong as before: between the two looks the object is counted and the
lock given back. CHECK=locked_then_nr is right, if the two loads stay in this order (smp_rmb()).

Modelled: parent > child, an object that is added to the child's list, and the reparenting, which
ends by freeing the child's lists after a grace period. One lock for all lists.
"""

from kmcheck.kernel.list_lru import (
    ListHead,
    ListLru,
    ListLruOne,
    LockMap,
    list_lru_init,
    memcg_init_list_lru_one,
    memcg_reparent_list_lru_one,
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.rcu import RcuHead, kfree_rcu
from kmcheck.kernel.spinlock import spin_lock, spin_unlock
from kmcheck.lang import (
    READ_ONCE,
    WRITE_ONCE,
    Annotated,
    Enum,
    Object,
    Ref,
    alive,
    atomic,
    auto,
    bound,
    choice,
    fetch_add,
    finally_,
    process,
    setup,
    start,
)


class Check(Enum):
    NONE = auto()
    NR = auto()
    NR_THEN_LOCKED = auto()
    LOCKED_THEN_NR = auto()


ADDERS = bound(1, "objects that are being added")
CHECK = choice(Check.NONE, "what tells, without the lock, that there is nothing to reparent")


class Memcg(Object):
    kmemcg_id: Ref[ListLruOne]  # an index; here, the list that it leads to


class ListLruMemcg(Object):
    rcu: RcuHead
    node: ListLruOne


class ListLruNode(Object):
    """`struct list_lru_node`."""

    lists: ListLru  # with the lock
    nr_items: Annotated[int, range(9)]


class Dentry(Object):
    memcg: Ref[Memcg]
    d_lru: ListHead


nlru = ListLruNode()


@process
def list_lru_add(dentry: Dentry) -> None:
    memcg = dentry.memcg
    spin_lock(nlru.lists.lock)
    one = memcg.kmemcg_id
    with atomic("list_add_tail(), l->nr_items++"):
        one.items.add(dentry.d_lru)
        dentry.d_lru.on = one
        one.nr_items += 1
    fetch_add(nlru.nr_items, 1)
    spin_unlock(nlru.lists.lock)


def nothing_to_reparent() -> bool:
    empty = False
    if CHECK == Check.NR:
        empty = READ_ONCE(nlru.nr_items) == 0
    elif CHECK == Check.NR_THEN_LOCKED:
        empty = READ_ONCE(nlru.nr_items) == 0 and nlru.lists.lock.owner is None
    elif CHECK == Check.LOCKED_THEN_NR:
        empty = nlru.lists.lock.owner is None and READ_ONCE(nlru.nr_items) == 0
    return empty


@process
def memcg_reparent_list_lrus(child: Memcg, of_child: ListLruMemcg, of_parent: ListLruMemcg) -> None:
    WRITE_ONCE(child.kmemcg_id, of_parent.node)
    if not nothing_to_reparent():
        memcg_reparent_list_lru_one(of_child.node, of_parent.node, False)
    kfree_rcu(of_child, of_child.rcu)  # memcg_list_lru_free()


@setup
def two_lists() -> None:
    lockdep_init()
    list_lru_init(nlru.lists, LockMap.NODE)
    of_parent = ListLruMemcg()
    of_child = ListLruMemcg()
    memcg_init_list_lru_one(nlru.lists, of_parent.node, None)
    memcg_init_list_lru_one(nlru.lists, of_child.node, of_parent.node)
    child = Memcg(kmemcg_id=of_child.node)
    for _ in range(ADDERS):
        dentry = Dentry(memcg=child)
        start(list_lru_add, dentry)
    start(memcg_reparent_list_lrus, child, of_child, of_parent)


@finally_
def all_are_found_by_reclaim() -> bool:
    """The list that the memcg's id leads to is all that is left, and has all objects."""
    return all(len(one.items) == ADDERS for one in alive(ListLruOne))
