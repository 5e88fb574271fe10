"""What charging sees of a memory cgroup: `struct mem_cgroup` and `struct obj_cgroup`.

Semantics: a memcg has its css, its page counter and its place in the tree; what it has besides is
the spec's, which may keep it in an object of its own. mem_cgroup_init() brings one online; what it
does when it goes offline is for cgroup_rmdir(), and when its last reference is gone it is freed. It
may be freed with pages charged to it, if those have another owner by then. The obj_cgroups are used
by `obj_cgroup`, the stock of pages is `memcg_stock`.

Kernel: `include/linux/memcontrol.h`, `mm/memcontrol.c`, v5.9 to v6.12.

Misuse reported: `parent-is-dying` (a memcg brought online below one that has been removed, where
mkdir fails).
"""

from kmcheck.kernel.css import Css, init_and_link_css, no_css_released
from kmcheck.kernel.page_counter_nr import PageCounterNr, page_counter_nr_init
from kmcheck.kernel.percpu_ref import PercpuRef
from kmcheck.kernel.rcu import RcuHead
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.spinlock import SpinLock
from kmcheck.lang import Annotated, Object, Ref, SetOf, atomic, check, closure, container_of

Bytes = Annotated[int, range(256)]


class MemCgroup(Object):
    """`struct mem_cgroup`."""

    css: Css
    memory: PageCounterNr
    parent: Ref["MemCgroup"]
    objcg: Ref["ObjCgroup"]  # of what is charged now
    objcg_list: SetOf["ObjCgroup"]  # inherited from children that are gone


class ObjCgroup(Object):
    """`struct obj_cgroup`: stands for a memcg in the objects that are charged to it."""

    refcnt: PercpuRef
    memcg: Ref[MemCgroup]
    nr_charged_bytes: Bytes
    rcu: RcuHead


class MemcgLocks(Object):
    """Locks that all memcgs share."""

    objcg_lock: SpinLock


memcg_locks = MemcgLocks()


def mem_cgroup_init(memcg: MemCgroup, parent: MemCgroup | None) -> None:
    """Bring a memcg online below its parent."""
    memcg.parent = parent
    if parent is None:
        init_and_link_css(memcg.css, None, no_css_released, mem_cgroup_css_free)
        page_counter_nr_init(memcg.memory, None)
    else:
        check(not parent.css.dying, "parent-is-dying", "a memcg below one that has been removed")
        init_and_link_css(memcg.css, parent.css, no_css_released, mem_cgroup_css_free)
        page_counter_nr_init(memcg.memory, parent.memory)


def mem_cgroup_css_free(css: Css) -> None:
    """Free a memcg."""
    kfree(mem_cgroup_from_css(css))


def mem_cgroup_from_css(css: Css) -> MemCgroup:
    """Return the memcg that a css belongs to."""
    return container_of(css, MemCgroup, MemCgroup.css)


def mem_cgroup_is_descendant(memcg: MemCgroup, root: MemCgroup) -> bool:
    """Tell whether a memcg is `root` or below it; what is looked at must be alive."""
    with atomic("is it below?"):
        below = memcg.parent == root or root in closure(memcg, MemCgroup.parent)
    return below
