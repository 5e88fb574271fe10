"""Charging by the byte: obj_cgroups, and each CPU's stock of bytes.

Semantics: an object is charged to an ObjCgroup, which it holds a reference on, and which names the
memcg by an RCU pointer. Pages of PAGE_SIZE bytes are charged to that memcg, what is left of a page
goes into the CPU's stock of bytes, which holds a reference on the obj_cgroup; a stock that has more
than a page, or is needed for another obj_cgroup, is drained: whole pages are uncharged, the bytes
that are left go into `nr_charged_bytes`, from where the next stock takes them. When a memcg goes
offline, memcg_reparent_objcgs() names its parent in all of its obj_cgroups, with one css reference
on the parent for each, and kills its own. The last reference runs obj_cgroup_release(), in the
context of the put: what is left are whole pages, which are uncharged; the obj_cgroup leaves the
parent's list, the parent's reference is dropped, and kfree_rcu() frees it. A stock is changed by
its CPU with interrupts off, and looked at by others without: see `memcg_stock`, from which charges
are taken. What is uncharged goes to the counters at once, and not into the stock of pages, where
v5.10 to v6.18 put it. obj_stock_cpu_dead() is what memcg_hotplug_cpu_dead() does since v6.14
besides draining the stock of pages.

At each moment, for an obj_cgroup g: PAGE_SIZE * (pages charged to g) = bytes of live objects +
bytes in stocks of g + g.nr_charged_bytes.

Kernel: `mm/memcontrol.c`, v5.10 (pins of the parent, until v5.14) with the repairs since:
css_tryget() when pages are uncharged (v5.13), `objcg_lock` (v5.17; css_set_lock before),
`cached_objcg` cleared before the put (v5.18). Until v6.15 the two stocks are one structure.

Misuse reported: `guard-violation` (a stock drained without its lock), `cpu-is-dead` (charging on a
CPU that is gone), `bytes-lost` (the residue at release is no whole page: the kernel warns),
`use-after-exit`, `ref-resurrect` and the rest of what percpu_ref reports.
"""

from kmcheck.kernel.css import css_get, css_put, css_tryget
from kmcheck.kernel.lockdep import (
    lockdep_hardirqs_off,
    lockdep_hardirqs_on,
    lockdep_irq_restore,
    lockdep_irq_save,
)
from kmcheck.kernel.memcg_stock import NR_CPUS, memcg_stock, try_charge_memcg
from kmcheck.kernel.memcontrol import (
    Bytes,
    MemCgroup,
    ObjCgroup,
    mem_cgroup_is_descendant,
    memcg_locks,
)
from kmcheck.kernel.page_counter_nr import page_counter_nr_uncharge
from kmcheck.kernel.percpu_ref import (
    PercpuRef,
    percpu_ref_exit,
    percpu_ref_get,
    percpu_ref_init,
    percpu_ref_kill,
    percpu_ref_put,
    percpu_ref_tryget,
)
from kmcheck.kernel.rcu import kfree_rcu, rcu_dereference, rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.spinlock import SpinLock, spin_is_mine, spin_lock, spin_unlock
from kmcheck.kernel.workqueue import INIT_WORK, Work, schedule_work
from kmcheck.lang import (
    Annotated,
    Object,
    PerCpu,
    Ref,
    atomic,
    bound,
    check,
    container_of,
    fetch_add,
    test_and_set,
    this_cpu,
    wait_until,
    xchg,
)

PAGE_SIZE: Annotated[int, range(1, 65)] = bound(2, "bytes of a page")


class ObjStock(Object):
    """`struct obj_stock_pcp`; before v6.16 a part of `struct memcg_stock_pcp`."""

    lock: SpinLock  # interrupts off
    cached_objcg: Ref[ObjCgroup]
    nr_bytes: Bytes
    flushing: bool
    work: Work


obj_stock = PerCpu(ObjStock)


def obj_stock_init() -> None:
    """Say what the works do: for setup."""
    for cpu in range(NR_CPUS):
        INIT_WORK(obj_stock.on(cpu).work, drain_local_obj_stock)


# --- references ---------------------------------------------------------------------------------


