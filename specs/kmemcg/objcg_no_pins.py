"""An objcg does not pin the memcg that it names: offline moves on all that a memcg has.

Source: Roman Gushchin, Muchun Song, the obj_cgroup of v5.13 and v5.14. mm/memcontrol.c, v6.18:
get_mem_cgroup_from_objcg(), memcg_reparent_objcgs(), obj_cgroup_release().

The design. What was charged holds a reference of an objcg, and the objcg names the memcg. Each
memcg has one of its own, and a list of those that it has inherited. Offline takes the memcg's
objcg away from it, points that and all on the list at the parent, and splices the list, under
objcg_lock; then it kills the objcg's percpu_ref: its base reference is dropped a grace period
later. Nothing pins the memcg that an objcg names. Who wants it loads the pointer in a read section
and tries css_tryget() until that succeeds: it fails only after the last reference is gone, which
is after the pointer was moved on.

What is modelled. root > parent > child; the child is removed, with REMOVED=2 the parent, too. A
task charges a page to the child's objcg, or to the parent's where the child has none any more, and
frees it again. It holds a css reference of the child until it has its objcg. Bytes and stocks are
in obj_cgroup_stock, the objcg that a task caches in objcg_task_cache; memcg->orig_objcg is left
out. With REMOVED=2 and a task it holds in 621,488 states.

READ_LOCK=no      The memcg that was loaded is freed before css_tryget().
TRYGET=no         css_get() from 0 to 1: "mm: memcg/slab: fix use after free in
                  obj_cgroup_charge" (v5.10), and again in v5.13.
INHERIT=no        The parent's offline does not find the objcg that it has inherited.
PARENT_LAST=no    The parent goes offline before its child: the same. Before v4.5 it could.
OBJCG_LOCK=no     The release takes the objcg off the list that it was on, and the parent's list
                  keeps a freed one.
CLEAR=no          The child's pointer leads to an objcg that is freed.
OBJCG_READ=no     The objcg that was loaded is freed before the tryget.
KILL_GP=no        Redundant: without the grace period of the kill, the tryget on the objcg may
                  fail, and kfree_rcu() keeps what it looks at.
OBJCG_TRYGET=no   Redundant: with the kill's grace period it cannot fail.
OBJCG_RCU=no      Redundant: the same. Others read an objcg without a reference; not here.

                                 predicted        found
default                          holds            holds
READ_LOCK=no                     use-after-free   use-after-free
TRYGET=no                        ref-resurrect    ref-resurrect
INHERIT=no                       use-after-free   use-after-free
PARENT_LAST=no                   use-after-free   use-after-free
OBJCG_LOCK=no                    use-after-free   the list is wrong first, use-after-free too
CLEAR=no                         use-after-free   use-after-free
OBJCG_READ=no                    use-after-free   use-after-free
KILL_GP=no                       holds            holds
OBJCG_TRYGET=no                  holds            holds
OBJCG_RCU=no                     holds            holds
KILL_GP=no, OBJCG_TRYGET=no      ref-resurrect    ref-resurrect
KILL_GP=no, OBJCG_RCU=no         use-after-free   use-after-free
"""

