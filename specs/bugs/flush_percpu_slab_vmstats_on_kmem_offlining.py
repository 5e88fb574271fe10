"""mm: memcontrol: flush percpu slab vmstats on kmem offlining.

Bug: B32.

Kernel: v5.3-rc; fixed in v5.3 (bee07b33db78, commit id from memory).

Breaks: a memcg's statistics are changed in a batch of each CPU first, and go to the memcg and all
its ancestors when the batch is full. When the memcg dies, its slab caches are reparented, and what
is in its batches is lost for its ancestors. The pages are uncounted at the parent later: its
statistics end below zero, and are shown as 0.

Fix: at offline, add what is in the batches to the memcg and its ancestors.

Modelled: root > parent > child, pages of the child's cache that have been counted on different
CPUs, so that no batch is full, and are freed on one; and the child's offline and end. A batch
holds one page. Offline and end are one here, with the grace period before the flush, so that no
free is still about to use the child's batch. No race is needed.
"""

from kmcheck.kernel.rcu import (
    rcu_assign_pointer,
    rcu_dereference,
    rcu_read_lock,
    rcu_read_unlock,
    synchronize_rcu,
)
from kmcheck.kernel.slab import kfree
from kmcheck.lang import (
    Annotated,
    ArrayOf,
    Object,
    Ref,
    alive,
    atomic,
    bound,
    choice,
    closure,
    finally_,
    process,
    setup,
    start,
)

PAGES = bound(2, "pages of the child's cache, at most 2, each counted on a CPU of its own")
FIX = choice(True, "offline flushes the child's batches of all CPUs")

BATCH = 1  # MEMCG_CHARGE_BATCH
Nr = Annotated[int, range(-8, 9)]


class Memcg(Object):
    parent: Ref["Memcg"]
    vmstats: Nr
    percpu: Annotated[ArrayOf[Nr], 2]  # vmstats_percpu


class KmemCache(Object):
    memcg: Ref[Memcg]


def vmstats_add(of: Memcg, nr: int) -> None:
    """Add to the statistics of a memcg and of its ancestors."""
    memcg: Memcg | None = of
    while memcg is not None:
        memcg.vmstats += nr
        memcg = memcg.parent


def mod_memcg_state(memcg: Memcg, cpu: int, nr: int) -> None:
    with atomic("batch full? then all the way up"):
        x = memcg.percpu[cpu] + nr
        if x > BATCH or x < -BATCH:
            vmstats_add(memcg, x)
            x = 0
        memcg.percpu[cpu] = x


def memcg_flush_percpu_vmstats(memcg: Memcg) -> None:
    for cpu in range(2):
        with atomic("one CPU's batch, all the way up"):
            vmstats_add(memcg, memcg.percpu[cpu])
            memcg.percpu[cpu] = 0


@process
def kmem_cache_free(s: KmemCache) -> None:
    rcu_read_lock()
    memcg = rcu_dereference(s.memcg)
    mod_memcg_state(memcg, 0, -1)  # memcg_uncharge_slab()
    rcu_read_unlock()


@process
def memcg_offline_kmem(child: Memcg, s: KmemCache) -> None:
    parent = child.parent
    rcu_assign_pointer(s.memcg, parent)  # memcg_deactivate_kmem_caches()
    synchronize_rcu()
    if FIX:
        memcg_flush_percpu_vmstats(child)
    kfree(child)


@setup
def pages_of_the_child() -> None:
    root = Memcg()
    parent = Memcg(parent=root)
    child = Memcg(parent=parent)
    s = KmemCache(memcg=child)
    for cpu in range(PAGES):
        mod_memcg_state(child, cpu, 1)
        start(kmem_cache_free, s)
    start(memcg_offline_kmem, child, s)


@finally_
def no_page_is_counted(memcg: Memcg) -> bool:
    """What is counted, and what is in the batches below, is nothing: all pages are free."""
    batched = sum(
        m.percpu[0] + m.percpu[1] for m in alive(Memcg) if memcg in closure(m, Memcg.parent)
    )
    return memcg.vmstats + batched == 0
