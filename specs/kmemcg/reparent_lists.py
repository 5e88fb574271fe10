"""Reparent a dying memcg's list_lru lists: in which order, and under which lock.

Source: Johannes Weiner, LKML 2014-02-14, "Re: [PATCH -mm v15 00/13] kmemcg shrinkers", on objects
that are on a list_lru: "they have to be moved to the parent's list_lru so that they can be
reclaimed properly on memory pressure". Lock maps: mm/list_lru.c before and after fb56fdf8b9a2
(v6.13).

The design. list_lru_add() and list_lru_del() find the list through the object's cache: load its
back pointer in a read section, lock that memcg's list, change it. When the child dies, the back
pointer is swapped to the parent and the child's list is spliced to the parent's. The order of the
two, with the grace period, is the question, and the answer depends on what a lock guards.

What is modelled. parent > child, one cache of the child, one object that is being added, one that
is on the child's list and is being deleted, reclaim on the parent's list, and the child's
css_free().

ORDER=swap_first    The mail's order: swap, grace period, splice. With one lock for all lists of
                    the node it holds: a delete that has loaded the parent already takes the
                    object off the child's list and counts it down at the parent, whose count may
                    be below zero for a while; the splice adds up both. With one lock for each
                    memcg's list (v6.13) the same delete changes the child's list under the
                    parent's lock (d4). The mail's design was right for the locks of its day, and
                    would be a bug today: this is what 6.13 was, until "mm/list_lru: drain before
                    clearing xarray entry on reparent" (2026).
ORDER=splice_first  (d3) The list is drained while adds may still load the child: an object is put
                    on a list that nobody will look at again, and that is freed under it. With a
                    lock for each list there is a shorter way to fail: a delete that has loaded
                    the child takes the object off the parent's list under the child's lock.
ORDER=locked        (d7) Swap, grace period and splice all under the list's lock, so that nobody
                    can get in between. But a reader may be spinning on that lock in its read
                    section, and synchronize_rcu() waits for it: it must not be called under a
                    spinlock.
ORDER=mark_dead     The repair of 2026: splice, and mark the list dead, under its lock; only then
                    swap. Who comes late finds the list dead and goes to the parent's.
READ_LOCK=no        The memcg is looked up outside a read section and may be freed before its list
                    is locked: "mm: list_lru: fix UAF for memory cgroup", CVE-2024-43888.

                                  predicted        found
default                           holds            holds
LOCKS=memcg                       guard-violation  guard-violation
ORDER=splice_first                stranded-object  stranded-object
ORDER=splice_first, LOCKS=memcg   stranded-object  guard-violation first, stranded-object too
ORDER=locked                      deadlock         sleep-in-atomic, before any reader comes
ORDER=mark_dead                   holds            holds
ORDER=mark_dead, LOCKS=memcg      holds            holds
READ_LOCK=no                      use-after-free   use-after-free
"""

