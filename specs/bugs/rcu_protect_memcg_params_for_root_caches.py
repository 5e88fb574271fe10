"""memcg, slab: RCU protect memcg_params for root caches.

Bug: B30.

Kernel: v3.8 to v3.13 (f8570263ee16; v3.14).

Breaks: a root cache's memcg_params end in an array of pointers to the memcgs' caches. When there
is a memcg with an id beyond the array's end, a longer one is allocated, filled, put in the place
of the old one, and the old one is freed at once. But the array is read without a lock.

Fix: read it inside a read section, and free the old one with kfree_rcu().

Modelled: a root cache with one memcg's cache, lookups of that one, and the growth of the array.
"""

from kmcheck.kernel.rcu import (
    RcuHead,
    kfree_rcu,
    rcu_assign_pointer,
    rcu_dereference,
    rcu_read_lock,
    rcu_read_unlock,
)
from kmcheck.kernel.slab import Gfp, kfree, kzalloc
from kmcheck.lang import (
    Annotated,
    ArrayOf,
    Object,
    Ref,
    alive,
    bound,
    choice,
    count,
    finally_,
    process,
    setup,
    start,
)

READERS = bound(2, "lookups of the memcg's cache")
FIX = choice(True, "the old array is freed after a grace period")


class KmemCache(Object):
    memcg_params: Ref["MemcgCacheParams"]


class MemcgCacheParams(Object, limit=2):
    """`struct memcg_cache_params`."""

    rcu_head: RcuHead
    memcg_caches: Annotated[ArrayOf[Ref[KmemCache]], 2]


def cache_from_memcg_idx(s: KmemCache, idx: int) -> KmemCache | None:
    rcu_read_lock()
    params = rcu_dereference(s.memcg_params)
    cachep = params.memcg_caches[idx]
    rcu_read_unlock()
    return cachep


@process
def memcg_kmem_get_cache(s: KmemCache) -> None:
    cachep = cache_from_memcg_idx(s, 0)
    assert cachep is not None


@process
def memcg_update_cache_size(s: KmemCache) -> None:
    new_params = kzalloc(MemcgCacheParams, Gfp.KERNEL)
    if new_params is not None:
        cur_params = s.memcg_params
        new_params.memcg_caches[0] = cur_params.memcg_caches[0]
        rcu_assign_pointer(s.memcg_params, new_params)
        if FIX:
            kfree_rcu(cur_params, cur_params.rcu_head)
        else:
            kfree(cur_params)


@setup
def a_root_cache_and_a_copy() -> None:
    params = MemcgCacheParams()
    s = KmemCache(memcg_params=params)
    params.memcg_caches[0] = KmemCache()
    for _ in range(READERS):
        start(memcg_kmem_get_cache, s)
    start(memcg_update_cache_size, s)


@finally_
def one_array_is_left() -> bool:
    return count(params for params in alive(MemcgCacheParams)) == 1
