"""mm: memcg: fix race condition between memcg teardown and swapin.

Bug: B19.

Kernel: to v3.12; fixed in v3.13 (96f1c58d8534, commit id from memory). The interleaving is that of
the comment in mem_cgroup_css_free().

Breaks: swapin charges the memcg that the swap entry names, and pins it with css_tryget() for as
long as that takes. But a reference does not keep a css from going offline: offline reparents all
charges, and then swapin charges. It drops its reference, the memcg is freed, and the page points
to it.

Fix: reparent the charges again when the css is freed. There is no reference by then, so nobody
can charge any more. The loop goes on until nothing is charged, so it waits for a page that is
charged already and is not yet on a list.

Modelled: root > memcg, one page that is being swapped in, and freed later, and the memcg's rmdir.
res_counter is a page_counter here.
"""

from kmcheck.kernel.css import (
    Css,
    cgroup_rmdir,
    css_put,
    css_tryget,
    init_and_link_css,
    no_css_released,
)
from kmcheck.kernel.page_counter import (
    PageCounter,
    page_counter_cancel,
    page_counter_charge,
    page_counter_init,
    page_counter_uncharge,
)
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.slab import kfree
from kmcheck.lang import (
    WRITE_ONCE,
    Object,
    Ref,
    Size,
    alive,
    atomic,
    bound,
    choice,
    conserved,
    container_of,
    count,
    finally_,
    process,
    setup,
    start,
)

SWAPINS = bound(1, "pages of the memcg that are being swapped in")
FIX = choice(True, "charges are reparented again when the css is freed")


class Memcg(Object):
    css: Css
    parent: Ref["Memcg"]
    res: PageCounter


class Page(Object):
    mem_cgroup: Ref[Memcg]  # of its page_cgroup; on the memcg's list from then on
    size: Size


class Kernel(Object):
    css_idr: Ref[Memcg]  # the slot of the memcg's id


kernel = Kernel()


@process
def do_swap_page(page: Page) -> None:
    rcu_read_lock()
    memcg: Memcg | None = kernel.css_idr  # mem_cgroup_lookup(lookup_swap_cgroup_id(ent))
    if memcg is not None and not css_tryget(memcg.css):
        memcg = None
    rcu_read_unlock()
    if memcg is not None:  # or the memcg of the task, which is alive
        nr_pages = page.size
        page_counter_charge(memcg.res, nr_pages)
        css_put(memcg.css)
        WRITE_ONCE(page.mem_cgroup, memcg)  # commit_charge(), and the page is on the list
        with atomic("page is freed: lock_page_cgroup()"):
            memcg = page.mem_cgroup
            page.mem_cgroup = None
            page_counter_uncharge(memcg.res, page.size)


def mem_cgroup_reparent_charges(memcg: Memcg) -> None:
    while not memcg.res.usage.is_zero():
        for page in alive(Page):
            with atomic("mem_cgroup_move_parent(): lock_page_cgroup()"):
                if page.mem_cgroup == memcg:
                    page.mem_cgroup = memcg.parent
                    page_counter_cancel(memcg.res, page.size)


def mem_cgroup_css_offline(css: Css) -> None:
    mem_cgroup_reparent_charges(container_of(css, Memcg, Memcg.css))


def css_idr_remove(css: Css) -> None:
    WRITE_ONCE(kernel.css_idr, None)


def mem_cgroup_css_free(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    if FIX:
        mem_cgroup_reparent_charges(memcg)
    kfree(memcg)


@process
def rmdir(memcg: Memcg) -> None:
    cgroup_rmdir(memcg.css, mem_cgroup_css_offline)


@setup
def a_page_in_swap() -> None:
    root = Memcg()
    init_and_link_css(root.css, None, no_css_released, mem_cgroup_css_free)
    memcg = Memcg(parent=root)
    init_and_link_css(memcg.css, root.css, css_idr_remove, mem_cgroup_css_free)
    page_counter_init(memcg.res, root.res)
    kernel.css_idr = memcg
    for _ in range(SWAPINS):
        page = Page()
        start(do_swap_page, page)
    start(rmdir, memcg)


@conserved
def nothing_stays_charged(memcg: Memcg) -> bool:
    return memcg.res.usage.is_zero()


@finally_
def the_memcg_is_freed() -> bool:
    return count(memcg for memcg in alive(Memcg)) == 1
