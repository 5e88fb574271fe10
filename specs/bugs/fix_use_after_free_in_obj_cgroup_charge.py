"""mm: memcg/slab: fix use after free in obj_cgroup_charge.

Bug: B04.

Kernel: since v5.9; fixed in v5.10.y (eefbfa7fd678).

Breaks: obj_cgroup_charge() loads the memcg of an objcg in a read section, which keeps its memory,
and takes a reference with css_get(), as if somebody had one. But the memcg may have gone offline
since, and its last reference may be gone: the count goes from 0 to 1, the release is on its way,
and the memcg is freed with somebody charging to it.

Fix: css_tryget(), and where that fails, load the objcg's memcg again: it is the parent by then,
because the last reference is only dropped after offline has swapped the pointer.

Modelled: root > parent > child, the child's objcg, an allocation that charges to it, and the
child's rmdir, which swaps the objcg's memcg and drops the base reference. kmcheck reports the
reference that is taken on zero; use-after-free is what it comes to.
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
from kmcheck.kernel.page_counter import PageCounter, page_counter_charge
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

CHARGERS = bound(1, "allocations that race with the rmdir")
FIX = choice(True, "css_tryget() and a retry, not css_get()")


class Memcg(Object):
    css: Css
    parent: Ref["Memcg"]
    objcg: Ref["ObjCgroup"]
    memory: PageCounter


class ObjCgroup(Object):
    memcg: Ref[Memcg]


class Bytes(Object):
    size: Size


def get_mem_cgroup_from_objcg(objcg: ObjCgroup) -> Memcg:
    rcu_read_lock()
    memcg = rcu_dereference(objcg.memcg)
    if FIX:
        while not css_tryget(memcg.css):
            memcg = rcu_dereference(objcg.memcg)
    else:
        css_get(memcg.css)
    rcu_read_unlock()
    return memcg


@process
def obj_cgroup_charge(objcg: ObjCgroup, new: Bytes) -> None:
    memcg = get_mem_cgroup_from_objcg(objcg)
    page_counter_charge(memcg.memory, new.size)
    css_put(memcg.css)


def memcg_offline_kmem(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    rcu_assign_pointer(memcg.objcg.memcg, memcg.parent)  # memcg_reparent_objcgs()


def mem_cgroup_css_free(css: Css) -> None:
    kfree(container_of(css, Memcg, Memcg.css))


@process
def rmdir(memcg: Memcg) -> None:
    cgroup_rmdir(memcg.css, memcg_offline_kmem)


@setup
def a_child_with_an_objcg() -> None:
    root = Memcg()
    init_and_link_css(root.css, None, no_css_released, mem_cgroup_css_free)
    parent = Memcg(parent=root)
    init_and_link_css(parent.css, root.css, no_css_released, mem_cgroup_css_free)
    child = Memcg(parent=parent)
    init_and_link_css(child.css, parent.css, no_css_released, mem_cgroup_css_free)
    objcg = ObjCgroup(memcg=child)
    child.objcg = objcg
    for _ in range(CHARGERS):
        new = Bytes()
        start(obj_cgroup_charge, objcg, new)
    start(rmdir, child)


@finally_
def the_child_is_freed() -> bool:
    """Of the three memcgs, root and parent are left: the child is no zombie."""
    return count(memcg for memcg in alive(Memcg)) == 2
