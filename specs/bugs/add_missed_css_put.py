"""mm/memcontrol.c: add missed css_put().

Bug: B29.

Kernel: v5.3 to v5.7 (3a98990ae215; v5.8).

Breaks: memcg_schedule_kmem_cache_create() takes a css reference for the work that it queues. If
there is no memory for the work, it returns with the reference taken: the memcg can be removed and
is never freed.

Fix: css_put() where the allocation has failed.

Modelled: root > memcg, an allocation that finds that the memcg has no copy of the cache yet, and
the memcg's rmdir. Memory for the work may be short.
"""

from kmcheck.kernel.css import (
    Css,
    cgroup_rmdir,
    css_is_zombie,
    css_put,
    css_tryget_online,
    init_and_link_css,
    no_css_released,
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.slab import Gfp, kfree, kzalloc
from kmcheck.kernel.workqueue import INIT_WORK, Work, schedule_work
from kmcheck.lang import (
    Object,
    Ref,
    bound,
    choice,
    container_of,
    finally_,
    process,
    setup,
    start,
)

ALLOCATIONS = bound(1, "allocations that find no copy of the cache")
FIX = choice(True, "the css reference is dropped if there is no memory for the work")


class Memcg(Object):
    css: Css
    has_cache: bool


class CreateWork(Object, limit=2):
    """`struct memcg_kmem_cache_create_work`."""

    memcg: Ref[Memcg]
    work: Work


class Kernel(Object):
    css_idr: Ref[Memcg]  # how the memcg is found; cleared when it is released


kernel = Kernel()


def memcg_kmem_cache_create_func(work: Work) -> None:
    cw = container_of(work, CreateWork, CreateWork.work)
    memcg = cw.memcg
    memcg.has_cache = True
    css_put(memcg.css)
    kfree(cw)


def memcg_schedule_kmem_cache_create(memcg: Memcg) -> None:
    if css_tryget_online(memcg.css):
        cw = kzalloc(CreateWork, Gfp.NOWAIT)
        if cw is None:
            if FIX:
                css_put(memcg.css)
            return
        cw.memcg = memcg
        INIT_WORK(cw.work, memcg_kmem_cache_create_func)
        schedule_work(cw.work)


@process
def memcg_kmem_get_cache() -> None:
    rcu_read_lock()
    memcg = kernel.css_idr
    if memcg is not None and not memcg.has_cache:
        memcg_schedule_kmem_cache_create(memcg)
    rcu_read_unlock()


def mem_cgroup_css_offline(css: Css) -> None:
    """Nothing that matters here."""


def css_idr_remove(css: Css) -> None:
    kernel.css_idr = None


def mem_cgroup_css_free(css: Css) -> None:
    kfree(container_of(css, Memcg, Memcg.css))


@process
def rmdir(memcg: Memcg) -> None:
    cgroup_rmdir(memcg.css, mem_cgroup_css_offline)


@setup
def a_memcg_without_a_cache() -> None:
    lockdep_init()
    root = Memcg()
    init_and_link_css(root.css, None, no_css_released, mem_cgroup_css_free)
    memcg = Memcg()
    init_and_link_css(memcg.css, root.css, css_idr_remove, mem_cgroup_css_free)
    kernel.css_idr = memcg
    for _ in range(ALLOCATIONS):
        start(memcg_kmem_get_cache)
    start(rmdir, memcg)


@finally_
def no_memcg_is_a_zombie(memcg: Memcg) -> bool:
    return not css_is_zombie(memcg.css)
