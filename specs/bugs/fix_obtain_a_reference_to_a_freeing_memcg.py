"""mm: memcontrol: slab: fix obtain a reference to a freeing memcg; and the same in writeback.

Bug: B05, B33.

Kernel: SITE=drain_obj_stock v5.9 to v5.12 (9f38f03ae8d5, commit id from memory; v5.13);
SITE=inode_switch_wbs to v5.13 (8b0ed8443ae6, "writeback: fix obtain a reference to a freeing memcg
css"; v5.14).

Breaks: a memcg is looked up in a read section and then pinned with css_get() by a function that
relies on its caller's reference. The caller has none. A read section keeps the memory and not the
reference: the count goes from 0 back to 1, and the memcg is freed with somebody on it.

Fix: the caller takes a reference with css_tryget() before, and drops it behind. Where that fails,
drain_obj_stock() loads the objcg's memcg again (it is the parent by then), and inode_switch_wbs()
gives up.

Modelled: root > child, the child's rmdir, and one of the two functions. The stock is drained again
at the end, and the writeback structure is released, so that the child is freed in the end.
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
from kmcheck.kernel.rcu import (
    rcu_assign_pointer,
    rcu_dereference,
    rcu_read_lock,
    rcu_read_unlock,
)
from kmcheck.kernel.slab import kfree
from kmcheck.lang import (
    WRITE_ONCE,
    Enum,
    Object,
    Ref,
    alive,
    auto,
    choice,
    container_of,
    count,
    finally_,
    process,
    setup,
    start,
)


class Site(Enum):
    DRAIN_OBJ_STOCK = auto()
    INODE_SWITCH_WBS = auto()


SITE = choice(Site.DRAIN_OBJ_STOCK, "where the memcg is looked up and pinned")
FIX = choice(True, "the caller pins the memcg with css_tryget() first")


class Memcg(Object):
    css: Css
    parent: Ref["Memcg"]
    objcg: Ref["ObjCgroup"]


class ObjCgroup(Object):
    memcg: Ref[Memcg]


class Kernel(Object):
    css_idr: Ref[Memcg]  # the slot of the child's id


kernel = Kernel()


# --- 2020: a CPU's stock of bytes is drained into its stock of pages ------------------------------


def refill_stock(memcg: Memcg) -> None:
    css_get(memcg.css)  # stock->cached = memcg


@process
def drain_obj_stock(objcg: ObjCgroup) -> None:
    rcu_read_lock()
    memcg = rcu_dereference(objcg.memcg)
    if FIX:
        while not css_tryget(memcg.css):
            memcg = rcu_dereference(objcg.memcg)
        rcu_read_unlock()
        refill_stock(memcg)
        css_put(memcg.css)
    else:
        refill_stock(memcg)
        rcu_read_unlock()
    css_put(memcg.css)  # drain_stock(), later


# --- 2021: an inode changes hands -----------------------------------------------------------------


def wb_get_create(memcg: Memcg) -> None:
    css_get(memcg.css)  # cgwb_create(): wb->memcg_css = memcg_css


@process
def inode_switch_wbs() -> None:
    rcu_read_lock()
    memcg: Memcg | None = rcu_dereference(kernel.css_idr)  # css_from_id()
    if FIX:
        if memcg is not None and not css_tryget(memcg.css):
            memcg = None
        rcu_read_unlock()
        if memcg is not None:
            wb_get_create(memcg)
            css_put(memcg.css)
    else:
        if memcg is not None:
            wb_get_create(memcg)
        rcu_read_unlock()
    if memcg is not None:
        css_put(memcg.css)  # cgwb_release(), later


# --- rmdir ----------------------------------------------------------------------------------------


def mem_cgroup_css_offline(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    rcu_assign_pointer(memcg.objcg.memcg, memcg.parent)  # memcg_reparent_objcgs()


def css_idr_remove(css: Css) -> None:
    WRITE_ONCE(kernel.css_idr, None)


def mem_cgroup_css_free(css: Css) -> None:
    kfree(container_of(css, Memcg, Memcg.css))


@process
def rmdir(memcg: Memcg) -> None:
    cgroup_rmdir(memcg.css, mem_cgroup_css_offline)


@setup
def a_child() -> None:
    root = Memcg()
    init_and_link_css(root.css, None, no_css_released, mem_cgroup_css_free)
    child = Memcg(parent=root)
    init_and_link_css(child.css, root.css, css_idr_remove, mem_cgroup_css_free)
    objcg = ObjCgroup(memcg=child)
    child.objcg = objcg
    kernel.css_idr = child
    if SITE == Site.DRAIN_OBJ_STOCK:
        start(drain_obj_stock, objcg)
    else:
        start(inode_switch_wbs)
    start(rmdir, child)


@finally_
def the_child_is_freed() -> bool:
    """Only the root is left: the child is no zombie."""
    return count(memcg for memcg in alive(Memcg)) == 1
