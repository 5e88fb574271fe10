"""mm: memcg/slab: fix panic in __free_slab() caused by premature memcg pointer release.

Bug: B06.

Kernel: v5.3 to v5.4-rc.

Breaks: when a memcg's cache is destroyed, its free slabs are freed by RCU callbacks
(SLAB_TYPESAFE_BY_RCU), each of which uncharges its pages from the cache's memcg. But the cache has
been unlinked by then, and unlinking drops the reference and clears the back pointer: the callback
follows NULL.

Fix: the pointer is cleared, and the reference dropped, by the worker that frees the cache, behind
its rcu_barrier().

Modelled: a memcg with a cache that has free slabs, and the destruction of that cache: shutdown,
unlink, and the worker slab_caches_to_rcu_destroy_workfn().
"""

from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.page_counter import PageCounter, page_counter_charge, page_counter_uncharge
from kmcheck.kernel.rcu import (
    RcuHead,
    call_rcu,
    rcu_barrier,
    rcu_dereference,
    rcu_read_lock,
    rcu_read_unlock,
)
from kmcheck.kernel.refcount import Refcount, refcount_dec_and_test, refcount_read, refcount_set
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.workqueue import INIT_WORK, Work, schedule_work
from kmcheck.lang import (
    Object,
    Ref,
    SetOf,
    Size,
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

SLABS = bound(2, "free slabs of the cache")
FIX = choice(True, "the memcg pointer is cleared by the worker, behind its rcu_barrier()")


class Memcg(Object):
    refcnt: Refcount
    memory: PageCounter


class KmemCache(Object):
    memcg: Ref[Memcg]  # memcg_params.memcg
    partial: SetOf["Slab"]
    destroy: Work  # slab_caches_to_rcu_destroy_work


class Slab(Object):
    slab_cache: Ref[KmemCache]
    rcu_head: RcuHead
    size: Size


def free_slab(head: RcuHead) -> None:
    page = container_of(head, Slab, Slab.rcu_head)
    s = page.slab_cache
    nr_pages = page.size
    rcu_read_lock()
    memcg = rcu_dereference(s.memcg)  # memcg_uncharge_slab()
    page_counter_uncharge(memcg.memory, nr_pages)
    rcu_read_unlock()
    kfree(page)


def memcg_put(s: KmemCache) -> None:
    memcg = s.memcg
    last = refcount_dec_and_test(memcg.refcnt)  # mem_cgroup_put()
    assert not last
    s.memcg = None


def rcu_destroy_workfn(work: Work) -> None:
    s = container_of(work, KmemCache, KmemCache.destroy)
    rcu_barrier()
    if FIX:
        memcg_put(s)
    kfree(s)  # slab_kmem_cache_release()


@process
def kmem_cache_destroy(s: KmemCache) -> None:
    for page in s.partial.copy():  # free_partial()
        s.partial.remove(page)
        call_rcu(page.rcu_head, free_slab)
    if not FIX:
        memcg_put(s)  # memcg_unlink_cache()
    schedule_work(s.destroy)


@setup
def a_cache_with_free_slabs() -> None:
    lockdep_init()
    memcg = Memcg()
    refcount_set(memcg.refcnt, 2)  # its own, and the cache's
    s = KmemCache(memcg=memcg)
    INIT_WORK(s.destroy, rcu_destroy_workfn)
    for _ in range(SLABS):
        page = Slab(slab_cache=s)
        page_counter_charge(memcg.memory, page.size)
        s.partial.add(page)
    start(kmem_cache_destroy, s)


@finally_
def the_cache_is_gone() -> bool:
    return count(s for s in alive(KmemCache)) == 0 and count(page for page in alive(Slab)) == 0


@finally_
def the_memcg_has_its_reference_and_no_charge(memcg: Memcg) -> bool:
    return refcount_read(memcg.refcnt) == 1 and memcg.memory.usage.is_zero()
