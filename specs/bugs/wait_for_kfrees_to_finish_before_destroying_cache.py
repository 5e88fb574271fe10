"""memcg: wait for kfree's to finish before destroying cache.

Bug: B17.

Kernel: never in a release: -mm, June 2014, for "slub: make dead memcg caches discard free slabs
immediately".

Breaks: a dead memcg's cache is destroyed as soon as its last object is freed. But SLUB touches the
cache after the object is on the free list: it updates statistics. A free may be stopped just
there, while the last object is freed on another CPU and the cache is destroyed.

Fix: kmem_cache_free() does not schedule after it has published the object, so wait for a
(sched) grace period before the cache is destroyed.

Modelled: one page of a dead memcg's cache with two objects, both being freed. The free that makes
the page empty drops the cache's last reference, and queues its destruction.
"""

from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.preempt import preempt_disable, preempt_enable
from kmcheck.kernel.rcu import synchronize_rcu
from kmcheck.kernel.refcount import Refcount, refcount_dec_and_test, refcount_set
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.workqueue import INIT_WORK, Work, schedule_work
from kmcheck.lang import (
    Annotated,
    Object,
    Ref,
    add_return,
    alive,
    bound,
    choice,
    container_of,
    count,
    fetch_add,
    finally_,
    process,
    setup,
    start,
)

OBJECTS = bound(2, "objects of the page, all being freed")
FIX = choice(True, "a grace period passes before the cache is destroyed")


class KmemCache(Object):
    refcnt: Refcount  # one for each page
    free_slowpath: Annotated[int, range(9)]  # stat(s, FREE_SLOWPATH)
    destroy: Work


class Page(Object):
    slab_cache: Ref[KmemCache]
    inuse: Annotated[int, range(9)]


def discard_slab(s: KmemCache, page: Page) -> None:
    kfree(page)
    last = refcount_dec_and_test(s.refcnt)
    if last:
        schedule_work(s.destroy)


@process
def kmem_cache_free(page: Page) -> None:
    preempt_disable()
    s = page.slab_cache
    inuse = add_return(page.inuse, -1)  # cmpxchg of the free list: the object is free
    if inuse == 0:
        discard_slab(s, page)
    fetch_add(s.free_slowpath, 1)
    preempt_enable()


def memcg_cache_destroy_func(work: Work) -> None:
    s = container_of(work, KmemCache, KmemCache.destroy)
    if FIX:
        synchronize_rcu()  # synchronize_sched() in 2014
    kfree(s)  # kmem_cache_destroy()


@setup
def a_page_with_objects() -> None:
    lockdep_init()
    s = KmemCache()
    refcount_set(s.refcnt, 1)
    INIT_WORK(s.destroy, memcg_cache_destroy_func)
    page = Page(slab_cache=s, inuse=OBJECTS)
    for _ in range(OBJECTS):
        start(kmem_cache_free, page)


@finally_
def the_cache_is_destroyed() -> bool:
    return count(s for s in alive(KmemCache)) == 0
