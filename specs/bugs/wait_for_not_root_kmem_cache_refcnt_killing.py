"""mm: memcg/slab: wait for !root kmem_cache refcnt killing on root kmem_cache destruction.

Bug: B07.

Kernel: v5.3 and v5.4 (a264df74df38; v5.5).

Breaks: when a memcg goes offline, its caches are deactivated by an RCU callback, which queues a
work, which kills the cache's percpu_ref, which takes a second grace period to switch to atomic
mode. kmem_cache_destroy() of the root cache waits for the callback by rcu_barrier() and for the
work by flush_workqueue(), and then frees the children. But a barrier does not wait for what those
callbacks set off: percpu_ref_exit() comes while the switch is pending, and warns. The callback of
the switch then finds a freed cache.

Fix: one more rcu_barrier(), if there are children left.

Modelled: a root cache with a child; the offline of the child's memcg, as far as the caches go; the
destruction of the root cache, all of whose objects are free. The release of a child queues its
shutdown, unless its root is being destroyed.
"""

from kmcheck.kernel.irq import (
    spin_lock_irq,
    spin_lock_irqsave,
    spin_unlock_irq,
    spin_unlock_irqrestore,
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.mutex import Mutex, mutex_lock, mutex_unlock
from kmcheck.kernel.percpu_ref import (
    PercpuRef,
    percpu_ref_exit,
    percpu_ref_init,
    percpu_ref_kill,
)
from kmcheck.kernel.rcu import RcuHead, call_rcu, rcu_barrier
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.spinlock import SpinLock
from kmcheck.kernel.workqueue import INIT_WORK, Work, Workqueue, flush_workqueue, queue_work
from kmcheck.lang import (
    Callable,
    Object,
    Ref,
    SetOf,
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

CHILDREN = bound(1, "memcgs that have a copy of the cache")
FIX = choice(True, "a second rcu_barrier(), for the switches of the children's percpu_refs")


class RootCache(Object):
    children: SetOf["KmemCache"]
    dying: bool


class KmemCache(Object):
    """A memcg's copy of the cache; memcg_params and all."""

    root_cache: Ref[RootCache]
    refcnt: PercpuRef
    rcu_head: RcuHead
    work: Work
    work_fn: Callable[["KmemCache"], None]


class Kernel(Object):
    slab_mutex: Mutex
    memcg_kmem_wq_lock: SpinLock


kernel = Kernel()
memcg_kmem_cache_wq = Workqueue()


def shutdown_cache(s: KmemCache) -> None:
    s.root_cache.children.remove(s)
    percpu_ref_exit(s.refcnt)  # destroy_memcg_params()
    kfree(s)


def kmemcg_workfn(work: Work) -> None:
    s = container_of(work, KmemCache, KmemCache.work)
    mutex_lock(kernel.slab_mutex)
    s.work_fn(s)
    mutex_unlock(kernel.slab_mutex)


def kmemcg_cache_shutdown(ref: PercpuRef) -> None:
    """The release of a child: the last reference is gone."""
    s = container_of(ref, KmemCache, KmemCache.refcnt)
    flags = spin_lock_irqsave(kernel.memcg_kmem_wq_lock)
    if not s.root_cache.dying:
        s.work_fn = shutdown_cache
        INIT_WORK(s.work, kmemcg_workfn)
        queue_work(memcg_kmem_cache_wq, s.work)
    spin_unlock_irqrestore(kernel.memcg_kmem_wq_lock, flags)


def kmemcg_cache_deactivate_after_rcu(s: KmemCache) -> None:
    percpu_ref_kill(s.refcnt)


def kmemcg_rcufn(head: RcuHead) -> None:
    s = container_of(head, KmemCache, KmemCache.rcu_head)
    INIT_WORK(s.work, kmemcg_workfn)
    queue_work(memcg_kmem_cache_wq, s.work)


def kmemcg_cache_deactivate(s: KmemCache) -> None:
    spin_lock_irq(kernel.memcg_kmem_wq_lock)
    if not s.root_cache.dying:
        s.work_fn = kmemcg_cache_deactivate_after_rcu
        call_rcu(s.rcu_head, kmemcg_rcufn)
    spin_unlock_irq(kernel.memcg_kmem_wq_lock)


@process
def memcg_deactivate_kmem_caches(root: RootCache) -> None:
    """A memcg goes offline: all of them, one after the other."""
    mutex_lock(kernel.slab_mutex)
    for s in root.children.copy():
        kmemcg_cache_deactivate(s)
    mutex_unlock(kernel.slab_mutex)


def flush_memcg_workqueue(root: RootCache) -> None:
    spin_lock_irq(kernel.memcg_kmem_wq_lock)
    root.dying = True
    spin_unlock_irq(kernel.memcg_kmem_wq_lock)
    rcu_barrier()
    flush_workqueue(memcg_kmem_cache_wq)
    if FIX and len(root.children) > 0:
        rcu_barrier()


@process
def kmem_cache_destroy(root: RootCache) -> None:
    flush_memcg_workqueue(root)
    mutex_lock(kernel.slab_mutex)
    for s in root.children.copy():
        shutdown_cache(s)
    mutex_unlock(kernel.slab_mutex)


@setup
def a_cache_with_copies() -> None:
    lockdep_init()
    root = RootCache()
    for _ in range(CHILDREN):
        s = KmemCache(root_cache=root)
        percpu_ref_init(s.refcnt, kmemcg_cache_shutdown)
        root.children.add(s)
    start(memcg_deactivate_kmem_caches, root)
    start(kmem_cache_destroy, root)


@finally_
def all_children_are_freed() -> bool:
    return count(s for s in alive(KmemCache)) == 0
