"""mm: list_lru: set shrinker map bit when child nr_items is not zero.

Bug: B02.

Kernel: since v4.19 (the shrinker bitmap); fixed in v5.10 (8199be001a47, commit id from memory).

Breaks: reparenting sets the parent's shrinker bit only where the parent's list was empty, as
nr_items tells. But nr_items may be negative for a while: list_lru_del() counts down at the parent
what it takes off the child's list. The shrinker finds the list empty by its (wrong) count, clears
the bit, and the reparenting does not set it again: the objects are never reclaimed. Seen in
production as 14 million dentries.

Fix: set the bit whenever the child had objects, `if (src->nr_items)`.

Modelled: parent > child, two objects on the child's list of which one is being deleted, the
shrinker at work on the parent, whose bit is left over from an object that is gone, and the
reparenting. One lock for all lists. The shortest run is simpler than the one in the changelog,
which needs a shrinker that meets a count of zero by coincidence: here the shrinker is done, and
right, before the count goes below zero.
"""

from kmcheck.kernel.list_lru import (
    ListHead,
    ListLru,
    ListLruOne,
    LockMap,
    clear_shrinker_bit,
    list_lru_count_one,
    list_lru_fill,
    list_lru_init,
    list_lru_isolate,
    memcg_init_list_lru_one,
    set_shrinker_bit,
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.spinlock import spin_lock, spin_unlock
from kmcheck.lang import (
    WRITE_ONCE,
    Object,
    Ref,
    atomic,
    bound,
    choice,
    each,
    finally_,
    process,
    setup,
    start,
)

DELETERS = bound(1, "objects on the child's list that are being deleted")
KEPT = bound(1, "objects on the child's list that stay")
FIX = choice(True, "the parent's bit is set iff the child's nr_items is not zero")


class Memcg(Object):
    parent: Ref["Memcg"]
    lru: ListLruOne
    kmemcg_id: Ref[ListLruOne]  # an index of nlru->memcg_lrus->lru[]; here, what it leads to


class Dentry(Object):
    memcg: Ref[Memcg]
    d_lru: ListHead


nlru = ListLru()


@process
def list_lru_del(dentry: Dentry) -> None:
    memcg = dentry.memcg
    spin_lock(nlru.lock)
    one = memcg.kmemcg_id
    list_lru_isolate(one, dentry.d_lru)
    spin_unlock(nlru.lock)


@process
def shrink_slab_memcg(memcg: Memcg) -> None:
    if memcg.lru.shrinker_bit:
        nr = list_lru_count_one(nlru, memcg.lru)
        if nr == 0:  # SHRINK_EMPTY
            clear_shrinker_bit(memcg.lru)
            nr = list_lru_count_one(nlru, memcg.lru)
            if nr > 0:
                set_shrinker_bit(memcg.lru)


def memcg_drain_list_lru_node(src: ListLruOne, dst: ListLruOne) -> None:
    spin_lock(nlru.lock)
    with atomic("list_splice_init()"):
        for item in each(src.items):
            item.on = dst
        dst.items.update(src.items)
        src.items.clear()
    if FIX:
        wanted = src.nr_items != 0
    else:
        wanted = dst.nr_items == 0 and src.nr_items != 0
    dst.nr_items += src.nr_items
    src.nr_items = 0
    if wanted:
        set_shrinker_bit(dst)
    spin_unlock(nlru.lock)


@process
def memcg_offline_kmem(child: Memcg) -> None:
    parent = child.parent
    WRITE_ONCE(child.kmemcg_id, parent.lru)
    memcg_drain_list_lru_node(child.lru, parent.lru)


@setup
def two_objects_of_the_child() -> None:
    lockdep_init()
    list_lru_init(nlru, LockMap.NODE)
    parent = Memcg()
    child = Memcg(parent=parent)
    memcg_init_list_lru_one(nlru, parent.lru, None)
    memcg_init_list_lru_one(nlru, child.lru, parent.lru)
    parent.kmemcg_id = parent.lru
    child.kmemcg_id = child.lru
    parent.lru.shrinker_bit = True
    for _ in range(DELETERS):
        deleted = Dentry(memcg=child)
        list_lru_fill(child.lru, deleted.d_lru)
        start(list_lru_del, deleted)
    for _ in range(KEPT):
        kept = Dentry(memcg=child)
        list_lru_fill(child.lru, kept.d_lru)
    start(shrink_slab_memcg, parent)
    start(memcg_offline_kmem, child)


@finally_
def nr_items_is_the_length(memcg: Memcg) -> bool:
    return memcg.lru.nr_items == len(memcg.lru.items)


@finally_
def shrinker_bit_is_not_lost(memcg: Memcg) -> bool:
    return len(memcg.lru.items) == 0 or memcg.lru.shrinker_bit
