"""A CPU's stock of charged pages: what was charged to one memcg ahead, and is kept at hand.

Semantics: each CPU has a stock of up to MEMCG_CHARGE_BATCH pages of one memcg, `cached`, on which
it holds one css reference. consume_stock() takes from it; refill_stock() puts in, after it has
drained a stock of another memcg, and drains what is more than a batch. A CPU changes its own stock
only, with interrupts off: the stock's lock, which makes the CPU an RCU reader and lets no other
process of that CPU in between. Others look at it without the lock, so draining shows each store:
the pages uncharged level by level, `nr_pages` zero, the reference dropped, `cached` cleared.
drain_all_stock() looks at the stocks of all live CPUs, in a read section, and has a work drain each
that has pages of the tree: the work stands for that CPU. try_charge_memcg() charges a batch if
there is room, and what was asked for if not; it does not reclaim. try_charge() passes over the
root. memcg_hotplug_cpu_dead() drains the stock of a CPU that is gone; nothing may run there any
more.

The reference is dropped before `cached` is cleared, as in the kernel. By the rules of RCU that lets
drain_all_stock() follow `cached` to a memcg that is freed, where a stock is drained for another
memcg: see the spec switch_to_rcu_protection_in_drain_all_stock.

Processes are bound to CPUs, `start(f, memcg, cpu=1)`, some of them to the last of NR_CPUS; setup
calls memcg_stock_init().

Kernel: `mm/memcontrol.c` (struct memcg_stock_pcp), v5.9 to v6.12; drain_all_stock() as of v5.18,
without get_cpu(), which made all of it a read section. Before v5.9 a stock held one reference for
each page and none for `cached`.

Misuse reported: `guard-violation` (a stock drained without its lock, while its CPU is alive),
`cpu-is-dead` (a process charges on a CPU that is gone), `double-kill` (a CPU that dies twice).
"""

from kmcheck.kernel.css import css_get, css_put
from kmcheck.kernel.memcontrol import MemCgroup, mem_cgroup_is_descendant
from kmcheck.kernel.mutex import Mutex, mutex_trylock, mutex_unlock
from kmcheck.kernel.page_counter_nr import (
    Pages,
    page_counter_nr_try_charge,
    page_counter_nr_uncharge,
)
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock
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
    test_and_set,
    this_cpu,
    wait_until,
)

NR_CPUS: Annotated[int, range(1, 65)] = bound(2, "CPUs that have stocks")
MEMCG_CHARGE_BATCH = bound(2, "pages that are charged ahead")


class MemcgStock(Object):
    """`struct memcg_stock_pcp`."""

    lock: SpinLock  # interrupts off
    cached: Ref[MemCgroup]
    nr_pages: Pages
    flushing: bool  # FLUSHING_CACHED_CHARGE
    work: Work
    dead: bool  # the CPU is gone


memcg_stock = PerCpu(MemcgStock)
percpu_charge_mutex = Mutex()


def memcg_stock_init() -> None:
    """Say what the works do: for setup."""
    for cpu in range(NR_CPUS):
        INIT_WORK(memcg_stock.on(cpu).work, drain_local_stock)


def lock_stock(stock: MemcgStock) -> None:
    """Turn interrupts off on the CPU of a stock."""
    with atomic("interrupts off"):
        spin_lock(stock.lock)


def consume_stock(memcg: MemCgroup, nr_pages: int) -> bool:
    """Take pages from this CPU's stock if it has them; tell whether it had."""
    with atomic("from the stock, if it has as many"):
        stock = this_cpu(memcg_stock)
        check(not stock.dead, "cpu-is-dead", "charges on a CPU that is gone")
        wait_until(stock.lock.owner is None)
        taken = stock.cached == memcg and stock.nr_pages >= nr_pages
        if taken:
            stock.nr_pages -= nr_pages
    return taken


def refill_stock(memcg: MemCgroup, nr_pages: int) -> None:
    """Put pages that are charged to a memcg into this CPU's stock; the caller holds the memcg."""
    stock = this_cpu(memcg_stock)
    lock_stock(stock)
    filled = False
    while not filled:
        with atomic("pages put into the stock"):
            check(not stock.dead, "cpu-is-dead", "charges on a CPU that is gone")
            if stock.cached is None:
                css_get(memcg.css)
                stock.cached = memcg
            filled = stock.cached == memcg
            if filled:
                stock.nr_pages += nr_pages
            drain = not filled or stock.nr_pages > MEMCG_CHARGE_BATCH
        if drain:
            drain_stock(stock)
    spin_unlock(stock.lock)


def drain_stock(stock: MemcgStock) -> None:
    """Uncharge what is in a stock, and let its memcg go."""
    with atomic("what is in the stock?"):
        check(
            spin_is_mine(stock.lock) or stock.dead,
            "guard-violation",
            "stock drained without its lock",
        )
        old = stock.cached
        nr_pages = stock.nr_pages
    if old is not None:
        if nr_pages > 0:
            page_counter_nr_uncharge(old.memory, nr_pages)
            stock.nr_pages = 0
        css_put(old.css)
        stock.cached = None


def drain_local_stock(work: Work) -> None:
    """Drain the stock of the CPU that this runs on."""
    stock = container_of(work, MemcgStock, MemcgStock.work)
    lock_stock(stock)
    drain_stock(stock)
    with atomic("interrupts on"):
        stock.flushing = False
        spin_unlock(stock.lock)


def drain_all_stock(root: MemCgroup) -> None:
    """Have the stocks of all CPUs drained that have pages of `root` or a memcg below it."""
    if not mutex_trylock(percpu_charge_mutex):
        return
    for cpu in range(NR_CPUS):
        stock = memcg_stock.on(cpu)
        rcu_read_lock()
        with atomic("for_each_online_cpu()"):
            memcg = None if stock.dead else stock.cached
        flush = False
        if memcg is not None and stock.nr_pages > 0:
            flush = mem_cgroup_is_descendant(memcg, root)
        rcu_read_unlock()
        if flush:
            flushing = test_and_set(stock.flushing)
            if not flushing:
                if stock == this_cpu(memcg_stock):
                    drain_local_stock(stock.work)
                else:
                    schedule_work(stock.work)
    mutex_unlock(percpu_charge_mutex)


def try_charge_memcg(memcg: MemCgroup, nr_pages: int) -> bool:
    """Charge pages to a memcg, from the stock if it has them; tell whether there was room."""
    if consume_stock(memcg, nr_pages):
        return True
    batch = max(MEMCG_CHARGE_BATCH, nr_pages)
    if page_counter_nr_try_charge(memcg.memory, batch):
        if batch > nr_pages:
            refill_stock(memcg, batch - nr_pages)
        return True
    return batch > nr_pages and page_counter_nr_try_charge(memcg.memory, nr_pages)


def try_charge(memcg: MemCgroup, nr_pages: int) -> bool:
    """Charge pages to a memcg unless it is the root; tell whether there was room."""
    if memcg.parent is None:
        return True
    return try_charge_memcg(memcg, nr_pages)


def cpu_dies(cpu: int) -> None:
    """Take a CPU offline, between two of its processes' steps in their stocks."""
    with atomic("the CPU is gone"):
        stock = memcg_stock.on(cpu)
        check(not stock.dead, "double-kill", "a CPU dies that is dead")
        wait_until(stock.lock.owner is None)
        stock.dead = True


def memcg_hotplug_cpu_dead(cpu: int) -> None:
    """Drain the stock of a CPU that is gone."""
    drain_stock(memcg_stock.on(cpu))
