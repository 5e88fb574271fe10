"""mm: memcontrol: fix root_mem_cgroup charging.

Kernel: v5.9 to v5.13 (commit id from memory: c5c8b16b596e; v5.14).

Breaks: a task charges an object to an obj_cgroup whose memcg is below the root. Before it looks up
the memcg, that is removed, and the obj_cgroup is handed over to the root. try_charge() passes over
the root: nothing is charged. When the object is freed, obj_cgroup_uncharge_pages() takes its page
off the root's counter all the same, which goes below zero if nothing else is charged, and is wrong
by that page if something is.

Fix: the charge of an obj_cgroup does not ask whether the memcg is the root: try_charge_memcg().

Modelled: root > memcg, a task that charges an object of a page and frees it, and the memcg's rmdir.
The CPU's stock keeps a page after the charge, and takes the page that is freed; the task drains it
in the end, as memory pressure does.
"""

from kmcheck.kernel.css import Css, cgroup_rmdir, css_is_zombie, css_put
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.memcg_stock import (
    drain_local_stock,
    memcg_stock,
    refill_stock,
    try_charge,
    try_charge_memcg,
)
from kmcheck.kernel.memcontrol import (
    MemCgroup,
    ObjCgroup,
    mem_cgroup_from_css,
    mem_cgroup_init,
)
from kmcheck.kernel.obj_cgroup import (
    get_mem_cgroup_from_objcg,
    memcg_online_kmem,
    memcg_reparent_objcgs,
    obj_cgroup_get,
    obj_cgroup_put,
)
from kmcheck.lang import choice, finally_, process, setup, start, this_cpu

FIX = choice(True, "an obj_cgroup is charged even if its memcg is the root")

root_mem_cgroup = MemCgroup()


def obj_cgroup_charge_pages(objcg: ObjCgroup, nr_pages: int) -> bool:
    memcg = get_mem_cgroup_from_objcg(objcg)
    if FIX:
        charged = try_charge_memcg(memcg, nr_pages)
    else:
        charged = try_charge(memcg, nr_pages)
    css_put(memcg.css)
    return charged


def obj_cgroup_uncharge_pages(objcg: ObjCgroup, nr_pages: int) -> None:
    memcg = get_mem_cgroup_from_objcg(objcg)
    refill_stock(memcg, nr_pages)
    css_put(memcg.css)


@process
def task(objcg: ObjCgroup) -> None:
    if obj_cgroup_charge_pages(objcg, 1):
        obj_cgroup_uncharge_pages(objcg, 1)
    obj_cgroup_put(objcg)
    drain_local_stock(this_cpu(memcg_stock).work)


def mem_cgroup_css_offline(css: Css) -> None:
    memcg_reparent_objcgs(mem_cgroup_from_css(css), root_mem_cgroup)


@process
def rmdir(memcg: MemCgroup) -> None:
    cgroup_rmdir(memcg.css, mem_cgroup_css_offline)


@setup
def a_task_below_the_root() -> None:
    lockdep_init()
    mem_cgroup_init(root_mem_cgroup, None)
    memcg = MemCgroup()
    mem_cgroup_init(memcg, root_mem_cgroup)
    memcg_online_kmem(memcg)
    objcg = memcg.objcg
    obj_cgroup_get(objcg)
    start(task, objcg)
    start(rmdir, memcg)


@finally_
def the_root_is_charged_for_nothing() -> bool:
    return root_mem_cgroup.memory.usage == 0


@finally_
def no_memcg_is_a_zombie(memcg: MemCgroup) -> bool:
    return not css_is_zombie(memcg.css)
