"""memcg: reparent charges of children before processing parent.

Bug: B18.

Kernel: v3.13 (4fb1a86fb5e4, commit id from memory; v3.14).

Breaks: the work that takes the parent offline may run before the child's, because each css goes
through a grace period of its own before its work is queued (so an ordered workqueue is no help).
It waits, under cgroup_mutex, until nothing is charged to the parent. But the child's pages are
charged to the parent too, and only the child's work can move them: it waits for cgroup_mutex.

Fix: the parent reparents the charges of all its descendants first, children before their parents.
(Since v4.5 the order holds by itself: a css goes offline when its children have, online_cnt.)

Modelled: root > parent > child, a page of the child, and the two works, in either order. In the
kernel mem_cgroup_reparent_charges() goes round in a loop with cond_resched(); here the wait is one
step that is disabled, so that the loop shows as a deadlock.
"""

from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.mutex import Mutex, mutex_lock, mutex_unlock
from kmcheck.kernel.page_counter import (
    PageCounter,
    page_counter_cancel,
    page_counter_charge,
    page_counter_init,
)
from kmcheck.lang import (
    Object,
    Ref,
    Size,
    alive,
    atomic,
    bound,
    choice,
    closure,
    conserved,
    finally_,
    process,
    setup,
    start,
    total,
    wait_until,
)

PAGES = bound(1, "pages of the child")
FIX = choice(True, "the parent's offline reparents the charges of its descendants first")


class Memcg(Object):
    parent: Ref["Memcg"]
    res: PageCounter


class Page(Object):
    mem_cgroup: Ref[Memcg]
    size: Size


cgroup_mutex = Mutex()


def mem_cgroup_force_empty_list(memcg: Memcg) -> None:
    """Give each page on the memcg's lists to its parent."""
    for page in alive(Page):
        with atomic("mem_cgroup_move_parent()"):
            if page.mem_cgroup == memcg:
                page.mem_cgroup = memcg.parent
                page_counter_cancel(memcg.res, page.size)


def mem_cgroup_reparent_charges(memcg: Memcg) -> None:
    mem_cgroup_force_empty_list(memcg)
    wait_until(memcg.res.usage.is_zero(), "while (usage > 0)")


@process
def offline_child(child: Memcg) -> None:
    mutex_lock(cgroup_mutex)
    mem_cgroup_reparent_charges(child)
    mutex_unlock(cgroup_mutex)


@process
def offline_parent(parent: Memcg, child: Memcg) -> None:
    mutex_lock(cgroup_mutex)
    if FIX:
        mem_cgroup_reparent_charges(child)  # css_for_each_descendant_post()
    mem_cgroup_reparent_charges(parent)
    mutex_unlock(cgroup_mutex)


@setup
def a_page_of_the_child() -> None:
    lockdep_init()
    root = Memcg()
    parent = Memcg(parent=root)
    page_counter_init(parent.res, root.res)
    child = Memcg(parent=parent)
    page_counter_init(child.res, parent.res)
    for _ in range(PAGES):
        page = Page(mem_cgroup=child)
        page_counter_charge(child.res, page.size)
    start(offline_parent, parent, child)
    start(offline_child, child)


@conserved
def charged_where_it_belongs(memcg: Memcg) -> bool:
    """Each memcg is charged for its own pages and for those of all below it."""
    return memcg.res.usage == total(
        page.size for page in alive(Page) if memcg in closure(page.mem_cgroup, Memcg.parent)
    )


@finally_
def all_pages_are_the_roots(page: Page) -> bool:
    return page.mem_cgroup.parent is None