from kmcheck.kernel.css import (
    Css,
    css_confirm_kill,
    css_get,
    css_killed_work_fn,
    css_put,
    css_tryget,
    css_wait_for_children,
    init_and_link_css,
    kill_css,
    no_css_released,
)
from kmcheck.kernel.irq import (
    spin_lock_irq,
    spin_lock_irqsave,
    spin_unlock_irq,
    spin_unlock_irqrestore,
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.page_counter import (
    PageCounter,
    page_counter_charge,
    page_counter_init,
    page_counter_uncharge,
)
from kmcheck.kernel.rcu import (
    RcuHead,
    call_rcu,
    kfree_rcu,
    rcu_assign_pointer,
    rcu_dereference,
    rcu_read_lock,
    rcu_read_unlock,
)
from kmcheck.kernel.refcount import (
    Refcount,
    refcount_dec_and_test,
    refcount_inc,
    refcount_inc_not_zero,
    refcount_set,
)
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.spinlock import SpinLock
from kmcheck.lang import (
    Object,
    Ref,
    SetOf,
    Size,
    alive,
    always,
    atomic,
    bound,
    choice,
    closure,
    conserved,
    container_of,
    count,
    finally_,
    is_alive,
    process,
    setup,
    start,
    total,
)

REMOVED = bound(1, "memcgs that are removed: the child, then the parent")
FREERS = bound(0, "pages of the child that are being freed")
STRAGGLERS = bound(1, "tasks that still charge a page to the child, and free it")
READ_LOCK = choice(True, "an objcg's memcg is looked up in an RCU read section")
TRYGET = choice(True, "an objcg's memcg is got by css_tryget(), until that succeeds")
INHERIT = choice(True, "the parent's list gets what the child's has, and the child's own objcg")
PARENT_LAST = choice(True, "a memcg goes offline only after its children have")
OBJCG_LOCK = choice(True, "offline and release change lists under objcg_lock")
CLEAR = choice(True, "offline takes the memcg's objcg away from it")
OBJCG_READ = choice(True, "a memcg's objcg is looked up in an RCU read section")
KILL_GP = choice(True, "the base reference is dropped a grace period after the kill")
OBJCG_TRYGET = choice(True, "a memcg's objcg is got by percpu_ref_tryget()")
OBJCG_RCU = choice(True, "an objcg is freed by RCU")


class Memcg(Object):
    css: Css
    parent: Ref["Memcg"]
    kmem: PageCounter
    objcg: Ref["ObjCgroup"]
    objcg_list: SetOf["ObjCgroup"]


class ObjCgroup(Object):
    refcnt: Refcount
    memcg: Ref[Memcg]
    ref_rcu: RcuHead  # percpu_ref_kill()'s
    rcu: RcuHead


class Page(Object, limit=FREERS + STRAGGLERS):
    objcg: Ref[ObjCgroup]
    size: Size


objcg_lock = SpinLock()


# --- objcg


def obj_cgroup_release(objcg: ObjCgroup) -> None:
    flags = False
    if OBJCG_LOCK:
        flags = spin_lock_irqsave(objcg_lock)
    memcg = objcg.memcg
    memcg.objcg_list.discard(objcg)  # list_del()
    if OBJCG_LOCK:
        spin_unlock_irqrestore(objcg_lock, flags)
    if OBJCG_RCU:
        kfree_rcu(objcg, objcg.rcu)
    else:
        kfree(objcg)


def obj_cgroup_put(objcg: ObjCgroup) -> None:
    last = refcount_dec_and_test(objcg.refcnt)
    if last:
        obj_cgroup_release(objcg)


def percpu_ref_switch_to_atomic_rcu(head: RcuHead) -> None:
    obj_cgroup_put(container_of(head, ObjCgroup, ObjCgroup.ref_rcu))


def get_obj_cgroup_from_memcg(memcg: Memcg) -> ObjCgroup | None:
    """Return the memcg's objcg, or that of the nearest memcg above that has one."""
    got = False
    objcg: ObjCgroup | None = None
    if OBJCG_READ:
        rcu_read_lock()
    while memcg is not None and not got:
        objcg = rcu_dereference(memcg.objcg)
        if objcg is not None:
            if OBJCG_TRYGET:
                got = refcount_inc_not_zero(objcg.refcnt)
            else:
                refcount_inc(objcg.refcnt)
                got = True
        memcg = memcg.parent
    if OBJCG_READ:
        rcu_read_unlock()
    return objcg if got else None


def get_mem_cgroup_from_objcg(objcg: ObjCgroup) -> Memcg:
    if READ_LOCK:
        rcu_read_lock()
    memcg = rcu_dereference(objcg.memcg)
    if TRYGET:
        while not css_tryget(memcg.css):
            memcg = rcu_dereference(objcg.memcg)
    else:
        css_get(memcg.css)
    if READ_LOCK:
        rcu_read_unlock()
    return memcg


# --- charge, uncharge


def free_page(page: Page) -> None:
    with atomic("the page is this CPU's alone"):
        objcg = page.objcg
        nr_pages = page.size
    memcg = get_mem_cgroup_from_objcg(objcg)
    page_counter_uncharge(memcg.kmem, nr_pages)
    css_put(memcg.css)
    kfree(page)
    obj_cgroup_put(objcg)


@process
def memcg_kmem_uncharge_page(page: Page) -> None:
    free_page(page)


@process
def memcg_kmem_charge_page(child: Memcg) -> None:
    objcg = get_obj_cgroup_from_memcg(child)
    css_put(child.css)
    if objcg is not None:
        with atomic("alloc_pages()"):
            page = Page(objcg=objcg)
            nr_pages = page.size
        memcg = get_mem_cgroup_from_objcg(objcg)
        page_counter_charge(memcg.kmem, nr_pages)
        css_put(memcg.css)
        free_page(page)


# --- rmdir


def memcg_reparent_objcgs(memcg: Memcg, parent: Memcg) -> None:
    objcg = memcg.objcg
    if CLEAR:
        memcg.objcg = None
    if OBJCG_LOCK:
        spin_lock_irq(objcg_lock)
    if objcg is not None:
        memcg.objcg_list.add(objcg)
    for inherited in memcg.objcg_list:
        rcu_assign_pointer(inherited.memcg, parent)
    with atomic("list_splice()"):
        if INHERIT:
            parent.objcg_list.update(memcg.objcg_list)
        memcg.objcg_list.clear()
    if OBJCG_LOCK:
        spin_unlock_irq(objcg_lock)
    if objcg is not None and KILL_GP:
        call_rcu(objcg.ref_rcu, percpu_ref_switch_to_atomic_rcu)
    elif objcg is not None:
        obj_cgroup_put(objcg)


def mem_cgroup_css_offline(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    memcg_reparent_objcgs(memcg, memcg.parent)


def mem_cgroup_css_free(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    kfree(memcg)


@process
def rmdir(memcg: Memcg) -> None:
    kill_css(memcg.css)
    css_confirm_kill(memcg.css)
    if PARENT_LAST:
        css_wait_for_children(memcg.css)
    css_killed_work_fn(memcg.css, mem_cgroup_css_offline)


@setup
def hierarchy() -> None:
    lockdep_init()
    root = Memcg()
    parent = Memcg(parent=root)
    child = Memcg(parent=parent)
    init_and_link_css(root.css, None, no_css_released, mem_cgroup_css_free)
    init_and_link_css(parent.css, root.css, no_css_released, mem_cgroup_css_free)
    init_and_link_css(child.css, parent.css, no_css_released, mem_cgroup_css_free)
    page_counter_init(parent.kmem, root.kmem)
    page_counter_init(child.kmem, parent.kmem)
    if STRAGGLERS > 0:  # nobody else would look at it
        parent.objcg = ObjCgroup(memcg=parent)
        refcount_set(parent.objcg.refcnt, 1)
    child.objcg = ObjCgroup(memcg=child)
    refcount_set(child.objcg.refcnt, 1 + FREERS)
    for _ in range(FREERS):
        page = Page(objcg=child.objcg)
        page_counter_charge(child.kmem, page.size)
        start(memcg_kmem_uncharge_page, page)
    for _ in range(STRAGGLERS):
        css_get(child.css)
        start(memcg_kmem_charge_page, child)
    start(rmdir, child)
    if REMOVED > 1:
        start(rmdir, parent)


@always
def a_list_has_the_objcgs_that_name_its_memcg(memcg: Memcg) -> bool:
    """Whenever objcg_lock is free."""
    return objcg_lock.owner is not None or all(
        is_alive(objcg) and objcg.memcg == memcg for objcg in memcg.objcg_list
    )


@conserved
def charged_where_it_belongs(memcg: Memcg) -> bool:
    """An online memcg's counter holds the pages whose owner, by the objcg's pointer, charges it."""
    if not memcg.css.online or any(not is_alive(page.objcg.memcg) for page in alive(Page)):
        return True
    return memcg.kmem.usage == total(
        page.size
        for page in alive(Page)
        if memcg.kmem in closure(page.objcg.memcg.kmem, PageCounter.parent)
    )


@finally_
def all_is_freed() -> bool:
    """No memcg is a zombie, and no objcg is left."""
    left = 3 - REMOVED
    return count(m for m in alive(Memcg)) == left and count(o for o in alive(ObjCgroup)) < left