def memcg_online_kmem(memcg: MemCgroup) -> None:
    """Give a memcg the obj_cgroup that its objects are charged to from now on."""
    objcg = ObjCgroup(memcg=memcg)
    percpu_ref_init(objcg.refcnt, obj_cgroup_release)
    memcg.objcg = objcg


def obj_cgroup_get(objcg: ObjCgroup) -> None:
    """Take one more reference; the caller must have one."""
    percpu_ref_get(objcg.refcnt)


def obj_cgroup_put(objcg: ObjCgroup) -> None:
    """Drop a reference; the last one releases the obj_cgroup here and now."""
    percpu_ref_put(objcg.refcnt)


def get_obj_cgroup_from_memcg(memcg: MemCgroup) -> ObjCgroup | None:
    """Return the obj_cgroup of a memcg, or of its nearest ancestor with one, and hold it."""
    objcg: ObjCgroup | None = None
    rcu_read_lock()
    while memcg is not None:
        objcg = rcu_dereference(memcg.objcg)
        if objcg is not None and percpu_ref_tryget(objcg.refcnt):
            break
        objcg = None
        memcg = memcg.parent
    rcu_read_unlock()
    return objcg


def get_mem_cgroup_from_objcg(objcg: ObjCgroup) -> MemCgroup:
    """Return the memcg that an obj_cgroup names, with a reference on it."""
    rcu_read_lock()
    memcg = rcu_dereference(objcg.memcg)
    while not css_tryget(memcg.css):
        memcg = rcu_dereference(objcg.memcg)
    rcu_read_unlock()
    return memcg


# --- stocks -------------------------------------------------------------------------------------


def obj_cgroup_uncharge_pages(objcg: ObjCgroup, nr_pages: int) -> None:
    """Uncharge whole pages from the memcg that an obj_cgroup names."""
    memcg = get_mem_cgroup_from_objcg(objcg)
    page_counter_nr_uncharge(memcg.memory, nr_pages)
    css_put(memcg.css)


def drain_obj_stock(stock: ObjStock) -> None:
    """Give back what is in a stock of bytes, and let its obj_cgroup go."""
    with atomic("what is in the stock?"):
        check(spin_is_mine(stock.lock), "guard-violation", "stock drained without its lock")
        old = stock.cached_objcg
        nr_pages = stock.nr_bytes // PAGE_SIZE
        nr_bytes = stock.nr_bytes % PAGE_SIZE
    if old is not None:
        if nr_pages > 0:
            obj_cgroup_uncharge_pages(old, nr_pages)
        if nr_bytes > 0:
            fetch_add(old.nr_charged_bytes, nr_bytes)
        with atomic("stock is empty"):
            stock.nr_bytes = 0
            stock.cached_objcg = None
        obj_cgroup_put(old)


def consume_obj_stock(objcg: ObjCgroup, nr_bytes: int) -> bool:
    """Take bytes from this CPU's stock if it has them; tell whether it had."""
    with atomic("from the stock, if it has as many"):
        stock = this_cpu(obj_stock)
        check(not this_cpu(memcg_stock).dead, "cpu-is-dead", "charges on a CPU that is gone")
        wait_until(stock.lock.owner is None)
        taken = stock.cached_objcg == objcg and stock.nr_bytes >= nr_bytes
        if taken:
            stock.nr_bytes -= nr_bytes
    return taken


def refill_obj_stock(objcg: ObjCgroup, nr_bytes: int) -> None:
    """Put charged bytes into this CPU's stock; the caller holds the obj_cgroup."""
    stock = this_cpu(obj_stock)
    with atomic("interrupts off"):
        check(not this_cpu(memcg_stock).dead, "cpu-is-dead", "charges on a CPU that is gone")
        spin_lock(stock.lock)
    filled = False
    while not filled:
        with atomic("bytes put into the stock"):
            if stock.cached_objcg is None:
                obj_cgroup_get(objcg)
                stock.cached_objcg = objcg
                stock.nr_bytes = xchg(objcg.nr_charged_bytes, 0)
            filled = stock.cached_objcg == objcg
            if filled:
                stock.nr_bytes += nr_bytes
            drain = not filled or stock.nr_bytes > PAGE_SIZE
        if drain:
            drain_obj_stock(stock)
    spin_unlock(stock.lock)


