"""memcg: fix race in memcg cache destruction path.

Bug: B15.

Kernel: v3.8 to v3.15 (posted February 2014; the code was removed by 1e32e77f95d6, v3.16).

Breaks: a dead cache is destroyed by a work, which is queued by offline and by whoever frees the
cache's last page. The work destroys the cache if nr_pages is zero. So offline's work may find the
zero, and destroy the cache, between the last page's atomic_sub_and_test() and its
schedule_work(): a work is queued in freed memory. To read a counter is not to own the last
reference.

Fix: make nr_pages a reference count. Offline holds one reference of it. Who drops the last one
queues the work, and the work destroys the cache without looking.

Modelled: one cache of a memcg that goes offline, and its pages, which are being freed. Shrinking
the cache is left out: there is nothing in it that is free.
"""

from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.refcount import (
    Refcount,
    refcount_dec_and_test,
    refcount_read,
    refcount_set,
)
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.workqueue import INIT_WORK, Work, schedule_work
from kmcheck.lang import (
    Object,
    alive,
    bound,
    choice,
    container_of,
    count,
    finally_,
    process,
    setup,
    start,
)

PAGES = bound(2, "pages of the cache that are being freed")
FIX = choice(True, "who drops the last reference queues the destruction, and nobody else")


class KmemCache(Object):
    nr_pages: Refcount
    dead: bool
    destroy: Work


def kmem_cache_destroy_work_func(work: Work) -> None:
    cachep = container_of(work, KmemCache, KmemCache.destroy)
    if FIX:
        kfree(cachep)  # kmem_cache_destroy()
    elif refcount_read(cachep.nr_pages) == 0:
        kfree(cachep)


def mem_cgroup_destroy_cache(cachep: KmemCache) -> None:
    if FIX or cachep.dead:
        schedule_work(cachep.destroy)


@process
def memcg_release_pages(cachep: KmemCache) -> None:
    last = refcount_dec_and_test(cachep.nr_pages)
    if last:
        mem_cgroup_destroy_cache(cachep)


@process
def mem_cgroup_css_offline(cachep: KmemCache) -> None:
    cachep.dead = True
    if FIX:
        last = refcount_dec_and_test(cachep.nr_pages)
        if last:
            mem_cgroup_destroy_cache(cachep)
    else:
        schedule_work(cachep.destroy)


@setup
def a_cache_with_pages() -> None:
    lockdep_init()
    cachep = KmemCache()
    INIT_WORK(cachep.destroy, kmem_cache_destroy_work_func)
    refcount_set(cachep.nr_pages, PAGES + 1 if FIX else PAGES)
    for _ in range(PAGES):
        start(memcg_release_pages, cachep)
    start(mem_cgroup_css_offline, cachep)


@finally_
def the_cache_is_destroyed() -> bool:
    return count(cachep for cachep in alive(KmemCache)) == 0
