"""mm: memcg/slab: fix memory leak at non-root kmem_cache destroy.

Bug: B28.

Kernel: to v5.7 (d38a2b7a9c93; v5.8).

Breaks: kmem_cache_destroy() of an alias, a cache that was merged with another, only counts the
root cache's users down. But it marks the root cache as dying before it looks. From then on the
memcgs' copies of that cache leave their destruction to the root's, which never comes: they leak.

Fix: mark the root cache as dying only when its last user is gone.

Modelled: a root cache with two users, one of which destroys its own, and a memcg's copy whose last
reference is dropped. No race is needed: it is enough that the alias is destroyed first. The end of
the root cache, with its last user's, is left out.
"""

from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.mutex import Mutex, mutex_lock, mutex_unlock
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.kernel.workqueue import INIT_WORK, Work, schedule_work
from kmcheck.lang import (
    Annotated,
    Object,
    Ref,
    SetOf,
    add_return,
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

COPIES = bound(1, "memcgs' copies of the root cache, whose last reference is dropped")
FIX = choice(True, "the root cache is marked as dying when its last user is gone")


class KmemCache(Object):
    root: Ref["KmemCache"]
    refcount: Annotated[int, range(4)]  # users of a root cache: itself and its aliases
    dying: bool
    children: SetOf["KmemCache"]
    work: Work


slab_mutex = Mutex()
memcg_kmem_wq_lock = SpinLock()


def kmemcg_cache_shutdown_fn(work: Work) -> None:
    s = container_of(work, KmemCache, KmemCache.work)
    mutex_lock(slab_mutex)
    s.root.children.remove(s)  # shutdown_cache()
    kfree(s)
    mutex_unlock(slab_mutex)


@process
def kmemcg_cache_shutdown(s: KmemCache) -> None:
    """Run when the last reference of a memcg's copy is gone."""
    spin_lock(memcg_kmem_wq_lock)
    if not s.root.dying:
        schedule_work(s.work)
    spin_unlock(memcg_kmem_wq_lock)


def flush_memcg_workqueue(s: KmemCache) -> None:
    spin_lock(memcg_kmem_wq_lock)
    s.dying = True
    spin_unlock(memcg_kmem_wq_lock)


@process
def kmem_cache_destroy(s: KmemCache) -> None:
    if not FIX:
        flush_memcg_workqueue(s)
    mutex_lock(slab_mutex)
    users = add_return(s.refcount, -1)
    mutex_unlock(slab_mutex)
    if FIX and users == 0:
        flush_memcg_workqueue(s)


@setup
def a_root_cache_with_an_alias() -> None:
    lockdep_init()
    root = KmemCache(refcount=2)
    for _ in range(COPIES):
        s = KmemCache(root=root)
        root.children.add(s)
        INIT_WORK(s.work, kmemcg_cache_shutdown_fn)
        start(kmemcg_cache_shutdown, s)
    start(kmem_cache_destroy, root)


@finally_
def no_copy_is_left() -> bool:
    return count(s for s in alive(KmemCache)) == 1