def obj_cgroup_charge(objcg: ObjCgroup, size: int) -> bool:
    """Charge an object; tell whether there was room. The caller holds the obj_cgroup."""
    if consume_obj_stock(objcg, size):
        return True
    nr_bytes = size % PAGE_SIZE
    nr_pages = size // PAGE_SIZE + (1 if nr_bytes > 0 else 0)
    memcg = get_mem_cgroup_from_objcg(objcg)
    charged = try_charge_memcg(memcg, nr_pages)
    if charged and nr_bytes > 0:
        refill_obj_stock(objcg, PAGE_SIZE - nr_bytes)
    css_put(memcg.css)
    return charged


def obj_cgroup_uncharge(objcg: ObjCgroup, size: int) -> None:
    """Uncharge an object; the caller holds the obj_cgroup."""
    refill_obj_stock(objcg, size)


def drain_local_obj_stock(work: Work) -> None:
    """Drain the stock of the CPU that this runs on."""
    stock = container_of(work, ObjStock, ObjStock.work)
    spin_lock(stock.lock)
    drain_obj_stock(stock)
    with atomic("interrupts on"):
        stock.flushing = False
        spin_unlock(stock.lock)


def obj_stock_flush_required(stock: ObjStock, root: MemCgroup) -> bool:
    """Tell whether a CPU's stock of bytes is of the tree; in a read section."""
    objcg = stock.cached_objcg
    return objcg is not None and mem_cgroup_is_descendant(objcg.memcg, root)


def drain_all_obj_stock(root: MemCgroup) -> None:
    """Have the stocks of all CPUs drained that have bytes of `root` or a memcg below it."""
    for cpu in range(NR_CPUS):
        stock = obj_stock.on(cpu)
        rcu_read_lock()
        flush = not memcg_stock.on(cpu).dead and obj_stock_flush_required(stock, root)
        rcu_read_unlock()
        if flush:
            flushing = test_and_set(stock.flushing)
            if not flushing:
                schedule_work(stock.work)


def obj_stock_cpu_dead(cpu: int) -> None:
    """Drain the stock of bytes of a CPU that is gone."""
    stock = obj_stock.on(cpu)
    spin_lock(stock.lock)
    drain_obj_stock(stock)
    spin_unlock(stock.lock)


# --- the end ------------------------------------------------------------------------------------


def obj_cgroup_release(ref: PercpuRef) -> None:
    """Uncharge the residue, take the obj_cgroup off its memcg's list, and free it after readers."""
    objcg = container_of(ref, ObjCgroup, ObjCgroup.refcnt)
    nr_bytes = objcg.nr_charged_bytes
    check(
        nr_bytes % PAGE_SIZE == 0, "bytes-lost", "an obj_cgroup is released with a part of a page"
    )
    if nr_bytes > 0:
        obj_cgroup_uncharge_pages(objcg, nr_bytes // PAGE_SIZE)
    with atomic("objcg_lock"):
        flags = lockdep_irq_save()
        spin_lock(memcg_locks.objcg_lock)
        memcg = objcg.memcg
        memcg.objcg_list.remove(objcg)
        css_put(memcg.css)
        spin_unlock(memcg_locks.objcg_lock)
        lockdep_irq_restore(flags)
    percpu_ref_exit(ref)
    kfree_rcu(objcg, objcg.rcu)


def memcg_reparent_objcgs(memcg: MemCgroup, parent: MemCgroup) -> None:
    """Make a parent the owner of a memcg's obj_cgroups, and kill the one in use."""
    objcg = xchg(memcg.objcg, None)
    lockdep_hardirqs_off()
    spin_lock(memcg_locks.objcg_lock)
    with atomic("objcg->memcg = parent"):
        objcg.memcg = parent
        css_get(parent.css)
        parent.objcg_list.add(objcg)
    for inherited in memcg.objcg_list.copy():
        with atomic("objcg->memcg = parent, for one that it has inherited"):
            css_get(parent.css)
            inherited.memcg = parent
            css_put(memcg.css)
    with atomic("list_splice(); unlocked"):
        parent.objcg_list.update(memcg.objcg_list)
        memcg.objcg_list.clear()
        spin_unlock(memcg_locks.objcg_lock)
        lockdep_hardirqs_on()
    percpu_ref_kill(objcg.refcnt)
