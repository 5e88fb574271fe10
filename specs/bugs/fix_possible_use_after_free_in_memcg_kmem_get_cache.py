"""memcg: fix possible use-after-free in memcg_kmem_get_cache().

Bug: B13.

Kernel: v3.8 to v3.18 (8135be5a8012, commit id from memory; v3.19).

Breaks: an allocation looks up its memcg's copy of the cache, which is empty, and holds nothing
while it allocates a page for it, which may sleep. Meanwhile the task is moved to another memcg,
and the first one is removed: offline finds the empty cache and destroys it. Then the page is added
to it.

Fix: the allocation holds a css reference of the memcg from the lookup to its end, and the caches
are destroyed when the css is freed, not when it goes offline.

Modelled: a memcg with an empty cache, a task that allocates from it and frees its object again,
and somebody who moves the task away and removes the memcg. Each page holds a css reference of its
own, as since v3.19.
"""

from kmcheck.kernel.css import (
    Css,
    cgroup_rmdir,
    css_get,
    css_put,
    css_tryget,
    init_and_link_css,
    no_css_released,
)
from kmcheck.kernel.rcu import rcu_dereference, rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.slab import kfree
from kmcheck.lang import (
    Annotated,
    Object,
    Ref,
    alive,
    bound,
    choice,
    container_of,
    count,
    fetch_add,
    finally_,
    pause,
    process,
    setup,
    start,
)

TASKS = bound(1, "tasks that allocate from the memcg's cache")
FIX = choice(True, "an allocation pins the memcg, and css_free destroys the caches")


class KmemCache(Object):
    memcg: Ref["Memcg"]  # memcg_params->memcg
    nr_pages: Annotated[int, range(9)]


class Memcg(Object):
    css: Css
    cache: Ref[KmemCache]  # cache_from_memcg_idx(cachep, memcg_cache_id(memcg))


class Task(Object):
    memcg: Ref[Memcg]


def memcg_kmem_get_cache(task: Task) -> KmemCache | None:
    """Return the memcg's copy of the cache, None for the root cache itself."""
    rcu_read_lock()
    memcg = rcu_dereference(task.memcg)
    if FIX:
        while not css_tryget(memcg.css):
            memcg = rcu_dereference(task.memcg)
    s = memcg.cache
    rcu_read_unlock()
    return s


@process
def kmem_cache_alloc(task: Task) -> None:
    s = memcg_kmem_get_cache(task)
    if s is not None:
        pause("alloc_pages(), may sleep")
        if FIX:
            css_get(s.memcg.css)  # memcg_charge_slab()
        fetch_add(s.nr_pages, 1)
        if FIX:
            css_put(s.memcg.css)  # memcg_kmem_put_cache()
        fetch_add(s.nr_pages, -1)  # kmem_cache_free(), later
        if FIX:
            css_put(s.memcg.css)  # memcg_uncharge_slab()


def memcg_destroy_caches(memcg: Memcg) -> None:
    s = memcg.cache
    if s is not None and s.nr_pages == 0:
        memcg.cache = None
        kfree(s)


def mem_cgroup_css_offline(css: Css) -> None:
    if not FIX:
        memcg_destroy_caches(container_of(css, Memcg, Memcg.css))


def mem_cgroup_css_free(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    if FIX:
        memcg_destroy_caches(memcg)
    kfree(memcg)


@process
def rmdir(memcg: Memcg, tasks_left_to: Memcg) -> None:
    for task in alive(Task):
        task.memcg = tasks_left_to  # cgroup_attach_task()
    cgroup_rmdir(memcg.css, mem_cgroup_css_offline)


@setup
def a_memcg_with_an_empty_cache() -> None:
    root = Memcg()
    init_and_link_css(root.css, None, no_css_released, mem_cgroup_css_free)
    memcg = Memcg()
    memcg.cache = KmemCache(memcg=memcg)
    init_and_link_css(memcg.css, root.css, no_css_released, mem_cgroup_css_free)
    for _ in range(TASKS):
        task = Task(memcg=memcg)
        start(kmem_cache_alloc, task)
    start(rmdir, memcg, root)


@finally_
def the_memcg_and_its_cache_are_gone() -> bool:
    return count(m for m in alive(Memcg)) == 1 and count(s for s in alive(KmemCache)) == 0
