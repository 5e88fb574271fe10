"""Lists of reclaimable objects, one for each memcg, of one shrinker on one NUMA node.

Semantics: `ListLruOne` is the list of one memcg and lives in the memcg (in the kernel it is found
through the memcg's id), so it stands here where the kernel passes `nid, memcg`. What its lock
guards is the lock map, which a spec chooses: one lock for all lists of the node (until v6.12), or
one for each list (v6.13). A list is a set: no property here depends on its order, and reclaim may
take its members in any order. Linking or unlinking an object is one step together with
`nr_items`, which the lock makes one; `nr_items` counts in the list that the caller names, whereas
unlinking takes the object off whatever list it is on, as list_del_init() does. That is why
`nr_items` may be negative for a while; it goes from -128 to 127. The shrinker bit is set in a step
of its own.

Kernel: `include/linux/list_lru.h`, `mm/list_lru.c`, `mm/shrinker.c` (the bit), v6.8 to v6.13.

Misuse reported: `guard-violation` (a list changed by a process that does not hold the lock which
guards that list), `stranded-object` (a list freed with objects on it: no reclaim finds them any
more), `free-while-listed` (an object freed while it is on a list).
"""

from kmcheck.kernel.context import might_sleep
from kmcheck.kernel.lockdep import SINGLE_DEPTH_NESTING
from kmcheck.kernel.spinlock import (
    SpinLock,
    spin_is_mine,
    spin_lock,
    spin_lock_nested,
    spin_unlock,
)
from kmcheck.lang import (
    Annotated,
    Callable,
    Enum,
    Object,
    Ref,
    SetOf,
    atomic,
    auto,
    check,
    each,
)


class LockMap(Enum):
    """What a list's lock guards."""

    NODE = auto()
    MEMCG = auto()


class LruStatus(Enum):
    """What an isolate callback did with an object: `enum lru_status`."""

    REMOVED = auto()
    SKIP = auto()


class ListLru(Object):
    """`struct list_lru`, on one node."""

    lock: SpinLock  # list_lru_node.lock
    locks: LockMap


class ListLruOne(Object):
    """`struct list_lru_one`: one memcg's list."""

    lock: SpinLock
    lru: Ref[ListLru]
    parent: Ref["ListLruOne"]  # the list of the memcg's parent
    items: SetOf["ListHead"]
    nr_items: Annotated[int, range(-128, 128)]
    shrinker_bit: bool
    dead: bool  # nr_items == LONG_MIN

    def on_free(self) -> None:
        """Look for objects that reclaim will never find again."""
        check(len(self.items) == 0, "stranded-object", "list_lru_one freed with objects on it")


class ListHead(Object):
    """The `struct list_head` of an object, by which it is on a list or on none."""

    on: Ref[ListLruOne]

    def on_free(self) -> None:
        """Look for a list that would lead to freed memory."""
        check(self.on is None, "free-while-listed", "freed while it is on a list_lru")


def list_lru_init(lru: ListLru, locks: LockMap) -> None:
    """Choose what a lock guards."""
    lru.locks = locks


def memcg_init_list_lru_one(lru: ListLru, one: ListLruOne, parent: ListLruOne | None) -> None:
    """Make the list of one memcg."""
    one.lru = lru
    one.parent = parent


def list_lru_fill(one: ListLruOne, item: ListHead) -> None:
    """Put an object on a list without taking its lock: for setup."""
    one.items.add(item)
    item.on = one
    one.nr_items += 1
    one.shrinker_bit = True


# --- locking ------------------------------------------------------------------------------------


def lock_of(one: ListLruOne) -> SpinLock:
    """Return the lock that guards a list."""
    return one.lru.lock if one.lru.locks == LockMap.NODE else one.lock


def lock_list_lru_of_memcg(lru: ListLru, one: ListLruOne) -> ListLruOne:
    """Lock a memcg's list, or, if that is dead, the list of the nearest ancestor that is not."""
    sublist = one
    with atomic("list locked"):
        spin_lock(lock_of(sublist))
        dead = sublist.dead
    while dead:
        with atomic("list is dead: take the parent's"):
            parent = sublist.parent
            spin_unlock(lock_of(sublist))
        sublist = parent
        with atomic("list locked"):
            spin_lock(lock_of(sublist))
            dead = sublist.dead
    return sublist


