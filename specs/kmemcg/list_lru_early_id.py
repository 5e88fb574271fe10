"""A memcg gives its id back when it goes offline, long before its last object is freed.

Source: Vladimir Davydov, "memcg: free memcg_caches slot on css offline" and "memcg: reparent
list_lrus and free kmemcg_id on css offline" (2788cf0c401c), v4.0. mm/list_lru.c, mm/memcontrol.c,
v4.0 to v4.18.

The design. The lists of a node are found by the memcg's kmemcg_id, and one lock guards them all. A
charged page pins its memcg, so that the memcg of an object never changes and is never freed under
it. Offline gives the memcg, and all below it, the id of its parent; then it splices the list of the
old id to that of the parent, under the lock; then the id is free for a new memcg. Who adds or
deletes an object reads the id under the lock: whoever has read the old one is done before the
splice. A delete in between takes the object off the old list and counts it down in the new one:
"the ongoing reparenting will fix it", and until then a count may be negative.

What is modelled. parent > child > grandchild, which has gone offline before and has the child's id;
an object of the child that is being added and one that is being deleted, an object of the
grandchild that stays, one of a new memcg that gets the id. The child's offline; no memcg is freed.

REDIRECT_FIRST=no  The list is drained first: an object is added to it later. The new memcg has it.
ID_IN_LOCK=no      The same: the id was read before the lock was taken.
SUBTREE=no         The grandchild keeps the id, and adds to and looks for its objects on the list of
                   whichever memcg has it next.
ID_LAST=no         The new memcg has its id before the drain, which takes its objects away, too.
DRAIN_LOCK=no      An object is taken off the list while that is spliced.
MOVE_NR=no         The parent's count stays what it was.
NEVER_NEGATIVE=yes The claim that no count is ever negative. One was made with a warning in v6.13,
                   and withdrawn: "mm/list_lru: fix false warning of negative counter".

                    predicted             found
default             holds                 holds
REDIRECT_FIRST=no   stranded              stranded, and counts are wrong for ever
ID_IN_LOCK=no       stranded              stranded, and counts are wrong for ever
SUBTREE=no          stranded              stranded
ID_LAST=no          on the wrong list     on the wrong list
DRAIN_LOCK=no       guard-violation       guard-violation
MOVE_NR=no          counts are wrong      counts are wrong
NEVER_NEGATIVE=yes  no_count_is_negative  no_count_is_negative
"""

