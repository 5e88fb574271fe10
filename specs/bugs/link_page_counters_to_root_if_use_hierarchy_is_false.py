"""mm: memcg: link page counters to root if use_hierarchy is false.

Bug: B09.

Kernel: v5.9 (8de15e920dc8, commit id from memory; v5.10).

Breaks: with use_hierarchy = 0 a memcg's page counters have no parent, so what is charged to the
memcg is charged to it alone. When it goes offline, its obj_cgroup is handed over to the root, and
what is freed after that is uncharged from the root, which was never charged: page_counter_cancel()
goes below zero and warns. No race is needed.

Fix: the page counters of a memcg are linked to those of the root, so that the root is charged too.
Limits of the root do not exist, so nothing else changes.

Modelled: root > memcg, its obj_cgroup, pages of any size that are charged through it, and the
memcg's rmdir. The pages are freed before, while, or after the memcg goes offline. The stocks are
left out: they only make the warning come later. That a charge may race with the rmdir is another
bug, in fix_root_mem_cgroup_charging.
"""

from kmcheck.kernel.css import (
    Css,
    cgroup_rmdir,
    css_is_zombie,
    css_put,
    css_tryget,
    init_and_link_css,
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
    Size,
    bound,
    choice,
    container_of,
    finally_,
    process,
    setup,
    start,
)

PAGES = bound(2, "pages that are charged to the memcg")
FIX = choice(True, "without use_hierarchy, page counters have the root's for a parent")


class Memcg(Object):
    css: Css
    memory: PageCounter
    objcg: Ref["ObjCgroup"]


class ObjCgroup(Object):
    memcg: Ref[Memcg]


class Page(Object):
    objcg: Ref[ObjCgroup]
    size: Size


root_mem_cgroup = Memcg()


def get_mem_cgroup_from_objcg(objcg: ObjCgroup) -> Memcg:
    rcu_read_lock()
    memcg = rcu_dereference(objcg.memcg)
    while not css_tryget(memcg.css):
        memcg = rcu_dereference(objcg.memcg)
    rcu_read_unlock()
    return memcg


@process
def kmem_cache_free(page: Page) -> None:
    # obj_cgroup_uncharge_pages()
    memcg = get_mem_cgroup_from_objcg(page.objcg)
    page_counter_uncharge(memcg.memory, page.size)
    css_put(memcg.css)
    kfree(page)


def mem_cgroup_css_offline(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    # memcg_reparent_objcgs(): parent_mem_cgroup() is NULL without use_hierarchy: the root
    rcu_assign_pointer(memcg.objcg.memcg, root_mem_cgroup)


def mem_cgroup_css_free(css: Css) -> None:
    kfree(container_of(css, Memcg, Memcg.css))


@process
def rmdir(memcg: Memcg) -> None:
    cgroup_rmdir(memcg.css, mem_cgroup_css_offline)


@setup
def a_memcg_without_hierarchy() -> None:
    init_and_link_css(root_mem_cgroup.css, None, no_css_released, mem_cgroup_css_free)
    memcg = Memcg()
    init_and_link_css(memcg.css, root_mem_cgroup.css, no_css_released, mem_cgroup_css_free)
    page_counter_init(memcg.memory, root_mem_cgroup.memory if FIX else None)
    memcg.objcg = ObjCgroup(memcg=memcg)
    for _ in range(PAGES):
        page = Page(objcg=memcg.objcg)
        page_counter_charge(memcg.memory, page.size)
        start(kmem_cache_free, page)
    start(rmdir, memcg)


@finally_
def the_root_is_charged_for_nothing() -> bool:
    return root_mem_cgroup.memory.usage <= 0


@finally_
def no_memcg_is_a_zombie(memcg: Memcg) -> bool:
    return not css_is_zombie(memcg.css)
