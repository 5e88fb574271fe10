"""[PATCH -mm v15 13/13] memcg: reap dead memcgs on vmpressure: the mutex is dropped in the walk.

Bug: B46.

Kernel: none: posted on 5 February 2014, never merged. The title is ours.

Breaks: on memory pressure the caches of dead memcgs are shrunk, in a list_for_each_entry_safe()
that drops the list's mutex around kmem_cache_shrink(). "Safe" is against the removal of the
current entry by the walker itself. While the mutex is dropped, the work that destroys an empty
cache may free the current cache, or the one that the walk has remembered as next.

Fix: HOLD=mutex keeps the mutex while a cache is shrunk. HOLD=current, a reference on the cache
that is being shrunk, is not enough: the next one is freed instead.

Finding: kmcheck confirms it, under sequential consistency, for two caches of one dead memcg, if
nothing else keeps the destruction from running at that time. We know of no report.

Modelled: a dead memcg with two empty caches, the destruction of each, and one walk.
"""

from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.mutex import Mutex, mutex_lock, mutex_unlock
from kmcheck.kernel.refcount import (
    Refcount,
    refcount_dec_and_test,
    refcount_inc,
    refcount_set,
)
from kmcheck.kernel.slab import kfree
from kmcheck.lang import (
    Annotated,
    Enum,
    ListOf,
    Object,
    auto,
    bound,
    choice,
    fetch_add,
    finally_,
    process,
    setup,
    start,
)


class Hold(Enum):
    MUTEX = auto()
    CURRENT = auto()
    NOTHING = auto()


CACHES = bound(2, "empty caches of the dead memcg, to be destroyed")
HOLD = choice(Hold.MUTEX, "what the walk holds while a cache is shrunk")


class KmemCache(Object):
    refcnt: Refcount
    nr_partial: Annotated[int, range(2)]


class Memcg(Object):
    slab_caches_mutex: Mutex
    slab_caches: ListOf[KmemCache]


memcg = Memcg()


def kmem_cache_put(s: KmemCache) -> None:
    last = refcount_dec_and_test(s.refcnt)
    if last:
        kfree(s)


def kmem_cache_shrink(s: KmemCache) -> None:
    fetch_add(s.nr_partial, -1)


@process
def kmem_cache_destroy(s: KmemCache) -> None:
    mutex_lock(memcg.slab_caches_mutex)
    memcg.slab_caches.remove(s)
    mutex_unlock(memcg.slab_caches_mutex)
    kmem_cache_put(s)


@process
def memcg_vmpressure_shrink_dead() -> None:
    mutex_lock(memcg.slab_caches_mutex)
    s = memcg.slab_caches.first()
    while s is not None:  # list_for_each_entry_safe(s, next, ...)
        following = memcg.slab_caches.after(s)
        if HOLD == Hold.CURRENT:
            refcount_inc(s.refcnt)
        if HOLD != Hold.MUTEX:
            mutex_unlock(memcg.slab_caches_mutex)
        kmem_cache_shrink(s)
        if HOLD != Hold.MUTEX:
            mutex_lock(memcg.slab_caches_mutex)
        if HOLD == Hold.CURRENT:
            kmem_cache_put(s)
        s = following
    mutex_unlock(memcg.slab_caches_mutex)


@setup
def a_dead_memcg() -> None:
    lockdep_init()
    for _ in range(CACHES):
        s = KmemCache(nr_partial=1)
        refcount_set(s.refcnt, 1)
        memcg.slab_caches.append(s)
        start(kmem_cache_destroy, s)
    start(memcg_vmpressure_shrink_dead)


@finally_
def all_caches_are_destroyed() -> bool:
    return len(memcg.slab_caches) == 0
