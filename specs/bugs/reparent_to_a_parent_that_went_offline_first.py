"""[PATCH -mm 11/12] of 26 February 2014: reparent to a parent that went offline first.

Bug: B49.

Kernel: none: posted and never merged, for v3.14, which took each css offline from a work of its
own, in any order. The title is ours.

Breaks: the caches of a dying memcg move to its parent, and no longer hold a css reference. If the
parent has gone offline before, it has moved its caches already and will not do so again. When the
child is freed, nothing keeps the parent: it is freed with caches that point to it.

Fix: a memcg goes offline after all of its children, as by itself since v4.5 (online_cnt). Then the
caches that it has inherited move on with its own.

Finding: kmcheck confirms it for depth three (root > parent > child), with both memcgs removed, an
order of the two offlines that v3.14 allowed, and one object of the cache that outlives them; under
sequential consistency. That in v3.14 a child held its parent's css until it was freed is taken
from memory; without that it would break sooner.

Modelled: root > parent > child, the child's cache with objects that are being freed, and the rmdir
of both memcgs, the child's first.
"""

from kmcheck.kernel.css import (
    Css,
    css_confirm_kill,
    css_killed_work_fn,
    css_wait_for_children,
    init_and_link_css,
    kill_css,
    no_css_released,
)
from kmcheck.kernel.page_counter import (
    PageCounter,
    page_counter_charge,
    page_counter_init,
    page_counter_uncharge,
)
from kmcheck.kernel.rcu import (
    rcu_assign_pointer,
    rcu_dereference,
    rcu_read_lock,
    rcu_read_unlock,
)
from kmcheck.kernel.slab import kfree
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

FREERS = bound(1, "objects of the child's cache that are being freed")
FIX = choice(True, "a memcg goes offline after its children")


class Memcg(Object):
    css: Css
    parent: Ref["Memcg"]
    kmem: PageCounter
    slab_caches: SetOf["Cache"]


class Cache(Object):
    memcg: Ref[Memcg]


class Page(Object):
    slab_cache: Ref[Cache]
    size: Size


@process
def kmem_cache_free(page: Page) -> None:
    s = page.slab_cache
    nr_pages = page.size
    rcu_read_lock()
    memcg = rcu_dereference(s.memcg)
    page_counter_uncharge(memcg.kmem, nr_pages)
    rcu_read_unlock()
    kfree(page)


def memcg_offline_kmem(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    parent = memcg.parent
    for s in memcg.slab_caches.copy():
        memcg.slab_caches.remove(s)
        parent.slab_caches.add(s)
        rcu_assign_pointer(s.memcg, parent)


def mem_cgroup_css_free(css: Css) -> None:
    kfree(container_of(css, Memcg, Memcg.css))


@process
def rmdir(memcg: Memcg) -> None:
    kill_css(memcg.css)
    css_confirm_kill(memcg.css)
    if FIX:
        css_wait_for_children(memcg.css)
    css_killed_work_fn(memcg.css, memcg_offline_kmem)


@setup
def a_cache_of_the_child() -> None:
    root = Memcg()
    init_and_link_css(root.css, None, no_css_released, mem_cgroup_css_free)
    parent = Memcg(parent=root)
    init_and_link_css(parent.css, root.css, no_css_released, mem_cgroup_css_free)
    page_counter_init(parent.kmem, root.kmem)
    child = Memcg(parent=parent)
    init_and_link_css(child.css, parent.css, no_css_released, mem_cgroup_css_free)
    page_counter_init(child.kmem, parent.kmem)
    s = Cache(memcg=child)
    child.slab_caches.add(s)
    for _ in range(FREERS):
        page = Page(slab_cache=s)
        page_counter_charge(child.kmem, page.size)
        start(kmem_cache_free, page)
    start(rmdir, child)
    start(rmdir, parent)


@finally_
def the_cache_is_the_roots(s: Cache) -> bool:
    return s.memcg.parent is None and s in s.memcg.slab_caches


@finally_
def both_memcgs_are_freed() -> bool:
    return count(memcg for memcg in alive(Memcg)) == 1
