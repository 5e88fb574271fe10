"""Lists are allocated when a memcg first needs them, and offline takes them away again.

Source: Muchun Song, "mm: list_lru: allocate list_lru_one only when needed" and "mm: list_lru:
replace linear array with xarray", v5.18. mm/list_lru.c, v5.18 to v6.12: memcg_list_lru_alloc(),
memcg_reparent_list_lrus(). One lock guards all lists of a node.

The design. A memcg's list is found in an xarray by its kmemcg_id. Before an object is allocated,
memcg_list_lru_alloc() sees to it that the memcg has a list, and all above it, since their lists
inherit. It allocates without a lock; under the xarray's lock it reads each memcg's id, and stores
the list if the slot is empty, from the top down. If the xarray has no memory for it, it drops the
lock to get some, and reads the id again: "changing ->kmemcg_id to the parent can prevent
memcg_list_lru_alloc() from allocating after memcg_list_lru_free()". Offline gives the memcg its
parent's id, splices the list, erases it from the xarray, and frees it by RCU, for the sake of those
who only count.

What is modelled. parent > child, both without a list at first; tasks that allocate what is missing
and add an object, one that counts, the child's offline. The memcgs are not freed, and an object's
memcg does not change: list_lru_memcg_locks has that.

ID_IN_LOCK=no      The id was read before offline, the list is stored after it: whoever gets the id
                   next finds it.
RELOAD=no          The same, when the lock was dropped in between.
XA_LOCK=no         The same, without.
EMPTY_CHECK=no     Of two tasks one overwrites the list of the other, with the object on it.
ANCESTORS=no       The child's list is spliced to a list that is not there.
TOP_DOWN=no        The same: the drain does not take the xarray's lock.
REDIRECT_FIRST=no  An object is to be added to the list when that is drained, and erased.
RCU_FREE=no        Who counts reads a list that is freed.
READ_LOCK=no       The same.

                   predicted        found
default            holds            holds
ID_IN_LOCK=no      stale slot       stale slot
RELOAD=no          stale slot       stale slot
XA_LOCK=no         stale slot       stale slot
EMPTY_CHECK=no     stranded         stranded, with two tasks
ANCESTORS=no       null-deref       null-deref
TOP_DOWN=no        null-deref       null-deref
REDIRECT_FIRST=no  stranded         null-deref: the slot is empty by then
RCU_FREE=no        use-after-free   use-after-free
READ_LOCK=no       use-after-free   use-after-free
"""