def unlock_list_lru(sublist: ListLruOne) -> None:
    """Unlock a list."""
    with atomic("list unlocked"):
        spin_unlock(lock_of(sublist))


def assert_list_locked(one: ListLruOne) -> None:
    """Report a change of a list whose lock is not held."""
    check(
        spin_is_mine(lock_of(one)),
        "guard-violation",
        "list changed without the lock that guards it",
    )


# --- add, delete --------------------------------------------------------------------------------


def list_lru_add(lru: ListLru, item: ListHead, one: ListLruOne) -> bool:
    """Put an object on a memcg's list unless it is on one already; tell whether it was put."""
    sublist = lock_list_lru_of_memcg(lru, one)
    with atomic("list_add_tail(), nr_items++"):
        added = item.on is None
        first = False
        if added:
            assert_list_locked(sublist)
            sublist.items.add(item)
            item.on = sublist
            first = sublist.nr_items == 0
            sublist.nr_items += 1
    if first:
        set_shrinker_bit(sublist)
    unlock_list_lru(sublist)
    return added


def list_lru_del(lru: ListLru, item: ListHead, one: ListLruOne) -> bool:
    """Take an object off the list that it is on; `nr_items` is counted down in `one`'s list."""
    sublist = lock_list_lru_of_memcg(lru, one)
    with atomic("list_del_init(), nr_items--"):
        removed = item.on is not None
        if removed:
            list_lru_isolate(sublist, item)
    unlock_list_lru(sublist)
    return removed


def list_lru_isolate(sublist: ListLruOne, item: ListHead) -> None:
    """Take an object off its list, with the lock held: for isolate callbacks."""
    with atomic("list_del_init(), nr_items--"):
        assert_list_locked(item.on)
        item.on.items.remove(item)
        item.on = None
        sublist.nr_items -= 1


# --- reclaim ------------------------------------------------------------------------------------


def list_lru_count_one(lru: ListLru, one: ListLruOne) -> int:
    """Return how many objects a memcg's list has, looked at without its lock."""
    nr_items = one.nr_items
    return max(nr_items, 0)


def list_lru_walk_one(
    lru: ListLru, one: ListLruOne, isolate: Callable[[ListHead, ListLruOne], LruStatus]
) -> int:
    """Show each object of a memcg's list to `isolate`, under the lock; return how many it took."""
    isolated = 0
    sublist = lock_list_lru_of_memcg(lru, one)
    for item in sublist.items:
        status = isolate(item, sublist)
        if status == LruStatus.REMOVED:
            isolated += 1
    unlock_list_lru(sublist)
    return isolated


def set_shrinker_bit(one: ListLruOne) -> None:
    """Tell reclaim that this memcg's list has something on it."""
    with atomic("shrinker bit set"):
        one.shrinker_bit = True


def clear_shrinker_bit(one: ListLruOne) -> None:
    """Tell reclaim to pass this memcg by."""
    with atomic("shrinker bit cleared"):
        one.shrinker_bit = False


# --- reparenting --------------------------------------------------------------------------------


def memcg_reparent_list_lru_one(src: ListLruOne, dst: ListLruOne, mark_dead: bool) -> None:
    """Move all objects of a list to its parent's; `mark_dead` sends later users there too."""
    might_sleep()
    with atomic("source list locked"):
        spin_lock(lock_of(src))
        two_locks = lock_of(dst) != lock_of(src)
    if two_locks:
        with atomic("parent's list locked"):
            spin_lock_nested(lock_of(dst), SINGLE_DEPTH_NESTING)
    with atomic("list_splice_init(), nr_items moved"):
        assert_list_locked(src)
        assert_list_locked(dst)
        for item in each(src.items):
            item.on = dst
        dst.items.update(src.items)
        src.items.clear()
        moved = src.nr_items != 0
        dst.nr_items += src.nr_items
        src.nr_items = 0
        src.dead = mark_dead
    if moved:
        set_shrinker_bit(dst)
    if two_locks:
        unlock_list_lru(dst)
    unlock_list_lru(src)