from kmcheck.kernel.list_lru import (
    ListHead,
    ListLru,
    ListLruOne,
    LockMap,
    assert_list_locked,
    list_lru_fill,
    list_lru_init,
    list_lru_isolate,
    memcg_init_list_lru_one,
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.spinlock import spin_lock, spin_unlock
from kmcheck.lang import (
    Annotated,
    ArrayOf,
    Object,
    Ref,
    SetOf,
    alive,
    always,
    atomic,
    bound,
    choice,
    each,
    finally_,
    process,
    setup,
    start,
    wait_until,
)

ADDERS = bound(1, "objects of the child that are being added")
DELETERS = bound(1, "objects of the child that are being deleted")
REDIRECT_FIRST = choice(True, "the memcg has its parent's id before its list is drained")
ID_IN_LOCK = choice(True, "the id of an object's memcg is read under the lock")
SUBTREE = choice(True, "the memcgs below it get the parent's id, too")
ID_LAST = choice(True, "the id is free for others only when its list is drained")
DRAIN_LOCK = choice(True, "the list is drained under the node's lock")
MOVE_NR = choice(True, "the list's count is added to the parent's")
NEVER_NEGATIVE = choice(False, "claim that no count is ever negative")

PARENT_ID = 0
CHILD_ID = 1


class Memcg(Object):
    kmemcg_id: int


class Dentry(Object):
    memcg: Ref[Memcg]  # virt_to_page(dentry)->mem_cgroup
    d_lru: ListHead


class Ids(Object):
    id_is_taken: bool  # the child's
    subtree: SetOf[Memcg]  # of the child, itself included
    lru: Annotated[ArrayOf[Ref[ListLruOne]], 2]  # nlru->memcg_lrus->lru[]


dentry_lru = ListLru()
memcg_lrus = Ids()


def list_lru_add(item: ListHead, memcg: Memcg) -> None:
    nr = memcg.kmemcg_id
    spin_lock(dentry_lru.lock)
    if ID_IN_LOCK:
        nr = memcg.kmemcg_id
    with atomic("list_add_tail(), nr_items++"):
        one = memcg_lrus.lru[nr]
        assert_list_locked(one)
        list_lru_fill(one, item)
    spin_unlock(dentry_lru.lock)


@process
def list_lru_add_obj(item: ListHead, memcg: Memcg) -> None:
    list_lru_add(item, memcg)


@process
def list_lru_del(item: ListHead, memcg: Memcg) -> None:
    nr = memcg.kmemcg_id
    spin_lock(dentry_lru.lock)
    if ID_IN_LOCK:
        nr = memcg.kmemcg_id
    list_lru_isolate(memcg_lrus.lru[nr], item)
    spin_unlock(dentry_lru.lock)


# --- offline


def redirect(memcg: Memcg) -> None:
    if SUBTREE:
        for child in memcg_lrus.subtree:
            child.kmemcg_id = PARENT_ID
    else:
        memcg.kmemcg_id = PARENT_ID


def memcg_drain_list_lru_node() -> None:
    if DRAIN_LOCK:
        spin_lock(dentry_lru.lock)
    with atomic("list_splice_init()"):
        src = memcg_lrus.lru[CHILD_ID]
        dst = memcg_lrus.lru[PARENT_ID]
        assert_list_locked(src)
        for item in each(src.items):
            item.on = dst
        dst.items.update(src.items)
        src.items.clear()
        if MOVE_NR:
            dst.nr_items += src.nr_items
        src.nr_items = 0
    if DRAIN_LOCK:
        spin_unlock(dentry_lru.lock)


@process
def memcg_offline_kmem(memcg: Memcg) -> None:
    if not ID_LAST:
        memcg_lrus.id_is_taken = False
    if REDIRECT_FIRST:
        redirect(memcg)
        memcg_drain_list_lru_node()
    else:
        memcg_drain_list_lru_node()
        redirect(memcg)
    if ID_LAST:
        memcg_lrus.id_is_taken = False


@process
def memcg_online_kmem(memcg: Memcg, item: ListHead) -> None:
    with atomic("a new memcg gets the child's id"):
        wait_until(not memcg_lrus.id_is_taken)
        memcg_lrus.id_is_taken = True
        memcg.kmemcg_id = CHILD_ID
    list_lru_add(item, memcg)


@setup
def dying_child() -> None:
    lockdep_init()
    list_lru_init(dentry_lru, LockMap.NODE)
    for nr in range(2):
        one = ListLruOne()
        memcg_init_list_lru_one(dentry_lru, one, None)
        memcg_lrus.lru[nr] = one
    child = Memcg(kmemcg_id=CHILD_ID)
    grandchild = Memcg(kmemcg_id=CHILD_ID)
    memcg_lrus.id_is_taken = True
    memcg_lrus.subtree.add(child)
    memcg_lrus.subtree.add(grandchild)
    kept = Dentry(memcg=grandchild)
    list_lru_fill(memcg_lrus.lru[CHILD_ID], kept.d_lru)
    for _ in range(ADDERS):
        new = Dentry(memcg=child)
        start(list_lru_add_obj, new.d_lru, child)
    for _ in range(DELETERS):
        old = Dentry(memcg=child)
        list_lru_fill(memcg_lrus.lru[CHILD_ID], old.d_lru)
        start(list_lru_del, old.d_lru, child)
    start(memcg_offline_kmem, child)
    other = Memcg()
    stranger = Dentry(memcg=other)
    start(memcg_online_kmem, other, stranger.d_lru)


@always
def counts_add_up() -> bool:
    """Counts may be wrong for a while, but not their sum."""
    lists = alive(ListLruOne)
    return sum(one.nr_items for one in lists) == sum(len(one.items) for one in lists)


@always
def no_count_is_negative(one: ListLruOne) -> bool:
    return not NEVER_NEGATIVE or one.nr_items >= 0


@finally_
def listed_objects_are_found_by_reclaim(dentry: Dentry) -> bool:
    """Each object that is left is on the list of the id that its memcg has now."""
    one = memcg_lrus.lru[dentry.memcg.kmemcg_id]
    return dentry.d_lru.on is None or (dentry.d_lru.on == one and dentry.d_lru in one.items)


@finally_
def nr_items_is_the_length(one: ListLruOne) -> bool:
    return one.nr_items == len(one.items)
