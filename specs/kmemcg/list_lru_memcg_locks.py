"""Lists with a lock for each memcg: in which order offline drains a list and takes it out of sight.

Source: Kairui Song, "mm/list_lru: split the lock to per-cgroup scope" (fb56fdf8b9a2, v6.13);
Shakeel Butt, "mm/list_lru: drain before clearing xarray entry on reparent" (June 2026, reported by
Chris Mason). mm/list_lru.c, v6.18 and mid-2026.

The design. A memcg's list is found in an xarray by the memcg's id, is allocated when the memcg
first needs it, and has a lock of its own. Who adds or deletes an object loads the memcg through
the object's objcg, locks the list that is in its slot, and climbs to the parent where the slot is
empty or the list is dead. Offline splices the list to the parent's and marks it dead, under both
locks; takes it out of its slot; points the objcg at the parent; and frees the list by RCU.
Allocation stores a list only in an empty slot of a memcg that is not dying, with interrupts off:
so the grace period between kill and offline waits for a store that came too early.

What is modelled. parent > child, a task that allocates the child's list if there is none and then
adds an object, one that deletes an object from the list, and the child's whole end. The xarray is
an array here; its own nodes are left out. That nobody finds a list twice (two allocations) is in
list_lru_lazy.

DRAIN_FIRST=no   v6.13 to mid-2026: the slot is emptied first. Who finds it empty goes to the
                 parent's list, locks that, and unlinks an object that is still on the child's.
MARK_DEAD=no     Who has loaded the list before the drain gets its lock after it.
LISTS_FIRST=no   The objcg is pointed at the parent before the list is drained: this is the order
                 of 2014 (reparent_lists, LOCKS=memcg).
RCU_FREE=no      Who has loaded the list waits for a lock that is freed.
READ_LOCK=no     The same, and for the memcg: CVE-2024-43888.
DYING_CHECK=no   A list is stored for a memcg that is offline already, and stays in the slot. If
                 the objcg still names the child, a delete locks it, and unlinks from the parent's.
GRACE_PERIOD=no  The same: the check was done in time, the store was not. Until mid-2026 the store
                 of NULL, under the xarray's lock, came after any that had checked in time; the
                 repair only loads there, and so leans on the grace period.
XA_LOCK=no       The same: with interrupts on, the grace period does not know of the store.

                                 predicted        found
default                          holds            holds
DRAIN_FIRST=no                   guard-violation  guard-violation
MARK_DEAD=no                     stranded-object  guard-violation first, stranded-object too
LISTS_FIRST=no                   guard-violation  guard-violation
RCU_FREE=no                      use-after-free   free-while-held first, use-after-free too
READ_LOCK=no                     use-after-free   use-after-free
DYING_CHECK=no                   stale slot       guard-violation first, stale slot too
GRACE_PERIOD=no                  stale slot       stale slot
GRACE_PERIOD=no, DRAIN_FIRST=no  no stale slot    holds, if nobody deletes
XA_LOCK=no                       stale slot       stale slot
"""

from kmcheck.kernel.css import (
    Css,
    css_confirm_kill,
    css_get,
    css_killed_work_fn,
    css_put,
    init_and_link_css,
    kill_css,
    no_css_released,
)
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
    memcg_reparent_list_lru_one,
    unlock_list_lru,
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.rcu import (
    RcuHead,
    kfree_rcu,
    rcu_assign_pointer,
    rcu_dereference,
    rcu_read_lock,
    rcu_read_unlock,
)
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.spinlock import spin_lock, spin_unlock
from kmcheck.kernel.xarray import XArray, __xa_store, xa_erase, xa_load, xa_lock, xa_unlock
from kmcheck.lang import (
    Annotated,
    ArrayOf,
    Object,
    Ref,
    alive,
    atomic,
    bound,
    choice,
    choose,
    container_of,
    count,
    finally_,
    process,
    setup,
    start,
)

