"""memcg, slab: fix barrier usage when accessing memcg_caches.

Bug: B31.

Kernel: v3.8 to v3.13 (96403da24444; v3.14).

Breaks: the pointer to a memcg's cache is published in the root cache's array, which is read
without a lock. The write barrier stands behind the store of the pointer, and the read barrier
before its load: a CPU that sees the pointer may not see what it leads to.

Fix: the write barrier before the store, the read barrier behind the load: rcu_assign_pointer() and
rcu_dereference() today.

Memory: this needs weak memory to show. kmcheck is sequentially consistent, and says `holds` of the
code as it was (FIX=no). With REORDER=yes the two stores of the writer are swapped in the
program, where no barrier keeps them in order: one of the runs that the barriers are there to
forbid. The read barrier's half is left out.

Modelled: a root cache, the creation of a memcg's copy, and allocations that use it.
"""

from kmcheck.kernel.slab import Gfp, kmalloc
from kmcheck.lang import (
    READ_ONCE,
    WRITE_ONCE,
    Object,
    Ref,
    bound,
    choice,
    finally_,
    process,
    setup,
    start,
)

READERS = bound(2, "allocations that race with the creation")
FIX = choice(True, "a write barrier stands before the store that publishes the pointer")
REORDER = choice(False, "the writer's CPU swaps the two stores if no barrier is between them")


class KmemCache(Object, limit=2):
    size: bool  # initialised?
    memcg_cache: Ref["KmemCache"]  # memcg_params->memcg_caches[idx], of a root cache


@process
def kmem_cache_create_memcg(root: KmemCache) -> None:
    s = kmalloc(KmemCache, Gfp.KERNEL)
    if s is not None:
        if REORDER and not FIX:
            WRITE_ONCE(root.memcg_cache, s)
            s.size = True
        else:
            s.size = True
            WRITE_ONCE(root.memcg_cache, s)


@process
def memcg_kmem_get_cache(root: KmemCache) -> None:
    s = READ_ONCE(root.memcg_cache)  # cache_from_memcg_idx()
    if s is not None:
        assert s.size


@setup
def a_root_cache() -> None:
    root = KmemCache(size=True)
    for _ in range(READERS):
        start(memcg_kmem_get_cache, root)
    start(kmem_cache_create_memcg, root)


@finally_
def what_is_published_is_initialised(s: KmemCache) -> bool:
    return s.size