from kmcheck.kernel.list_lru import (
    ListHead,
    ListLru,
    ListLruOne,
    LockMap,
    list_lru_fill,
    list_lru_init,
    memcg_init_list_lru_one,
    memcg_reparent_list_lru_one,
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.rcu import (
    RcuHead,
    kfree_rcu,
    rcu_dereference,
    rcu_read_lock,
    rcu_read_unlock,
)
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.lang import (
    Annotated,
    ArrayOf,
    Object,
    Ref,
    atomic,
    bound,
    choice,
    finally_,
    may_fail,
    process,
    setup,
    start,
)

ADDERS = bound(1, "tasks that allocate the lists if need be, and add an object")
COUNTERS = bound(1, "shrinkers that count the child's objects")
ID_IN_LOCK = choice(True, "the memcg's id is read under the xarray's lock")
RELOAD = choice(True, "the id is read again if the lock was dropped")
XA_LOCK = choice(True, "a list is stored under the xarray's lock")
EMPTY_CHECK = choice(True, "a list is stored only where there is none")
ANCESTORS = choice(True, "the memcgs above get a list, too")
TOP_DOWN = choice(True, "they get theirs before the memcg does")
REDIRECT_FIRST = choice(True, "the memcg has its parent's id before its list is drained")
RCU_FREE = choice(True, "a drained list is freed by RCU")
READ_LOCK = choice(True, "who counts finds the list in an RCU read section")

PARENT_ID = 0
CHILD_ID = 1


class Memcg(Object):
    kmemcg_id: int


class Dentry(Object):
    memcg: Ref[Memcg]
    d_lru: ListHead


class ListLruMemcg(Object, limit=2 * ADDERS):
    node: ListLruOne
    rcu: RcuHead


class Xarray(Object):
    xa_lock: SpinLock
    slots: Annotated[ArrayOf[Ref[ListLruMemcg]], 2]


dentry_lru = ListLru()
xa = Xarray()


# --- allocate


def memcg_init_list_lru() -> ListLruMemcg:
    with atomic("kmalloc()"):
        mlru = ListLruMemcg()
        memcg_init_list_lru_one(dentry_lru, mlru.node, None)
    return mlru


def xas_lock() -> None:
    if XA_LOCK:
        spin_lock(xa.xa_lock)


def xas_unlock() -> None:
    if XA_LOCK:
        spin_unlock(xa.xa_lock)


def xas_store(memcg: Memcg, nr: int, mlru: ListLruMemcg) -> None:
    if ID_IN_LOCK:
        nr = memcg.kmemcg_id
    if may_fail():  # xas_nomem()
        xas_unlock()
        xas_lock()
        if RELOAD:
            nr = memcg.kmemcg_id
    if EMPTY_CHECK and xa.slots[nr] is not None:
        kfree(mlru)
    else:
        xa.slots[nr] = mlru


def memcg_list_lru_alloc(child: Memcg, parent: Memcg) -> None:
    nr = child.kmemcg_id
    if xa.slots[nr] is not None:
        return
    for_child = memcg_init_list_lru()
    for_parent: ListLruMemcg | None = None
    if ANCESTORS and xa.slots[PARENT_ID] is None:
        for_parent = memcg_init_list_lru()
    xas_lock()
    if not TOP_DOWN:
        xas_store(child, nr, for_child)
    if for_parent is not None:
        xas_store(parent, PARENT_ID, for_parent)
    if TOP_DOWN:
        xas_store(child, nr, for_child)
    xas_unlock()


# --- add, count


@process
def list_lru_add(dentry: Dentry, memcg: Memcg, parent: Memcg) -> None:
    memcg_list_lru_alloc(memcg, parent)
    spin_lock(dentry_lru.lock)
    mlru = xa.slots[memcg.kmemcg_id]
    with atomic("list_add_tail(), nr_items++"):
        list_lru_fill(mlru.node, dentry.d_lru)
    spin_unlock(dentry_lru.lock)


@process
def list_lru_count_one(memcg: Memcg) -> None:
    if READ_LOCK:
        rcu_read_lock()
    mlru = rcu_dereference(xa.slots[memcg.kmemcg_id])
    if mlru is not None:
        nr = mlru.node.nr_items
        assert nr >= 0
    if READ_LOCK:
        rcu_read_unlock()


# --- offline


def memcg_reparent_list_lru() -> None:
    src = xa.slots[CHILD_ID]
    if src is not None:
        memcg_reparent_list_lru_one(src.node, xa.slots[PARENT_ID].node, False)


def memcg_list_lru_free() -> None:
    spin_lock(xa.xa_lock)
    with atomic("xa_erase_irq()"):
        mlru = xa.slots[CHILD_ID]
        xa.slots[CHILD_ID] = None
    spin_unlock(xa.xa_lock)
    if mlru is not None:
        if RCU_FREE:
            kfree_rcu(mlru, mlru.rcu)
        else:
            kfree(mlru)


@process
def memcg_offline_kmem(memcg: Memcg) -> None:
    if REDIRECT_FIRST:
        memcg.kmemcg_id = PARENT_ID
    memcg_reparent_list_lru()
    memcg_list_lru_free()
    if not REDIRECT_FIRST:
        memcg.kmemcg_id = PARENT_ID


@setup
def two_memcgs() -> None:
    lockdep_init()
    list_lru_init(dentry_lru, LockMap.NODE)
    parent = Memcg(kmemcg_id=PARENT_ID)
    child = Memcg(kmemcg_id=CHILD_ID)
    for _ in range(ADDERS):
        dentry = Dentry(memcg=child)
        start(list_lru_add, dentry, child, parent)
    for _ in range(COUNTERS):
        start(list_lru_count_one, child)
    start(memcg_offline_kmem, child)


@finally_
def the_slot_of_a_free_id_is_empty() -> bool:
    return xa.slots[CHILD_ID] is None


@finally_
def added_objects_are_found_by_reclaim(dentry: Dentry) -> bool:
    """Each object is on the list of the id that its memcg has now."""
    one = xa.slots[dentry.memcg.kmemcg_id].node
    return dentry.d_lru.on == one and dentry.d_lru in one.items


@finally_
def nr_items_is_the_length(mlru: ListLruMemcg) -> bool:
    return mlru.node.nr_items == len(mlru.node.items)
