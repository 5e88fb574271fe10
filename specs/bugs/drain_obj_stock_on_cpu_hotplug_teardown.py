"""memcg: drain obj stock on cpu hotplug teardown.

Bug: B25.

Kernel: v5.9 to v6.13 (9f01b4954490; v6.14).

Breaks: when a CPU is taken offline, memcg_hotplug_cpu_dead() drains its stock of pages, but not its
stock of bytes. That one keeps its reference on an obj_cgroup, and the bytes that were charged
ahead, for as long as the CPU is away: the obj_cgroup is not released, and its page stays charged to
the ancestors of a memcg that is long gone.

Fix: the stock of bytes is drained as well.

Modelled: root > memcg. A task on CPU1 allocates an object from the memcg and frees it; CPU1 is
taken offline; the memcg is removed. Nothing else runs on CPU1, and no other CPU has a stock.
"""

from kmcheck.kernel.css import Css, cgroup_rmdir, css_is_zombie
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.memcg_stock import (
    cpu_dies,
    memcg_hotplug_cpu_dead,
)
from kmcheck.kernel.memcontrol import (
    MemCgroup,
    ObjCgroup,
    mem_cgroup_from_css,
    mem_cgroup_init,
)
from kmcheck.kernel.obj_cgroup import (
    memcg_online_kmem,
    memcg_reparent_objcgs,
    obj_cgroup_charge,
    obj_cgroup_get,
    obj_cgroup_put,
    obj_cgroup_uncharge,
    obj_stock_cpu_dead,
)
from kmcheck.lang import (
    Object,
    alive,
    choice,
    count,
    finally_,
    process,
    setup,
    start,
    wait_until,
)

FIX = choice(True, "the stock of bytes of a CPU that is gone is drained")


class Kernel(Object):
    task_has_left_cpu1: bool


kernel = Kernel()
root_mem_cgroup = MemCgroup()


@process
def task(objcg: ObjCgroup) -> None:
    if obj_cgroup_charge(objcg, 1):
        obj_cgroup_uncharge(objcg, 1)
    obj_cgroup_put(objcg)
    kernel.task_has_left_cpu1 = True


def mem_cgroup_css_offline(css: Css) -> None:
    memcg = mem_cgroup_from_css(css)
    memcg_reparent_objcgs(memcg, memcg.parent)


@process
def administrator(memcg: MemCgroup) -> None:
    wait_until(kernel.task_has_left_cpu1)
    cpu_dies(1)
    if FIX:
        obj_stock_cpu_dead(1)
    memcg_hotplug_cpu_dead(1)
    cgroup_rmdir(memcg.css, mem_cgroup_css_offline)


@setup
def a_task_on_cpu1() -> None:
    lockdep_init()
    mem_cgroup_init(root_mem_cgroup, None)
    memcg = MemCgroup()
    mem_cgroup_init(memcg, root_mem_cgroup)
    memcg_online_kmem(memcg)
    obj_cgroup_get(memcg.objcg)
    start(task, memcg.objcg, cpu=1)
    start(administrator, memcg, cpu=0)


@finally_
def all_obj_cgroups_are_released() -> bool:
    return count(objcg for objcg in alive(ObjCgroup)) == 0


@finally_
def no_memcg_is_a_zombie(memcg: MemCgroup) -> bool:
    return not css_is_zombie(memcg.css)
