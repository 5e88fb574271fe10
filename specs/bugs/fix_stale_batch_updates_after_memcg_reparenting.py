"""mm: mglru: fix stale batch updates after memcg reparenting.

Bug: B23.

Kernel: v7.1 (Fixes: f304652609ea; version 4 of the fix is of July 2026).

Breaks: the page table walk of the multi-generational LRU counts the folios that it makes younger
in a batch of its own, and adds the batch to the memcg's counts later, under the lruvec lock. When
the memcg's folios and counts have been moved to the parent in between, the batch is added to what
is left of the child: the child's counts are not zero when it is freed (a warning), and the
parent's are wrong for ever.

Fix: FLUSH=climb. In a read section, go up to the first memcg that is not dying, then lock and add.
Two wrong ones: FLUSH=blind is as before. FLUSH=drop_if_offline, proposed in June 2026, drops the
batch unless the memcg is online: CSS_ONLINE is cleared after css_offline() has moved the counts,
so it comes too late, and what is dropped belongs to the parent.

Modelled: root > memcg, one old folio of the memcg, a walk that holds a reference of the memcg and
makes the folio young, and the memcg's rmdir. The counts of the two generations may be below zero
for a while.
"""

from kmcheck.kernel.css import (
    Css,
    cgroup_rmdir,
    css_get,
    css_put,
    init_and_link_css,
    no_css_released,
)
from kmcheck.kernel.lockdep import SINGLE_DEPTH_NESTING, lockdep_init
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_lock_nested, spin_unlock
from kmcheck.lang import (
    Annotated,
    Enum,
    Object,
    Ref,
    alive,
    atomic,
    auto,
    bound,
    check,
    choice,
    container_of,
    count,
    finally_,
    process,
    setup,
    start,
)


class Flush(Enum):
    CLIMB = auto()
    BLIND = auto()
    DROP_IF_OFFLINE = auto()


FOLIOS = bound(1, "folios of the memcg that the walk makes younger")
FLUSH = choice(Flush.CLIMB, "to whose counts the walk's batch is added")

Nr = Annotated[int, range(-8, 9)]


class Lruvec(Object):
    lru_lock: SpinLock
    nr_old: Nr  # lrugen.nr_pages[], of two generations
    nr_young: Nr


class Memcg(Object):
    css: Css
    parent: Ref["Memcg"]
    lruvec: Lruvec


class Folio(Object):
    young: bool  # the generation, in folio->flags
    memcg: Ref[Memcg]


def reset_batch_size(of: Memcg, nr: int) -> None:
    """Add the batch of the walk to the counts."""
    memcg = of
    rcu_read_lock()
    if FLUSH == Flush.CLIMB:
        while memcg.css.dying:
            memcg = memcg.parent
    wanted = True
    if FLUSH == Flush.DROP_IF_OFFLINE:
        wanted = memcg.css.online
    if wanted:
        spin_lock(memcg.lruvec.lru_lock)
        with atomic("lrugen->nr_pages[] += walk->nr_pages[]"):
            memcg.lruvec.nr_old -= nr
            memcg.lruvec.nr_young += nr
        spin_unlock(memcg.lruvec.lru_lock)
    rcu_read_unlock()


@process
def walk_mm(memcg: Memcg) -> None:
    nr = 0  # walk->nr_pages
    for folio in alive(Folio):
        folio.young = True  # folio_update_gen(), without a lock
        nr += 1
    reset_batch_size(memcg, nr)
    css_put(memcg.css)


def lru_gen_reparent_memcg(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    parent = memcg.parent
    spin_lock(memcg.lruvec.lru_lock)
    spin_lock_nested(parent.lruvec.lru_lock, SINGLE_DEPTH_NESTING)
    with atomic("folios and their counts moved to the parent"):
        for folio in alive(Folio):
            folio.memcg = parent
        parent.lruvec.nr_old += memcg.lruvec.nr_old
        parent.lruvec.nr_young += memcg.lruvec.nr_young
        memcg.lruvec.nr_old = 0
        memcg.lruvec.nr_young = 0
    spin_unlock(parent.lruvec.lru_lock)
    spin_unlock(memcg.lruvec.lru_lock)


def mem_cgroup_css_free(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    with atomic("lru_gen_exit_memcg()"):
        empty = memcg.lruvec.nr_old == 0 and memcg.lruvec.nr_young == 0
        check(empty, "warning", "VM_WARN_ON_ONCE(memchr_inv(lrugen->nr_pages, 0, ...))")
    kfree(memcg)


@process
def rmdir(memcg: Memcg) -> None:
    cgroup_rmdir(memcg.css, lru_gen_reparent_memcg)


@setup
def old_folios() -> None:
    lockdep_init()
    root = Memcg()
    init_and_link_css(root.css, None, no_css_released, mem_cgroup_css_free)
    memcg = Memcg(parent=root)
    init_and_link_css(memcg.css, root.css, no_css_released, mem_cgroup_css_free)
    for _ in range(FOLIOS):
        Folio(memcg=memcg)
        memcg.lruvec.nr_old += 1
    css_get(memcg.css)  # mem_cgroup_iter()
    start(walk_mm, memcg)
    start(rmdir, memcg)


@finally_
def the_counts_are_those_of_the_folios(memcg: Memcg) -> bool:
    old = count(f for f in alive(Folio) if f.memcg == memcg and not f.young)
    young = count(f for f in alive(Folio) if f.memcg == memcg and f.young)
    return memcg.lruvec.nr_old == old and memcg.lruvec.nr_young == young
