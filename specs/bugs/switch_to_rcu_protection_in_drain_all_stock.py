"""mm: memcontrol: switch to rcu protection in drain_all_stock().

Bug: B12.

Kernel: v4.14 to v5.3 (e1a366be5cb4; v5.4).

Breaks: drain_all_stock() reads the memcg that another CPU's stock is of, and takes a reference on
it by css_tryget(). Nothing keeps the memcg from being freed in between: that CPU drains its stock,
drops the last reference, and the memcg is freed. css_tryget() then looks at freed memory.

Fix: the stock is looked at in a read section, and no reference is taken.

Finding: by the rules of RCU the read section alone does not do (CLEAR_FIRST=no, as committed and
ever since). drain_stock() drops the reference before it clears `cached`. A grace period that begins
in between does not wait for a drain_all_stock() that comes after that and still finds the memcg in
`cached`; it does wait for the CPU that drains, which has interrupts off, and the memcg is freed
when that is done, while drain_all_stock() is still looking at it. What keeps this from happening
is not in this code: css_release() queues its work on the CPU that drains (cgroup_destroy_wq is per
CPU), where it does not run before interrupts are on. Works run anywhere here. With PREEMPT_RT,
where the stock's lock leaves preemption on, nothing keeps it. Clearing `cached` first does not need
any of that; it holds even if css_tryget() stays, where get_cpu() makes a read section (FIX=no).
GET_CPU=no is a kernel in which it does not: until v4.19 with CONFIG_PREEMPT, and since v5.18, which
has migrate_disable() there.

Modelled: CPU1 has pages of a memcg in its stock, which is removed; it charges another memcg, and
drains the stock for that. CPU0 runs short of memory and looks at CPU1's stock. A stock has a page,
and a reference for it. With ONE_REFERENCE the number of pages is zero before the reference is
dropped, and drain_all_stock() follows `cached` only if it loads that before the stock is drained
and the number of pages after it is filled again.
"""

from kmcheck.kernel.css import (
    Css,
    cgroup_rmdir,
    css_get,
    css_is_zombie,
    css_put,
    css_tryget,
    init_and_link_css,
    no_css_released,
)
from kmcheck.kernel.preempt import preempt_disable, preempt_enable
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.slab import kfree
from kmcheck.lang import (
    Annotated,
    Object,
    Ref,
    choice,
    container_of,
    finally_,
    process,
    setup,
    start,
)

FIX = choice(True, "drain_all_stock() looks at a stock in a read section, without css_tryget()")
CLEAR_FIRST = choice(True, "drain_stock() clears `cached` before it drops the reference")
ONE_REFERENCE = choice(False, "since v5.9: a stock has one reference, and not one for each page")
GET_CPU = choice(True, "get_cpu() makes drain_all_stock() a read section")


class Memcg(Object):
    css: Css
    parent: Ref["Memcg"]


class Stock(Object):
    """CPU1's `struct memcg_stock_pcp`."""

    cached: Ref[Memcg]
    nr_pages: Annotated[int, range(4)]
    flushing: bool


stock = Stock()
root_mem_cgroup = Memcg()


def drain_stock() -> None:
    old = stock.cached
    if old is not None:
        if CLEAR_FIRST:
            stock.cached = None
        if ONE_REFERENCE:
            stock.nr_pages = 0
            css_put(old.css)
        elif stock.nr_pages > 0:
            css_put(old.css)  # css_put_many(&old->css, stock->nr_pages)
            stock.nr_pages = 0
        if not CLEAR_FIRST:
            stock.cached = None


@process
def refill_stock(memcg: Memcg) -> None:
    """CPU1 has charged a page of another memcg, and has a reference for its stock."""
    preempt_disable()  # local_irq_save()
    drain_stock()
    stock.cached = memcg
    stock.nr_pages = 1
    preempt_enable()


def mem_cgroup_is_descendant(memcg: Memcg, root: Memcg) -> bool:
    return memcg == root or memcg.parent == root


@process
def drain_all_stock() -> None:
    """CPU0, for CPU1's stock; what the work does there is not looked at any more."""
    if GET_CPU:
        preempt_disable()
    if FIX:
        rcu_read_lock()
        memcg = stock.cached
        if memcg is not None and stock.nr_pages > 0:
            if mem_cgroup_is_descendant(memcg, root_mem_cgroup):
                stock.flushing = True
        rcu_read_unlock()
    else:
        memcg = stock.cached
        if memcg is not None and stock.nr_pages > 0:
            if css_tryget(memcg.css):
                if mem_cgroup_is_descendant(memcg, root_mem_cgroup):
                    stock.flushing = True
                css_put(memcg.css)
    if GET_CPU:
        preempt_enable()


def mem_cgroup_css_offline(css: Css) -> None:
    """Stocks are not drained when a memcg goes offline."""


def mem_cgroup_css_free(css: Css) -> None:
    kfree(container_of(css, Memcg, Memcg.css))


@process
def rmdir(memcg: Memcg) -> None:
    cgroup_rmdir(memcg.css, mem_cgroup_css_offline)


@setup
def a_stock_of_a_dying_memcg() -> None:
    init_and_link_css(root_mem_cgroup.css, None, no_css_released, mem_cgroup_css_free)
    memcg = Memcg(parent=root_mem_cgroup)
    other = Memcg(parent=root_mem_cgroup)
    root = root_mem_cgroup.css
    init_and_link_css(memcg.css, root, no_css_released, mem_cgroup_css_free)
    init_and_link_css(other.css, root, no_css_released, mem_cgroup_css_free)
    css_get(memcg.css)
    css_get(other.css)
    stock.cached = memcg
    stock.nr_pages = 1
    start(drain_all_stock)
    start(refill_stock, other)
    start(rmdir, memcg)


@finally_
def no_memcg_is_a_zombie(memcg: Memcg) -> bool:
    return not css_is_zombie(memcg.css)