ADDERS = bound(1, "tasks that allocate the child's list if need be, and add an object")
DELETERS = bound(1, "objects on the child's list that are being deleted")
DRAIN_FIRST = choice(True, "the list is drained and marked dead before its slot is emptied")
MARK_DEAD = choice(True, "a drained list is marked dead: nr_items = LONG_MIN")
LISTS_FIRST = choice(True, "the lists are reparented before the objcg is")
RCU_FREE = choice(True, "a drained list is freed by RCU")
READ_LOCK = choice(True, "the object's memcg and its list are looked up in an RCU read section")
DYING_CHECK = choice(True, "no list is stored for a memcg that is dying")
GRACE_PERIOD = choice(True, "a grace period passes between kill and offline")
XA_LOCK = choice(True, "a list is stored under the xarray's lock, with interrupts off")

PARENT_ID = 0
CHILD_ID = 1


class Memcg(Object):
    css: Css
    parent: Ref["Memcg"]
    kmemcg_id: int


class ObjCgroup(Object):
    memcg: Ref[Memcg]


class Dentry(Object):
    objcg: Ref[ObjCgroup]
    d_lru: ListHead


class ListLruMemcg(Object, limit=2 + ADDERS):
    node: ListLruOne
    rcu: RcuHead


class Lists(Object):
    xa: XArray  # lru->xa
    slots: Annotated[ArrayOf[Ref[ListLruMemcg]], 2]


dentry_lru = ListLru()
lists = Lists()


# --- lock, add, delete


def lock_list_lru(memcg: Memcg) -> ListLruOne | None:
    """Lock the list in the memcg's slot; None if there is none or it is dead."""
    mlru = xa_load(lists.slots, memcg.kmemcg_id)
    if mlru is None:
        return None
    one = mlru.node
    spin_lock(one.lock)
    if not one.dead:
        return one
    spin_unlock(one.lock)
    return None


def lock_list_lru_of_memcg(memcg: Memcg) -> ListLruOne:
    one = lock_list_lru(memcg)
    while one is None:
        memcg = memcg.parent
        one = lock_list_lru(memcg)
    return one


def list_lru_add(item: ListHead, memcg: Memcg) -> None:
    one = lock_list_lru_of_memcg(memcg)
    with atomic("list_add_tail(), nr_items++"):
        assert_list_locked(one)
        list_lru_fill(one, item)
    unlock_list_lru(one)


def list_lru_del(item: ListHead, memcg: Memcg) -> None:
    one = lock_list_lru_of_memcg(memcg)
    list_lru_isolate(one, item)
    unlock_list_lru(one)


# --- allocate


def memcg_list_lru_alloc(memcg: Memcg) -> None:
    """Give the memcg a list of its own; the caller has a css reference."""
    if xa_load(lists.slots, CHILD_ID) is not None:
        return
    with atomic("kmalloc()"):
        mlru = ListLruMemcg()
        memcg_init_list_lru_one(dentry_lru, mlru.node, lists.slots[PARENT_ID].node)
    if XA_LOCK:
        xa_lock(lists.xa)
    stored = False
    if xa_load(lists.slots, CHILD_ID) is None and not (DYING_CHECK and memcg.css.dying):
        if XA_LOCK:
            __xa_store(lists.xa, lists.slots, CHILD_ID, mlru)
        else:
            lists.slots[CHILD_ID] = mlru
        stored = True
    if XA_LOCK:
        xa_unlock(lists.xa)
    if not stored:
        kfree(mlru)


@process
def list_lru_add_obj(dentry: Dentry, objcg: ObjCgroup, child: Memcg) -> None:
    memcg_list_lru_alloc(child)
    css_put(child.css)
    if READ_LOCK:
        rcu_read_lock()
    memcg = rcu_dereference(objcg.memcg)
    list_lru_add(dentry.d_lru, memcg)
    if READ_LOCK:
        rcu_read_unlock()