from kmcheck.kernel.list_lru import (
    ListHead,
    ListLru,
    ListLruOne,
    LockMap,
    LruStatus,
    clear_shrinker_bit,
    list_lru_add,
    list_lru_count_one,
    list_lru_del,
    list_lru_fill,
    list_lru_init,
    list_lru_isolate,
    list_lru_walk_one,
    lock_list_lru_of_memcg,
    memcg_init_list_lru_one,
    memcg_reparent_list_lru_one,
    set_shrinker_bit,
    unlock_list_lru,
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
from kmcheck.lang import (
    Enum,
    Object,
    Ref,
    alive,
    auto,
    bound,
    choice,
    choose,
    finally_,
    is_alive,
    process,
    setup,
    start,
)


class Order(Enum):
    SWAP_FIRST = auto()
    SPLICE_FIRST = auto()
    LOCKED = auto()
    MARK_DEAD = auto()


ADDERS = bound(1, "objects that are being added")
DELETERS = bound(1, "objects on the child's list that are being deleted")
SHRINKERS = bound(1, "reclaimers at work on the parent")
ORDER = choice(Order.SWAP_FIRST, "in which order the child is taken down")
LOCKS = choice(LockMap.NODE, "what the lock of a list guards: a node's lists, or one memcg's")
READ_LOCK = choice(True, "the object's memcg is looked up inside an RCU read section")


class Memcg(Object):
    parent: Ref["Memcg"]
    lru: ListLruOne


class Cache(Object):
    memcg: Ref[Memcg]


class Dentry(Object):
    slab_cache: Ref[Cache]  # virt_to_page(dentry)->slab_cache
    d_lru: ListHead


dentry_lru = ListLru()


@process
def list_lru_add_obj(dentry: Dentry, s: Cache) -> None:
    if READ_LOCK:
        rcu_read_lock()
    memcg = rcu_dereference(s.memcg)
    list_lru_add(dentry_lru, dentry.d_lru, memcg.lru)
    if READ_LOCK:
        rcu_read_unlock()


@process
def list_lru_del_obj(dentry: Dentry, s: Cache) -> None:
    if READ_LOCK:
        rcu_read_lock()
    memcg = rcu_dereference(s.memcg)
    list_lru_del(dentry_lru, dentry.d_lru, memcg.lru)
    if READ_LOCK:
        rcu_read_unlock()


def dentry_lru_isolate(item: ListHead, lru: ListLruOne) -> LruStatus:
    list_lru_isolate(lru, item)
    return LruStatus.REMOVED


@process
def shrink_slab_memcg(memcg: Memcg) -> None:
    if memcg.lru.shrinker_bit:
        nr = list_lru_count_one(dentry_lru, memcg.lru)
        if nr == 0:
            clear_shrinker_bit(memcg.lru)
            nr = list_lru_count_one(dentry_lru, memcg.lru)  # after smp_mb__after_atomic()
            if nr != 0:
                set_shrinker_bit(memcg.lru)
        if nr != 0:
            list_lru_walk_one(dentry_lru, memcg.lru, dentry_lru_isolate)


@process
def css_free(child: Memcg, s: Cache) -> None:
    parent = child.parent
    if ORDER == Order.SWAP_FIRST:
        rcu_assign_pointer(s.memcg, parent)
        synchronize_rcu()
        memcg_reparent_list_lru_one(child.lru, parent.lru, False)
    elif ORDER == Order.SPLICE_FIRST:
        memcg_reparent_list_lru_one(child.lru, parent.lru, False)
        rcu_assign_pointer(s.memcg, parent)
        synchronize_rcu()
    elif ORDER == Order.LOCKED:
        lock_list_lru_of_memcg(dentry_lru, child.lru)
        rcu_assign_pointer(s.memcg, parent)
        synchronize_rcu()
        unlock_list_lru(child.lru)
        memcg_reparent_list_lru_one(child.lru, parent.lru, False)
    else:
        memcg_reparent_list_lru_one(child.lru, parent.lru, True)
        rcu_assign_pointer(s.memcg, parent)
        synchronize_rcu()
    kfree(child)


@setup
def two_lists() -> None:
    lockdep_init()
    list_lru_init(dentry_lru, LOCKS)
    parent = Memcg()
    child = Memcg(parent=parent)
    memcg_init_list_lru_one(dentry_lru, parent.lru, None)
    memcg_init_list_lru_one(dentry_lru, child.lru, parent.lru)
    parent.lru.shrinker_bit = choose(True, False)  # or left over from an object that is gone
    cache = Cache(memcg=child)
    for _ in range(ADDERS):
        new = Dentry(slab_cache=cache)
        start(list_lru_add_obj, new, cache)
    for _ in range(DELETERS):
        old = Dentry(slab_cache=cache)
        list_lru_fill(child.lru, old.d_lru)
        start(list_lru_del_obj, old, cache)
    for _ in range(SHRINKERS):
        start(shrink_slab_memcg, parent)
    start(css_free, child, cache)


@finally_
def nr_items_is_the_length(memcg: Memcg) -> bool:
    return memcg.lru.nr_items == len(memcg.lru.items)


@finally_
def shrinker_bit_is_not_lost(memcg: Memcg) -> bool:
    return memcg.lru.nr_items == 0 or memcg.lru.shrinker_bit


@finally_
def listed_objects_are_found_by_reclaim() -> bool:
    """Each object on a list is on the list of the memcg that its cache belongs to now."""
    return all(
        dentry.d_lru.on == dentry.slab_cache.memcg.lru and dentry.d_lru in dentry.d_lru.on.items
        for dentry in alive(Dentry)
        if is_alive(dentry.d_lru.on)
    )