@process
def list_lru_del_obj(dentry: Dentry, objcg: ObjCgroup) -> None:
    if READ_LOCK:
        rcu_read_lock()
    memcg = rcu_dereference(objcg.memcg)
    list_lru_del(dentry.d_lru, memcg)
    if READ_LOCK:
        rcu_read_unlock()


# --- rmdir


def memcg_reparent_list_lrus() -> None:
    mlru = (
        xa_load(lists.slots, CHILD_ID) if DRAIN_FIRST else xa_erase(lists.xa, lists.slots, CHILD_ID)
    )
    if mlru is None:
        return
    memcg_reparent_list_lru_one(mlru.node, lists.slots[PARENT_ID].node, MARK_DEAD)
    if DRAIN_FIRST:
        xa_erase(lists.xa, lists.slots, CHILD_ID)
    if RCU_FREE:
        kfree_rcu(mlru, mlru.rcu)
    else:
        kfree(mlru)


def memcg_reparent_objcgs(memcg: Memcg, objcg: ObjCgroup) -> None:
    rcu_assign_pointer(objcg.memcg, memcg.parent)


class Kernel(Object):
    objcg: Ref[ObjCgroup]  # the child's


kernel = Kernel()


def mem_cgroup_css_offline(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    if LISTS_FIRST:
        memcg_reparent_list_lrus()
        memcg_reparent_objcgs(memcg, kernel.objcg)
    else:
        memcg_reparent_objcgs(memcg, kernel.objcg)
        memcg_reparent_list_lrus()


def mem_cgroup_css_free(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    kfree(memcg)


@process
def rmdir(memcg: Memcg) -> None:
    kill_css(memcg.css)
    if GRACE_PERIOD:
        css_confirm_kill(memcg.css)
    css_killed_work_fn(memcg.css, mem_cgroup_css_offline)


@setup
def two_memcgs() -> None:
    lockdep_init()
    list_lru_init(dentry_lru, LockMap.MEMCG)
    parent = Memcg(kmemcg_id=PARENT_ID)
    child = Memcg(kmemcg_id=CHILD_ID, parent=parent)
    init_and_link_css(parent.css, None, no_css_released, mem_cgroup_css_free)
    init_and_link_css(child.css, parent.css, no_css_released, mem_cgroup_css_free)
    objcg = ObjCgroup(memcg=child)
    kernel.objcg = objcg
    top = ListLruMemcg()
    memcg_init_list_lru_one(dentry_lru, top.node, None)
    lists.slots[PARENT_ID] = top
    if choose(True, False):
        mlru = ListLruMemcg()
        memcg_init_list_lru_one(dentry_lru, mlru.node, top.node)
        lists.slots[CHILD_ID] = mlru
        for _ in range(DELETERS):
            old = Dentry(objcg=objcg)
            list_lru_fill(mlru.node, old.d_lru)
            start(list_lru_del_obj, old, objcg)
    for _ in range(ADDERS):
        new = Dentry(objcg=objcg)
        css_get(child.css)
        start(list_lru_add_obj, new, objcg, child)
    start(rmdir, child)


@finally_
def no_list_in_the_slot_of_a_dead_memcg() -> bool:
    return lists.slots[CHILD_ID] is None


@finally_
def listed_objects_are_found_by_reclaim(dentry: Dentry) -> bool:
    """Each object that is left is on the list of the memcg that its objcg names now."""
    one = lists.slots[dentry.objcg.memcg.kmemcg_id].node
    return dentry.d_lru.on is None or (dentry.d_lru.on == one and dentry.d_lru in one.items)


@finally_
def nr_items_is_the_length(mlru: ListLruMemcg) -> bool:
    return mlru.node.nr_items == len(mlru.node.items)


@finally_
def child_is_freed() -> bool:
    return count(memcg for memcg in alive(Memcg)) == 1
